"""The storage of one process: what the other rooms hold on to."""

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import select, update
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError

from storage import schema
from storage.audit.deeds import Deed
from storage.committer import Committer
from storage.engines.engine import Engine, Lock
from storage.engines.postgres import PostgresEngine
from storage.engines.sqlite import SqliteEngine
from storage.errors import BadDatabaseUrl, DatabaseUnavailable, Failure, ShuttingDown, WrongBinding
from storage.feed import Feed
from storage.fetcher import Fetcher, Query
from storage.outcome import Mutation
from storage.requests import RequestKey
from storage.transaction import Transaction

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")
Arguments = ParamSpec("Arguments")

CHAIN_LOCK = 0x6368616D6265726D
"""The key of the lock that the reader of the chain holds; arbitrary, but the same in every process."""
LOCAL = "local"
"""The binding of a database that decides by itself; any other binding is a genesis hash in hexadecimal."""


class Storage:
    """A database and its machinery: migrations, group commit, batched reads, watches.

    It is made without connecting; until `prepare` has succeeded all calls raise `DatabaseUnavailable`, or
    the failure given to `fail_calls_with`.
    """

    def __init__(self, engine: Engine, *, heartbeat_seconds: float = 15.0) -> None:
        self.feed = Feed(engine, self._check_prepared, heartbeat_seconds=heartbeat_seconds)
        self.committer = Committer(engine, on_events=self.feed.notice)
        self.binding = ""
        self._unprepared: Failure = DatabaseUnavailable("the database has not been reached yet")
        self._closing = False
        self._engine = engine
        self._fetcher = Fetcher(engine)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        connections_max: int = 10,
        connect_timeout_seconds: float = 5.0,
        heartbeat_seconds: float = 15.0,
    ) -> "Storage":
        """Make the storage of a database URL; raises `BadDatabaseUrl`. It does not connect yet.

        `sqlite:///relative/path`, `sqlite:////absolute/path`, `sqlite://` or `:memory:` for memory, and
        `postgresql://user:password@host:port/database`.
        """
        engine = _engine(url, connections_max, connect_timeout_seconds)
        return cls(engine, heartbeat_seconds=heartbeat_seconds)

    @property
    def prepared(self) -> bool:
        return self.binding != ""

    async def bound_to(self) -> str:
        """The binding of the database, empty if there is none yet. Raises as `prepare` does."""
        await self._engine.migrate()
        return await self._engine.write(_bound)

    def fail_calls_with(self, failure: Failure) -> None:
        """Let calls fail with `failure` until `prepare` has succeeded."""
        self._unprepared = failure

    async def prepare(self, binding: str) -> bool:
        """Migrate the schema, bind the database permanently (or check its binding), and start working.

        Returns whether the database was new, and is bound from now on for longer than this process lives.
        Raises `DatabaseUnavailable` (try again), `SchemaOutdated` or `WrongBinding`.
        """
        await self._engine.migrate()
        was_new = await self._engine.write(lambda connection: _bind(connection, binding))
        await self.feed.start()
        self.committer.local = binding == LOCAL
        self.committer.start()
        self.binding = binding
        return was_new and self._engine.lasting

    async def commit(
        self,
        mutation: Mutation[Item, Answer],
        item: Item,
        *,
        request: RequestKey | None = None,
        deed: Deed | None = None,
        deadline: float | None = None,
        size_bytes: int = 0,
        on_taken: Callable[[], None] | None = None,
    ) -> Answer:
        """Apply a mutation to an item, durably; see `Committer.commit`."""
        self._check_prepared()
        return await self.committer.commit(
            mutation,
            item,
            request=request,
            deed=deed,
            deadline=deadline,
            size_bytes=size_bytes,
            on_taken=on_taken,
        )

    async def fetch(self, query: Query[Key, Answer], key: Key) -> Answer:
        """Read what belongs to one key; see `Fetcher.fetch`."""
        self._check_prepared()
        return await self._fetcher.fetch(query, key)

    async def read(
        self,
        function: Callable[Concatenate[Transaction, Arguments], Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """Run a list or a report in a snapshot."""
        self._check_prepared()
        return await self._engine.read_snapshot(
            lambda connection: function(
                Transaction.snapshot(connection, self._engine.dialect), *args, **kwargs
            )
        )

    async def try_lock_chain(self) -> Lock | None:
        """Become the process that reads the chain, or None while another one is.

        Raises `DatabaseUnavailable`.
        """
        self._check_prepared()
        return await self._engine.try_lock(CHAIN_LOCK)

    async def close(self) -> None:
        """End the watches, commit what waits, and release the database. The second time it does nothing."""
        if self._closing:
            return
        self._closing = True
        await self.feed.close()
        await self.committer.close()
        await self._fetcher.close()
        await self._engine.close()

    def _check_prepared(self) -> None:
        if self._closing:
            raise ShuttingDown
        if not self.prepared:
            raise self._unprepared.copy()


def _engine(url: str, connections_max: int, connect_timeout_seconds: float) -> Engine:
    if url == ":memory:":
        return SqliteEngine(None)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Without its cause, which may quote a part of the password.
        raise BadDatabaseUrl(
            "DATABASE_URL is not a URL: use sqlite:///path/to/file or postgresql://user:password@host/database"
        ) from None
    if parsed.drivername == "sqlite":
        in_memory = parsed.database in (None, "", ":memory:")
        return SqliteEngine(None if in_memory else Path(str(parsed.database)))
    if parsed.drivername in ("postgres", "postgresql", "postgresql+asyncpg"):
        if not parsed.database:
            raise BadDatabaseUrl("DATABASE_URL names no database: postgresql://user:password@host/database")
        if unknown := parsed.query.keys() - {"sslmode"}:
            raise BadDatabaseUrl(
                f"DATABASE_URL has unknown parameters {sorted(unknown)}; only sslmode is supported"
            )
        # What libpq calls `sslmode` is the argument `ssl` of asyncpg.
        query = {"ssl": parsed.query["sslmode"]} if parsed.query else {}
        return PostgresEngine(
            parsed.set(drivername="postgresql+asyncpg", query=query),
            connections_max=connections_max,
            connect_timeout_seconds=connect_timeout_seconds,
        )
    raise BadDatabaseUrl(
        f"DATABASE_URL is for {parsed.drivername!r}; only sqlite and postgresql are supported"
    )


def _bind(connection: Connection, binding: str) -> bool:
    """Bind the database, unless it is; whether it was not. Raises `WrongBinding`."""
    table = schema.database
    was_new = connection.execute(update(table).where(table.c.binding == "").values(binding=binding)).rowcount
    bound = _bound(connection)
    if bound != binding:
        raise WrongBinding(
            f"the database is bound to {_named(bound)}, not to {_named(binding)};"
            " a database cannot be bound again: use another DATABASE_URL"
        )
    return bool(was_new)


def _bound(connection: Connection) -> str:
    bound: str = connection.execute(select(schema.database.c.binding)).scalar_one()
    return bound


def _named(binding: str) -> str:
    return "local mode" if binding == LOCAL else f"the chain with genesis 0x{binding}"
