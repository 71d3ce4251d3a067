"""Handoffs: work that one role hands to another. Their times are of the database's clock."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from storage import schema_sessions as schema
from storage.errors import HandoffNotFound, IdNotFound, InvalidTransition, Refusal, Retry, StaleRevision
from storage.fetcher import query
from storage.ids import new_id
from storage.lifecycle import HANDOFF, HandoffStatus
from storage.outcome import Outcome, decide_each, mutation
from storage.records import Record
from storage.sessions.purge import Purge, Purged, claim, delete, purged, purged_facts, session_is_open
from storage.sessions.records import Handoff, SessionDetail
from storage.sessions.sessions import get as get_sessions
from storage.table_map import TableMap
from storage.transaction import Transaction

HANDOFFS = TableMap(schema.handoffs, Handoff)


class NewHandoff(Record, frozen=True, kw_only=True):
    from_role: str
    to_role: str
    handoff_type: str
    description: str = ""
    payload: str = "{}"
    trace_id: str = ""
    session_id: str = ""


class HandoffUpdate(Record, frozen=True, kw_only=True):
    """A move of a handoff. `revision` 0 means any; an empty `result` leaves the result as it is."""

    handoff_id: str
    status: HandoffStatus
    revision: int = 0
    reason: str = ""
    result: str = ""


@mutation(Handoff)
def route(tx: Transaction, items: Sequence[NewHandoff]) -> list[Outcome[Handoff]]:
    """Store handoffs, which are pending then."""
    now_us = tx.dialect.clock_us(tx.connection)
    new = [
        Handoff(
            handoff_id=new_id(),
            create_time_us=now_us,
            update_time_us=now_us,
            **msgspec.structs.asdict(item),
        )
        for item in items
    ]
    if len(HANDOFFS.insert(tx, new)) != len(new):
        raise Retry
    return list(new)


@mutation(Handoff, locks=lambda item: [(HANDOFFS, item.handoff_id)])
def update(tx: Transaction, items: Sequence[HandoffUpdate]) -> list[Outcome[Handoff]]:
    """Move handoffs. Refusals, per handoff: HandoffNotFound, StaleRevision, InvalidTransition."""
    loaded = HANDOFFS.load(tx, (item.handoff_id for item in items))
    now_us = tx.dialect.clock_us(tx.connection)
    found = {handoff.handoff_id: handoff for handoff in loaded}
    changed: set[str] = set()

    def decide(item: HandoffUpdate) -> Handoff:
        handoff = found.get(item.handoff_id)
        if handoff is None:
            raise HandoffNotFound(item.handoff_id)
        moved = found[item.handoff_id] = _update(handoff, item, now_us)
        changed.add(item.handoff_id)
        return moved

    outcomes = decide_each(items, decide)
    HANDOFFS.update(tx, [found[key] for key in sorted(changed)])
    return outcomes


def _update(handoff: Handoff, item: HandoffUpdate, now_us: int) -> Handoff:
    if item.revision and item.revision != handoff.revision:
        raise StaleRevision("handoff", handoff.handoff_id, item.revision, handoff.revision)
    if item.status == handoff.status:  # else two workers would both believe that the work is theirs
        raise InvalidTransition("handoff", handoff.handoff_id, handoff.status, item.status)
    HANDOFF.check(handoff.handoff_id, handoff.status, item.status)
    fields: dict[str, Any] = {"status": item.status, "status_reason": item.reason}
    if item.result:
        fields["result"] = item.result
    fields["end_time_us" if HANDOFF.terminal(item.status) else "start_time_us"] = now_us
    return msgspec.structs.replace(handoff, revision=handoff.revision + 1, update_time_us=now_us, **fields)


@mutation(Purged, describe=partial(purged_facts, "handoff"))
def purge(tx: Transaction, items: Sequence[Purge]) -> list[Outcome[Purged]]:
    """Delete handoffs that ended long ago, but not those of a session that is still open."""
    return [_purge(tx, item) for item in items]


def _purge(tx: Transaction, item: Purge) -> Purged:
    due, after = claim(tx, item, HANDOFFS, unless=session_is_open("handoffs"))
    delete(tx, HANDOFFS, due)
    return purged(due, after)


@query
def get(tx: Transaction, keys: Sequence[str]) -> list[Outcome[Handoff]]:
    """Handoffs by id. Refusals: HandoffNotFound."""
    found = {handoff.handoff_id: handoff for handoff in HANDOFFS.load(tx, keys, lock=False)}
    return [found.get(key) or HandoffNotFound(key) for key in keys]


def status(tx: Transaction, key: str) -> SessionDetail | Handoff:
    """A session or a handoff, by the id of either. Raises `IdNotFound`. Must run in a snapshot."""
    for found in (*get_sessions.read(tx, [key]), *get.read(tx, [key])):
        if not isinstance(found, Refusal):
            return found
    raise IdNotFound(key)
