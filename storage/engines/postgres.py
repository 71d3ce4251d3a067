"""The engine for more than one machine: Postgres through asyncpg, READ COMMITTED.

One connection commits, a pool reads, and each lock has one of its own. Repository functions are synchronous
and run through `run_sync`.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from sqlalchemy import URL
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import greenlet_spawn

from storage.engines.advisory_lock import KEEPALIVE, try_advisory_lock
from storage.engines.dialect_postgres import PostgresDialect
from storage.engines.engine import Lock
from storage.engines.migrate import alone, upgrade
from storage.errors import CommitUnknown, DatabaseUnavailable, Overloaded, Retry

T = TypeVar("T")

STATEMENTS_CACHED = 512
STATEMENT_TIMEOUT_SECONDS = 20.0
"""Then the connection counts as lost. Shorter than the deadline of a call, so that the caller hears of it."""
MIGRATION_STATEMENT_TIMEOUT_SECONDS = 3600.0
"""An index of a large table takes its time."""
# Serialization failure, deadlock, lock timeout: another process decided at the same time.
_RETRY_STATES = frozenset({"40001", "40P01", "55P03"})
# SQLSTATEs, or their classes, that say the server does not serve us now: connection exception, read-only
# (a standby), role or password refused, no such database, out of resources, operator intervention
# (shutdown, starting up), system error.
_AWAY_CLASSES = ("08", "25006", "28", "3D", "53", "57", "58")
_TROUBLE = (DBAPIError, PoolTimeout, OSError, TimeoutError)
# Arbitrary, but the same in every process: one migration at a time.
_MIGRATION_LOCK = 0x6368616D6265726C


class PostgresEngine:
    """A Postgres database, reached with at most `connections_max` connections (at least 2).

    Each lock that is held has one more.
    """

    def __init__(self, url: URL, *, connections_max: int, connect_timeout_seconds: float) -> None:
        self.dialect = PostgresDialect()
        self.lasting = True
        connect: dict[str, Any] = {
            "timeout": connect_timeout_seconds,
            "command_timeout": STATEMENT_TIMEOUT_SECONDS,
            "prepared_statement_cache_size": STATEMENTS_CACHED,
            "server_settings": {"application_name": "chamberlain"},
        }
        options: dict[str, Any] = {
            "pool_reset_on_return": None,
            "hide_parameters": True,  # some are secret, and errors are logged
            "connect_args": connect,
        }
        self._migration_engine = create_async_engine(
            url,
            poolclass=NullPool,
            **options | {"connect_args": connect | {"command_timeout": MIGRATION_STATEMENT_TIMEOUT_SECONDS}},
        )
        self._writer_engine = create_async_engine(url, pool_size=1, max_overflow=0, **options)
        self._writer: AsyncConnection | None = None
        self._writer_turn = asyncio.Lock()
        readers: dict[str, Any] = {"pool_size": max(1, connections_max - 1), "max_overflow": 0} | options
        readers["pool_timeout"] = connect_timeout_seconds
        self._reader_engine = create_async_engine(url, **readers)
        lock_connect = connect | {"server_settings": connect["server_settings"] | KEEPALIVE}
        self._lock_engine = create_async_engine(
            url, poolclass=NullPool, isolation_level="AUTOCOMMIT", **options | {"connect_args": lock_connect}
        )
        self._plain_reader = self._reader_engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshot_reader = self._reader_engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    async def write(self, work: Callable[[Connection], T], *, heavy: bool = False) -> T:
        async with self._writer_turn:
            return await self._write(work)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        try:
            if self._writer is None:
                self._writer = await self._writer_engine.connect()
            transaction = await self._writer.begin()
            try:
                answer = await self._writer.run_sync(work)
            except TimeoutError:
                raise  # a rollback would wait as long again; the connection is dropped instead
            except BaseException:
                await transaction.rollback()
                raise
        except _TROUBLE as error:
            await self._drop_writer_if_broken(error)
            if _lost(error):
                raise Retry from error  # nothing was committed; perhaps only the connection was old
            _raise(error)
        except asyncio.CancelledError:
            await self._drop_writer()
            raise
        try:
            await transaction.commit()
        except asyncio.CancelledError:
            await self._drop_writer()
            raise
        except Exception as error:  # whatever it is: the transaction may be committed
            await self._drop_writer()
            if _sql_state(error) in _RETRY_STATES:
                raise Retry from error
            raise CommitUnknown(_summary(error)) from error
        return answer

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._read(self._plain_reader, work)

    async def read_snapshot(self, work: Callable[[Connection], T]) -> T:
        return await self._read(self._snapshot_reader, work)

    async def _read(self, engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
        try:
            return await _run(engine, work)
        except _TROUBLE as error:
            if not _lost(error):
                _raise(error)
        try:
            return await _run(engine, work)  # perhaps only the connection was old
        except _TROUBLE as error:
            _raise(error)

    def is_defect(self, error: Exception) -> bool:
        if isinstance(error, DBAPIError):
            return _sql_state(error) not in _RETRY_STATES and not _away(error)
        return not isinstance(error, _TROUBLE)

    async def try_lock(self, key: int) -> Lock | None:
        return await try_advisory_lock(self._lock_engine, key)

    async def migrate(self) -> None:
        def migrate(connection: Connection) -> None:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock($1)", (_MIGRATION_LOCK,))
            upgrade(connection)

        try:
            async with alone(), self._migration_engine.begin() as connection:
                await connection.run_sync(migrate)
        except _TROUBLE as error:
            if _sql_state(error) in _RETRY_STATES:
                raise DatabaseUnavailable(_summary(error)) from error
            _raise(error)

    async def close(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(*_TROUBLE):
                await self._writer.close()
        await self._migration_engine.dispose()
        await self._writer_engine.dispose()
        await self._reader_engine.dispose()
        await self._lock_engine.dispose()

    async def _drop_writer_if_broken(self, error: BaseException) -> None:
        if not isinstance(error, DBAPIError) or error.connection_invalidated or _away(error):
            await self._drop_writer()

    async def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(Exception):  # it is gone either way
                await writer.invalidate()
                await writer.close()


async def _run(engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
    def connect_and_work() -> T:
        with engine.sync_engine.connect() as connection:
            return work(connection)

    # In one go: the asynchronous facade would spawn a greenlet for each step, at the price of a statement.
    return await greenlet_spawn(connect_and_work)


def _lost(error: BaseException) -> bool:
    """Whether a connection that was open is gone; a new one may work."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _sql_state(error: BaseException) -> str:
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def _away(error: DBAPIError) -> bool:
    return (
        error.connection_invalidated or not _sql_state(error) or _sql_state(error).startswith(_AWAY_CLASSES)
    )


def _summary(error: BaseException) -> str:
    """The first line of what an error says, or its name: that of a timeout says nothing."""
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return lines[0] if lines else type(error).__name__


def _raise(error: Exception) -> NoReturn:
    if _sql_state(error) in _RETRY_STATES:
        raise Retry from error
    if isinstance(error, PoolTimeout):
        raise Overloaded("all connections to the database are busy") from error
    if not isinstance(error, DBAPIError) or _away(error):
        raise DatabaseUnavailable(_summary(error)) from error
    raise error
