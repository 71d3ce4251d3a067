"""What the tests of all rooms share."""

import os
from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer

# Tests start programs while gRPC's threads run, and its handlers of forks can crash the fork (seen).
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private Postgres for the whole session, started when the first test asks for it."""
    with PostgresServer(in_memory=True) as server:
        yield server
