"""The embedded engine: one file (or memory), one process, one writer, a few readers.

WAL with `synchronous=FULL`: a commit is on the disk when it returns. The driver is in autocommit and
transactions begin with `BEGIN IMMEDIATE`, since the driver's own mode breaks savepoints.

Statements run on the event loop's thread and commits on one of their own: to decide is work for the
processor, to commit is to wait for the disk. A second thread that decides would fight with the loop over the
interpreter's lock at each row, for more than the rows cost (measured: 130 of 415 us per call). Work that
takes seconds in a few statements runs there, too.
"""

import asyncio
import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from sqlalchemy import Engine as SqlAlchemyEngine
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, RootTransaction
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from storage.engines.dialect_sqlite import SqliteDialect
from storage.engines.driver import execute
from storage.engines.engine import Lock
from storage.engines.migrate import alone, upgrade
from storage.errors import BadDatabaseUrl, CommitUnknown, DatabaseUnavailable

T = TypeVar("T")

READERS = 2
BUSY_TIMEOUT_SECONDS = 10.0
"""How long another program (a shell, a backup) may lock the file before it counts as unavailable."""
BUSY_TIMEOUT_ON_LOOP_SECONDS = 0.05
BUSY_PAUSE_SECONDS = 0.05
STATEMENTS_CACHED = 256
CHECKPOINT_PAGES = 16000
"""How long the log grows (to 64 MB) before it is copied into the file: pages written again and again in the
meantime are copied once."""
# Result codes that say the statement is wrong; any other says that the file or the machine is in trouble.
_DEFECTS = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_RANGE,
    }
)


class _OwnersLock:
    """Any lock of a database that one process owns."""

    async def hold(self) -> None:
        await asyncio.Event().wait()

    async def release(self) -> None:
        pass


class SqliteEngine:
    """SQLite in a file, or in memory if `path` is None (then reads go over the writer's connection)."""

    def __init__(self, path: Path | None) -> None:
        self.dialect = SqliteDialect()
        self.lasting = path is not None
        self._path = path
        self._lock_file = _own(path) if path else None
        self._writer_turn = asyncio.Lock()
        self._writer_thread = ThreadPoolExecutor(1, "sqlite-writer")
        self._writer_engine = _engine(
            path, StaticPool, begin="BEGIN IMMEDIATE", busy_seconds=BUSY_TIMEOUT_ON_LOOP_SECONDS
        )
        self._writer: Connection | None = None
        # It begins no transactions: each of its statements sees what is committed.
        self._loop_engine = _engine(path, StaticPool, begin="", busy_seconds=BUSY_TIMEOUT_ON_LOOP_SECONDS)
        self._loop_reader: Connection | None = None
        self._reader_threads = ThreadPoolExecutor(READERS, "sqlite-reader")
        self._reader_engine = _engine(path, QueuePool, begin="BEGIN", pool_size=READERS)

    async def write(self, work: Callable[[Connection], T], *, heavy: bool = False) -> T:
        async with self._writer_turn:
            transaction = await self._begin()
            if heavy:
                return await self._on_writer_thread(self._run_and_commit, transaction, work)
            answer = self._run(transaction, work)
            if self._path is None:
                self._commit(transaction)
                await asyncio.sleep(0)  # there is no disk to wait for, but others want to run
            else:
                await self._on_writer_thread(self._commit, transaction)
        return answer

    async def read(self, work: Callable[[Connection], T]) -> T:
        if self._path is None:
            return await self.write(work)
        return self._read_on_loop(work)

    async def read_snapshot(self, work: Callable[[Connection], T]) -> T:
        if self._path is None:
            return await self.write(work)
        return await asyncio.get_running_loop().run_in_executor(self._reader_threads, self._read, work)

    async def try_lock(self, key: int) -> Lock | None:
        return _OwnersLock()

    async def migrate(self) -> None:
        # A table is changed by making it anew: its children must not notice that it is gone for a moment.
        async with alone(), self._writer_turn:
            await self._set_foreign_keys("OFF")
            try:
                transaction = await self._begin()
                await self._on_writer_thread(self._run_and_commit, transaction, _upgrade)
            finally:
                await self._set_foreign_keys("ON")

    async def _set_foreign_keys(self, state: str) -> None:
        (await self._begin()).rollback()  # there is a connection then, and no transaction
        assert self._writer is not None
        self._writer.connection.execute(f"PRAGMA foreign_keys = {state}")

    async def close(self) -> None:
        def close_all() -> None:
            for connection in (self._writer, self._loop_reader):
                if connection is not None:
                    connection.close()
            self._loop_engine.dispose()
            self._reader_engine.dispose()
            self._writer_engine.dispose()

        await asyncio.to_thread(self._reader_threads.shutdown)  # after the reads that wait
        await asyncio.get_running_loop().run_in_executor(self._writer_thread, close_all)
        self._writer_thread.shutdown()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def is_defect(self, error: Exception) -> bool:
        return not isinstance(error, DBAPIError) or _result_code(error) in _DEFECTS

    async def _begin(self) -> RootTransaction:
        """Begin to write. The loop does not wait for a file that another program has locked."""
        patience = BUSY_TIMEOUT_SECONDS
        while True:
            try:
                if self._writer is None:
                    self._writer = self._writer_engine.connect()
                return self._writer.begin()
            except DBAPIError as error:
                patience -= BUSY_PAUSE_SECONDS + BUSY_TIMEOUT_ON_LOOP_SECONDS
                if patience < 0 or _result_code(error) != sqlite3.SQLITE_BUSY:
                    self._raise(error)
            await asyncio.sleep(BUSY_PAUSE_SECONDS)

    def _run(self, transaction: RootTransaction, work: Callable[[Connection], T]) -> T:
        try:
            return work(transaction.connection)
        except BaseException as error:
            transaction.rollback()
            if isinstance(error, DBAPIError):
                self._raise(error)
            raise

    def _run_and_commit(self, transaction: RootTransaction, work: Callable[[Connection], T]) -> T:
        answer = self._run(transaction, work)
        self._commit(transaction)
        return answer

    def _commit(self, transaction: RootTransaction) -> None:
        try:
            transaction.commit()
        except DBAPIError as error:
            transaction.rollback()  # it is over for SQLAlchemy
            transaction.connection.connection.rollback()  # and for SQLite
            raise CommitUnknown(str(error.orig)) from error

    async def _on_writer_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a step of a transaction; a caller cancelled meanwhile leaves only when it is done."""
        step = asyncio.get_running_loop().run_in_executor(self._writer_thread, function, *arguments)
        try:
            return await asyncio.shield(step)
        except asyncio.CancelledError:
            await asyncio.wait([step])
            raise

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._reader_engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            self._raise(error)

    def _read_on_loop(self, work: Callable[[Connection], T]) -> T:
        """Read here and now: the way to a thread and back costs far more than a few rows by their keys."""
        try:
            if self._loop_reader is None:
                self._loop_reader = self._loop_engine.connect()
            return work(self._loop_reader)
        except DBAPIError as error:
            self._raise(error)

    def _raise(self, error: DBAPIError) -> NoReturn:
        if _result_code(error) == sqlite3.SQLITE_NOTADB:
            raise BadDatabaseUrl(f"{self._path} is not a SQLite database") from error
        if self.is_defect(error):
            raise error
        raise DatabaseUnavailable(str(error.orig)) from error


def _upgrade(connection: Connection) -> None:
    upgrade(connection)
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if orphans:
        raise RuntimeError(f"a migration would leave rows without their parents: {orphans[:3]}")


# The driver looks for an adapter of each value but numbers and texts, and takes longer to find none.
sqlite3.register_adapter(type(None), {None: None}.get)


def _result_code(error: DBAPIError) -> int:
    """The primary result code of SQLite (https://sqlite.org/rescode.html); misuse, if there is none."""
    code: int = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_MISUSE)
    return code & 0xFF


def _own(path: Path) -> int:
    """Take the lock that says which process owns the file; the kernel frees it when the process dies."""
    path = path.resolve()  # one lock, whatever links lead here
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
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
    # Sealed values are in there: nobody else may read it, nor the files that SQLite puts beside it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return descriptor


def _engine(
    path: Path | None,
    pool: type[Any],
    *,
    begin: str,
    busy_seconds: float = BUSY_TIMEOUT_SECONDS,
    **options: Any,
) -> SqlAlchemyEngine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path, busy_seconds),
        poolclass=pool,
        query_cache_size=STATEMENTS_CACHED,
        hide_parameters=True,  # some are secret, and errors are logged
        **options,
    )
    if begin:
        event.listen(engine, "begin", lambda connection: execute(connection, begin))
    return engine


def _connect(path: Path | None, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path or ":memory:",
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_CACHED,
    )
    connection.create_function("unhex", 1, bytes.fromhex, deterministic=True)
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
