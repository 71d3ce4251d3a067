"""Looking into a database, and committing several items in one batch."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection

from storage import schema, status_counts
from storage.feed import Feed
from storage.outcome import Mutation
from storage.requests import RequestKey, request_key
from storage.status_counts import MACHINES
from storage.store import Storage
from storage.transaction import Transaction

_EMPTY_LOGS = {
    "event_head": 0,
    "event_tail": 0,
    "audit_head": 0,
    "audit_hash": schema.AUDIT_NO_HASH,
    "audit_time_us": 0,
    "audit_tail": 0,
    "audit_tail_hash": schema.AUDIT_NO_HASH,
}

Tables = dict[str, list[tuple[Any, ...]]]


@asynccontextmanager
async def opened(url: str, binding: str, **options: Any) -> AsyncIterator[Storage]:
    """A storage that is prepared."""
    storage = Storage.open(url, **{"connections_max": 3} | options)
    try:
        await storage.prepare(binding)
        yield storage
    finally:
        await storage.close()


async def dump(storage: Storage) -> Tables:
    """Everything that is stored."""

    def read(tx: Transaction) -> Tables:
        return {
            table.name: [
                tuple(row) for row in tx.connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in schema.metadata.sorted_tables
        }

    return await storage.read(read)


async def count(storage: Storage, *tables: str) -> tuple[int, ...]:
    """How many rows tables have."""
    everything = await dump(storage)
    return tuple(len(everything[table]) for table in tables)


async def together(storage: Storage, *commits: Coroutine[Any, Any, Any]) -> list[Any]:
    """Commit in one batch; the answers, or the errors."""
    batches = storage.committer.batches
    answers = await asyncio.gather(*commits, return_exceptions=True)
    assert storage.committer.batches == batches + 1
    return answers


async def all_of(storage: Storage, mutation: Mutation[Any, Any], *items: Any) -> list[Any]:
    """Apply a mutation to several items in one batch; the answers, or the errors."""
    return await together(storage, *(storage.commit(mutation, item) for item in items))


def a_request(request_id: str, body: bytes = b"body") -> RequestKey:
    return request_key("anonymous", "Method", request_id, body)


async def let_the_deadline_pass(storage: Storage, *task_ids: str) -> None:
    """Make it as if the deadlines of tasks were in the past."""
    change = update(schema.tasks).where(schema.tasks.c.task_id.in_(task_ids)).values(deadline_us=1)
    await storage._engine.write(lambda connection: connection.execute(change))


async def check_counts(storage: Storage) -> None:
    """The counts by status must be those of the tables, whatever was done to them."""

    def both(tx: Transaction) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
        found = {}
        for machine, counting in MACHINES.items():
            column = counting.column
            rows = tx.connection.execute(select(column, func.count()).group_by(column))
            if counts := {status: count for status, count in rows}:  # noqa: C416
                found[machine] = counts
        return status_counts.load(tx), found

    counted, found = await storage.read(both)
    assert counted == found


async def empty(storage: Storage) -> None:
    """Delete all that a test has stored, and begin anew with events and watches."""

    def delete(connection: Connection) -> None:
        for table in reversed(schema.metadata.sorted_tables):
            if table is schema.database:
                connection.execute(update(table).values(**_EMPTY_LOGS))
            else:
                connection.execute(table.delete())

    await check_counts(storage)
    await storage.feed.close()
    await storage._engine.write(delete)
    storage.feed = Feed(storage._engine, storage._check_prepared)
    await storage.feed.start()
    storage.committer._on_events = storage.feed.notice
    storage.committer.batches = storage.committer.items = 0
