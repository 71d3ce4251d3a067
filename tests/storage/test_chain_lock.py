"""Which of several processes reads the chain: the one that holds the lock, and never two on Postgres."""

import asyncio

import asyncpg
import pytest

from storage.engines.engine import Lock
from storage.errors import DatabaseUnavailable
from storage.store import Storage
from tests.storage.looking import opened
from tests.storage.worker import Worker
from tests.support.databases import GENESIS
from tests.support.world import eventually


async def end_sessions(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_a_process_that_is_alone_has_the_lock(chained: Storage) -> None:
    lock = await chained.try_lock_chain()
    assert lock is not None
    await lock.release()
    again = await chained.try_lock_chain()
    assert again is not None
    await again.release()


async def test_of_two_processes_one_has_the_lock_and_the_other_gets_it_when_that_is_killed(
    postgres_url: str,
) -> None:
    worker = await Worker.start()
    await worker.get_ready("lock_chain", postgres_url, GENESIS)
    await worker.begin()
    assert await worker.line() == "locked"
    async with opened(postgres_url, GENESIS) as storage:
        assert await storage.try_lock_chain() is None
        await worker.kill()

        async def taken() -> Lock | None:
            return await storage.try_lock_chain()

        lock = await eventually(taken, "taking over", within_seconds=10)
        await lock.release()


async def test_who_has_lost_the_session_of_the_lock_is_told(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.engines.advisory_lock.HOLD_SECONDS", 0.01)
    async with opened(postgres_url, GENESIS) as storage:
        lock = await storage.try_lock_chain()
        assert lock is not None
        holding = asyncio.create_task(lock.hold())
        await asyncio.sleep(0.05)
        assert not holding.done()
        await end_sessions(postgres_url)
        with pytest.raises(DatabaseUnavailable):
            await holding
        await lock.release()
        again = await storage.try_lock_chain()
        assert again is not None
        await again.release()
