"""What the tests of all rooms share."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private Postgres for the whole session, started when the first test asks for it."""
    with PostgresServer(in_memory=True) as server:
        yield server
