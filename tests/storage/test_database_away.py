"""A database that goes away and comes back: errors meanwhile, and nothing to do but wait."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import feed
from storage.engines import postgres
from storage.errors import AgentNotFound, CommitUnknown, DatabaseUnavailable, Failure, Overloaded
from storage.market import agents, lists, tasks
from storage.market.lists import TaskFilter
from storage.pages import PageRequest
from storage.records import Receipt
from storage.store import LOCAL, Storage
from tests.storage.items import a_task
from tests.storage.looking import a_request, count, dump, opened
from tests.storage.watching import watching
from tests.support.databases import PostgresDatabases
from tests.support.postgres import PostgresServer
from tests.support.proxy import Cut, Proxy

T = TypeVar("T")
ATTEMPTS = 200
ANY_TASK = TaskFilter(page=PageRequest(size=1))


@pytest.fixture(scope="module")
def own_databases() -> Iterator[PostgresDatabases]:
    """On a server that nobody else needs."""
    with PostgresServer(in_memory=True) as server:
        yield PostgresDatabases(server)


@pytest.fixture
def server(own_databases: PostgresDatabases) -> Iterator[PostgresServer]:
    yield own_databases.server
    own_databases.server.restart()


@pytest.fixture
def url(own_databases: PostgresDatabases, server: PostgresServer) -> str:
    return server.url(own_databases.create())


@pytest_asyncio.fixture(loop_scope="session")
async def storage(url: str) -> AsyncIterator[Storage]:
    async with opened(url, LOCAL, connect_timeout_seconds=5.0) as storage:
        yield storage


@pytest_asyncio.fixture(loop_scope="session")
async def proxied(url: str, server: PostgresServer) -> AsyncIterator[tuple[Storage, Proxy]]:
    async with Proxy.before(server.port, b"COMMIT") as proxy:
        through = url.replace(f":{server.port}/", f":{proxy.port}/")
        async with opened(through, LOCAL) as storage:
            yield storage, proxy


@pytest.fixture(autouse=True)
def fast_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(feed, "RETRY_SECONDS", 0.01)


async def _create(storage: Storage, request_id: str) -> Receipt[Any]:
    return await storage.commit(tasks.create, a_task(), request=a_request(request_id))


async def _again(attempt: Callable[[], Awaitable[T]]) -> T:
    """Try as a client does: again after each failure."""
    for _ in range(ATTEMPTS):
        try:
            return await attempt()
        except Failure:
            await asyncio.sleep(0.01)
    raise AssertionError("it did not recover")


async def test_every_call_says_so_and_all_recover_by_themselves(
    storage: Storage, server: PostgresServer
) -> None:
    first = await _create(storage, "first")
    attempts: list[Callable[[], Awaitable[Any]]] = [
        lambda: _create(storage, "second"),
        lambda: storage.fetch(agents.get, "nobody"),
        lambda: storage.read(lists.tasks, ANY_TASK),
    ]
    server.kill()
    for _ in range(3):
        for attempt in attempts:
            with pytest.raises(DatabaseUnavailable):
                await attempt()
    with pytest.raises(DatabaseUnavailable):
        async with watching(storage):
            pass

    server.restart()
    second = await _again(attempts[0])
    with pytest.raises(AgentNotFound):
        await _again(attempts[1])
    listed = await _again(attempts[2])
    assert listed.records == [second.record]
    assert (await storage.fetch(tasks.get, first.record.task_id)).task == first.record


async def test_readers_do_not_notice_a_restart(url: str, server: PostgresServer) -> None:
    """All connections of the pool are old then; one failure is enough to know."""
    async with opened(url, LOCAL, connections_max=5) as storage:
        readers: AsyncEngine = storage._engine._reader_engine  # type: ignore[attr-defined]
        async with readers.connect(), readers.connect(), readers.connect():
            pass
        server.restart()
        for _ in range(3):
            with pytest.raises(AgentNotFound):
                await storage.fetch(agents.get, "nobody")
            await storage.read(lists.tasks, ANY_TASK)


async def test_a_watch_outlives_it(storage: Storage, server: PostgresServer) -> None:
    async with watching(storage) as watcher:
        await _create(storage, "first")
        assert await watcher.numbers(1) == [1]
        server.restart()
        await _again(lambda: _create(storage, "second"))
        assert await watcher.numbers(1) == [2]


async def test_of_many_writes_that_were_under_way_none_is_lost_and_none_done_twice(
    storage: Storage, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.limits.COMMIT_BATCH_ITEMS_MAX", 5)
    acknowledged: dict[str, str] = {}

    async def create(number: int) -> None:
        receipt = await _create(storage, f"{number}")
        acknowledged[f"{number}"] = receipt.record.task_id
        if len(acknowledged) == 100:
            server.kill()

    answers = await asyncio.gather(*(create(number) for number in range(300)), return_exceptions=True)
    failures = [answer for answer in answers if answer is not None]
    assert failures
    assert {type(failure) for failure in failures} <= {DatabaseUnavailable, CommitUnknown}
    server.restart()

    for number in range(300):
        receipt = await _again(lambda number=number: _create(storage, f"{number}"))  # type: ignore[misc]
        assert receipt.record.task_id == acknowledged.get(f"{number}", receipt.record.task_id)
    assert await count(storage, "tasks", "requests", "events") == (300, 300, 300)
    assert [row[0] for row in (await dump(storage))["events"]] == list(range(1, 301))


async def test_a_commit_that_was_done_but_not_heard_of_is_unknown_and_told_by_its_request_id(
    proxied: tuple[Storage, Proxy],
) -> None:
    storage, proxy = proxied
    await _create(storage, "before")
    proxy.cut = Cut.AFTER
    with pytest.raises(CommitUnknown):
        await _create(storage, "unheard")
    proxy.cut = Cut.NEVER
    assert await _again(lambda: count(storage, "tasks")) == (2,)
    receipt = await _again(lambda: _create(storage, "unheard"))
    assert await count(storage, "tasks", "requests") == (2, 2)
    assert (await storage.fetch(tasks.get, receipt.record.task_id)).task == receipt.record


async def test_a_commit_that_was_never_heard_is_unknown_and_done_when_asked_again(
    proxied: tuple[Storage, Proxy],
) -> None:
    storage, proxy = proxied
    await _create(storage, "before")
    proxy.cut = Cut.BEFORE
    with pytest.raises(CommitUnknown):
        await _create(storage, "lost")
    proxy.cut = Cut.NEVER
    assert await _again(lambda: count(storage, "tasks")) == (1,)
    await _again(lambda: _create(storage, "lost"))
    assert await count(storage, "tasks", "requests") == (2, 2)


async def test_a_commit_whose_answer_never_comes_is_unknown_and_not_made_twice(
    url: str, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "STATEMENT_TIMEOUT_SECONDS", 1.0)
    async with (
        Proxy.before(server.port, b"COMMIT") as proxy,
        opened(url.replace(f":{server.port}/", f":{proxy.port}/"), LOCAL) as storage,
    ):
        await storage.commit(tasks.create, a_task())
        proxy.cut = Cut.MUTE
        with pytest.raises(CommitUnknown):
            await storage.commit(tasks.create, a_task())
        proxy.cut = Cut.NEVER
        assert await count(storage, "tasks") == (2,)


async def test_a_database_that_stands_still_is_away_until_it_goes_on(
    url: str, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "STATEMENT_TIMEOUT_SECONDS", 0.5)
    async with Proxy.before(server.port) as proxy:
        through = url.replace(f":{server.port}/", f":{proxy.port}/")
        async with opened(through, LOCAL, connect_timeout_seconds=0.5) as storage:
            await _create(storage, "first")
            proxy.freeze()
            for attempt in (
                lambda: storage.fetch(agents.get, "nobody"),
                lambda: storage.read(lists.tasks, ANY_TASK),
                lambda: _create(storage, "second"),
            ):
                with pytest.raises(DatabaseUnavailable):
                    await attempt()
            proxy.thaw()
            await _again(lambda: _create(storage, "second"))
            assert await _again(lambda: count(storage, "tasks")) == (2,)


async def test_a_migration_may_take_longer_than_a_statement_of_a_call(
    own_databases: PostgresDatabases, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "STATEMENT_TIMEOUT_SECONDS", 2.0)
    url = server.url(own_databases.create_unmigrated())
    other = await asyncpg.connect(url)
    await other.execute("SELECT pg_advisory_lock($1)", postgres._MIGRATION_LOCK)
    storage = Storage.open(url)
    prepared = asyncio.create_task(storage.prepare(LOCAL))
    await asyncio.sleep(3.0)
    await other.close()
    assert await prepared
    await storage.close()


async def test_connections_that_somebody_ends_are_made_again(
    storage: Storage, url: str, server: PostgresServer
) -> None:
    await _create(storage, "first")
    await storage.read(lists.tasks, ANY_TASK)
    await _administer(
        url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chamberlain'"
    )
    await _again(lambda: _create(storage, "second"))
    assert await _again(lambda: count(storage, "tasks")) == (2,)


async def test_a_database_that_only_reads_is_away_for_writers(storage: Storage, url: str) -> None:
    name = url.rsplit("/", 1)[1]
    await _administer(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await _administer(
        url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chamberlain'"
    )
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await _create(storage, "first")
    assert await _again(lambda: count(storage, "tasks")) == (0,)
    await _administer(
        url, f"BEGIN READ WRITE; ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT"
    )
    await _again(lambda: _create(storage, "first"))


async def test_a_start_waits_for_it(url: str, server: PostgresServer) -> None:
    server.kill()
    storage = Storage.open(url)
    with pytest.raises(DatabaseUnavailable):
        await storage.prepare(LOCAL)
    with pytest.raises(DatabaseUnavailable):
        await _create(storage, "first")
    server.restart()
    await _again(lambda: storage.prepare(LOCAL))
    await _create(storage, "first")
    await storage.close()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [(("/chamberlain_", "/other_"), "does not exist"), (("postgres@", "nobody_we_know@"), "nobody_we_know")],
)
async def test_a_server_that_does_not_know_us_is_away_in_words(
    url: str, change: tuple[str, str], complaint: str
) -> None:
    storage = Storage.open(url.replace(*change))
    with pytest.raises(DatabaseUnavailable, match=complaint):
        await storage.prepare(LOCAL)
    await storage.close()


async def test_when_all_connections_are_busy_a_reader_is_told_to_come_back(url: str) -> None:
    async with opened(url, LOCAL, connections_max=2, connect_timeout_seconds=1.0) as storage:
        readers: AsyncEngine = storage._engine._reader_engine  # type: ignore[attr-defined]
        async with readers.connect():
            with pytest.raises(Overloaded):
                await storage.read(lists.tasks, ANY_TASK)
        await storage.read(lists.tasks, ANY_TASK)


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
