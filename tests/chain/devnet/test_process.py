"""`python -m chain.devnet` is a process that starts, says where it is, and ends when told."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.chain.devnet.wire import Wire

ROOT = Path(__file__).parents[3]


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
    async with devnet("--port", "0", "--block-time-ms", "20", "--finality-lag", "1") as process:
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
    async with devnet("--port", "0", "--sealing", "manual") as first:
        url, _ = await greeting(first)
        port = url.rsplit(":", 1)[1]
        async with devnet("--port", port) as second:
            _, errors = await second.communicate()
    assert second.returncode == 1
    assert errors.decode() == f"Error: cannot listen on 127.0.0.1:{port}: the port is taken\n"


async def test_a_seed_makes_the_same_chain_again() -> None:
    hashes = []
    for options in (["--seed", "x"], ["--seed", "x"], []):
        async with devnet("--port", "0", *options) as process:
            hashes.append((await greeting(process))[1])
    assert hashes[0] == hashes[1] != hashes[2]
