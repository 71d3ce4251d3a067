"""The life of a task and of its money, from its posting to its end, through signed extrinsics."""

from chain.devnet import DevChain
from chain.devnet.pallets import balances, escrow
from chain.devnet.pallets.agent_registry import AGENTS
from chain.devnet.pallets.tasks import BIDS, TASKS
from tests.chain.devnet.actors import SEAL_NONCE, SPEC_HASH, UNIT, Market, block_events, stored


def test_a_task_is_bid_for_under_seal_won_by_the_cheapest_done_and_paid(
    chain: DevChain, market: Market
) -> None:
    alice, bob, charlie = market.alice, market.bob, market.charlie
    treasury_before = chain.account(balances.TREASURY).data.free
    dear = market.register(bob, "did:ex:dear")
    cheap = market.register(charlie, "did:ex:cheap")
    alice_before, charlie_before = alice.free, charlie.free

    created = alice.do("TaskMarket.create_task", **market.task(budget=100 * UNIT))
    assert created.names == ["TaskMarket.TaskCreated", "Balances.Reserved", "Escrow.EscrowCreated"]
    assert created.events[0].fields == {"task_id": 1, "requester": alice.account, "budget": 100 * UNIT}
    assert created.events[2].fields == {"task_id": 1, "user": alice.account, "amount": 100 * UNIT}
    assert (alice.free, alice.reserved) == (alice_before - 100 * UNIT, 100 * UNIT)

    submitted = bob.do("TaskMarket.submit_bid", **market.bid(1, dear, "did:ex:dear", 80 * UNIT))
    assert submitted.names == ["TaskMarket.BidSubmitted"]
    charlie.do("TaskMarket.submit_bid", **market.bid(1, cheap, "did:ex:cheap", 60 * UNIT))
    assert stored(chain, BIDS, 1, cheap).cost is None

    assert alice.do("TaskMarket.close_bidding", task_id=1).names == ["TaskMarket.BiddingClosed"]
    bob.do("TaskMarket.reveal_bid", task_id=1, agent_id=dear, cost=80 * UNIT, nonce=SEAL_NONCE)
    revealed = charlie.do(
        "TaskMarket.reveal_bid", task_id=1, agent_id=cheap, cost=60 * UNIT, nonce=SEAL_NONCE
    )
    assert revealed.events[0].fields == {"task_id": 1, "agent_id": cheap, "cost": 60 * UNIT}

    allocated = alice.do("TaskMarket.allocate_task", task_id=1)
    assert allocated.events[0].fields == {"task_id": 1, "agent_id": cheap, "cost": 60 * UNIT}
    completed = charlie.do(
        "TaskMarket.submit_result", task_id=1, agent_id=cheap, result_hash=b"r" * 32, proof=b"p"
    )
    assert completed.names == ["TaskMarket.TaskCompleted"]

    released = alice.do("Escrow.release_payment", task_id=1)
    assert released.names == [
        "Balances.Unreserved",
        "Balances.Transfer",
        "Balances.Transfer",
        "Escrow.PaymentReleased",
    ]
    fee = 60 * UNIT * 5 // 100
    paid = {"task_id": 1, "agent": charlie.account, "amount": 60 * UNIT - fee, "fee": fee}
    assert released.events[3].fields == paid
    assert (alice.free, alice.reserved) == (alice_before - 60 * UNIT, 0)
    assert charlie.free == charlie_before + 60 * UNIT - fee
    assert chain.account(balances.TREASURY).data.free == treasury_before + fee

    task = stored(chain, TASKS, 1)
    assert (task.status, task.winner, task.cost) == ("Completed", cheap, 60 * UNIT)
    assert (task.result_hash, task.spec_hash) == (b"r" * 32, SPEC_HASH)
    assert stored(chain, escrow.ESCROWS, 1).status == "Released"


def test_of_bids_that_cost_the_same_the_first_wins(market: Market) -> None:
    first = market.register(market.charlie, "did:ex:first")
    second = market.register(market.bob, "did:ex:second")
    task_id = market.create_task()
    market.charlie.do("TaskMarket.submit_bid", **market.bid(task_id, first, "did:ex:first", 5))
    market.bob.do("TaskMarket.submit_bid", **market.bid(task_id, second, "did:ex:second", 5))
    market.alice.do("TaskMarket.close_bidding", task_id=task_id)
    market.bob.do("TaskMarket.reveal_bid", task_id=task_id, agent_id=second, cost=5, nonce=SEAL_NONCE)
    market.charlie.do("TaskMarket.reveal_bid", task_id=task_id, agent_id=first, cost=5, nonce=SEAL_NONCE)
    allocated = market.alice.do("TaskMarket.allocate_task", task_id=task_id)
    assert allocated.events[0].fields["agent_id"] == first


def test_a_cancelled_task_gives_its_budget_back(market: Market) -> None:
    before = market.alice.free
    task_id = market.create_task(budget=7 * UNIT)
    cancelled = market.alice.do("TaskMarket.cancel_task", task_id=task_id)
    assert cancelled.names == ["TaskMarket.TaskCancelled", "Balances.Unreserved", "Escrow.EscrowRefunded"]
    assert (market.alice.free, market.alice.reserved) == (before, 0)


def test_bidding_closes_by_itself_when_the_window_ends(chain: DevChain, market: Market) -> None:
    market.create_task()
    window = chain.runtime.codec.constant("TaskMarket", "BiddingWindow")
    before = chain.seal(window - 1)
    assert block_events(chain, before) == []
    assert block_events(chain, chain.seal()) == [("TaskMarket.BiddingClosed", {"task_id": 1})]
    assert stored(chain, TASKS, 1).status == "Revealing"


def test_an_unassigned_task_expires_in_the_block_after_its_deadline(chain: DevChain, market: Market) -> None:
    before = market.alice.free
    market.create_task(blocks=5, budget=3 * UNIT)
    at_deadline = chain.seal(4)
    assert at_deadline.number == stored(chain, TASKS, 1).deadline
    assert block_events(chain, at_deadline) == []
    assert block_events(chain, chain.seal()) == [
        ("TaskMarket.TaskExpired", {"task_id": 1}),
        ("Balances.Unreserved", {"who": market.alice.account, "amount": 3 * UNIT}),
        ("Escrow.EscrowRefunded", {"task_id": 1, "user": market.alice.account, "amount": 3 * UNIT}),
    ]
    assert market.alice.free == before


def test_an_assigned_task_fails_in_the_block_after_its_deadline(chain: DevChain, market: Market) -> None:
    agent_id = market.register(market.bob, "did:ex:late")
    task_id = market.create_task(blocks=6)
    market.assign(task_id, agent_id, "did:ex:late", 10)
    chain.seal()
    failed, refund = block_events(chain, chain.seal())[0::2]
    assert failed == ("TaskMarket.TaskFailed", {"task_id": task_id, "reason": "DeadlinePassed"})
    assert refund[0] == "Escrow.EscrowRefunded"
    assert market.alice.reserved == 0


def test_a_result_in_the_block_of_the_deadline_still_counts(chain: DevChain, market: Market) -> None:
    agent_id = market.register(market.bob, "did:ex:punctual")
    task_id = market.create_task(blocks=6)
    market.assign(task_id, agent_id, "did:ex:punctual", 10)
    market.complete(task_id, agent_id)
    assert stored(chain, TASKS, task_id).deadline == chain.best.number
    assert block_events(chain, chain.seal()) == []
    assert stored(chain, TASKS, task_id).status == "Completed"


def test_work_that_costs_nothing_is_released_without_any_payment(market: Market) -> None:
    agent_id = market.register(market.bob, "did:ex:free")
    task_id = market.create_task()
    market.assign(task_id, agent_id, "did:ex:free", 0)
    market.complete(task_id, agent_id)
    released = market.alice.do("Escrow.release_payment", task_id=task_id)
    assert released.names == ["Balances.Unreserved", "Escrow.PaymentReleased"]


def test_an_update_of_an_agent_changes_only_what_it_names(chain: DevChain, market: Market) -> None:
    agent_id = market.register(market.bob, "did:ex:a", metadata="first")
    market.bob.do("AgentRegistry.update_agent", agent_id=agent_id, capabilities=["paint"], metadata=None)
    agent = stored(chain, AGENTS, agent_id)
    assert (agent.capabilities, agent.metadata) == ([b"paint"], b"first")
    market.bob.do("AgentRegistry.update_agent", agent_id=agent_id, capabilities=None, metadata="second")
    agent = stored(chain, AGENTS, agent_id)
    assert (agent.capabilities, agent.metadata) == ([b"paint"], b"second")


def test_a_retired_agent_keeps_its_did_and_its_assigned_work(chain: DevChain, market: Market) -> None:
    agent_id = market.register(market.bob, "did:ex:old")
    task_id = market.create_task()
    market.assign(task_id, agent_id, "did:ex:old", 10)
    assert market.bob.do("AgentRegistry.retire_agent", agent_id=agent_id).names == [
        "AgentRegistry.AgentRetired"
    ]
    market.complete(task_id, agent_id)
    assert stored(chain, TASKS, task_id).status == "Completed"
