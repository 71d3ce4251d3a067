"""What a mutation does to an entity: at once in local mode, as an intent with a chain.

With a chain the entity shows the intent as its pending action, and the outbox gets a row; both in the
transaction of the mutation. The entity moves when the chain's finalized event is projected.
"""

from typing import Any, TypeVar

import msgspec

from storage import events
from storage.errors import ActionPending
from storage.ids import new_id
from storage.market.workset import Entities, Workset
from storage.records import Action, Agent, Bid, Extrinsic, Receipt, Remembered, Result, Task

R = TypeVar("R", Agent, Task, Bid, Result)


def enqueue(
    work: Workset,
    action: Action,
    *,
    entity_id: str,
    signer: str,
    task_id: str = "",
    agent_id: str = "",
    remembered: Remembered | None = None,
) -> str:
    """Put an extrinsic into the outbox; its correlation id."""
    extrinsic = Extrinsic(
        correlation_id=new_id(),
        action=action,
        entity_id=entity_id,
        task_id=task_id,
        agent_id=agent_id,
        signer=signer,
        remembered=remembered,
        next_attempt_us=work.tx.now_us,
    )
    work.extrinsics.add(extrinsic)
    return extrinsic.correlation_id


def begin(
    work: Workset,
    entities: Entities[R],
    record: R,
    action: Action,
    *,
    signer: str,
    local: dict[str, Any],
    at_once: dict[str, Any] | None = None,
    remembered: Remembered | None = None,
    requester_id: str = "",
) -> Receipt[R]:
    """Carry out `action` on a loaded record.

    `local` are the fields it sets in local mode, `at_once` those it sets in both modes, `remembered` those
    it sets while it waits for the chain. Raises `ActionPending` if an earlier action waits.
    """
    if work.tx.local:
        fields = {"last_error": ""} | (at_once or {}) | local
        return Receipt(record=entities.change(record, requester_id=requester_id, **fields))
    refuse_pending(record)
    correlation_id = enqueue(
        work,
        action,
        entity_id=events.entity_id(record),
        signer=signer,
        task_id="" if isinstance(record, Agent) else record.task_id,
        agent_id="" if isinstance(record, Task) else record.agent_id,
        remembered=remembered,
    )
    fields = {"last_error": ""} | (at_once or {}) | shown(remembered) | pending(action, correlation_id)
    changed = entities.change(record, requester_id=requester_id, **fields)
    return Receipt(record=changed, correlation_id=correlation_id)


def pending(action: Action, correlation_id: str) -> dict[str, Any]:
    """The fields of an entity that shows an intent."""
    return {"pending_action": action, "pending_correlation_id": correlation_id}


def shown(remembered: Remembered | None) -> dict[str, Any]:
    """The fields of an entity that show what its pending action would set."""
    if remembered is None:
        return {}
    fields = msgspec.structs.asdict(remembered)
    return {name: value for name, value in fields.items() if value}


def hidden(remembered: Remembered | None) -> dict[str, Any]:
    """The same fields once the action ended without success."""
    nothing = msgspec.structs.asdict(Remembered())
    return {name: nothing[name] for name in shown(remembered)}


def refuse_pending(record: Agent | Task | Bid | Result) -> None:
    """Raise `ActionPending` if an action on the entity waits for the chain."""
    if record.pending_action:
        raise ActionPending(
            type(record).__name__.lower(),
            events.entity_id(record),
            record.pending_action,
            record.pending_correlation_id,
        )
