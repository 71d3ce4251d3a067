"""The embedded engine: one file (or memory), one process, one writer thread, a few readers.

WAL with `synchronous=FULL`: a commit is on the disk when it returns. The driver is in autocommit and
transactions begin with `BEGIN IMMEDIATE`, since the driver's own mode breaks savepoints.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine as SqlAlchemyEngine
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool, StaticPool

from storage.dialect import SqliteDialect
from storage.errors import BadDatabaseUrl, DatabaseUnavailable
from storage.migrate import upgrade

T = TypeVar("T")

READERS = 2
BUSY_TIMEOUT_SECONDS = 10.0
STATEMENTS_CACHED = 256


class SqliteEngine:
    """SQLite in a file, or in memory if `path` is None (then reads go over the writer's connection)."""

    def __init__(self, path: Path | None) -> None:
        self.dialect = SqliteDialect()
        self._path = path
        self._lock_file = _own(path) if path else None
        self._writer_thread = ThreadPoolExecutor(1, "sqlite-writer")
        self._writer_engine = _engine(path, StaticPool, begin="BEGIN IMMEDIATE")
        self._writer: Connection | None = None
        if path:
            self._reader_threads = ThreadPoolExecutor(READERS, "sqlite-reader")
            self._reader_engine = _engine(path, QueuePool, begin="BEGIN", pool_size=READERS)
        else:
            self._reader_threads = self._writer_thread
            self._reader_engine = self._writer_engine

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer_thread, self._write, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader_threads, self._read, work)

    read_snapshot = read

    async def migrate(self) -> None:
        await self.write(upgrade)

    async def close(self) -> None:
        def close_all() -> None:
            if self._writer is not None:
                self._writer.close()
            self._reader_engine.dispose()
            self._writer_engine.dispose()

        await asyncio.get_running_loop().run_in_executor(self._writer_thread, close_all)
        self._reader_threads.shutdown()
        self._writer_thread.shutdown()
        if self._lock_file is not None:
            os.close(self._lock_file)

    def _write(self, work: Callable[[Connection], T]) -> T:
        try:
            if self._writer is None:
                self._writer = self._writer_engine.connect()
            with self._writer.begin():
                return work(self._writer)
        except OperationalError as error:
            raise DatabaseUnavailable(str(error.orig)) from error

    def _read(self, work: Callable[[Connection], T]) -> T:
        if self._reader_engine is self._writer_engine:
            return self._write(work)
        try:
            with self._reader_engine.begin() as connection:
                return work(connection)
        except OperationalError as error:
            raise DatabaseUnavailable(str(error.orig)) from error


def _own(path: Path) -> int:
    """Take the lock that says which process owns the file; the kernel frees it when the process dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadDatabaseUrl(f"cannot open the database {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise BadDatabaseUrl(
            f"the database {path} is in use by another process; SQLite files have one owner at a time"
        ) from error
    return descriptor


def _engine(path: Path | None, pool: type[Any], *, begin: str, **options: Any) -> SqlAlchemyEngine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path),
        poolclass=pool,
        query_cache_size=STATEMENTS_CACHED,
        **options,
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _connect(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path or ":memory:",
        timeout=BUSY_TIMEOUT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_CACHED,
    )
    connection.create_function("unhex", 1, bytes.fromhex, deterministic=True)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection
