"""Escrow: a task's budget, set aside from its requester until the work is paid for or the money goes back.

Milestones, which pay a part of it early, are in `milestones`.
"""

import dataclasses
import enum

from chain.devnet.context import BlockContext
from chain.devnet.frame import AccountId
from chain.devnet.pallet import Event, Pallet
from chain.devnet.pallets import agent_registry, balances, reputation, system, tasks
from chain.devnet.pallets.tasks import Task, TaskStatus
from chain.devnet.typeinfo import U8, U32, U64, U128, composite, variants

PALLET = Pallet("Escrow", 12, "pallet_escrow")

FEE_PERCENT = 5


@variants("pallet_escrow::types::EscrowStatus")
class EscrowStatus(enum.StrEnum):
    """Funded, perhaps Disputed, until it is either Released or Refunded, once and for all."""

    FUNDED = "Funded"
    RELEASED = "Released"
    REFUNDED = "Refunded"
    DISPUTED = "Disputed"


@composite("pallet_escrow::types::Escrow")
@dataclasses.dataclass(slots=True)
class Escrow:
    """What `user` has set aside for a task, in planck, and how much of it milestones have `paid`.

    `milestones` says how many there are, `promised` what they come to.
    """

    user: AccountId
    amount: U128
    status: EscrowStatus
    paid: U128 = 0
    milestones: U32 = 0
    promised: U128 = 0

    @property
    def left(self) -> int:
        return self.amount - self.paid


ESCROWS = PALLET.map("Escrows", (U64,), Escrow, "The escrow of every task.")

PALLET.constant("FeePercent", U8, lambda _: FEE_PERCENT, "The treasury's share of a payment, in percent.")
PALLET.constant("Arbiter", AccountId, lambda parameters: parameters.arbiter, "Who decides disputes.")

EscrowNotFound = PALLET.error("EscrowNotFound", "There is no task of this id.")
NotRequester = PALLET.error("NotRequester", "Only the task's requester may do this.")
TaskNotCompleted = PALLET.error("TaskNotCompleted", "The task is not completed.")
NotFunded = PALLET.error("NotFunded", "The money was released or refunded before, or is disputed.")
InsufficientBalance = PALLET.error(
    "InsufficientBalance", "The account cannot set the budget aside and still exist."
)
NotDisputable = PALLET.error(
    "NotDisputable", "Only funded escrows of tasks that are assigned or completed can be disputed."
)
NotDisputed = PALLET.error("NotDisputed", "The escrow is not disputed.")
NotArbiter = PALLET.error("NotArbiter", "Only the arbiter may do this.")
NotParty = PALLET.error("NotParty", "The signer has no part in the task that would allow this.")
NoWinner = PALLET.error("NoWinner", "The task is not assigned to anybody yet.")


class EscrowCreated(Event, of=PALLET):
    """A task's budget was set aside."""

    task_id: U64
    user: AccountId
    amount: U128


class PaymentReleased(Event, of=PALLET):
    """The winner's owner was paid `amount`, and the treasury `fee`."""

    task_id: U64
    agent: AccountId
    amount: U128
    fee: U128


class EscrowRefunded(Event, of=PALLET):
    """What was left of a task's budget went back to its requester."""

    task_id: U64
    user: AccountId
    amount: U128


class DisputeRaised(Event, of=PALLET):
    """A party disputes what the escrow is to do; the arbiter decides."""

    task_id: U64
    raised_by: AccountId


@PALLET.call
def release_payment(block: BlockContext, signer: AccountId, task_id: U64) -> None:
    """Pay for a completed task out of its escrow; what the work did not cost goes back to the requester."""
    escrow = requested_escrow(block, signer, task_id)
    task = tasks.task_at(block, task_id)
    if task.status != TaskStatus.COMPLETED:
        raise TaskNotCompleted
    if escrow.status != EscrowStatus.FUNDED:
        raise NotFunded
    payee = _release(block, task_id, escrow, task)
    reputation.count_outcome(block, payee, task_id, success=True)


@PALLET.call
def dispute_escrow(block: BlockContext, signer: AccountId, task_id: U64) -> None:
    """Leave the escrow of an assigned or completed task to the arbiter; its requester or winner may."""
    escrow, task = escrow_at(block, task_id), tasks.task_at(block, task_id)
    if signer != escrow.user and (task.winner is None or signer != award_of(block, task)[0]):
        raise NotParty
    disputable = (TaskStatus.ASSIGNED, TaskStatus.COMPLETED)
    if escrow.status != EscrowStatus.FUNDED or task.status not in disputable:
        raise NotDisputable
    escrow.status = EscrowStatus.DISPUTED
    ESCROWS.put(block, escrow, task_id)
    block.deposit(DisputeRaised(task_id=task_id, raised_by=signer))


@PALLET.call
def resolve_dispute(block: BlockContext, signer: AccountId, task_id: U64, pay_agent: bool) -> None:
    """Decide a dispute, as the arbiter: pay the winner's owner, or give what is left to the requester.

    This counts for nobody's reputation; the arbiter may report that, too.
    """
    escrow = escrow_at(block, task_id)
    if signer != block.parameters.arbiter:
        raise NotArbiter
    if escrow.status != EscrowStatus.DISPUTED:
        raise NotDisputed
    if pay_agent:
        _release(block, task_id, escrow, tasks.task_at(block, task_id))
    else:
        _refund(block, task_id, escrow)


def fund(block: BlockContext, task_id: int, user: bytes, amount: int) -> None:
    """Set a new task's budget aside, or raise InsufficientBalance."""
    if amount > balances.spendable(system.account_at(block, user)):
        raise InsufficientBalance
    balances.reserve(block, user, amount)
    ESCROWS.put(block, Escrow(user, amount, EscrowStatus.FUNDED), task_id)
    block.deposit(EscrowCreated(task_id=task_id, user=user, amount=amount))


def refund(block: BlockContext, task_id: int) -> None:
    """Give back what is left for a task that will not be done, unless the arbiter decides or has decided."""
    escrow = escrow_at(block, task_id)
    if escrow.status == EscrowStatus.FUNDED:
        _refund(block, task_id, escrow)


def escrow_at(block: BlockContext, task_id: int) -> Escrow:
    """Return the escrow of a task, or raise EscrowNotFound."""
    escrow: Escrow | None = ESCROWS.get(block, task_id)
    if escrow is None:
        raise EscrowNotFound
    return escrow


def requested_escrow(block: BlockContext, signer: bytes, task_id: int) -> Escrow:
    """Return the escrow of a task of the signer's, or raise EscrowNotFound or NotRequester."""
    escrow = escrow_at(block, task_id)
    if escrow.user != signer:
        raise NotRequester
    return escrow


def award_of(block: BlockContext, task: Task) -> tuple[bytes, int]:
    """Return who is to be paid for a task and its cost, or raise NoWinner."""
    if task.winner is None or task.cost is None:
        raise NoWinner
    return agent_registry.agent_at(block, task.winner).owner, task.cost


def pay(block: BlockContext, payer: bytes, payee: bytes, amount: int) -> None:
    """Pass on what was just freed from the payer's escrow."""
    if amount:
        balances.transfer(block, payer, payee, amount, keep_alive=True)


def _release(block: BlockContext, task_id: int, escrow: Escrow, task: Task) -> bytes:
    """Pay what milestones have not paid yet, less the treasury's share, and return who was paid."""
    payee, cost = award_of(block, task)
    due = cost - escrow.paid
    fee = due * FEE_PERCENT // 100
    escrow.status = EscrowStatus.RELEASED
    ESCROWS.put(block, escrow, task_id)
    balances.unreserve(block, escrow.user, escrow.left)
    pay(block, escrow.user, payee, due - fee)
    pay(block, escrow.user, balances.TREASURY, fee)
    block.deposit(PaymentReleased(task_id=task_id, agent=payee, amount=due - fee, fee=fee))
    return payee


def _refund(block: BlockContext, task_id: int, escrow: Escrow) -> None:
    escrow.status = EscrowStatus.REFUNDED
    ESCROWS.put(block, escrow, task_id)
    balances.unreserve(block, escrow.user, escrow.left)
    block.deposit(EscrowRefunded(task_id=task_id, user=escrow.user, amount=escrow.left))
