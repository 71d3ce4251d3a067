"""`chamberlain serve` as a process: what it says, and how it ends."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from click.testing import CliRunner

from server.cli import COMMANDS, main
from server.settings import Settings, environment_name, is_secret
from storage.store import Storage
from tests.server.market import a_task

COMMAND = str(Path(sys.executable).with_name("chamberlain"))
WAIT_SECONDS = 30.0


async def chamberlain(*arguments: str, cwd: Path, **environment: str) -> asyncio.subprocess.Process:
    known = {environment_name(field) for field in Settings.model_fields}
    inherited = {name: value for name, value in os.environ.items() if name not in known}
    return await asyncio.create_subprocess_exec(
        COMMAND,
        *arguments,
        cwd=cwd,
        env=inherited | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def said(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    """How a process ended, and what it wrote to its output and its error stream."""
    async with asyncio.timeout(WAIT_SECONDS):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


@asynccontextmanager
async def serving(
    *arguments: str, cwd: Path, **environment: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A server that has said where it listens."""
    process = await chamberlain("serve", *arguments, cwd=cwd, **environment)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(WAIT_SECONDS):
            yield process, (await process.stdout.readline()).decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def a_taken_port() -> socket.socket:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    return taken


async def test_a_fresh_folder_gets_a_server_and_a_database_that_outlive_a_signal(tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        async with serving(cwd=tmp_path, BIND_ADDR="127.0.0.1:0") as (process, greeting):
            assert "listens on 127.0.0.1:" in greeting
            assert "local mode, database sqlite:///.data/chamberlain.db" in greeting
            port = greeting.partition("127.0.0.1:")[2].partition(",")[0]
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub: Any = OrchestratorServiceStub(channel)
                await stub.CreateTask(a_task())
                listed = await stub.ListTasks(pb.ListTasksRequest())
            process.send_signal(number)
            code, _, errors = await said(process)
            assert (code, "Traceback" in errors) == (0, False)
    assert len(listed.tasks) == 2


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for _ in range(3):
        async with serving(cwd=tmp_path, BIND_ADDR=f"unix:{tmp_path}/socket") as (process, _):
            async with grpc.aio.insecure_channel(f"unix:{tmp_path}/socket") as channel:
                stub: Any = OrchestratorServiceStub(channel)
                listed = await stub.ListTasks(pb.ListTasksRequest(page_size=200))
                assert acknowledged <= {task.task_id for task in listed.tasks}
                calls = [asyncio.ensure_future(_create(stub)) for _ in range(40)]
                await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
                process.kill()
                answers = await asyncio.gather(*calls)
            acknowledged |= {task_id for task_id in answers if task_id}
    assert acknowledged


async def _create(stub: Any) -> str:
    try:
        created: pb.CreateTaskResponse = await stub.CreateTask(a_task())
    except grpc.aio.AioRpcError:
        return ""
    return created.task.task_id


async def test_a_taken_port_ends_the_process_with_one_line(tmp_path: Path) -> None:
    with a_taken_port() as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process = await chamberlain("serve", cwd=tmp_path, DATABASE_URL=":memory:", BIND_ADDR=address)
        code, _, errors = await said(process)
    assert code == 2
    assert errors.splitlines() == [f"Error: {address} is already in use: choose another BIND_ADDR"]


async def test_a_file_that_another_server_owns_ends_the_process_with_one_line(tmp_path: Path) -> None:
    async with serving(cwd=tmp_path, BIND_ADDR="127.0.0.1:0"):
        code, _, errors = await said(await chamberlain("serve", cwd=tmp_path, BIND_ADDR="127.0.0.1:0"))
    (line,) = errors.splitlines()
    assert code == 2
    assert "chamberlain.db is in use by another process" in line


@pytest.mark.parametrize(
    ("environment", "arguments", "told"),
    [
        ({"DATABASE_URL": "mysql://u:hunter2@db/x"}, [], "'mysql'; only sqlite and postgresql are supported"),
        ({"DATABASE_URL": "hunter2"}, [], "DATABASE_URL is not a URL"),
        ({"DATABASE_URL": "{bound}"}, [], "bound to the chain with genesis 0xabab"),
        ({"CHAIN_WS_URL": "http://hunter2"}, [], "CHAIN_WS_URL: must be a WebSocket URL"),
        ({"DRAIN_SECONDS": "-1"}, [], "DRAIN_SECONDS: "),
        ({}, ["--drain-seconds", "x"], "DRAIN_SECONDS: "),
        ({"BIND_ADDR": "0.0.0.0:0"}, [], "--insecure"),
        ({"BIND_ADDR": "192.0.2.1:1"}, ["--insecure"], "cannot listen on 192.0.2.1:1"),
        ({"CHAIN_WS_URL": "ws://node"}, ["--dev"], "development chain"),
        ({"CHAIN_SIGNER": "//Alice"}, [], "CHAIN_SIGNER: needs CHAIN_WS_URL"),
        ({}, ["--chain-start-block", "0"], "CHAIN_START_BLOCK: needs CHAIN_WS_URL"),
        ({"CHAIN_WS_URL": "ws://node", "CHAIN_SIGNER": "hunter2"}, [], "CHAIN_SIGNER: a secret is"),
        ({"CHAIN_WS_URL": "ws://node", "CHAIN_METADATA_PATH": "missing"}, [], "CHAIN_METADATA_PATH: cannot"),
        ({"CHAIN_WS_URL": "ws://node", "CHAIN_SIGNERS_PATH": "x.toml"}, [], "needs CHAIN_SIGNER"),
    ],
)
def test_what_an_operator_must_change_is_said_in_a_line(
    bound_to_a_chain: str, environment: dict[str, str], arguments: list[str], told: str
) -> None:
    given = {"DATABASE_URL": ":memory:", "BIND_ADDR": "127.0.0.1:0"}
    given |= {name: value.format(bound=bound_to_a_chain) for name, value in environment.items()}
    ended = CliRunner(env=given).invoke(main, ["serve", *arguments])
    assert ended.exit_code == 2
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    assert told in line
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr


@pytest.fixture
def bound_to_a_chain(tmp_path: Path) -> Iterator[str]:
    """The URL of a database that belongs to a chain; afterwards logs go where they went before."""
    handlers = logging.root.handlers

    async def bind(url: str) -> None:
        storage = Storage.open(url)
        await storage.prepare("ab" * 32)
        await storage.close()

    url = f"sqlite:///{tmp_path}/bound.db"
    asyncio.run(bind(url))
    yield url
    logging.root.handlers = handlers
    structlog.reset_defaults()


def test_the_help_lists_the_commands_in_the_order_in_which_they_are_needed() -> None:
    told = CliRunner().invoke(main, ["--help"]).stdout.partition("Commands:\n")[2]
    assert [line.split()[0] for line in told.splitlines()] == list(COMMANDS)
    assert list(COMMANDS)[:3] == ["serve", "demo", "devnet"]
    assert "..." not in told


def test_the_help_lists_every_setting_with_its_environment_name_and_default() -> None:
    words = " ".join(CliRunner().invoke(main, ["serve", "--help"]).stdout.split())
    for name, field in Settings.model_fields.items():
        assert field.description is not None
        assert " ".join(field.description.split()) in words
        assert environment_name(name) in words
        assert is_secret(field) or f"--{name.replace('_', '-')}" in words
    for default in ("sqlite:///.data/chamberlain.db", "127.0.0.1:50051", "1114112", "86400", "default: 500"):
        assert default in words


async def test_a_new_database_warns_of_what_is_for_ever_once(tmp_path: Path) -> None:
    told = []
    for _ in range(2):
        async with serving(cwd=tmp_path, BIND_ADDR="127.0.0.1:0") as (process, _):
            process.terminate()
            _, _, errors = await said(process)
        told.append(
            [line["event"] for line in map(json.loads, errors.splitlines()) if line["level"] == "warning"]
        )
    assert told == [
        ["this new database is now bound to local mode permanently: it will never follow a chain"],
        [],
    ]


async def test_the_version_is_told(tmp_path: Path) -> None:
    code, output, _ = await said(await chamberlain("--version", cwd=tmp_path))
    assert (code, output.split()[0]) == (0, "chamberlain")


async def test_without_a_terminal_each_line_of_the_log_is_json(tmp_path: Path) -> None:
    async with serving(cwd=tmp_path, BIND_ADDR="127.0.0.1:0", DATABASE_URL=":memory:") as (process, _):
        process.terminate()
        _, _, errors = await said(process)
    events = [json.loads(line)["event"] for line in errors.splitlines()]
    assert events == ["the database is ready", "draining"]
