"""`delay`: from the moment that a block is final to the moment that a client which watches has its events.

A chain makes a block now and then and says when it became final. A client watches the events of the chain
over gRPC, from a server on each engine; it hears of the block when it has the last of its events. The peer is
what a node itself offers: in the same process, a bare WebSocket subscription to finalized heads, whose
notification holds a header and no event. All times are of the one monotonic clock of the machine.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import grpc
from chamberlain.v1 import chain_service_pb2 as pb
from chamberlain.v1.chain_service_pb2_grpc import ChainServiceStub

from bench.chains import EVENTS, serve_blocks_on_demand
from bench.engines import ENGINES, OPEN
from bench.peers import PeerRow
from bench.processes import Line, Process
from bench.served import serve_app
from chain.rpc import RpcClient

PEER = "bare WebSocket subscriber"
SUBSCRIBE, UNSUBSCRIBE = "chain_subscribeFinalizedHeads", "chain_unsubscribeFinalizedHeads"
PAUSE_SECONDS = 0.03
"""Between two blocks: what the one before has caused is over."""
WARM_UP_BLOCKS = 5


@dataclass(frozen=True)
class Size:
    """How many blocks are made for each engine."""

    engines: Sequence[str] = ENGINES
    blocks: int = 200


def measure(size: Size, tell: Callable[[str], None]) -> list[PeerRow]:
    """Run the benchmark; `tell` is told of each step."""
    return [row for engine in size.engines for row in _measure_one(size, engine, tell)]


def _measure_one(size: Size, engine: str, tell: Callable[[str], None]) -> list[PeerRow]:
    ours, theirs = [], []
    with ExitStack() as stack:
        tell(f"delay: {engine}")
        chain = stack.enter_context(Process(serve_blocks_on_demand))
        database = stack.enter_context(OPEN[engine]())
        server = stack.enter_context(Process(serve_app, database.url, chain.greeting.url))
        watcher = stack.enter_context(Process(watch, server.greeting, chain.greeting.url))
        for block in range(WARM_UP_BLOCKS + size.blocks):
            time.sleep(PAUSE_SECONDS)
            number, final = chain.ask("a block")
            watched, notified = watcher.ask(number)
            if block >= WARM_UP_BLOCKS:
                ours.append(watched - final)
                theirs.append(notified - final)
    return [
        PeerRow(
            benchmark="delay",
            figure=f"p{percent} ms, {engine}",
            value=_percentile(ours, percent) * 1000,
            peer=PEER,
            ratio=_percentile(ours, percent) / _percentile(theirs, percent),
        )
        for percent in (50, 99)
    ]


async def watch(line: Line, address: str, chain_url: str) -> None:
    """Asked for a block, answer when its last event came and when the node said that it is final."""
    watched: dict[int, float] = {}
    notified: dict[int, float] = {}
    heard = asyncio.Event()
    async with (
        RpcClient(chain_url) as client,
        client.subscribe(SUBSCRIBE, unsubscribe=UNSUBSCRIBE) as heads,
        grpc.aio.insecure_channel(address) as channel,
    ):

        async def note_heads() -> None:
            async for head in heads:
                notified[_number(head)] = time.monotonic()
                heard.set()

        async def note_events(call: Any) -> None:
            while message := await call.read():
                for event in message.events:
                    if event.event_index == EVENTS - 1:
                        watched[event.block_number] = time.monotonic()
                heard.set()

        call = ChainServiceStub(channel).WatchChainEvents(pb.WatchChainEventsRequest())
        await call.read()
        jobs = [asyncio.create_task(note_heads()), asyncio.create_task(note_events(call))]
        line.answer(None)
        async for number in line.questions():
            while number not in watched or number not in notified:
                heard.clear()
                await heard.wait()
            line.answer((watched[number], notified[number]))
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


def _number(head: Any) -> int:
    return int(head["number"], 16)


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]
