"""The development chains of a run, each a process that does what the driver asks."""

import asyncio
import time

from bench.processes import Line
from bench.reading import Chain
from chain.devnet import DevChain, DevChainConfig, DevNode, Sealing
from tests.support.proxy import Proxy

EXTRINSICS = 7
EVENTS = 1 + 3 * EXTRINSICS
"""In each block: three of each extrinsic, and one of the inherent."""
FILL_AT_ONCE = 50


async def serve_history(line: Line, blocks: int) -> None:
    """A chain of so many blocks, none of them final.

    Asked for a number, it finalizes up to this block; the answer is when.
    """
    chain = DevChain(DevChainConfig(sealing=Sealing.MANUAL, finality_lag_blocks=0))
    chain.pause_finality()
    async with DevNode(chain) as node:
        for first in range(0, blocks, FILL_AT_ONCE):
            chain.fill(min(FILL_AT_ONCE, blocks - first), EXTRINSICS)
        line.answer(Chain(node.url, chain.genesis.hash.hex()))
        async for number in line.questions():
            now = time.monotonic()
            chain.finalize(number)
            line.answer(now)


async def serve_blocks_on_demand(line: Line) -> None:
    """A chain that makes a block whenever it is asked, final at once; the answer is its number and when."""
    chain = DevChain(DevChainConfig(sealing=Sealing.MANUAL, finality_lag_blocks=0))
    chain.pause_finality()
    async with DevNode(chain) as node:
        line.answer(Chain(node.url, chain.genesis.hash.hex()))
        async for _ in line.questions():
            number = chain.fill(1, EXTRINSICS).number
            now = time.monotonic()
            chain.finalize(number)
            line.answer((number, now))


async def serve_working_chain(line: Line, block_time_ms: int) -> None:
    """A chain that makes blocks in time, each final at once."""
    chain = DevChain(
        DevChainConfig(sealing=Sealing.INTERVAL, block_time_ms=block_time_ms, finality_lag_blocks=0)
    )
    async with DevNode(chain) as node:
        line.answer(Chain(node.url, chain.genesis.hash.hex()))
        async for _ in line.questions():
            pass


async def serve_long_line(line: Line, url: str, delay_seconds: float) -> None:
    """A proxy before a node, which delays what the node says; the answer is its URL."""
    host, _, port = url.rpartition(":")
    async with Proxy.before(int(port), delay_seconds=delay_seconds) as proxy:
        line.answer(f"{host}:{proxy.port}")
        async for _ in line.questions():
            await asyncio.sleep(0)
