"""A database of an earlier revision goes on with all that it has, on both engines."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import MetaData, Table, insert, select
from sqlalchemy.engine import Connection

from storage import schema
from storage.engines.driver import fetch
from storage.engines.migrate import upgrade
from storage.errors import RequestIdReused
from storage.lifecycle import TaskStatus
from storage.market import disputes, tasks
from storage.records import Action, EntryRole
from storage.sessions import sessions
from storage.sessions import sweep as session_sweep
from storage.store import Storage
from tests.storage.auditing import ADA
from tests.storage.items import a_task
from tests.storage.looking import a_request, dump, opened
from tests.storage.market import Market
from tests.storage.searching import found, told
from tests.support.databases import GENESIS

Rows = dict[str, list[dict[str, Any]]]

EARLIER = ("0001", "0004")
"""The revisions that a database may be at."""
FIRST_ROWS = ("alembic_version", "database_state")
"""Tables that a revision fills by itself."""


async def a_story() -> Rows:
    """What is stored of a market with some history."""
    async with opened(":memory:", GENESIS) as storage:
        market = await Market.opened(storage)
        await market.agents()
        await market.settle(await market.completed_task())
        await market.completed_task()
        await market.bid(await market.task(), "ada", 70)
        await storage.commit(tasks.create, a_task(input=b"waiting"), deed=ADA)
        tables = await dump(storage)
    return {name: [named(name, row) for row in rows] for name, rows in tables.items()}


def make_as_it_was(connection: Connection, revision: str, story: Rows) -> Rows:
    """Make the schema of a revision and put the story into it; what it has in the end."""
    upgrade(connection, revision)
    old = MetaData()
    old.reflect(connection)
    for table in old.sorted_tables:
        rows = [
            {column.name: row[column.name] for column in table.columns if column.name in row}
            for row in story.get(table.name, [])
        ]
        if rows:
            if table.name in FIRST_ROWS:
                connection.execute(table.delete())
            connection.execute(insert(table), rows)
    return {table.name: rows_of(connection, table) for table in old.sorted_tables if table.name in story}


def rows_of(connection: Connection, table: Table) -> list[dict[str, Any]]:
    rows = connection.execute(select(table).order_by(*table.primary_key)).mappings()
    return [dict(row) for row in rows]


@pytest.mark.parametrize("revision", EARLIER)
async def test_keeps_every_row_and_the_market_goes_on(empty_url: str, revision: str) -> None:
    story = await a_story()
    earlier = Storage.open(empty_url)
    before = await earlier._engine.write(lambda connection: make_as_it_was(connection, revision, story))
    await earlier.close()
    assert all(before[name] for name in ("tasks", "task_inputs", "bids", "results", "extrinsics", "events"))
    async with opened(empty_url, GENESIS) as storage:
        await kept(storage, before)
        (waiting,) = [row["task_id"] for row in before["tasks"] if row["pending_action"]]
        found = await storage.fetch(tasks.get, waiting)
        assert (found.input, found.task.status, found.task.dispute_reason) == (b"waiting", "pending", "")
        await go_on(storage)


async def kept(storage: Storage, before: Rows) -> None:
    """Every value that was there is there, and what is counted is what is there."""
    tables = await dump(storage)
    for name, rows in before.items():
        columns = [column.name for column in schema.metadata.tables[name].columns]
        after = [dict(zip(columns, row, strict=True)) for row in tables[name]]
        assert [{key: row[key] for key in old} for old, row in zip(rows, after, strict=True)] == rows, name
    counted = {(machine, status): count for machine, status, count in tables["status_counts"] if count}
    statuses = [("task", row["status"]) for row in before["tasks"]]
    assert {key: statuses.count(key) for key in statuses} == {
        key: count for key, count in counted.items() if key[0] == "task"
    }
    assert sum(count for (machine, _), count in counted.items() if machine == "extrinsic") == len(
        before["extrinsics"]
    )


async def go_on(storage: Storage) -> None:
    """What only the new schema can hold is done to what the old one held."""
    unsettled = await storage._engine.read(
        lambda connection: fetch(
            connection, "SELECT task_id FROM tasks WHERE status = 'completed' AND escrow_status = 'funded'"
        )
    )
    dispute = disputes.Dispute(task_id=unsettled[0][0], reason="half of it is missing")
    disputed = (await storage.commit(disputes.raise_, dispute)).record
    assert (disputed.pending_action, disputed.status) == (Action.DISPUTE_TASK, TaskStatus.COMPLETED)


async def test_a_request_that_was_answered_before_has_the_same_answer_afterwards(empty_url: str) -> None:
    first = a_request("first \u2603")
    answered: dict[str, Any] = {}
    async with opened(":memory:", GENESIS) as storage:
        answered["receipt"] = await storage.commit(tasks.create, a_task(), request=first)
        story = {"tasks": (await dump(storage))["tasks"], "requests": (await dump(storage))["requests"]}

    def as_they_were(connection: Connection) -> None:
        upgrade(connection, "0004")
        old = MetaData()
        old.reflect(connection, only=("tasks", "requests"))
        connection.execute(insert(old.tables["tasks"]), [named("tasks", row) for row in story["tasks"]])
        ((_, fingerprint, answer, create_time_us),) = story["requests"]
        keys = (
            "anonymous\0Method\0first \u2603".encode(),
            hashlib.sha256(b"a key of revision 0001").digest(),
        )
        rows = [(key, fingerprint, answer.encode(), create_time_us) for key in keys]
        connection.execute(insert(old.tables["requests"]), [named("requests", row) for row in rows])

    earlier = Storage.open(empty_url)
    await earlier._engine.write(as_they_were)
    await earlier.close()
    async with opened(empty_url, GENESIS) as storage:
        assert await storage.commit(tasks.create, a_task(), request=first) == answered["receipt"]
        with pytest.raises(RequestIdReused):
            await storage.commit(tasks.create, a_task(), request=a_request("first \u2603", b"another body"))
        assert len((await dump(storage))["requests"]) == 1


async def test_entries_that_were_stored_before_are_found_as_new_ones_are(empty_url: str) -> None:
    texts = ("مرحبا، كيف", "οδος", "5e5abc", "हिन्दी ह न द", "word", "it’s a_b", "x" * 3000)
    async with opened(":memory:", GENESIS) as storage:
        detail = await told(storage, *texts, *(f"filler {number}" for number in range(250)), "the last")
        tables = await dump(storage)
        story = {
            name: [named(name, row) for row in tables[name]]
            for name in ("sessions", "session_heads", "transcript_entries")
        }
    for row in story["transcript_entries"]:
        del row["entry_number"]  # the database gives it, and goes on from there
    earlier = Storage.open(empty_url)
    await earlier._engine.write(lambda connection: make_as_it_was(connection, "0005", story))
    await earlier.close()
    async with opened(empty_url, GENESIS) as storage:
        await told(storage, *texts, "the last")
        for typed in ("مرحبا", "ΟΔΟΣ", "5e5abc", "हिन्दी", "WORD", "s", "b it", "x" * 1000, "last"):
            (new, old) = await found(storage, typed)
            assert old.entry.session_id == detail.session.session_id, typed
            assert (old.entry.content, old.rank, old.snippet) == (new.entry.content, new.rank, new.snippet)
            assert [part for part in old.snippet if part.matched]
        for absent in ("abc", "द ن", "filter"):
            assert await found(storage, absent) == []
        assert len(await found(storage, "filler 249", session_id=detail.session.session_id)) == 1
        assert await found(storage, "filler", role=EntryRole.TOOL) == []
        await storage.commit(sessions.delete, detail.session.session_id)
        while (await storage.commit(session_sweep.collect, 100)).more:
            pass
        assert await found(storage, "filler") == []
        assert len(await found(storage, "last")) == 1


def named(table: str, row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(schema.metadata.tables[table].columns.keys(), row, strict=True))
