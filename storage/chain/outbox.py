"""The outbox as its users see it: enqueue a raw call, withdraw, requeue, read.

The part of the submitter is in `storage.chain.submission`.
"""

from collections.abc import Sequence
from typing import Any

from storage.errors import ExtrinsicLive, ExtrinsicNotFound, InvalidTransition, NoChain, Refusal
from storage.fetcher import query
from storage.ids import new_id
from storage.lifecycle import (
    EXTRINSIC,
    LIVE_EXTRINSIC,
    AgentStatus,
    BidStatus,
    ExtrinsicStatus,
    ResultStatus,
    TaskStatus,
)
from storage.limits import LAST_ERROR_CHARS_MAX
from storage.market import intents
from storage.market.workset import EXTRINSICS, Entities, Workset
from storage.outcome import Outcome, decide_each, mutation
from storage.records import Action, Agent, Bid, Extrinsic, Receipt, Record, Result, Task
from storage.transaction import Transaction

_FIRST_STATUS = {
    Action.REGISTER_AGENT: (AgentStatus.PENDING, AgentStatus.REJECTED),
    Action.CREATE_TASK: (TaskStatus.PENDING, TaskStatus.REJECTED),
    Action.SUBMIT_BID: (BidStatus.PENDING, BidStatus.REJECTED),
    Action.SUBMIT_RESULT: (ResultStatus.PENDING, ResultStatus.REJECTED),
}
"""Of the actions that bring an entity to the chain: its status before, and once the chain refused."""


class NewCall(Record, frozen=True, kw_only=True):
    """A call as it is given; `payload` is its arguments as canonical JSON.

    `refusal` says why it cannot be taken in, unless it is asked for again: then the first answer stands.
    """

    pallet: str
    call: str
    payload: str
    signer: str = ""
    refusal: Refusal | None = None


@mutation(Receipt[Extrinsic])
def enqueue_call(tx: Transaction, items: Sequence[NewCall]) -> list[Outcome[Receipt[Extrinsic]]]:
    """Put raw calls into the outbox. Refusals, per call: NoChain, its own."""
    work = Workset(tx)
    outcomes = decide_each(items, lambda item: _enqueue_call(work, item))
    work.store()
    return outcomes


def _enqueue_call(work: Workset, item: NewCall) -> Receipt[Extrinsic]:
    if work.tx.local:
        raise NoChain
    if item.refusal is not None:
        raise item.refusal.copy()  # what is raised leads to its frames, and they to the item
    extrinsic = work.extrinsics.add(
        Extrinsic(
            correlation_id=new_id(),
            action=Action.RAW_CALL,
            pallet=item.pallet,
            call=item.call,
            payload=item.payload,
            signer=item.signer,
            next_attempt_us=work.tx.now_us,
        )
    )
    return Receipt(record=extrinsic, correlation_id=extrinsic.correlation_id)


@mutation(Extrinsic)
def cancel(tx: Transaction, items: Sequence[str]) -> list[Outcome[Extrinsic]]:
    """Withdraw extrinsics by correlation id.

    Refusals: ExtrinsicNotFound, ExtrinsicLive, InvalidTransition.
    """
    work = Workset(tx)
    load_with_entities(work, items)
    outcomes = decide_each(items, lambda correlation_id: _cancel(work, correlation_id))
    work.store()
    return outcomes


def _cancel(work: Workset, correlation_id: str) -> Extrinsic:
    extrinsic = work.existing_extrinsic(correlation_id)
    if extrinsic.status in LIVE_EXTRINSIC:
        raise ExtrinsicLive(correlation_id, extrinsic.status)
    EXTRINSIC.check(correlation_id, extrinsic.status, ExtrinsicStatus.CANCELLED)
    if extrinsic.status == ExtrinsicStatus.CANCELLED:
        return extrinsic
    if (
        extrinsic.status == ExtrinsicStatus.DEAD
    ):  # it has no intent any more, and why it died is worth keeping
        return work.extrinsics.change(extrinsic, status=ExtrinsicStatus.CANCELLED)
    return give_up(work, extrinsic, ExtrinsicStatus.CANCELLED, "the extrinsic was cancelled")


@mutation(Extrinsic)
def requeue(tx: Transaction, items: Sequence[str]) -> list[Outcome[Extrinsic]]:
    """Queue dead or cancelled extrinsics again, by correlation id, and restore their intents.

    Each asks the chain for what it asked for when it was made, whatever came after it.

    Refusals: ExtrinsicNotFound, InvalidTransition, ActionPending.
    """
    work = Workset(tx)
    load_with_entities(work, items)
    outcomes = decide_each(items, lambda correlation_id: _requeue(work, correlation_id))
    work.store()
    return outcomes


def _requeue(work: Workset, correlation_id: str) -> Extrinsic:
    extrinsic = work.existing_extrinsic(correlation_id)
    if extrinsic.status not in (ExtrinsicStatus.CANCELLED, ExtrinsicStatus.DEAD):
        raise InvalidTransition("extrinsic", correlation_id, extrinsic.status, ExtrinsicStatus.QUEUED)
    carrier = carrier_of(work, extrinsic)
    if carrier is not None:
        entities, record = carrier
        first = _FIRST_STATUS.get(extrinsic.action)
        if first is not None and record.status != first[0]:
            raise InvalidTransition(
                type(record).__name__.lower(), extrinsic.entity_id, record.status, first[0]
            )
        intents.refuse_pending(record)
        entities.change(
            record,
            requester_id=work.requester_of(extrinsic.task_id),
            last_error="",
            **intents.shown(extrinsic.remembered),
            **intents.pending(extrinsic.action, correlation_id),
        )
    return work.extrinsics.change(
        extrinsic,
        status=ExtrinsicStatus.QUEUED,
        attempt_count=0,
        last_error="",
        lease_token="",
        lease_end_us=0,
        next_attempt_us=work.tx.now_us,
    )


@query
def get(tx: Transaction, keys: Sequence[str]) -> list[Outcome[Extrinsic]]:
    """Extrinsics by correlation id. Refusals: ExtrinsicNotFound."""
    found = {row.correlation_id: row for row in EXTRINSICS.load(tx, keys, lock=False)}
    return [found.get(key) or ExtrinsicNotFound(key) for key in keys]


def load_with_entities(work: Workset, correlation_ids: Sequence[str]) -> None:
    """Load extrinsics with the entities that carry their intents.

    Which entities these are never changes, so they are found without a lock, and then locked in the
    order of all transactions: parents first, extrinsics last.
    """
    load_entities_of(work, EXTRINSICS.load(work.tx, correlation_ids, lock=False))
    work.extrinsics.load(correlation_ids)


def load_entities_of(work: Workset, extrinsics: Sequence[Extrinsic]) -> None:
    """Load the entities that extrinsics concern, and those that carry their intents."""
    work.agents.load({row.agent_id for row in extrinsics if row.agent_id})
    work.tasks.load({row.task_id for row in extrinsics if row.task_id})
    bid_actions = (Action.SUBMIT_BID, Action.REVEAL_BID)
    work.bids.load({row.entity_id for row in extrinsics if row.action in bid_actions})
    work.results.load({row.entity_id for row in extrinsics if row.action == Action.SUBMIT_RESULT})


def carrier_of(
    work: Workset, extrinsic: Extrinsic
) -> tuple[Entities[Any], Agent | Task | Bid | Result] | None:
    """The loaded entity that carries the intent of an extrinsic, and where it is; None of a raw call."""
    # By action, not by id alone: who registers an agent chooses its id, and could choose that of a task.
    entities: Entities[Any]
    match extrinsic.action:
        case Action.REGISTER_AGENT | Action.UPDATE_AGENT | Action.RETIRE_AGENT:
            entities = work.agents
        case Action.SUBMIT_BID | Action.REVEAL_BID:
            entities = work.bids
        case Action.SUBMIT_RESULT:
            entities = work.results
        case Action.RAW_CALL | Action.NONE:
            return None
        case _:
            entities = work.tasks
    record = entities.get(extrinsic.entity_id)
    return None if record is None else (entities, record)


def give_up(
    work: Workset,
    extrinsic: Extrinsic,
    status: ExtrinsicStatus,
    error: str,
    *,
    rejected: bool = False,
    **fields: Any,
) -> Extrinsic:
    """End an extrinsic without success (and set `fields`): the intent is cleared, its entity says why.

    If the chain `rejected` what would have brought an entity to the chain, the entity is rejected, and
    with it the bids that wait for it. The entities must be loaded.
    """
    error = error[:LAST_ERROR_CHARS_MAX]
    clear_intent(work, extrinsic, error, rejected=rejected)
    final = work.tx.now_us if status == ExtrinsicStatus.FAILED else None
    return work.extrinsics.change(
        extrinsic, status=status, last_error=error, lease_token="", finalize_time_us=final, **fields
    )


def clear_intent(work: Workset, extrinsic: Extrinsic, error: str, *, rejected: bool) -> None:
    """Take the intent of an extrinsic from the entity that carries it."""
    carrier = carrier_of(work, extrinsic)
    if carrier is None or carrier[1].pending_correlation_id != extrinsic.correlation_id:
        return
    entities, record = carrier
    fields: dict[str, object] = {"last_error": error, **intents.pending(Action.NONE, "")}
    if rejected:
        fields |= rejection(extrinsic, record)
    if error:
        fields |= intents.hidden(extrinsic.remembered)
    elif isinstance(record, Agent):
        fields["pending_update"] = None
    entities.change(
        record,
        requester_id=work.requester_of(extrinsic.task_id),
        correlation_id=extrinsic.correlation_id,
        **fields,
    )
    if "status" in fields and isinstance(record, Agent | Task):
        reject_waiting_bids(work, record)


def rejection(extrinsic: Extrinsic, record: Agent | Task | Bid | Result) -> dict[str, object]:
    """The fields of an entity that the chain refused to take in; none if it was there before."""
    first = _FIRST_STATUS.get(extrinsic.action)
    return {"status": first[1]} if first is not None and record.status == first[0] else {}


def reject_waiting_bids(work: Workset, parent: Agent | Task) -> None:
    """Reject the bids that wait for an agent or task which the chain refused; theirs never were signed."""
    if isinstance(parent, Task):
        work.bids.load([parent.task_id], by="task_id")
        waiting = work.bids.of(parent.task_id)
    else:
        work.bids.load([parent.agent_id], by="agent_id")
        waiting = work.bids.all(lambda bid: bid.agent_id == parent.agent_id)
    waiting = [bid for bid in waiting if bid.status == BidStatus.PENDING]
    work.tasks.load({bid.task_id for bid in waiting})
    work.extrinsics.load({bid.pending_correlation_id for bid in waiting if bid.pending_correlation_id})
    error = f"the chain refused the {type(parent).__name__.lower()} of this bid"
    for bid in waiting:
        extrinsic = work.extrinsics.get(bid.pending_correlation_id)
        work.bids.change(
            bid,
            requester_id=work.requester_of(bid.task_id),
            correlation_id=bid.pending_correlation_id,
            status=BidStatus.REJECTED,
            last_error=error,
            **intents.pending(Action.NONE, ""),
        )
        if extrinsic is not None and extrinsic.status == ExtrinsicStatus.QUEUED:
            work.extrinsics.change(
                extrinsic, status=ExtrinsicStatus.CANCELLED, last_error=error, lease_token=""
            )
