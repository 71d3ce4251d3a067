"""Advisory locks of Postgres at session level: gone with the connection, and so with the process.

Each has a connection of its own. No pool of transactions may stand between: it would hand the session on.
"""

import asyncio
import contextlib

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.errors import DatabaseUnavailable

HOLD_SECONDS = 1.0
"""How often the session is looked at."""
ANSWER_SECONDS_MAX = 5.0
"""How long the database may take to answer, before the session is taken for lost."""
KEEPALIVE = {"tcp_keepalives_idle": "3", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
"""Settings of the session, in seconds: the database frees the lock of a machine that has vanished."""

_TROUBLE = (DBAPIError, OSError, TimeoutError)


class AdvisoryLock:
    """An advisory lock that is held by a connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def hold(self) -> None:
        """Wait for ever; raises `DatabaseUnavailable` as soon as the session does not answer."""
        while True:
            await asyncio.sleep(HOLD_SECONDS)
            try:
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    await self._connection.execute(text("SELECT 1"))
            except _TROUBLE as error:
                raise DatabaseUnavailable("the session that holds the lock of the chain is lost") from error

    async def release(self) -> None:
        """End the session, and the lock with it."""
        with contextlib.suppress(*_TROUBLE):
            await self._connection.invalidate()
            await self._connection.close()


async def try_advisory_lock(engine: AsyncEngine, key: int) -> AdvisoryLock | None:
    """Take an advisory lock on a new connection, or None if another session has it.

    Raises `DatabaseUnavailable`.
    """
    try:
        connection = await engine.connect()
        lock = AdvisoryLock(connection)
        try:
            taken = await connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key})
            if taken.scalar_one():
                return lock
        except BaseException:
            await lock.release()
            raise
    except _TROUBLE as error:
        raise DatabaseUnavailable("the lock of the chain cannot be taken") from error
    await lock.release()
    return None
