"""The contract suite: who asks for `local`, `chained`, `market` or `database_url` runs on every engine.

Opening a storage costs more than most tests, so one per engine and binding serves them all, emptied after
each. They live in one event loop, and so do all tests of this folder. A test that needs a storage of its own
opens it on a `..._url`.
"""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog

from storage.store import LOCAL, Storage
from tests.storage.blocks import Chain
from tests.storage.looking import empty
from tests.storage.market import Market, chain_of
from tests.storage.world import World
from tests.support.databases import GENESIS, PostgresDatabases, SqliteFiles
from tests.support.postgres import PostgresServer

ENGINES = ("memory", "file", "postgres")
BINDINGS = {"local": LOCAL, "chained": GENESIS}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(autouse=True)
def log_entries() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, instead of printing it."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: PostgresServer) -> PostgresDatabases:
    return PostgresDatabases(postgres_server)


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def postgres_url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    """An empty database on Postgres, for what only Postgres promises."""
    name = postgres_databases.create()
    yield postgres_databases.server.url(name)
    postgres_databases.server.drop_database(name)


@pytest.fixture
def unmigrated_postgres_url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    """A database on Postgres without any tables."""
    name = postgres_databases.create_unmigrated()
    yield postgres_databases.server.url(name)
    postgres_databases.server.drop_database(name)


@pytest.fixture
def file_url(sqlite_files: SqliteFiles, tmp_path: Path) -> str:
    """An empty database in a SQLite file."""
    return sqlite_files.create(tmp_path / "chamberlain.db")


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database on each of the engines in turn."""
    if request.param == "memory":
        return ":memory:"
    url: str = request.getfixturevalue("file_url" if request.param == "file" else "postgres_url")
    return url


@pytest.fixture(params=ENGINES[1:])
def lasting_url(request: pytest.FixtureRequest) -> str:
    """An empty database on each of the engines that outlive a process."""
    url: str = request.getfixturevalue("file_url" if request.param == "file" else "postgres_url")
    return url


@pytest.fixture(params=ENGINES[1:])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any tables."""
    if request.param == "file":
        return f"sqlite:///{tmp_path}/empty.db"
    url: str = request.getfixturevalue("unmigrated_postgres_url")
    return url


class Shared:
    """The storages that tests share, by engine and binding."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self._request = request
        self._folder = folder
        self._storages: dict[tuple[str, str], Storage] = {}

    async def borrow(self, engine: str, binding: str) -> Storage:
        storage = self._storages.get((engine, binding))
        if storage is None:
            storage = Storage.open(self._url(engine, binding), connections_max=3)
            await storage.prepare(binding)
            self._storages[engine, binding] = storage
        return storage

    def _url(self, engine: str, binding: str) -> str:
        if engine == "memory":
            return ":memory:"
        if engine == "file":
            files: SqliteFiles = self._request.getfixturevalue("sqlite_files")
            return files.create(self._folder / f"{binding}.db")
        databases: PostgresDatabases = self._request.getfixturevalue("postgres_databases")
        return databases.server.url(databases.create())

    async def close(self) -> None:
        for storage in self._storages.values():
            await storage.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shared]:
    shared = Shared(request, tmp_path_factory.mktemp("shared"))
    yield shared
    await shared.close()


@pytest_asyncio.fixture(params=ENGINES, loop_scope="session")
async def local(request: pytest.FixtureRequest, shared: Shared) -> AsyncIterator[Storage]:
    """A storage that decides by itself."""
    storage = await shared.borrow(request.param, LOCAL)
    yield storage
    await empty(storage)


@pytest_asyncio.fixture(params=ENGINES, loop_scope="session")
async def chained(request: pytest.FixtureRequest, shared: Shared) -> AsyncIterator[Storage]:
    """A storage whose chain decides."""
    storage = await shared.borrow(request.param, GENESIS)
    yield storage
    await empty(storage)


@pytest_asyncio.fixture(
    params=[(e, b) for e in ENGINES for b in BINDINGS], ids="-".join, loop_scope="session"
)
async def market(request: pytest.FixtureRequest, shared: Shared) -> AsyncIterator[Market]:
    """A market in each of the two modes."""
    engine, binding = request.param
    storage = await shared.borrow(engine, BINDINGS[binding])
    yield await Market.opened(storage)
    await empty(storage)


@pytest_asyncio.fixture(loop_scope="session")
async def chain(chained: Storage) -> Chain:
    """A chain whose first block is still to come."""
    chain = Chain(chained)
    await chain.begin()
    return chain


@pytest_asyncio.fixture(loop_scope="session")
async def market_on_chain(chained: Storage) -> Market:
    return await Market.opened(chained)


@pytest_asyncio.fixture(loop_scope="session")
async def world(chained: Storage) -> World:
    """A market on a chain, and the chain."""
    market = await Market.opened(chained)
    return World(market, chain_of(market))
