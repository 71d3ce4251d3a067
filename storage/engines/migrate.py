"""Bringing a database to the newest revision, from the revisions that ship with the package."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.engine import Connection

import migrations
from storage.errors import SchemaOutdated

TURN_PAUSE_SECONDS = 0.01
_turn = threading.Lock()


@contextlib.asynccontextmanager
async def alone() -> AsyncIterator[None]:
    """Upgrade one database of this process at a time: Alembic keeps what it works on in its own modules."""
    while not _turn.acquire(blocking=False):  # noqa: ASYNC110 - others may be on other event loops
        await asyncio.sleep(TURN_PAUSE_SECONDS)
    try:
        yield
    finally:
        _turn.release()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the revisions that are missing up to `revision`, in the transaction of `connection`; see `alone`.

    Raises `SchemaOutdated` if the database is newer than this code.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise SchemaOutdated(
            f"the database has a schema that this version does not know ({error}): run a newer version"
        ) from error
