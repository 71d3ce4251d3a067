"""The event log: every change of an entity, densely numbered in the order of commits.

Repository functions buffer events in their transaction; the committer writes them last. A cursor is the
number of the last event seen together with the id of the log, so that one of another database is noticed.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import select, update

from storage import limits, schema, status_counts
from storage.batches import Rows
from storage.engines.dialect import Heads
from storage.errors import CursorExpired, InvalidCursor
from storage.outcome import Outcome, mutation
from storage.records import (
    Agent,
    Agreement,
    Bid,
    Entity,
    Event,
    EventBody,
    Extrinsic,
    Milestone,
    Record,
    Reputation,
    Result,
    Task,
)
from storage.table_map import TableMap
from storage.transaction import NewEvent, Transaction

_events = TableMap(schema.events, Event)
_encode = msgspec.json.Encoder().encode

Watched: TypeAlias = Agent | Task | Bid | Result | Agreement | Milestone | Reputation | Extrinsic
"""The entities whose changes the log records."""


def append(
    tx: Transaction,
    record: Watched,
    *,
    before: Watched | None,
    correlation_id: str = "",
    requester_id: str = "",
) -> None:
    """Buffer the event that says that `record` appeared, or changed from what it was `before`.

    `correlation_id` is of the action that ended with the change, if one did.
    """
    status, escrow_status, agent_id, task_id = "", "", "", ""
    pending, error = "", ""
    if isinstance(record, Task):
        escrow_status, agent_id, task_id = record.escrow_status, record.assigned_agent_id, record.task_id
        requester_id = record.requester_id
    elif isinstance(record, Agent):
        agent_id = record.agent_id
    elif isinstance(record, Milestone):
        task_id = record.task_id
    elif not isinstance(record, Reputation):
        agent_id, task_id = record.agent_id, record.task_id
    if not isinstance(record, Reputation):
        status = record.status
    if isinstance(record, Entity):
        pending = record.pending_action
        correlation_id = correlation_id or record.pending_correlation_id
    if isinstance(record, Entity | Extrinsic):
        error = record.last_error
    tx.events.append(
        NewEvent(
            event_time_us=tx.now_us,
            entity=type(record).__name__.lower(),
            entity_id=entity_id(record),
            created=before is None,
            task_id=task_id,
            requester_id=requester_id,
            revision=record.revision,
            body=EventBody(
                status=status,
                escrow_status=escrow_status,
                agent_id=agent_id,
                pending_action=pending,
                correlation_id=correlation_id,
                error=error,
            ),
            status_before="" if before is None or isinstance(before, Reputation) else before.status,
            escrow_status_before=before.escrow_status if isinstance(before, Task) else "",
        )
    )


_ID: Mapping[type[Watched], Callable[[Any], str]] = {
    Agent: attrgetter("agent_id"),
    Task: attrgetter("task_id"),
    Bid: attrgetter("bid_id"),
    Result: attrgetter("result_id"),
    Agreement: attrgetter("agreement_id"),
    Milestone: attrgetter("milestone_id"),
    Reputation: attrgetter("account_address"),
    Extrinsic: attrgetter("correlation_id"),
}


def entity_id(record: Watched) -> str:
    """The id of an entity, whatever it is."""
    return _ID[type(record)](record)


def write_events(tx: Transaction) -> Heads:
    """Write the buffered events of a transaction, if any, and what they change of the counts by status.

    Where the logs end then.
    """
    rows = [
        (
            event.event_time_us,
            event.entity,
            event.entity_id,
            event.created,
            event.task_id,
            event.requester_id,
            event.revision,
            _encode(event.body).decode(),
        )
        for event in tx.events
    ]
    return tx.dialect.append_events(tx.connection, rows, status_counts.differences(tx.events))


class LogState(Record, frozen=True, kw_only=True):
    """The bounds of the log: events `tail` + 1 to `head` are kept."""

    log_id: str
    head: int
    tail: int


class Filter(Record, frozen=True, kw_only=True):
    """Which events a watcher wants; an empty field wants all."""

    entities: frozenset[str]
    entity_ids: frozenset[str] = frozenset()
    task_ids: frozenset[str] = frozenset()
    requester_id: str = ""
    session_ids: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def matches(self, event: Event) -> bool:
        return (
            event.entity in self.entities
            and (not self.entity_ids or event.entity_id in self.entity_ids)
            and (not self.task_ids or event.task_id in self.task_ids)
            and (not self.requester_id or event.requester_id == self.requester_id)
            and (not self.session_ids or event.body.session_id in self.session_ids)
            and (not self.roles or event.body.role in self.roles)
        )


def state(tx: Transaction) -> LogState:
    """The bounds of the log now."""
    table = schema.database
    row = tx.connection.execute(select(table.c.log_id, table.c.event_head, table.c.event_tail)).one()
    return LogState(log_id=row.log_id, head=row.event_head, tail=row.event_tail)


def read_after(
    tx: Transaction, number: int, at_most: int, wanted: Filter | None = None
) -> tuple[int, list[Event]]:
    """The next events after `number` that are wanted, in order, and the number up to which these are all.

    At most EVENT_SCAN_MAX events are looked at. Raises `CursorExpired` if events after `number` are no
    longer kept, `InvalidCursor` if there never was such a number. Must run in a snapshot.
    """
    log = state(tx)
    if number > log.head:
        raise InvalidCursor("the cursor is ahead of the newest event")
    if number < log.tail:
        raise CursorExpired("events after the cursor are no longer kept")
    table = schema.events
    last = min(log.head, number + limits.EVENT_SCAN_MAX)
    between = (table.c.number > number) & (table.c.number <= last)
    statement = select(table).where(between).order_by(table.c.number).limit(at_most)
    if wanted is not None:
        statement = statement.where(table.c.entity.in_(sorted(wanted.entities)))
        if wanted.entity_ids:
            statement = statement.where(table.c.entity_id.in_(sorted(wanted.entity_ids)))
        if wanted.task_ids:
            statement = statement.where(table.c.task_id.in_(sorted(wanted.task_ids)))
        if wanted.requester_id:
            statement = statement.where(table.c.requester_id == wanted.requester_id)
    found = [_events.from_row(row) for row in tx.connection.execute(statement)]
    reached = found[-1].number if len(found) == at_most else last
    if wanted is not None:  # bodies are looked at here, not in SQL
        found = [event for event in found if wanted.matches(event)]
    return reached, found


class Prune(Record, frozen=True, kw_only=True):
    """Delete events from before `before_us`, at most `at_most` of them."""

    before_us: int
    at_most: int = limits.SWEEP_BATCH_MAX


@mutation(Rows[Prune])
def prune(tx: Transaction, items: Sequence[Prune]) -> list[Outcome[Rows[Prune]]]:
    """Delete old events, oldest first. Cursors that point before them expire."""
    return [Rows.of(_prune(tx, item), item.at_most) for item in items]


def _prune(tx: Transaction, item: Prune) -> int:
    log = state(tx)
    table = schema.events
    oldest = (
        select(table.c.number, table.c.event_time_us)
        .where(table.c.number > log.tail)
        .order_by(table.c.number)
        .limit(item.at_most)
    )
    tail = log.tail
    for number, event_time_us in tx.connection.execute(oldest):
        if event_time_us >= item.before_us:
            break
        tail = number
    if tail == log.tail:
        return 0
    deleted = tx.connection.execute(table.delete().where(table.c.number <= tail)).rowcount
    tx.connection.execute(
        update(schema.database).where(schema.database.c.event_tail < tail).values(event_tail=tail)
    )
    return deleted
