"""Processes that call, each with its share of the callers, as clients in Python would."""

import asyncio
import time
from array import array
from dataclasses import dataclass
from itertools import count

import grpc

from bench.processes import Line
from bench.workloads import WORKLOADS, Prepared, prepare

PROCESSES = 2
"""One alone would be slower than the server."""
CHANNELS_PER_PROCESS = 4


@dataclass(frozen=True)
class Prepare:
    """Make what the workloads need at a server; the answer is `Prepared`."""

    address: str


@dataclass(frozen=True)
class Window:
    """Call one method again and again for some seconds; the answer is `Calls`."""

    address: str
    workload: str
    prepared: Prepared
    callers: int
    seconds: float


@dataclass(frozen=True)
class Calls:
    """What was done in a window; times are those of the monotonic clock, which all processes share."""

    start: float
    end: float
    latencies_seconds: "array[float]"


async def call(line: Line, place: int) -> None:
    """One process of callers, the one with number `place`."""
    callers = Callers(place)
    line.answer(None)
    async for question in line.questions():
        if isinstance(question, Prepare):
            line.answer(await prepare(callers.channels(question.address)[0]))
        else:
            line.answer(await callers.run(question))
    await callers.close()


class Callers:
    def __init__(self, place: int) -> None:
        self._place = place
        self._channels: dict[str, list[grpc.aio.Channel]] = {}
        self._numbers: dict[tuple[str, str], count[int]] = {}

    def channels(self, address: str) -> list[grpc.aio.Channel]:
        """Connections of their own, for channels with equal options share one otherwise."""
        if address not in self._channels:
            options = [("grpc.use_local_subchannel_pool", 1)]
            self._channels[address] = [
                grpc.aio.insecure_channel(address, options) for _ in range(CHANNELS_PER_PROCESS)
            ]
        return self._channels[address]

    async def run(self, window: Window) -> Calls:
        """Make the calls of a window. Raises `AioRpcError` if one fails."""
        channels = self.channels(window.address)
        # Never the same request twice, in this process or another.
        numbers = self._numbers.setdefault((window.address, window.workload), count(self._place, PROCESSES))
        latencies: array[float] = array("d")
        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for caller in range(window.callers):
                channel = channels[caller % len(channels)]
                group.create_task(_call_until(start + window.seconds, channel, window, numbers, latencies))
        return Calls(start, time.monotonic(), latencies)

    async def close(self) -> None:
        for channels in self._channels.values():
            for channel in channels:
                await channel.close()


async def _call_until(
    end: float, channel: grpc.aio.Channel, window: Window, numbers: "count[int]", latencies: "array[float]"
) -> None:
    workload = WORKLOADS[window.workload]
    # Responses stay bytes: what a caller would do with them is not measured.
    method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(workload.method)
    while (start := time.monotonic()) < end:
        await method(workload.request(next(numbers), window.prepared).SerializeToString())
        latencies.append(time.monotonic() - start)
