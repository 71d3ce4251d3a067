"""What agents, requesters and owners of money are refused."""

from chain.devnet.pallets.balances import EXISTENTIAL_DEPOSIT
from tests.chain.devnet.actors import UNIT, Market
from tests.chain.devnet.refusals import (
    DID,
    UNKNOWN,
    Attempt,
    assigned_task,
    bidding_task,
    completed_task,
    provokes,
    registering,
    result,
    revealing,
    revealing_task,
)


@provokes("AgentRegistry.DidEmpty")
def registering_without_a_did(market: Market) -> Attempt:
    return registering(market, did="")


@provokes("AgentRegistry.DidTooLong")
def registering_a_did_of_129_bytes(market: Market) -> Attempt:
    return registering(market, did="d" * 129)


@provokes("AgentRegistry.DidTaken")
def registering_the_did_of_a_retired_agent(market: Market) -> Attempt:
    agent_id = market.register(market.charlie, DID)
    market.charlie.do("AgentRegistry.retire_agent", agent_id=agent_id)
    return registering(market)


@provokes("AgentRegistry.TooManyCapabilities")
def registering_65_capabilities(market: Market) -> Attempt:
    return registering(market, capabilities=["c"] * 65)


@provokes("AgentRegistry.CapabilityTooLong")
def registering_a_capability_of_257_bytes(market: Market) -> Attempt:
    return registering(market, capabilities=["ok", "c" * 257])


@provokes("AgentRegistry.MetadataTooLong")
def registering_metadata_of_1025_bytes(market: Market) -> Attempt:
    return registering(market, metadata="m" * 1025)


@provokes("AgentRegistry.MetadataTooLong")
def updating_to_metadata_of_1025_bytes(market: Market) -> Attempt:
    agent_id = market.register(market.bob, DID)
    return market.bob, "AgentRegistry.update_agent", {
        "agent_id": agent_id, "capabilities": None, "metadata": "m" * 1025
    }  # fmt: skip


@provokes("AgentRegistry.AttestationTooLong")
def registering_an_attestation_of_4097_bytes(market: Market) -> Attempt:
    return registering(market, attestation="a" * 4097)


@provokes("AgentRegistry.AgentNotFound")
def retiring_an_unknown_agent(market: Market) -> Attempt:
    return market.bob, "AgentRegistry.retire_agent", {"agent_id": UNKNOWN}


@provokes("AgentRegistry.AgentNotFound")
def bidding_for_an_unknown_agent(market: Market) -> Attempt:
    return market.bob, "TaskMarket.submit_bid", market.bid(market.create_task(), UNKNOWN, DID, 10)


@provokes("AgentRegistry.NotAgentOwner")
def updating_the_agent_of_another(market: Market) -> Attempt:
    agent_id = market.register(market.charlie, DID)
    arguments = {"agent_id": agent_id, "capabilities": None, "metadata": None}
    return market.bob, "AgentRegistry.update_agent", arguments


@provokes("AgentRegistry.AgentNotActive")
def retiring_an_agent_twice(market: Market) -> Attempt:
    agent_id = market.register(market.bob, DID)
    market.bob.do("AgentRegistry.retire_agent", agent_id=agent_id)
    return market.bob, "AgentRegistry.retire_agent", {"agent_id": agent_id}


@provokes("TaskMarket.TaskNotFound")
def cancelling_an_unknown_task(market: Market) -> Attempt:
    return market.alice, "TaskMarket.cancel_task", {"task_id": UNKNOWN}


@provokes("TaskMarket.NotRequester")
def closing_the_bidding_on_the_task_of_another(market: Market) -> Attempt:
    return market.bob, "TaskMarket.close_bidding", {"task_id": market.create_task()}


@provokes("TaskMarket.NotAgentOwner")
def bidding_for_the_agent_of_another(market: Market) -> Attempt:
    agent_id, task_id = market.register(market.charlie, DID), market.create_task()
    return market.bob, "TaskMarket.submit_bid", market.bid(task_id, agent_id, DID, 10)


@provokes("TaskMarket.NotAgentOwner")
def delivering_the_result_of_the_agent_of_another(market: Market) -> Attempt:
    return market.charlie, "TaskMarket.submit_result", result(*assigned_task(market))


@provokes("TaskMarket.AgentNotActive")
def bidding_for_a_retired_agent(market: Market) -> Attempt:
    agent_id, task_id = market.register(market.bob, DID), market.create_task()
    market.bob.do("AgentRegistry.retire_agent", agent_id=agent_id)
    return market.bob, "TaskMarket.submit_bid", market.bid(task_id, agent_id, DID, 10)


@provokes("TaskMarket.TaskNotBidding")
def bidding_after_the_bidding(market: Market) -> Attempt:
    task_id, agent_id = revealing_task(market)
    return market.bob, "TaskMarket.submit_bid", market.bid(task_id, agent_id, DID, 10)


@provokes("TaskMarket.TaskNotBidding")
def closing_the_bidding_twice(market: Market) -> Attempt:
    task_id, _ = revealing_task(market)
    return market.alice, "TaskMarket.close_bidding", {"task_id": task_id}


@provokes("TaskMarket.TaskNotRevealing")
def revealing_while_bids_are_taken(market: Market) -> Attempt:
    return market.bob, "TaskMarket.reveal_bid", revealing(*bidding_task(market))


@provokes("TaskMarket.TaskNotRevealing")
def allocating_while_bids_are_taken(market: Market) -> Attempt:
    task_id, _ = bidding_task(market)
    return market.alice, "TaskMarket.allocate_task", {"task_id": task_id}


@provokes("TaskMarket.TaskNotAssigned")
def delivering_a_result_before_the_assignment(market: Market) -> Attempt:
    return market.bob, "TaskMarket.submit_result", result(*revealing_task(market))


@provokes("TaskMarket.TaskNotCancellable")
def cancelling_an_assigned_task(market: Market) -> Attempt:
    task_id, _ = assigned_task(market)
    return market.alice, "TaskMarket.cancel_task", {"task_id": task_id}


@provokes("TaskMarket.DuplicateBid")
def bidding_twice(market: Market) -> Attempt:
    task_id, agent_id = bidding_task(market)
    return market.bob, "TaskMarket.submit_bid", market.bid(task_id, agent_id, DID, 9)


@provokes("TaskMarket.BidNotFound")
def revealing_a_bid_that_was_never_made(market: Market) -> Attempt:
    task_id, _ = revealing_task(market)
    other = market.register(market.bob, "did:ex:other")
    return market.bob, "TaskMarket.reveal_bid", revealing(task_id, other)


@provokes("TaskMarket.AlreadyRevealed")
def revealing_twice(market: Market) -> Attempt:
    arguments = revealing(*revealing_task(market))
    market.bob.do("TaskMarket.reveal_bid", **arguments)
    return market.bob, "TaskMarket.reveal_bid", arguments


@provokes("TaskMarket.CommitmentMismatch")
def revealing_another_cost(market: Market) -> Attempt:
    return market.bob, "TaskMarket.reveal_bid", revealing(*revealing_task(market), cost=9)


@provokes("TaskMarket.CommitmentMismatch")
def revealing_another_nonce(market: Market) -> Attempt:
    return market.bob, "TaskMarket.reveal_bid", revealing(*revealing_task(market), nonce=bytes(32))


@provokes("TaskMarket.CostAboveBudget")
def revealing_a_cost_above_the_budget(market: Market) -> Attempt:
    agent_id, task_id = market.register(market.bob, DID), market.create_task(budget=1000)
    market.bob.do("TaskMarket.submit_bid", **market.bid(task_id, agent_id, DID, 1001))
    market.alice.do("TaskMarket.close_bidding", task_id=task_id)
    return market.bob, "TaskMarket.reveal_bid", revealing(task_id, agent_id, cost=1001)


@provokes("TaskMarket.NoRevealedBid")
def allocating_with_only_a_sealed_bid(market: Market) -> Attempt:
    task_id, _ = revealing_task(market)
    return market.alice, "TaskMarket.allocate_task", {"task_id": task_id}


@provokes("TaskMarket.NotWinner")
def delivering_the_result_of_a_loser(market: Market) -> Attempt:
    task_id, _ = assigned_task(market)
    loser = market.register(market.bob, "did:ex:loser")
    return market.bob, "TaskMarket.submit_result", result(task_id, loser)


@provokes("TaskMarket.DeadlinePassed")
def posting_a_task_due_in_the_very_block(market: Market) -> Attempt:
    return market.alice, "TaskMarket.create_task", market.task(blocks=1)


@provokes("TaskMarket.BudgetZero")
def posting_a_task_without_budget(market: Market) -> Attempt:
    return market.alice, "TaskMarket.create_task", market.task(budget=0)


@provokes("TaskMarket.ProofTooLong")
def delivering_a_proof_of_4097_bytes(market: Market) -> Attempt:
    return market.bob, "TaskMarket.submit_result", result(*assigned_task(market), proof=b"p" * 4097)


@provokes("Escrow.EscrowNotFound")
def paying_for_an_unknown_task(market: Market) -> Attempt:
    return market.alice, "Escrow.release_payment", {"task_id": UNKNOWN}


@provokes("Escrow.NotRequester")
def paying_oneself_for_the_task_of_another(market: Market) -> Attempt:
    task_id, _ = completed_task(market)
    return market.bob, "Escrow.release_payment", {"task_id": task_id}


@provokes("Escrow.TaskNotCompleted")
def paying_for_a_cancelled_task(market: Market) -> Attempt:
    task_id = market.create_task()
    market.alice.do("TaskMarket.cancel_task", task_id=task_id)
    return market.alice, "Escrow.release_payment", {"task_id": task_id}


@provokes("Escrow.NotFunded")
def paying_twice(market: Market) -> Attempt:
    task_id, _ = completed_task(market)
    market.alice.do("Escrow.release_payment", task_id=task_id)
    return market.alice, "Escrow.release_payment", {"task_id": task_id}


@provokes("Escrow.InsufficientBalance")
def posting_a_task_that_would_leave_less_than_the_existential_deposit(market: Market) -> Attempt:
    budget = market.alice.free - EXISTENTIAL_DEPOSIT + 1
    return market.alice, "TaskMarket.create_task", market.task(budget=budget)


@provokes("Utility.TooManyCalls")
def batching_a_hundred_and_one_calls(market: Market) -> Attempt:
    remark = {"System": {"remark": {"remark": b""}}}
    return market.alice, "Utility.force_batch", {"calls": [remark] * 101}


@provokes("Token.FundsUnavailable")
def transferring_more_than_there_is(market: Market) -> Attempt:
    return market.alice, "Balances.transfer_allow_death", {
        "dest": market.bob.account, "value": market.alice.free + 1
    }  # fmt: skip


@provokes("Token.FundsUnavailable")
def dying_while_money_is_set_aside(market: Market) -> Attempt:
    market.create_task()
    arguments = {"dest": market.bob.account, "value": market.alice.free}
    return market.alice, "Balances.transfer_allow_death", arguments


@provokes("Token.NotExpendable")
def transferring_all_and_staying_alive(market: Market) -> Attempt:
    arguments = {"dest": market.bob.account, "value": market.alice.free}
    return market.alice, "Balances.transfer_keep_alive", arguments


@provokes("Token.BelowMinimum")
def opening_an_account_with_less_than_the_existential_deposit(market: Market) -> Attempt:
    arguments = {"dest": b"n" * 32, "value": EXISTENTIAL_DEPOSIT - 1}
    return market.alice, "Balances.transfer_allow_death", arguments


@provokes("CannotLookup")
def transferring_to_an_address_that_is_no_account(market: Market) -> Attempt:
    arguments = {"dest": {"Raw": b"nobody"}, "value": UNIT}
    return market.alice, "Balances.transfer_allow_death", arguments


@provokes("BadOrigin")
def setting_the_time_by_a_signature(market: Market) -> Attempt:
    return market.alice, "Timestamp.set", {"now": 1}
