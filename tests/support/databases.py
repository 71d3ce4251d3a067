"""Empty, migrated databases for tests, copied from a template: a fraction of the cost of migrating each."""

import asyncio
import itertools
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from storage.store import Storage
from tests.support.postgres import PostgresServer

GENESIS = "ab" * 32
"""The binding of databases whose chain decides."""


class PostgresDatabases:
    """Makes databases on a server, each a copy of a migrated one that is bound to nobody yet."""

    _TEMPLATE = "chamberlain_template"

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        server.create_database(self._TEMPLATE)
        _migrate(server.url(self._TEMPLATE))

    def create(self) -> str:
        """The name of a new database."""
        name = f"chamberlain_{next(self._numbers)}"
        self.server.create_database(name, self._TEMPLATE)
        return name

    def create_unmigrated(self) -> str:
        name = f"chamberlain_{next(self._numbers)}"
        self.server.create_database(name)
        return name


class SqliteFiles:
    """Makes SQLite files, each a copy of a migrated one that is bound to nobody yet."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"
        _migrate(f"sqlite:///{self._template}")
        # Everything into the one file that is copied.
        connection = sqlite3.connect(self._template)
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()

    def create(self, path: Path) -> str:
        """Put a new database at `path`; its URL."""
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"


def _migrate(url: str) -> None:
    """Migrate in a thread, since the caller may be inside of an event loop."""

    async def migrate() -> None:
        storage = Storage.open(url)
        try:
            await storage._engine.migrate()
        finally:
            await storage.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(migrate())).result()
