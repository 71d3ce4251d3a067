"""What becomes of an escrow that is disputed, or paid from in steps."""

import pytest

from chain.devnet import DevChain
from chain.devnet.pallets import balances
from chain.devnet.pallets.escrow import ESCROWS
from chain.devnet.pallets.milestones import MILESTONES
from chain.devnet.pallets.tasks import TASKS
from tests.chain.devnet.actors import UNIT, Actor, Market, block_events, stored

DID = "did:ex:agent"
BUDGET, COST = 100 * UNIT, 60 * UNIT


@pytest.fixture
def task_id(market: Market) -> int:
    """A task of Alice's with a budget of 100 that Bob's agent has won for 60."""
    agent_id, task_id = market.register(market.bob, DID), market.create_task(budget=BUDGET)
    market.assign(task_id, agent_id, DID, COST)
    return task_id


def approve(market: Market, task_id: int, milestone_id: int, *approvers: Actor) -> list[list[str]]:
    """Let Bob complete a milestone and others approve it; return what each approval did."""
    arguments = {"task_id": task_id, "milestone_id": milestone_id}
    market.bob.do("Escrow.complete_milestone", **arguments)
    return [approver.do("Escrow.approve_milestone", **arguments).names for approver in approvers]


# Disputes


@pytest.mark.parametrize("party", ["alice", "bob"])
def test_either_party_may_dispute_and_the_arbiter_may_pay_the_agent(
    chain: DevChain, market: Market, task_id: int, party: str
) -> None:
    market.complete(task_id, 1)
    alice_before, bob_before = market.alice.free, market.bob.free
    treasury_before = chain.account(balances.TREASURY).data.free
    raised = getattr(market, party).do("Escrow.dispute_escrow", task_id=task_id)
    assert raised.names == ["Escrow.DisputeRaised"]
    assert raised.events[0].fields == {"task_id": task_id, "raised_by": getattr(market, party).account}
    assert stored(chain, ESCROWS, task_id).status == "Disputed"
    resolved = market.arbiter.do("Escrow.resolve_dispute", task_id=task_id, pay_agent=True)
    assert resolved.names == [
        "Balances.Unreserved",
        "Balances.Transfer",
        "Balances.Transfer",
        "Escrow.PaymentReleased",
    ]
    fee = COST * 5 // 100
    paid = {"task_id": task_id, "agent": market.bob.account, "amount": COST - fee, "fee": fee}
    assert resolved.events[3].fields == paid
    assert stored(chain, ESCROWS, task_id).status == "Released"
    assert (market.alice.free, market.alice.reserved) == (alice_before + BUDGET - COST, 0)
    assert market.bob.free == bob_before + COST - fee
    assert chain.account(balances.TREASURY).data.free == treasury_before + fee


def test_the_arbiter_may_give_the_money_back(chain: DevChain, market: Market, task_id: int) -> None:
    before = market.alice.free
    market.alice.do("Escrow.dispute_escrow", task_id=task_id)
    resolved = market.arbiter.do("Escrow.resolve_dispute", task_id=task_id, pay_agent=False)
    assert resolved.names == ["Balances.Unreserved", "Escrow.EscrowRefunded"]
    assert resolved.events[1].fields["amount"] == BUDGET
    assert (market.alice.free, market.alice.reserved) == (before + BUDGET, 0)
    assert stored(chain, ESCROWS, task_id).status == "Refunded"
    assert stored(chain, TASKS, task_id).status == "Assigned"


def test_a_disputed_task_that_fails_leaves_its_escrow_to_the_arbiter(
    chain: DevChain, market: Market, task_id: int
) -> None:
    market.bob.do("Escrow.dispute_escrow", task_id=task_id)
    chain.seal(stored(chain, TASKS, task_id).deadline - chain.best.number)
    assert block_events(chain, chain.seal()) == [
        ("TaskMarket.TaskFailed", {"task_id": task_id, "reason": "DeadlinePassed"})
    ]
    assert (stored(chain, ESCROWS, task_id).status, market.alice.reserved) == ("Disputed", BUDGET)
    assert market.arbiter.do("Escrow.resolve_dispute", task_id=task_id, pay_agent=True).error is None
    assert (stored(chain, ESCROWS, task_id).status, market.alice.reserved) == ("Released", 0)


@pytest.mark.parametrize("pay_agent", [True, False])
def test_a_task_whose_dispute_was_decided_fails_without_another_refund(
    chain: DevChain, market: Market, task_id: int, pay_agent: bool
) -> None:
    market.bob.do("Escrow.dispute_escrow", task_id=task_id)
    market.arbiter.do("Escrow.resolve_dispute", task_id=task_id, pay_agent=pay_agent)
    before = market.alice.free
    chain.seal(stored(chain, TASKS, task_id).deadline - chain.best.number)
    assert [name for name, _ in block_events(chain, chain.seal())] == ["TaskMarket.TaskFailed"]
    assert (market.alice.free, market.alice.reserved) == (before, 0)


# Milestones


def test_a_milestone_is_paid_with_its_last_approval_and_the_rest_with_the_release(
    chain: DevChain, market: Market, task_id: int
) -> None:
    bob_before = market.bob.free
    added = market.alice.do("Escrow.add_milestone", **market.milestone(task_id, 20 * UNIT, approvals=2))
    milestone = {"task_id": task_id, "milestone_id": 1}
    assert added.events[0].fields == {**milestone, "amount": 20 * UNIT, "required_approvals": 2}
    completed = market.bob.do("Escrow.complete_milestone", **milestone)
    assert completed.events[0].fields == {**milestone, "completed_by": market.bob.account}
    first = market.alice.do("Escrow.approve_milestone", **milestone)
    assert first.names == ["Escrow.MilestoneApproved"]
    assert first.events[0].fields == {**milestone, "approved_by": market.alice.account}
    last = market.arbiter.do("Escrow.approve_milestone", **milestone)
    assert last.names == [
        "Escrow.MilestoneApproved",
        "Balances.Unreserved",
        "Balances.Transfer",
        "Escrow.MilestonePaid",
    ]
    assert last.events[3].fields == {**milestone, "amount": 20 * UNIT, "recipient": market.bob.account}
    assert (market.bob.free, market.alice.reserved) == (bob_before + 20 * UNIT, 80 * UNIT)
    assert stored(chain, MILESTONES, task_id, 1).approved_by == [market.alice.account, market.arbiter.account]

    market.complete(task_id, 1)
    released = market.alice.do("Escrow.release_payment", task_id=task_id).events[3].fields
    fee = 40 * UNIT * 5 // 100
    assert (released["amount"], released["fee"]) == (40 * UNIT - fee, fee)
    assert (market.bob.free, market.alice.reserved) == (bob_before + 60 * UNIT - fee, 0)


def test_milestones_never_pay_more_than_the_cost(chain: DevChain, market: Market, task_id: int) -> None:
    bob_before = market.bob.free
    amounts = [50 * UNIT, 30 * UNIT, 20 * UNIT]
    ids = [market.add_milestone(task_id, amount) for amount in amounts]
    assert ids == [1, 2, 3]
    paid = "Escrow.MilestonePaid"
    assert [approve(market, task_id, each, market.alice)[0][-1] for each in ids] == [paid, paid, paid]
    assert market.bob.free == bob_before + COST
    assert stored(chain, ESCROWS, task_id).paid == COST
    market.complete(task_id, 1)
    released = market.alice.do("Escrow.release_payment", task_id=task_id)
    assert released.names == ["Balances.Unreserved", "Escrow.PaymentReleased"]
    assert released.events[1].fields["amount"] == released.events[1].fields["fee"] == 0
    assert market.alice.reserved == 0


def test_a_milestone_promised_before_the_assignment_is_for_the_winner(market: Market) -> None:
    agent_id, task_id = market.register(market.bob, DID), market.create_task(budget=BUDGET)
    milestone_id = market.add_milestone(task_id, 5 * UNIT)
    market.assign(task_id, agent_id, DID, COST)
    before = market.bob.free
    approve(market, task_id, milestone_id, market.alice)
    assert market.bob.free == before + 5 * UNIT


def test_a_completed_milestone_can_be_approved_after_the_task(market: Market, task_id: int) -> None:
    milestone_id = market.add_milestone(task_id, 5 * UNIT)
    market.bob.do("Escrow.complete_milestone", task_id=task_id, milestone_id=milestone_id)
    market.complete(task_id, 1)
    before = market.bob.free
    market.arbiter.do("Escrow.approve_milestone", task_id=task_id, milestone_id=milestone_id)
    assert market.bob.free == before + 5 * UNIT


def test_a_refund_gives_back_what_milestones_have_left(chain: DevChain, market: Market, task_id: int) -> None:
    approve(market, task_id, market.add_milestone(task_id, 10 * UNIT), market.alice)
    chain.seal(stored(chain, TASKS, task_id).deadline - chain.best.number)
    failed, unreserved, refunded = block_events(chain, chain.seal())
    assert failed[0] == "TaskMarket.TaskFailed"
    assert refunded[0] == "Escrow.EscrowRefunded"
    assert unreserved[1]["amount"] == refunded[1]["amount"] == 90 * UNIT
    assert market.alice.reserved == 0


def test_the_limits_of_milestones_are_inclusive(market: Market) -> None:
    task_id = market.create_task(budget=50)
    for _ in range(50):
        arguments = market.milestone(task_id, 1, description="d" * 256, approvals=2)
        market.alice.submit("Escrow.add_milestone", **arguments)
    events = market.chain.events(market.chain.seal())
    assert [event.fields["milestone_id"] for event in events if event.name == "MilestoneAdded"] == [
        *range(1, 51)
    ]
