"""Calls by method and status, and how long unary calls take: counted around each handler."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from time import perf_counter
from typing import Any, TypeAlias

import grpc
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from server.metrics.histogram import Histogram

Respond: TypeAlias = Callable[[Any, Any], Awaitable[Any]]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
UNKNOWN = "unknown"
"""The label of all methods that do not exist, whatever their names."""
_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}
_CANCELLED: int = grpc.StatusCode.CANCELLED.value[0]
_UNIMPLEMENTED: int = grpc.StatusCode.UNIMPLEMENTED.value[0]


class _Method:
    """The statistics of one method. `codes` counts by the number of the status."""

    __slots__ = ("codes", "seconds")

    def __init__(self) -> None:
        self.codes: defaultdict[int, int] = defaultdict(int)
        self.seconds = Histogram(SECONDS)


class CallMeter:
    """Counts the calls of the methods whose handlers it has wrapped."""

    def __init__(self) -> None:
        self._unary: dict[str, _Method] = {}
        self._streams: dict[str, _Method] = {}
        self._unknown = _Method()

    def unary(self, method: str, respond: Respond) -> Respond:
        """The handler of a unary method, counted and timed."""
        seen = self._unary[method] = _Method()
        codes, observe = seen.codes, seen.seconds.observe

        async def measured(request: Any, context: Any) -> Any:
            start = perf_counter()
            try:
                answer = await respond(request, context)
            except asyncio.CancelledError:
                codes[_CANCELLED] += 1  # the client has left, or its deadline has passed
                raise
            except BaseException:
                codes[_number(context.code())] += 1
                raise
            else:
                codes[0] += 1
                return answer
            finally:
                observe(perf_counter() - start)

        return measured

    def stream(self, method: str, respond: Respond) -> Respond:
        """The handler of a stream, counted when it ends."""
        codes = self._streams.setdefault(method, _Method()).codes

        async def measured(request: Any, context: Any) -> None:
            try:
                await respond(request, context)
            except asyncio.CancelledError:
                codes[_CANCELLED] += 1
                raise
            except BaseException:
                codes[_number(context.code())] += 1
                raise
            else:
                codes[0] += 1

        return measured

    def unknown(self) -> None:
        """Count a call of a method that does not exist."""
        self._unknown.codes[_UNIMPLEMENTED] += 1

    def collect(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "chamberlain_rpc_calls", "Calls that have ended.", labels=("method", "code")
        )
        for method, seen in ((UNKNOWN, self._unknown), *self._unary.items(), *self._streams.items()):
            for code, count in list(seen.codes.items()):
                calls.add_metric((method, _NAMES.get(code, UNKNOWN.upper())), count)
        yield calls
        durations = HistogramMetricFamily(
            "chamberlain_rpc_duration_seconds",
            "The duration of unary calls in the server.",
            labels=("method",),
        )
        for method, seen in list(self._unary.items()):
            durations.add_metric((method,), seen.seconds.buckets(), seen.seconds.sum)
        yield durations


def _number(code: Any) -> int:
    """The number of a status, which gRPC gives as an enum or as the number itself."""
    return int(code.value[0]) if isinstance(code, grpc.StatusCode) else int(code or 0)
