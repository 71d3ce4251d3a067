"""The small surface that the two engines share."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy.engine import Connection

from storage.engines.dialect import Dialect

T = TypeVar("T")


class Lock(Protocol):
    """A lock that at most one process holds, until it is released or the process is gone."""

    async def hold(self) -> None:
        """Wait indefinitely; raises `DatabaseUnavailable` as soon as the lock may be lost."""

    async def release(self) -> None:
        """Give it back; it may be lost already."""


class Engine(Protocol):
    """A database: one transaction at a time is written, any number are read.

    All methods raise `DatabaseUnavailable` if the database cannot be reached. Work is a synchronous
    function over a connection; it must not keep the connection.
    """

    @property
    def dialect(self) -> Dialect:
        """How statements are written here."""

    @property
    def lasting(self) -> bool:
        """Whether what is stored outlives this process."""

    async def write(self, work: Callable[[Connection], T], *, heavy: bool = False) -> T:
        """Run `work` in a transaction and commit it durably; if it raises, roll back and raise the same.

        `heavy` work may take seconds, and does not hold up the event loop.

        Raises `Retry` if another process was in the way (run it again), `CommitUnknown` if the
        connection was lost while committing.
        """

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which is one statement, against what is committed now."""

    async def read_snapshot(self, work: Callable[[Connection], T]) -> T:
        """Run `work` so that all of its statements see the same state."""

    def is_defect(self, error: Exception) -> bool:
        """Whether `work` itself is at fault for `error`, and not the database or another process."""

    async def try_lock(self, key: int) -> Lock | None:
        """Take the lock of this key, or None if another process has it."""

    async def migrate(self) -> None:
        """Bring the schema to the newest revision; at most one process does it at a time."""

    async def close(self) -> None:
        """Release all connections."""
