"""Milestones: steps of a task that its escrow pays for, as soon as they are done and approved.

They are a part of the pallet Escrow.
"""

import dataclasses

from chain.devnet.context import BlockContext
from chain.devnet.frame import AccountId
from chain.devnet.pallet import Event
from chain.devnet.pallets import balances, tasks
from chain.devnet.pallets.escrow import (
    ESCROWS,
    Escrow,
    EscrowStatus,
    NotFunded,
    NotParty,
    award_of,
    escrow_at,
    pay,
    requested_escrow,
)
from chain.devnet.pallets.escrow import PALLET as PALLET
from chain.devnet.pallets.tasks import TaskStatus
from chain.devnet.typeinfo import U32, U64, U128, Bytes, composite

DESCRIPTION_BYTES_MAX = 256
MILESTONES_MAX = 50
APPROVALS_MAX = 2


@composite("pallet_escrow::types::Milestone")
@dataclasses.dataclass(slots=True)
class Milestone:
    """A step of a task. `amount` is planck; it is paid with the last of the approvals that are required."""

    description: Bytes
    amount: U128
    required_approvals: U32
    completed: bool
    approved_by: list[AccountId]

    @property
    def approved(self) -> bool:
        return len(self.approved_by) >= self.required_approvals


MILESTONES = PALLET.map("Milestones", (U64, U32), Milestone, "All milestones by task and by id in the task.")

PALLET.constant("MaxMilestones", U32, lambda _: MILESTONES_MAX, "The most milestones of a task.")
PALLET.constant(
    "MaxDescriptionLength",
    U32,
    lambda _: DESCRIPTION_BYTES_MAX,
    "The longest description of a milestone, in bytes.",
)

MilestoneNotFound = PALLET.error("MilestoneNotFound", "The task has no milestone of this id.")
MilestoneNotCompleted = PALLET.error("MilestoneNotCompleted", "The milestone is not completed yet.")
AlreadyCompleted = PALLET.error("AlreadyCompleted", "The task or the milestone is completed.")
AlreadyApproved = PALLET.error("AlreadyApproved", "The milestone has this approval, or all that it needs.")
TooManyMilestones = PALLET.error("TooManyMilestones", "The task has 50 milestones.")
MilestonesExceedBudget = PALLET.error(
    "MilestonesExceedBudget", "The milestones would come to more than the task's budget."
)
DescriptionTooLong = PALLET.error("DescriptionTooLong", "The description is longer than 256 bytes.")
AmountZero = PALLET.error("AmountZero", "A milestone needs an amount.")
ApprovalsOutOfRange = PALLET.error("ApprovalsOutOfRange", "A milestone needs 1 or 2 approvals.")


class MilestoneAdded(Event, of=PALLET):
    """A part of a task's budget is for a step of the work."""

    task_id: U64
    milestone_id: U32
    amount: U128
    required_approvals: U32


class MilestoneCompleted(Event, of=PALLET):
    """The winner's owner says that a step is done."""

    task_id: U64
    milestone_id: U32
    completed_by: AccountId


class MilestoneApproved(Event, of=PALLET):
    """The requester or the arbiter says that a step is done."""

    task_id: U64
    milestone_id: U32
    approved_by: AccountId


class MilestonePaid(Event, of=PALLET):
    """The winner's owner was paid for a step, at most what was left of the task's cost."""

    task_id: U64
    milestone_id: U32
    amount: U128
    recipient: AccountId


@PALLET.call
def add_milestone(
    block: BlockContext,
    signer: AccountId,
    task_id: U64,
    description: Bytes,
    amount: U128,
    required_approvals: U32,
) -> None:
    """Promise a part of a task's budget for a step, as its requester; the task is not completed yet."""
    escrow = requested_escrow(block, signer, task_id)
    if escrow.status != EscrowStatus.FUNDED:
        raise NotFunded
    if tasks.task_at(block, task_id).status == TaskStatus.COMPLETED:
        raise AlreadyCompleted
    if len(description) > DESCRIPTION_BYTES_MAX:
        raise DescriptionTooLong
    if amount == 0:
        raise AmountZero
    if not 1 <= required_approvals <= APPROVALS_MAX:
        raise ApprovalsOutOfRange
    if escrow.milestones >= MILESTONES_MAX:
        raise TooManyMilestones
    if escrow.promised + amount > escrow.amount:
        raise MilestonesExceedBudget
    escrow.milestones += 1
    escrow.promised += amount
    ESCROWS.put(block, escrow, task_id)
    milestone = Milestone(description, amount, required_approvals, completed=False, approved_by=[])
    MILESTONES.put(block, milestone, task_id, escrow.milestones)
    block.deposit(
        MilestoneAdded(
            task_id=task_id,
            milestone_id=escrow.milestones,
            amount=amount,
            required_approvals=required_approvals,
        )
    )


@PALLET.call
def complete_milestone(block: BlockContext, signer: AccountId, task_id: U64, milestone_id: U32) -> None:
    """Say that a step of an assigned task is done, as the owner of the agent that does it."""
    escrow_at(block, task_id)
    milestone, task = _milestone_at(block, task_id, milestone_id), tasks.task_at(block, task_id)
    worker, _ = award_of(block, task)
    if signer != worker:
        raise NotParty
    if task.status != TaskStatus.ASSIGNED:
        raise tasks.TaskNotAssigned
    if milestone.completed:
        raise AlreadyCompleted
    milestone.completed = True
    MILESTONES.put(block, milestone, task_id, milestone_id)
    block.deposit(MilestoneCompleted(task_id=task_id, milestone_id=milestone_id, completed_by=signer))


@PALLET.call
def approve_milestone(block: BlockContext, signer: AccountId, task_id: U64, milestone_id: U32) -> None:
    """Agree that a step is done, as requester or arbiter; the last approval required pays for it at once."""
    escrow, milestone = escrow_at(block, task_id), _milestone_at(block, task_id, milestone_id)
    if signer not in (escrow.user, block.parameters.arbiter):
        raise NotParty
    if escrow.status != EscrowStatus.FUNDED:
        raise NotFunded
    if not milestone.completed:
        raise MilestoneNotCompleted
    if milestone.approved or signer in milestone.approved_by:
        raise AlreadyApproved
    milestone.approved_by.append(signer)
    MILESTONES.put(block, milestone, task_id, milestone_id)
    block.deposit(MilestoneApproved(task_id=task_id, milestone_id=milestone_id, approved_by=signer))
    if milestone.approved:
        _pay(block, task_id, escrow, milestone_id, milestone.amount)


def _pay(block: BlockContext, task_id: int, escrow: Escrow, milestone_id: int, promised: int) -> None:
    worker, cost = award_of(block, tasks.task_at(block, task_id))
    amount = min(promised, cost - escrow.paid)
    escrow.paid += amount
    ESCROWS.put(block, escrow, task_id)
    balances.unreserve(block, escrow.user, amount)
    pay(block, escrow.user, worker, amount)
    paid = MilestonePaid(task_id=task_id, milestone_id=milestone_id, amount=amount, recipient=worker)
    block.deposit(paid)


def _milestone_at(block: BlockContext, task_id: int, milestone_id: int) -> Milestone:
    milestone: Milestone | None = MILESTONES.get(block, task_id, milestone_id)
    if milestone is None:
        raise MilestoneNotFound
    return milestone
