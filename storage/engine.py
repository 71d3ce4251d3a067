"""The small surface that the two engines share."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy.engine import Connection

from storage.dialect import Dialect

T = TypeVar("T")


class Engine(Protocol):
    """A database: one transaction at a time is written, any number are read.

    All methods raise `DatabaseUnavailable` if the database cannot be reached. Work is a synchronous
    function over a connection; it must not keep the connection.
    """

    @property
    def dialect(self) -> Dialect:
        """How statements are written here."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction and commit it durably; if it raises, roll back and raise the same.

        Raises `Retry` if another process was in the way (run it again), `CommitUnknown` if the
        connection was lost while committing.
        """

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which is one statement, against what is committed now."""

    async def read_snapshot(self, work: Callable[[Connection], T]) -> T:
        """Run `work` so that all of its statements see the same state."""

    def is_defect(self, error: Exception) -> bool:
        """Whether `work` itself is at fault for `error`, and not the database or another process."""

    async def migrate(self) -> None:
        """Bring the schema to the newest revision; at most one process does it at a time."""

    async def close(self) -> None:
        """Release all connections."""
