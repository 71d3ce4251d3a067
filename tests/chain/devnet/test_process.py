"""`python -m chain.devnet` is a process that starts, says where it is, and ends when told."""

import asyncio
import dataclasses
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from websockets.asyncio.client import connect

from chain.devnet import DevChainConfig
from chain.devnet.__main__ import main
from tests.chain.devnet.wire import Wire, refusal_of

ROOT = Path(__file__).parents[3]
ANYWHERE = ("--listen", "127.0.0.1:0")


@asynccontextmanager
async def devnet(*options: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chain.devnet", *options, cwd=ROOT, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def greeting(process: Process) -> tuple[str, str]:
    """Return the URL and the genesis hash that it prints."""
    assert process.stdout is not None
    url, word, genesis_hash = (await process.stdout.readline()).decode().split()
    assert word == "genesis"
    return url, genesis_hash


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_told_to_stop_and_then_ends_cleanly(stop: signal.Signals) -> None:
    async with devnet(*ANYWHERE, "--block-time-ms", "20", "--finality-lag", "1") as process:
        url, genesis_hash = await greeting(process)
        async with connect(url) as connection:
            wire = Wire(connection)
            assert await wire.call("chain_getBlockHash", 0) == genesis_hash
            heads = await wire.call("chain_subscribeFinalizedHeads")
            while int((await wire.next_notification(heads))["number"], 16) < 2:
                pass
            process.send_signal(stop)
            output, errors = await process.communicate()
    assert (process.returncode, output, errors) == (0, b"", b"")


async def test_a_taken_port_is_said_in_one_line() -> None:
    async with devnet(*ANYWHERE, "--sealing", "manual") as first:
        url, _ = await greeting(first)
        port = url.rsplit(":", 1)[1]
        async with devnet("--listen", f"127.0.0.1:{port}") as second:
            _, errors = await second.communicate()
    assert second.returncode == 2
    assert errors.decode() == f"Error: cannot listen on 127.0.0.1:{port}: the port is taken\n"


async def test_a_seed_makes_the_same_chain_again() -> None:
    hashes = []
    for options in (["--seed", "x"], ["--seed", "x"], []):
        async with devnet(*ANYWHERE, *options) as process:
            hashes.append((await greeting(process))[1])
    assert hashes[0] == hashes[1] != hashes[2]


async def test_an_archive_can_be_served_beside_a_node_that_prunes_a_long_history() -> None:
    options = ("--archive-listen", "127.0.0.1:0", "--pruning", "5", "--fill", "30", "--sealing", "manual")
    async with devnet(*ANYWHERE, *options) as process:
        url, _ = await greeting(process)
        assert process.stdout is not None
        archive_url, word = (await process.stdout.readline()).decode().split()
        assert word == "archive"
        async with connect(url) as pruned, connect(archive_url) as archive:
            old = await Wire(pruned).call("chain_getBlockHash", 3)
            assert (await refusal_of(Wire(pruned), "state_getMetadata", old)).code == 4003
            assert (await Wire(archive).call("state_getMetadata", old)).startswith("0x6d657461")
            assert (await Wire(archive).call("chain_getHeader"))["number"] == hex(30)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--listen", "9944"], "expected HOST:PORT, such as 127.0.0.1:9944, not '9944'"),
        (["--listen", "127.0.0.1:70000"], "expected HOST:PORT"),
        (["--pruning", "some"], "expected archive or a number of blocks, not 'some'"),
        (["--pruning", "0"], "the pruning window is 1 to 10000000 blocks"),
        (["--finality-step", "0"], "the finality step is 1 to 10000 blocks"),
        (["--block-time-ms", "1"], "the block time is 2 to 86400000 ms"),
        (["--genesis-time-ms", "-1"], "the genesis time is 0 to"),
        (["--fill", "100001"], "100001 is not in the range"),
    ],
)
def test_an_option_that_cannot_be_is_refused_with_the_reason(options: list[str], problem: str) -> None:
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert problem in result.output


@pytest.mark.parametrize("option", ["--listen", "--archive-listen"])
def test_where_others_can_reach_it_is_insecure_and_must_be_said(option: str) -> None:
    told = CliRunner().invoke(main, [option, "0.0.0.0:0"])
    assert told.exit_code == 2
    assert told.output.startswith("Error: 0.0.0.0:0 can be reached from other machines")
    assert "--insecure" in told.output


async def test_insecure_listens_where_others_can_reach_it() -> None:
    async with devnet("--listen", "0.0.0.0:0", "--insecure", "--sealing", "manual") as process:
        url, _ = await greeting(process)
        assert url.startswith("ws://")


def test_the_help_names_every_field_of_the_configuration() -> None:
    configured = {field.name for field in dataclasses.fields(DevChainConfig)} - {"clock", "names"}
    assert configured <= {parameter.name for parameter in main.params}
    assert "chamberlain devnet --fill 20000" in CliRunner().invoke(main, ["--help"]).output
