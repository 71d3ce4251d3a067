"""Rounds of short windows. What drifts on a machine between two windows of one round cancels in their ratio,
and what disturbs one round is gone in the median of all.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median

from bench.callers import PROCESSES, Calls, Prepare, Window, call
from bench.engines import OPEN
from bench.processes import Process
from bench.report import CallRow
from bench.served import Usage, serve_app, serve_bare, serve_chain
from bench.workloads import BARE, NOOP, NOTHING_PREPARED, Prepared

NO_ENGINE = "none"


@dataclass(frozen=True)
class Load:
    """So many callers at once, so many windows of so many seconds."""

    callers: int
    rounds: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """What to measure. NOOP must be among the workloads, for all others are measured against it."""

    workloads: Sequence[str]
    engines: Sequence[str]
    loads: Sequence[Load]
    warm_up_seconds: float


@dataclass
class Served:
    """A server under measurement."""

    engine: str
    process: Process
    database_cpu_seconds: Callable[[], float]
    prepared: Prepared = NOTHING_PREPARED

    @property
    def address(self) -> str:
        return str(self.process.greeting)


@dataclass(frozen=True)
class Sample:
    """One window."""

    calls: int
    seconds: float
    server_cpu_us: float
    database_cpu_us: float
    batches: int
    items: int
    latencies_seconds: Sequence[float]

    @property
    def cpu_us_per_call(self) -> float:
        return self.server_cpu_us / self.calls


@dataclass
class Cell:
    """All windows of one workload on one engine with one number of callers."""

    workload: str
    engine: str
    callers: int
    samples: list[Sample] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)  # to the no-op, round by round


def measure(plan: Plan, progress: Callable[[str], None]) -> list[CallRow]:
    """Run a plan; `progress` is told of each window before it begins."""
    with _served(plan) as (servers, callers):
        cells: dict[tuple[str, str, int], Cell] = {}
        jobs = list(_jobs(plan, servers))
        for workload, served in jobs:
            progress(f"warming up {workload} on {served.engine}")
            _window(callers, served, workload, plan.loads[0].callers, plan.warm_up_seconds)
        for load in plan.loads:
            for number in range(load.rounds):
                samples: dict[tuple[str, str], Sample] = {}
                # Back and forth, so that nothing is always measured after the same other thing.
                for workload, served in jobs if number % 2 == 0 else reversed(jobs):
                    progress(f"{workload} on {served.engine}, {load.callers} callers")
                    samples[workload, served.engine] = _window(
                        callers, served, workload, load.callers, load.seconds
                    )
                for (workload, engine), sample in samples.items():
                    cell = cells.setdefault(
                        (workload, engine, load.callers), Cell(workload, engine, load.callers)
                    )
                    cell.samples.append(sample)
                    cell.ratios.append(sample.cpu_us_per_call / _noop_cpu_us(samples, engine))
        return [row(cell) for cell in cells.values()]


def window_count(plan: Plan) -> int:
    """How many windows `measure` makes."""
    jobs = sum(1 if workload == BARE.name else len(plan.engines) for workload in plan.workloads)
    return jobs * (1 + sum(load.rounds for load in plan.loads))


def row(cell: Cell) -> CallRow:
    """What the windows of a cell say together."""
    samples = cell.samples
    latencies = sorted(latency for sample in samples for latency in sample.latencies_seconds)
    batches = sum(sample.batches for sample in samples)
    return CallRow(
        benchmark=cell.workload,
        engine=cell.engine,
        callers=cell.callers,
        calls_per_second=median(sample.calls / sample.seconds for sample in samples),
        server_cpu_us_per_call=median(sample.cpu_us_per_call for sample in samples),
        database_cpu_us_per_call=median(sample.database_cpu_us / sample.calls for sample in samples),
        ratio_to_noop=median(cell.ratios),
        p50_ms=_percentile_ms(latencies, 50),
        p99_ms=_percentile_ms(latencies, 99),
        mean_batch=sum(sample.items for sample in samples) / batches if batches else None,
    )


@contextmanager
def _served(plan: Plan) -> Iterator[tuple[list[Served], list[Process]]]:
    with ExitStack() as stack:
        servers = []
        if BARE.name in plan.workloads:
            servers.append(Served(NO_ENGINE, stack.enter_context(Process(serve_bare)), lambda: 0.0))
        chain = stack.enter_context(Process(serve_chain))
        for engine in plan.engines:
            database = stack.enter_context(OPEN[engine]())
            app = stack.enter_context(Process(serve_app, database.url, chain.greeting))
            servers.append(Served(engine, app, database.cpu_seconds))
        callers = [stack.enter_context(Process(call, place)) for place in range(PROCESSES)]
        for served in servers:
            if served.engine != NO_ENGINE:
                served.prepared = callers[0].ask(Prepare(served.address))
        yield servers, callers


def _jobs(plan: Plan, servers: Sequence[Served]) -> Iterator[tuple[str, Served]]:
    for served in servers:
        for workload in plan.workloads:
            if (workload == BARE.name) == (served.engine == NO_ENGINE):
                yield workload, served


def _window(
    processes: Sequence[Process], served: Served, workload: str, callers: int, seconds: float
) -> Sample:
    shares = [len(range(place, callers, len(processes))) for place in range(len(processes))]
    before, database_before = _usage(served), served.database_cpu_seconds()
    busy = [(process, share) for process, share in zip(processes, shares, strict=True) if share]
    for process, share in busy:
        process.tell(Window(served.address, workload, served.prepared, share, seconds))
    calls: list[Calls] = [process.answer() for process, _ in busy]
    after, database_after = _usage(served), served.database_cpu_seconds()
    return Sample(
        calls=sum(len(each.latencies_seconds) for each in calls),
        seconds=max(each.end for each in calls) - min(each.start for each in calls),
        server_cpu_us=(after.cpu_ns - before.cpu_ns) / 1000,
        database_cpu_us=(database_after - database_before) * 1_000_000,
        batches=after.batches - before.batches,
        items=after.items - before.items,
        latencies_seconds=[latency for each in calls for latency in each.latencies_seconds],
    )


def _usage(served: Served) -> Usage:
    usage: Usage = served.process.ask("usage")
    return usage


def _noop_cpu_us(samples: dict[tuple[str, str], Sample], engine: str) -> float:
    """The CPU of the no-op on the same server; for the bare one, the mean of those on all servers."""
    noops = [
        sample.cpu_us_per_call
        for (workload, where), sample in samples.items()
        if workload == NOOP.name and engine in (where, NO_ENGINE)
    ]
    return sum(noops) / len(noops)


def _percentile_ms(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000
