"""Bringing a database to the newest revision, from the revisions that ship with the package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.engine import Connection

import migrations
from storage.errors import SchemaOutdated


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the revisions that are missing up to `revision`, in the transaction of `connection`.

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
