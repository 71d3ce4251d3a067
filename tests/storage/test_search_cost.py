"""What a search looks at does not grow with what others have said: rows of plans are counted, not time."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from storage import limits
from storage.engines import dialect_postgres
from storage.engines.driver import Row, fetch
from storage.records import EntryRole
from storage.sessions import transcripts
from storage.sessions.transcript_search import Search, search
from storage.sessions.transcripts import Append
from storage.store import Storage
from storage.transaction import Transaction
from tests.storage.conversation import an_append, an_entry, opened_session
from tests.storage.searching import contents, told

SMALL, LARGE, WINDOW = 10, 4000, 20
STEPS_PER_ROW = 40
"""Instructions of SQLite's virtual machine for each row that a search looks at, and more."""


async def told_by_others(storage: Storage) -> None:
    """Fill a session with a word, and let the planner know that it is everywhere."""
    detail = await opened_session(storage, role="loud")
    for _ in range(0, LARGE, limits.TRANSCRIPT_BATCH_MAX):
        texts = ["word of others"] * limits.TRANSCRIPT_BATCH_MAX
        await storage.commit(transcripts.append, an_append(detail, *texts))
    await storage._engine.write(lambda connection: connection.exec_driver_sql("ANALYZE"))


async def looked_at(storage: Storage, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> int:
    """How many rows a search looks at, at most in one step of a plan; on SQLite about as many."""
    rows_most = 0

    def explained(connection: Connection, statement: str, parameters: Row = ()) -> list[Row]:
        nonlocal rows_most
        # Of tables as small as these are it would rather read all.
        fetch(connection, "SET LOCAL enable_seqscan = off")
        ((plan,),) = fetch(connection, f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        rows_most = max(rows_most, *_rows(plan[0]["Plan"]))
        return fetch(connection, statement, parameters)

    def counted(tx: Transaction, wanted: Search) -> int:
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        driver: Any = tx.connection.connection.driver_connection
        if tx.dialect.name == "sqlite":
            search(tx, wanted)  # the first search of a connection reads the schema, too
            driver.set_progress_handler(step, 1)
        search(tx, wanted)
        if tx.dialect.name == "sqlite":
            driver.set_progress_handler(None, 1)
        return max(rows_most, steps // STEPS_PER_ROW)

    monkeypatch.setattr(dialect_postgres, "fetch", explained)
    monkeypatch.setattr(dialect_postgres, "NEWEST_ENTRIES", WINDOW)
    monkeypatch.setattr(dialect_postgres, "NEWEST_ENTRIES_MAX", WINDOW)
    return await storage.read(counted, Search(words=("word",), size=5, **fields))


def _rows(plan: dict[str, Any]) -> Iterator[int]:
    """How many rows each step of a plan has looked at."""
    passed_over = [rows for name, rows in plan.items() if name.startswith("Rows Removed by")]
    yield round((plan["Actual Rows"] + sum(passed_over)) * plan["Actual Loops"])
    for step in plan.get("Plans", ()):
        yield from _rows(step)


async def test_a_small_session_is_searched_beside_one_that_is_full_of_the_word(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await told(local, *(f"word {n}" for n in range(SMALL)))
    await told_by_others(local)
    after = await told(local, *(f"word {n}" for n in range(SMALL)))
    for detail in (before, after):
        session_id = detail.session.session_id
        assert len(await contents(local, "word", session_id=session_id)) == SMALL
        assert await looked_at(local, monkeypatch, session_id=session_id) <= 2 * SMALL


@pytest.mark.parametrize(
    "filters",
    [{"session_role": "quiet"}, {"task_id": "t"}, {"role": EntryRole.TOOL}],
    ids=["session_role", "task_id", "role"],
)
async def test_filters_that_match_little_look_at_little(
    local: Storage, monkeypatch: pytest.MonkeyPatch, filters: dict[str, Any]
) -> None:
    quiet = await opened_session(local, role="quiet", task_id="t")
    entries = tuple(an_entry(f"word {n}", role=EntryRole.TOOL) for n in range(SMALL))
    await local.commit(transcripts.append, Append(session_id=quiet.session.session_id, entries=entries))
    await told_by_others(local)
    assert len(await contents(local, "word", **filters)) == SMALL
    assert await looked_at(local, monkeypatch, **filters) <= 2 * WINDOW


async def test_a_role_of_many_sessions_is_looked_for_among_the_newest_candidates(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEARCH_SESSIONS_MAX", 1)
    monkeypatch.setattr(limits, "SEARCH_CANDIDATES_MAX", SMALL)
    for number in range(2):
        await told(local, f"word {number}", role="quiet")
    assert await contents(local, "word", session_role="quiet") == ["word 0", "word 1"]
    await told(local, *["word of others"] * (SMALL - 1), role="loud")
    assert await contents(local, "word", session_role="quiet") == ["word 1"]
    assert await contents(local, "word 0", session_role="quiet") == ["word 0"]
