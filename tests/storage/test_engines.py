"""Errors of the engines: a defect is not a database in trouble, and neither leaves anything half done."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError

from storage.engines.driver import execute, fetch
from storage.errors import CommitUnknown, DatabaseUnavailable
from storage.market import agents, tasks
from storage.outcome import Outcome, mutation
from storage.store import LOCAL, Storage
from storage.transaction import Transaction
from tests.storage.items import a_task, an_agent
from tests.storage.looking import count, dump, opened

PAGES = 20


@pytest_asyncio.fixture(loop_scope="session")
async def file(file_url: str) -> AsyncIterator[Storage]:
    async with opened(file_url, LOCAL) as storage:
        yield storage


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM no_such_table", "SELEC", "INSERT INTO signers VALUES ('x', 1), ('x', 1)"],
)
async def test_a_wrong_statement_is_a_defect_and_changes_nothing(local: Storage, statement: str) -> None:
    def work(connection: Connection) -> None:
        execute(connection, "INSERT INTO signers VALUES ('5A', 1)")
        execute(connection, statement)

    with pytest.raises(DBAPIError) as error:
        await local._engine.write(work)
    assert local._engine.is_defect(error.value)
    assert await count(local, "signers") == (0,)
    await local.commit(agents.register, an_agent())


async def test_an_error_never_tells_the_parameters(local: Storage) -> None:
    place = local._engine.dialect.parameter(1)
    statement = f"SELECT no_such_function({place})"
    with pytest.raises(DBAPIError) as error:
        await local._engine.write(lambda connection: fetch(connection, statement, ("my secret",)))
    assert "my secret" not in str(error.value)


async def test_work_that_raises_anything_is_rolled_back(local: Storage) -> None:
    class Interruption(BaseException):
        pass

    def work(connection: Connection) -> None:
        execute(connection, "INSERT INTO signers VALUES ('5A', 1)")
        raise Interruption

    with pytest.raises(Interruption):
        await local._engine.write(work)
    assert await count(local, "signers") == (0,)


@mutation(int)
def raise_once(tx: Transaction, items: Sequence[list[int]]) -> list[Outcome[int]]:
    """A defect the first time, so that the batch runs again with savepoints."""
    for attempts in items:
        attempts.append(1)
        if len(attempts) == 1:
            raise ZeroDivisionError
    return [len(attempts) for attempts in items]


async def test_a_full_disk_is_a_database_in_trouble_that_recovers(file: Storage) -> None:
    """Also while a batch is searched for a defect: SQLite has ended the transaction by itself, and what
    came before in the batch must not be committed without the rest."""
    await _limit_pages(file, PAGES)
    before = await dump(file)
    large = a_task(input=b"x" * 1_000_000)
    attempted: tuple[list[list[int]], ...] = ([], [[]])
    for defects in attempted:
        commits: list[Coroutine[Any, Any, Any]] = [
            *(file.commit(raise_once, attempts) for attempts in defects),
            file.commit(agents.register, an_agent("ada")),
            file.commit(tasks.create, large),
        ]
        answers = await asyncio.gather(*commits, return_exceptions=True)
        assert {type(answer) for answer in answers} == {DatabaseUnavailable}
    assert await dump(file) == before
    await _limit_pages(file, 1 << 30)
    await file.commit(tasks.create, large)


async def _limit_pages(storage: Storage, pages: int) -> None:
    await storage._engine.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages}"))


async def test_who_holds_the_file_for_a_moment_delays_a_write_and_nothing_else(
    file: Storage, file_url: str
) -> None:
    """A shell or a backup, say: the loop goes on meanwhile, and the write is made when they let go."""
    other = sqlite3.connect(make_url(file_url).database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    write = asyncio.create_task(file.commit(agents.register, an_agent("ada")))
    for _ in range(10):
        await asyncio.sleep(0.01)
        assert await count(file, "agents") == (0,)
        assert not write.done()
    other.execute("COMMIT")
    other.close()
    await write
    assert await count(file, "agents") == (1,)


async def test_a_write_that_is_left_while_it_commits_keeps_the_next_one_out_until_it_is_done(
    file: Storage,
) -> None:
    in_commit = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(connection: Connection) -> None:
        execute(connection, "INSERT INTO signers VALUES ('5A', 1)")
        loop.call_soon(in_commit.set)  # it runs once this work is over, and its commit is on the way

    first = asyncio.create_task(file._engine.write(work))
    await in_commit.wait()
    first.cancel()
    await file.commit(agents.register, an_agent("ada"))
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await count(file, "signers", "agents") == (1, 1)


async def test_a_heavy_write_that_is_left_is_finished_before_the_next_one(file: Storage) -> None:
    begun = threading.Event()
    released = threading.Event()

    def work(connection: Connection) -> None:
        execute(connection, "INSERT INTO signers VALUES ('5A', 1)")
        begun.set()
        assert released.wait(30.0)

    first = asyncio.create_task(file._engine.write(work, heavy=True))
    assert await asyncio.to_thread(begun.wait, 30.0)
    first.cancel()
    released.set()
    await file.commit(agents.register, an_agent("ada"))
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await count(file, "signers", "agents") == (1, 1)


async def test_a_commit_that_fails_is_unknown_and_leaves_no_transaction_open(file: Storage) -> None:
    def work(connection: Connection) -> None:
        execute(connection, "PRAGMA defer_foreign_keys = ON")
        execute(connection, "INSERT INTO task_inputs VALUES ('of no task', x'00')")

    with pytest.raises(CommitUnknown):
        await file._engine.write(work)
    assert await count(file, "task_inputs") == (0,)
    await file.commit(tasks.create, a_task())
    assert await count(file, "tasks", "task_inputs") == (1, 1)


async def test_errors_never_tell_the_values_of_a_statement_since_some_are_sealed(local: Storage) -> None:
    place = local._engine.dialect.parameter(1)

    def work(connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT no_such_column FROM bids WHERE bid_id = {place}", ("sealed-bid",))

    with pytest.raises(DBAPIError) as error:
        await local._engine.write(work)
    assert "sealed-bid" not in str(error.value)
