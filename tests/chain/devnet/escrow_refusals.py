"""What parties are refused when they dispute an escrow or want it to pay in steps."""

from typing import Any

from tests.chain.devnet.actors import Market
from tests.chain.devnet.refusals import (
    UNKNOWN,
    Attempt,
    assigned_task,
    bidding_task,
    completed_task,
    provokes,
)

MILESTONE = {"milestone_id": 1}


def disputed_task(market: Market) -> int:
    """A completed task whose escrow Alice disputes."""
    task_id, _ = completed_task(market)
    market.alice.do("Escrow.dispute_escrow", task_id=task_id)
    return task_id


def task_with_a_milestone(market: Market) -> dict[str, Any]:
    """An assigned task whose first milestone is not completed: the arguments of calls on it."""
    task_id, _ = assigned_task(market)
    market.add_milestone(task_id, 5)
    return {"task_id": task_id, **MILESTONE}


def task_with_a_completed_milestone(market: Market) -> dict[str, Any]:
    """The same, completed."""
    arguments = task_with_a_milestone(market)
    market.bob.do("Escrow.complete_milestone", **arguments)
    return arguments


# Disputes


@provokes("Escrow.EscrowNotFound")
def disputing_an_unknown_task(market: Market) -> Attempt:
    return market.alice, "Escrow.dispute_escrow", {"task_id": UNKNOWN}


@provokes("Escrow.NotParty")
def disputing_the_task_of_others(market: Market) -> Attempt:
    task_id, _ = assigned_task(market)
    return market.charlie, "Escrow.dispute_escrow", {"task_id": task_id}


@provokes("Escrow.NotParty")
def disputing_as_a_bidder_that_has_not_won_yet(market: Market) -> Attempt:
    task_id, _ = bidding_task(market)
    return market.bob, "Escrow.dispute_escrow", {"task_id": task_id}


@provokes("Escrow.NotDisputable")
def disputing_before_the_assignment(market: Market) -> Attempt:
    return market.alice, "Escrow.dispute_escrow", {"task_id": market.create_task()}


@provokes("Escrow.NotDisputable")
def disputing_what_is_paid(market: Market) -> Attempt:
    task_id, _ = completed_task(market)
    market.alice.do("Escrow.release_payment", task_id=task_id)
    return market.bob, "Escrow.dispute_escrow", {"task_id": task_id}


@provokes("Escrow.NotDisputable")
def disputing_twice(market: Market) -> Attempt:
    return market.bob, "Escrow.dispute_escrow", {"task_id": disputed_task(market)}


@provokes("Escrow.NotFunded")
def paying_what_is_disputed(market: Market) -> Attempt:
    return market.alice, "Escrow.release_payment", {"task_id": disputed_task(market)}


@provokes("Escrow.NotArbiter")
def deciding_ones_own_dispute(market: Market) -> Attempt:
    arguments = {"task_id": disputed_task(market), "pay_agent": False}
    return market.alice, "Escrow.resolve_dispute", arguments


@provokes("Escrow.NotDisputed")
def deciding_what_nobody_disputes(market: Market) -> Attempt:
    task_id, _ = completed_task(market)
    return market.arbiter, "Escrow.resolve_dispute", {"task_id": task_id, "pay_agent": True}


@provokes("Escrow.NotDisputed")
def deciding_twice(market: Market) -> Attempt:
    arguments = {"task_id": disputed_task(market), "pay_agent": False}
    market.arbiter.do("Escrow.resolve_dispute", **arguments)
    return market.arbiter, "Escrow.resolve_dispute", arguments


# Milestones


@provokes("Escrow.NotRequester")
def adding_a_milestone_to_the_task_of_another(market: Market) -> Attempt:
    return market.bob, "Escrow.add_milestone", market.milestone(market.create_task(), 5)


@provokes("Escrow.NotFunded")
def adding_a_milestone_to_a_cancelled_task(market: Market) -> Attempt:
    task_id = market.create_task()
    market.alice.do("TaskMarket.cancel_task", task_id=task_id)
    return market.alice, "Escrow.add_milestone", market.milestone(task_id, 5)


@provokes("Escrow.AlreadyCompleted")
def adding_a_milestone_to_a_completed_task(market: Market) -> Attempt:
    task_id, _ = completed_task(market)
    return market.alice, "Escrow.add_milestone", market.milestone(task_id, 5)


@provokes("Escrow.DescriptionTooLong")
def describing_a_milestone_in_257_bytes(market: Market) -> Attempt:
    arguments = market.milestone(market.create_task(), 5, description="d" * 257)
    return market.alice, "Escrow.add_milestone", arguments


@provokes("Escrow.AmountZero")
def adding_a_milestone_without_an_amount(market: Market) -> Attempt:
    return market.alice, "Escrow.add_milestone", market.milestone(market.create_task(), 0)


@provokes("Escrow.ApprovalsOutOfRange")
def adding_a_milestone_that_needs_no_approval(market: Market) -> Attempt:
    return market.alice, "Escrow.add_milestone", market.milestone(market.create_task(), 5, approvals=0)


@provokes("Escrow.ApprovalsOutOfRange")
def adding_a_milestone_that_needs_three_approvals(market: Market) -> Attempt:
    return market.alice, "Escrow.add_milestone", market.milestone(market.create_task(), 5, approvals=3)


@provokes("Escrow.TooManyMilestones")
def adding_a_fifty_first_milestone(market: Market) -> Attempt:
    task_id = market.create_task()
    for _ in range(50):
        market.alice.submit("Escrow.add_milestone", **market.milestone(task_id, 1))
    market.chain.seal()
    return market.alice, "Escrow.add_milestone", market.milestone(task_id, 1)


@provokes("Escrow.MilestonesExceedBudget")
def promising_more_than_the_budget(market: Market) -> Attempt:
    task_id = market.create_task(budget=100)
    market.add_milestone(task_id, 60)
    return market.alice, "Escrow.add_milestone", market.milestone(task_id, 41)


@provokes("Escrow.EscrowNotFound")
def completing_a_milestone_of_an_unknown_task(market: Market) -> Attempt:
    return market.bob, "Escrow.complete_milestone", {"task_id": UNKNOWN, **MILESTONE}


@provokes("Escrow.MilestoneNotFound")
def completing_an_unknown_milestone(market: Market) -> Attempt:
    task_id, _ = assigned_task(market)
    return market.bob, "Escrow.complete_milestone", {"task_id": task_id, **MILESTONE}


@provokes("Escrow.NoWinner")
def completing_a_milestone_before_the_assignment(market: Market) -> Attempt:
    task_id, _ = bidding_task(market)
    market.add_milestone(task_id, 5)
    return market.bob, "Escrow.complete_milestone", {"task_id": task_id, **MILESTONE}


@provokes("Escrow.NotParty")
def completing_the_milestone_of_another(market: Market) -> Attempt:
    return market.charlie, "Escrow.complete_milestone", task_with_a_milestone(market)


@provokes("TaskMarket.TaskNotAssigned")
def completing_a_milestone_after_the_task(market: Market) -> Attempt:
    arguments = task_with_a_milestone(market)
    market.complete(arguments["task_id"], 1)
    return market.bob, "Escrow.complete_milestone", arguments


@provokes("Escrow.AlreadyCompleted")
def completing_a_milestone_twice(market: Market) -> Attempt:
    return market.bob, "Escrow.complete_milestone", task_with_a_completed_milestone(market)


@provokes("Escrow.NotParty")
def approving_ones_own_milestone(market: Market) -> Attempt:
    return market.bob, "Escrow.approve_milestone", task_with_a_completed_milestone(market)


@provokes("Escrow.MilestoneNotFound")
def approving_an_unknown_milestone(market: Market) -> Attempt:
    return market.alice, "Escrow.approve_milestone", {"task_id": market.create_task(), **MILESTONE}


@provokes("Escrow.MilestoneNotCompleted")
def approving_a_milestone_too_early(market: Market) -> Attempt:
    return market.alice, "Escrow.approve_milestone", task_with_a_milestone(market)


@provokes("Escrow.AlreadyApproved")
def approving_twice_in_the_place_of_another(market: Market) -> Attempt:
    task_id, _ = assigned_task(market)
    market.add_milestone(task_id, 5, approvals=2)
    arguments = {"task_id": task_id, **MILESTONE}
    market.bob.do("Escrow.complete_milestone", **arguments)
    market.alice.do("Escrow.approve_milestone", **arguments)
    return market.alice, "Escrow.approve_milestone", arguments


@provokes("Escrow.AlreadyApproved")
def approving_a_milestone_that_is_paid(market: Market) -> Attempt:
    arguments = task_with_a_completed_milestone(market)
    market.alice.do("Escrow.approve_milestone", **arguments)
    return market.arbiter, "Escrow.approve_milestone", arguments


@provokes("Escrow.NotFunded")
def approving_a_milestone_during_a_dispute(market: Market) -> Attempt:
    arguments = task_with_a_completed_milestone(market)
    market.bob.do("Escrow.dispute_escrow", task_id=arguments["task_id"])
    return market.alice, "Escrow.approve_milestone", arguments
