"""The Postgres of the tests keeps the promises that the tests rest on."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support.postgres import PostgresError, PostgresServer, _copy_programs, _wheel_programs

REPOSITORY = Path(__file__).parents[2]
CUT_OFF = asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer(in_memory=True) as server:
        yield server


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@asynccontextmanager
async def connected(server: PostgresServer, database: str = "postgres") -> AsyncIterator[Any]:
    connection = await asyncpg.connect(server.url(database))
    try:
        yield connection
    finally:
        connection.terminate()


async def test_a_database_made_from_a_template_starts_with_its_tables_and_then_goes_its_own_way(
    server: PostgresServer,
) -> None:
    server.create_database("mould")
    async with connected(server, "mould") as mould:
        await mould.execute("CREATE TABLE task (id int)")
        await mould.execute("INSERT INTO task VALUES (1)")

    server.create_database("cast_one", template="mould")
    async with connected(server, "cast_one") as cast:
        await cast.execute("INSERT INTO task VALUES (2)")
        assert await cast.fetchval("SELECT count(*) FROM task") == 2
    async with connected(server, "mould") as mould:
        assert await mould.fetchval("SELECT count(*) FROM task") == 1


async def test_a_database_is_dropped_although_somebody_is_connected(server: PostgresServer) -> None:
    server.create_database("short_lived")
    async with connected(server, "short_lived") as connection:
        server.drop_database("short_lived")
        with pytest.raises(CUT_OFF):
            await connection.execute("SELECT 1")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(server.url("short_lived"))


async def test_dropping_a_database_that_is_not_there_is_no_error(server: PostgresServer) -> None:
    server.drop_database("never_was")


async def test_a_refused_command_says_what_postgres_said(server: PostgresServer) -> None:
    with pytest.raises(PostgresError, match='database "postgres" already exists'):
        server.create_database("postgres")


@pytest.mark.parametrize("name", ["", "Upper", "a-b", 'a"; DROP DATABASE postgres; --', "1st", "a" * 64])
async def test_only_plain_names_reach_a_statement(server: PostgresServer, name: str) -> None:
    with pytest.raises(ValueError, match="not a plain database name"):
        server.create_database(name)


async def test_commits_wait_for_the_disk_and_two_hundred_clients_may_come(server: PostgresServer) -> None:
    async with connected(server) as connection:
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        assert await connection.fetchval("SHOW max_connections") == "200"


async def test_clients_come_in_by_the_socket_too(server: PostgresServer) -> None:
    connection = await asyncpg.connect(
        host=str(server.folder), port=server.port, user="postgres", database="postgres"
    )
    assert await connection.fetchval("SELECT inet_client_addr()") is None
    await connection.close()


async def test_the_server_never_runs_as_root_and_shows_its_data_to_nobody(server: PostgresServer) -> None:
    owner = server.data.stat()
    assert owner.st_uid != 0
    assert owner.st_mode & 0o077 == 0


async def test_variables_meant_for_another_postgres_do_not_reach_this_one(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", "--no-such-option")
    server.create_database("undisturbed")
    server.drop_database("undisturbed")


async def test_what_was_committed_survives_a_kill_and_what_was_not_is_gone(server: PostgresServer) -> None:
    port = server.port
    async with connected(server) as connection, connected(server) as undecided:
        await connection.execute("CREATE TABLE task (id int)")
        await undecided.execute("BEGIN; INSERT INTO task VALUES (1)")
        await connection.execute("INSERT INTO task VALUES (2)")
        server.kill()
        with pytest.raises(CUT_OFF):
            await undecided.execute("COMMIT")
    with pytest.raises(OSError, match=r"[Cc]onnect"):
        await asyncpg.connect(server.url("postgres"))

    server.restart()
    assert server.port == port
    async with connected(server) as connection:
        assert [row["id"] for row in await connection.fetch("SELECT id FROM task")] == [2]


async def test_a_restart_cuts_off_the_clients_of_a_running_server(server: PostgresServer) -> None:
    async with connected(server) as connection:
        server.restart()
        with pytest.raises(CUT_OFF):
            await connection.execute("SELECT 1")
    async with connected(server) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_servers_stand_side_by_side_and_leave_nothing_behind(server: PostgresServer) -> None:
    with PostgresServer() as other:
        folders = other.folder, other.data
        other.create_database("only_here")
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            await asyncpg.connect(server.url("only_here"))
    assert not any(folder.exists() for folder in folders)
    other.stop()


async def test_a_start_that_fails_says_why_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(open_folder))
    monkeypatch.setattr("tests.support.postgres.MAX_CONNECTIONS", -1)
    server = PostgresServer()
    with pytest.raises(PostgresError, match="max_connections"):
        server.start()
    assert list(open_folder.iterdir()) == []


async def test_the_programs_also_run_from_a_copy_in_an_open_folder(open_folder: Path) -> None:
    """Root needs the copy where the checkout is closed to other users, as below /root."""
    programs = _copy_programs(_wheel_programs(), open_folder, pwd.getpwuid(os.getuid()))
    version = subprocess.run([programs / "psql", "--version"], capture_output=True, text=True, check=True)
    assert "(PostgreSQL) 18" in version.stdout
    subprocess.run([programs / "initdb", "--version"], capture_output=True, check=True)


async def test_a_server_that_is_not_started_has_no_address() -> None:
    with pytest.raises(PostgresError, match="not started"):
        PostgresServer().url("postgres")


async def test_an_owner_that_is_killed_takes_its_server_and_its_folders_along() -> None:
    script = """
import os, signal
from tests.support.postgres import PostgresServer
server = PostgresServer(in_memory=True)
server.start()
print(server.folder, server.data, server.port, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    # The keeper has inherited the output: it ends when the keeper has done its work.
    owner = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=False
    )
    assert owner.returncode == -signal.SIGKILL
    folder, data, port = owner.stdout.split()
    assert not Path(folder).exists()
    assert not Path(data).exists()
    with pytest.raises(OSError, match=r"[Cc]onnect"):
        await asyncpg.connect(host="127.0.0.1", port=int(port), user="postgres")
