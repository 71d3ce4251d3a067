"""Tasks: create, cancel, close bidding, allocate, settle, expire, read."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, select, text

from storage import schema
from storage.audit.deeds import AuditFacts
from storage.batches import Batch
from storage.engines.driver import Row, fetch
from storage.errors import (
    DeadlinePassed,
    InvalidTransition,
    NoRevealedBid,
    TaskNotFound,
    TaskNotRevealing,
)
from storage.fetcher import query
from storage.ids import new_id
from storage.lifecycle import ESCROW, TASK, BidStatus, EscrowStatus, TaskStatus
from storage.market import agreements, intents, milestones
from storage.market.workset import TASKS, Workset
from storage.outcome import Outcome, decide_each, mutation
from storage.records import (
    Action,
    Agreement,
    Bid,
    Milestone,
    Receipt,
    Record,
    Task,
    VerificationLevel,
)
from storage.transaction import Transaction

# Most tasks have none, and then these are not looked for.
_HAS_TERMS = " OR ".join(
    f"EXISTS (SELECT 1 FROM {table} WHERE {table}.task_id = tasks.task_id)"
    for table in ("agreements", "milestones")
)


class NewTask(Record, frozen=True, kw_only=True):
    requester_id: str
    description: str
    task_type: str
    max_budget: int
    deadline_us: int
    client_task_id: str = ""
    input: bytes = b""
    verification_level: VerificationLevel = VerificationLevel.BEST_EFFORT
    bidding_window_us: int  # in local mode, how long bidding stays open


class TaskDetail(Record, frozen=True, kw_only=True):
    """A task with its input, the agreement on it, and the milestones of its escrow."""

    task: Task
    input: bytes
    agreement: Agreement | None = None
    milestones: tuple[Milestone, ...] = ()


def spec_hash(new: NewTask) -> bytes:
    """The hash of a specification that the chain keeps; its preimage is defined at `Task.spec_hash`."""
    texts = (new.requester_id, new.client_task_id, new.task_type, new.description)
    pieces: list[bytes] = []
    for part in (*(field.encode() for field in texts), new.input):
        pieces += (len(part).to_bytes(8, "little"), part)
    return hashlib.blake2b(b"".join(pieces), digest_size=32).digest()


@mutation(Receipt[Task])
def create(tx: Transaction, items: Sequence[NewTask]) -> list[Outcome[Receipt[Task]]]:
    """Store tasks, each with its input, its extrinsic and its event. Refusals, per task: DeadlinePassed."""
    work = Workset(tx)
    inputs: list[Row] = []

    def decide(item: NewTask) -> Receipt[Task]:
        receipt = _create(work, item)
        if item.input:
            inputs.append((receipt.record.task_id, item.input))
        return receipt

    outcomes = decide_each(items, decide)
    work.store()
    if inputs:
        tx.dialect.insert(tx.connection, schema.task_inputs, ("task_id", "input"), inputs)
    return outcomes


def _create(work: Workset, item: NewTask) -> Receipt[Task]:
    if item.deadline_us <= work.tx.now_us:
        raise DeadlinePassed
    task_id = new_id()
    task = Task(
        task_id=task_id,
        client_task_id=item.client_task_id,
        requester_id=item.requester_id,
        description=item.description,
        task_type=item.task_type,
        max_budget=item.max_budget,
        deadline_us=item.deadline_us,
        verification_level=item.verification_level,
        spec_hash=spec_hash(item),
        **_first_state(work, item, task_id),
    )
    return Receipt(record=work.tasks.add(task), correlation_id=task.pending_correlation_id)


def _first_state(work: Workset, item: NewTask, task_id: str) -> dict[str, Any]:
    if work.tx.local:
        return {
            "status": TaskStatus.BIDDING,
            "escrow_status": EscrowStatus.FUNDED,
            "bidding_end_us": min(item.deadline_us, work.tx.now_us + item.bidding_window_us),
        }
    correlation_id = intents.enqueue(
        work, Action.CREATE_TASK, entity_id=task_id, signer=item.requester_id, task_id=task_id
    )
    return intents.pending(Action.CREATE_TASK, correlation_id)


def _on_each(
    tx: Transaction, task_ids: Sequence[str], decide: Callable[[Workset, Task], Receipt[Task]]
) -> list[Outcome[Receipt[Task]]]:
    """Load the tasks, decide each, store them."""
    work = Workset(tx)
    work.tasks.load(task_ids)

    outcomes = decide_each(task_ids, lambda task_id: decide(work, work.existing_task(task_id)))
    work.store()
    return outcomes


@mutation(Receipt[Task], locks=lambda task_id: [(TASKS, task_id)])
def cancel(tx: Transaction, items: Sequence[str]) -> list[Outcome[Receipt[Task]]]:
    """Cancel tasks by id. Refusals: TaskNotFound, InvalidTransition, ActionPending."""
    return _on_each(tx, items, _cancel)


def _cancel(work: Workset, task: Task) -> Receipt[Task]:
    TASK.check(task.task_id, task.status, TaskStatus.CANCELLED)
    if task.status == TaskStatus.CANCELLED:
        return Receipt(record=task)
    return intents.begin(
        work,
        work.tasks,
        task,
        Action.CANCEL_TASK,
        signer=task.requester_id,
        local={"status": TaskStatus.CANCELLED, "escrow_status": EscrowStatus.REFUNDED},
    )


@mutation(Receipt[Task], locks=lambda task_id: [(TASKS, task_id)])
def close_bidding(tx: Transaction, items: Sequence[str]) -> list[Outcome[Receipt[Task]]]:
    """Close the bidding of tasks by id. Refusals: TaskNotFound, InvalidTransition, ActionPending."""
    return _on_each(tx, items, _close_bidding)


def _close_bidding(work: Workset, task: Task) -> Receipt[Task]:
    TASK.check(task.task_id, task.status, TaskStatus.REVEALING)
    if task.status == TaskStatus.REVEALING:
        return Receipt(record=task)
    return intents.begin(
        work,
        work.tasks,
        task,
        Action.CLOSE_BIDDING,
        signer=task.requester_id,
        local={"status": TaskStatus.REVEALING},
    )


@mutation(Receipt[Task], locks=lambda task_id: [(TASKS, task_id)])
def allocate(tx: Transaction, items: Sequence[str]) -> list[Outcome[Receipt[Task]]]:
    """Allocate tasks by id to their best bids: lowest value first, then first come.

    Refusals: TaskNotFound, TaskNotRevealing, NoRevealedBid, ActionPending.
    """
    work = Workset(tx)
    work.tasks.load(items)
    work.bids.load(items, by="task_id")
    outcomes = decide_each(items, lambda task_id: _allocate(work, work.existing_task(task_id)))
    work.store()
    return outcomes


def _allocate(work: Workset, task: Task) -> Receipt[Task]:
    if task.status == TaskStatus.ASSIGNED:
        return Receipt(record=task)
    if task.status != TaskStatus.REVEALING:
        raise TaskNotRevealing(task.task_id, task.status)
    revealed = [bid for bid in work.bids.of(task.task_id) if bid.status == BidStatus.REVEALED]
    if not revealed:
        raise NoRevealedBid(task.task_id)
    best = best_bid(revealed)
    receipt = intents.begin(
        work,
        work.tasks,
        task,
        Action.ALLOCATE_TASK,
        signer=task.requester_id,
        local={
            "status": TaskStatus.ASSIGNED,
            "assigned_agent_id": best.agent_id,
            "cost": best.value,
        },
    )
    if work.tx.local:
        decide_bids(work, task, revealed, best.agent_id)
    return receipt


def best_bid(revealed: Sequence[Bid]) -> Bid:
    """The lowest value; of equals the one made first (bid ids are in the order of creation)."""
    return min(revealed, key=lambda bid: (bid.value or 0, bid.bid_id))


def decide_bids(work: Workset, task: Task, bids: Sequence[Bid], winner: str) -> None:
    """Mark revealed bids won or lost."""
    for bid in bids:
        status = BidStatus.WON if bid.agent_id == winner else BidStatus.LOST
        work.bids.change(bid, requester_id=task.requester_id, status=status)


@mutation(Receipt[Task], locks=lambda task_id: [(TASKS, task_id)])
def settle(tx: Transaction, items: Sequence[str]) -> list[Outcome[Receipt[Task]]]:
    """Pay the agents of completed tasks, by task id.

    Refusals: TaskNotFound, InvalidTransition, ActionPending.
    """
    return _on_each(tx, items, _settle)


def _settle(work: Workset, task: Task) -> Receipt[Task]:
    if task.escrow_status == EscrowStatus.RELEASED:
        return Receipt(record=task)
    if task.escrow_status == EscrowStatus.DISPUTED:  # only a resolution ends it
        raise InvalidTransition("escrow", task.task_id, task.escrow_status, EscrowStatus.RELEASED)
    ESCROW.check(task.task_id, task.escrow_status, EscrowStatus.RELEASED)
    if task.status != TaskStatus.COMPLETED:
        raise InvalidTransition(
            "escrow", task.task_id, task.escrow_status, EscrowStatus.RELEASED, task_status=task.status
        )
    return intents.begin(
        work,
        work.tasks,
        task,
        Action.SETTLE_TASK,
        signer=task.requester_id,
        local={"escrow_status": EscrowStatus.RELEASED, "paid_amount": task.cost, "fee_amount": 0},
    )


class PassedTime(Batch[int], frozen=True, kw_only=True):
    """The tasks that a batch changed, and the status of each after it."""

    statuses: dict[str, TaskStatus]


def _passed_facts(passed: PassedTime) -> list[AuditFacts]:
    return [AuditFacts("task", task_id, status=status) for task_id, status in passed.statuses.items()]


@mutation(PassedTime, describe=_passed_facts)
def sweep_deadlines(tx: Transaction, items: Sequence[int]) -> list[Outcome[PassedTime]]:
    """In local mode, close the bidding windows and pass the deadlines that are due.

    Each item is how many tasks to change at most. With a chain none is changed: its blocks decide.
    """
    return [_sweep(tx, at_most if tx.local else 0) for at_most in items]


def _sweep(tx: Transaction, at_most: int) -> PassedTime:
    if not at_most:
        return PassedTime(statuses={}, more=False)
    due = _due(tx, schema.OPEN_TASK, schema.tasks.c.deadline_us, at_most)
    due |= _due(tx, schema.BIDDING_TASK, schema.tasks.c.bidding_end_us, at_most - len(due))
    work = Workset(tx)
    work.tasks.load(sorted(due))
    for task in work.tasks.all(lambda task: True):
        _pass_time(work, task)
    work.store()
    statuses = {task.task_id: task.status for task in work.tasks.all(lambda task: True)}
    return PassedTime(statuses=statuses, more=len(due) >= at_most)


def _due(tx: Transaction, condition: str, time_us: Column[int], at_most: int) -> set[str]:
    """Claim tasks whose time has come."""
    due = (
        select(schema.tasks.c.task_id)
        .where(text(condition), time_us <= tx.now_us)
        .order_by(time_us)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    return set(tx.connection.execute(due).scalars())


def _pass_time(work: Workset, task: Task) -> None:
    if task.deadline_us is None or task.deadline_us > work.tx.now_us:
        work.tasks.change(task, status=TaskStatus.REVEALING)
        return
    assigned = task.status == TaskStatus.ASSIGNED
    disputed = task.escrow_status == EscrowStatus.DISPUTED  # then the money waits for the resolution
    work.tasks.change(
        task,
        status=TaskStatus.FAILED if assigned else TaskStatus.EXPIRED,
        escrow_status=EscrowStatus.DISPUTED if disputed else EscrowStatus.REFUNDED,
        last_error="the deadline passed without a result" if assigned else "",
    )


@query
def get(tx: Transaction, keys: Sequence[str]) -> list[Outcome[TaskDetail]]:
    """Tasks by id, with all that belongs to them. Refusals: TaskNotFound."""
    condition = tx.dialect.any_of(schema.tasks.c.task_id)
    rows = fetch(
        tx.connection,
        f"SELECT {', '.join(TASKS.quoted())}, task_inputs.input, {_HAS_TERMS}"
        f" FROM tasks LEFT JOIN task_inputs ON task_inputs.task_id = tasks.task_id WHERE {condition}",
        tx.dialect.keys(keys),
    )
    found = {}
    with_terms = []
    for *row, task_input, has_terms in rows:
        task = TASKS.from_row(row)
        found[task.task_id] = TaskDetail(task=task, input=task_input or b"")
        if has_terms:
            with_terms.append(task.task_id)
    agreement_on, milestones_of = agreements.of_tasks(tx, with_terms), milestones.of_tasks(tx, with_terms)
    for task_id in with_terms:
        found[task_id] = msgspec.structs.replace(
            found[task_id],
            agreement=agreement_on.get(task_id),
            milestones=tuple(milestones_of.get(task_id, ())),
        )
    return [found.get(key) or TaskNotFound(key) for key in keys]
