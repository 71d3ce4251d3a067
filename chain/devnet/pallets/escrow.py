"""Escrow: a task's budget, set aside from its requester until the work is paid for or the money goes back."""

import dataclasses
import enum

from chain.devnet.context import BlockContext
from chain.devnet.frame import AccountId
from chain.devnet.pallet import Event, Pallet
from chain.devnet.pallets import agent_registry, balances, system, tasks
from chain.devnet.typeinfo import U8, U64, U128, composite, variants

PALLET = Pallet("Escrow", 12, "pallet_escrow")

FEE_PERCENT = 5


@variants("pallet_escrow::types::EscrowStatus")
class EscrowStatus(enum.StrEnum):
    """Funded until it is either Released or Refunded, once and for all."""

    FUNDED = "Funded"
    RELEASED = "Released"
    REFUNDED = "Refunded"


@composite("pallet_escrow::types::Escrow")
@dataclasses.dataclass(slots=True)
class Escrow:
    """What `user` has set aside for a task, in planck."""

    user: AccountId
    amount: U128
    status: EscrowStatus


ESCROWS = PALLET.map("Escrows", (U64,), Escrow, "The escrow of every task.")

PALLET.constant("FeePercent", U8, lambda _: FEE_PERCENT, "The treasury's share of a payment, in percent.")

EscrowNotFound = PALLET.error("EscrowNotFound", "There is no task of this id.")
NotRequester = PALLET.error("NotRequester", "Only the task's requester may do this.")
TaskNotCompleted = PALLET.error("TaskNotCompleted", "The task is not completed.")
NotFunded = PALLET.error("NotFunded", "The money was released or refunded before.")
InsufficientBalance = PALLET.error(
    "InsufficientBalance", "The account cannot set the budget aside and still exist."
)


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
    """A task's budget went back to its requester."""

    task_id: U64
    user: AccountId
    amount: U128


@PALLET.call
def release_payment(block: BlockContext, signer: AccountId, task_id: U64) -> None:
    """Pay for a completed task out of its escrow; what the work did not cost goes back to the requester."""
    escrow: Escrow | None = ESCROWS.get(block, task_id)
    if escrow is None:
        raise EscrowNotFound
    if escrow.user != signer:
        raise NotRequester
    task = tasks.task_at(block, task_id)
    if task.status != tasks.TaskStatus.COMPLETED or task.winner is None or task.cost is None:
        raise TaskNotCompleted
    if escrow.status != EscrowStatus.FUNDED:
        raise NotFunded
    payee = agent_registry.agent_at(block, task.winner).owner
    fee = task.cost * FEE_PERCENT // 100
    escrow.status = EscrowStatus.RELEASED
    ESCROWS.put(block, escrow, task_id)
    balances.unreserve(block, signer, escrow.amount)
    _pay(block, signer, payee, task.cost - fee)
    _pay(block, signer, balances.TREASURY, fee)
    block.deposit(PaymentReleased(task_id=task_id, agent=payee, amount=task.cost - fee, fee=fee))


def fund(block: BlockContext, task_id: int, user: bytes, amount: int) -> None:
    """Set a new task's budget aside, or raise InsufficientBalance."""
    if amount > balances.spendable(system.account_at(block, user)):
        raise InsufficientBalance
    balances.reserve(block, user, amount)
    ESCROWS.put(block, Escrow(user, amount, EscrowStatus.FUNDED), task_id)
    block.deposit(EscrowCreated(task_id=task_id, user=user, amount=amount))


def refund(block: BlockContext, task_id: int) -> None:
    """Give the budget of a task that will not be done back to its requester."""
    escrow: Escrow | None = ESCROWS.get(block, task_id)
    if escrow is None:
        raise EscrowNotFound
    escrow.status = EscrowStatus.REFUNDED
    ESCROWS.put(block, escrow, task_id)
    balances.unreserve(block, escrow.user, escrow.amount)
    block.deposit(EscrowRefunded(task_id=task_id, user=escrow.user, amount=escrow.amount))


def _pay(block: BlockContext, payer: bytes, payee: bytes, amount: int) -> None:
    if amount:
        balances.transfer(block, payer, payee, amount, keep_alive=True)
