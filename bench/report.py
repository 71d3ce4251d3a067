"""What a run found: a table for people, and `build/bench.json`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.peers import PeerRow


@dataclass(frozen=True)
class CallRow:
    """The cost of one method. `mean_batch` is None for a method that commits nothing.

    CPU is user and system time of the process of the server; that of Postgres' processes stands beside it.
    `ratio_to_noop` compares the server's CPU with that of a no-op through the same server in the same round.
    """

    benchmark: str
    engine: str
    callers: int
    calls_per_second: float
    server_cpu_us_per_call: float
    database_cpu_us_per_call: float
    ratio_to_noop: float
    p50_ms: float
    p99_ms: float
    mean_batch: float | None


@dataclass(frozen=True)
class Promise:
    """The server's CPU of `benchmark` is at most `ratio_max` times that of `peer`."""

    benchmark: str
    peer: str
    ratio_max: float


PROMISED_CALLERS = 64
PROMISES = (
    Promise("noop", "bare", 1.15),
    Promise("create_task", "noop", 1.6),
    Promise("get_task", "noop", 1.3),
)


def write_json(rows: Sequence[CallRow | PeerRow], path: Path) -> None:
    """A list of objects, one for each row; the names are those of the fields."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = [row.as_json() if isinstance(row, PeerRow) else asdict(row) for row in rows]
    path.write_text(json.dumps([_rounded(row) for row in found], indent=1) + "\n")


def print_table(rows: Sequence[CallRow], console: Console) -> None:
    """All rows, those with the most callers first."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("benchmark", "engine"):
        table.add_column(name, no_wrap=True)
    for name in ("callers", "calls/s", "server us", "database us", "x no-op", "p50 ms", "p99 ms", "batch"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in sorted(rows, key=lambda row: -row.callers):
        table.add_row(
            row.benchmark,
            row.engine,
            str(row.callers),
            f"{row.calls_per_second:,.0f}",
            f"{row.server_cpu_us_per_call:.0f}",
            f"{row.database_cpu_us_per_call:.0f}",
            f"{row.ratio_to_noop:.2f}",
            f"{row.p50_ms:.2f}",
            f"{row.p99_ms:.2f}",
            "" if row.mean_batch is None else f"{row.mean_batch:.1f}",
        )
    console.print(table)


def print_promises(rows: Sequence[CallRow], console: Console) -> None:
    """What was promised of the rows that were measured, and what was found."""
    found = {(row.benchmark, row.engine): row for row in rows if row.callers == PROMISED_CALLERS}
    for promise in PROMISES:
        for (benchmark, engine), row in found.items():
            if benchmark != promise.benchmark:
                continue
            ratio = row.ratio_to_noop
            if promise.peer == "bare":
                bare = found.get(("bare", "none"))
                if bare is None:
                    continue
                ratio = 1 / bare.ratio_to_noop
            kept = "kept" if ratio <= promise.ratio_max else "BROKEN"
            console.print(
                f"{kept:6} {benchmark} on {engine}: {ratio:.2f} x {promise.peer},"
                f" promised at most {promise.ratio_max}",
                highlight=False,
            )


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}
