"""Disputes about the money of tasks: raise, and in local mode resolve; with a chain its arbiter resolves."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from storage.errors import ChainDecides, InvalidTransition, TaskNotAssigned
from storage.lifecycle import ESCROW, EscrowStatus, TaskStatus
from storage.market import intents
from storage.market.workset import TASKS, Workset
from storage.outcome import Outcome, decide_each, mutation
from storage.records import Action, Receipt, Record, Remembered, Task
from storage.transaction import Transaction


class Dispute(Record, frozen=True, kw_only=True):
    """Dispute the escrow of a task, by its requester or (if given) by the agent it is assigned to."""

    task_id: str
    reason: str
    agent_id: str = ""


@mutation(Receipt[Task], locks=lambda item: [(TASKS, item.task_id)], subject=attrgetter("agent_id"))
def raise_(tx: Transaction, items: Sequence[Dispute]) -> list[Outcome[Receipt[Task]]]:
    """Dispute the escrows of assigned or completed tasks.

    Refusals, per task: TaskNotFound, TaskNotAssigned (to this agent), InvalidTransition, ActionPending.
    """
    work = Workset(tx)
    work.tasks.load(item.task_id for item in items)
    outcomes = decide_each(items, lambda item: _raise(work, item))
    work.store()
    return outcomes


def _raise(work: Workset, item: Dispute) -> Receipt[Task]:
    task = work.existing_task(item.task_id)
    if item.agent_id and item.agent_id != task.assigned_agent_id:
        raise TaskNotAssigned(task.task_id, task.status, item.agent_id)
    if task.escrow_status == EscrowStatus.DISPUTED:
        return Receipt(record=task)
    ESCROW.check(task.task_id, task.escrow_status, EscrowStatus.DISPUTED)
    if task.status not in (TaskStatus.ASSIGNED, TaskStatus.COMPLETED):
        raise InvalidTransition(
            "escrow", task.task_id, task.escrow_status, EscrowStatus.DISPUTED, task_status=task.status
        )
    by = item.agent_id or task.requester_id
    return intents.begin(
        work,
        work.tasks,
        task,
        Action.DISPUTE_TASK,
        signer=by,
        local={
            "escrow_status": EscrowStatus.DISPUTED,
            "disputed_by": by,
            "dispute_reason": item.reason,
        },
        remembered=Remembered(dispute_reason=item.reason),
    )


class Resolution(Record, frozen=True, kw_only=True):
    """How a dispute ends: the agent is paid, or the requester has the budget back."""

    task_id: str
    pay_agent: bool


@mutation(Receipt[Task], locks=lambda item: [(TASKS, item.task_id)])
def resolve(tx: Transaction, items: Sequence[Resolution]) -> list[Outcome[Receipt[Task]]]:
    """End the disputes of tasks, in local mode only.

    Refusals, per task: ChainDecides, TaskNotFound, InvalidTransition.
    """
    work = Workset(tx)
    work.tasks.load(item.task_id for item in items)
    outcomes = decide_each(items, lambda item: _resolve(work, item))
    work.store()
    return outcomes


def _resolve(work: Workset, item: Resolution) -> Receipt[Task]:
    if not work.tx.local:
        raise ChainDecides("escrow", item.task_id)
    task = work.existing_task(item.task_id)
    target = EscrowStatus.RELEASED if item.pay_agent else EscrowStatus.REFUNDED
    if task.escrow_status != EscrowStatus.DISPUTED:
        raise InvalidTransition("escrow", task.task_id, task.escrow_status, target)
    paid: dict[str, Any] = {"paid_amount": task.cost, "fee_amount": 0} if item.pay_agent else {}
    return Receipt(record=work.tasks.change(task, escrow_status=target, **paid))
