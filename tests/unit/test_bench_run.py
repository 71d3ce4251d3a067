"""The benchmark itself: a run of a few seconds, and what is made of its numbers."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bench.measure import Cell, Load, Plan, Sample, measure, row, window_count
from bench.report import CallRow, print_promises, print_table, write_json
from bench.workloads import WORKLOADS, NotEnoughWork, Prepared, create_task, noop_response, submit_bid


def a_row(benchmark: str, engine: str, ratio: float) -> CallRow:
    return CallRow(
        benchmark=benchmark,
        engine=engine,
        callers=64,
        calls_per_second=1000.0,
        server_cpu_us_per_call=200.0,
        database_cpu_us_per_call=0.0,
        ratio_to_noop=ratio,
        p50_ms=1.0,
        p99_ms=2.0,
        mean_batch=None,
    )


def a_sample(calls: int, cpu_us: float, *latencies_seconds: float) -> Sample:
    return Sample(
        calls=calls,
        seconds=1.0,
        server_cpu_us=cpu_us,
        database_cpu_us=10.0 * calls,
        batches=2,
        items=calls,
        latencies_seconds=latencies_seconds,
    )


def promises(*rows: CallRow) -> list[str]:
    text = io.StringIO()
    print_promises(rows, Console(file=text, width=200))
    return text.getvalue().splitlines()


def test_a_run_writes_a_row_for_every_workload(tmp_path: Path) -> None:
    plan = Plan(
        workloads=tuple(WORKLOADS),
        engines=("sqlite",),
        loads=(Load(callers=3, rounds=1, seconds=0.05),),
        warm_up_seconds=0.05,
    )
    told: list[str] = []

    write_json(measure(plan, told.append), tmp_path / "build" / "bench.json")

    rows = json.loads((tmp_path / "build" / "bench.json").read_text())
    assert {row["benchmark"]: row["engine"] for row in rows} == {
        "bare": "none",
        "noop": "sqlite",
        "create_task": "sqlite",
        "get_task": "sqlite",
        "submit_bid": "sqlite",
        "update_session": "sqlite",
    }
    for found in rows:
        assert found["callers"] == 3
        assert found["calls_per_second"] > 0
        assert found["server_cpu_us_per_call"] > 0
        assert found["database_cpu_us_per_call"] == 0  # SQLite works in the process of the server
        assert found["ratio_to_noop"] > 0
        assert 0 < found["p50_ms"] <= found["p99_ms"]
        commits = found["benchmark"] in ("create_task", "submit_bid", "update_session")
        assert (found["mean_batch"] is not None) == commits
    assert len(told) == window_count(plan)


def test_a_ratio_is_the_median_over_the_rounds() -> None:
    cell = Cell(
        "create_task",
        "sqlite",
        64,
        samples=[a_sample(10, 4000.0, 0.001), a_sample(20, 6000.0, 0.002), a_sample(30, 30_000.0, 0.009)],
        ratios=[1.5, 1.25, 4.0],
    )
    found = row(cell)
    assert found.ratio_to_noop == 1.5
    assert found.server_cpu_us_per_call == 400.0
    assert found.database_cpu_us_per_call == 10.0
    assert found.calls_per_second == 20.0
    assert (found.p50_ms, found.p99_ms) == (2.0, 9.0)
    assert found.mean_batch == 10.0


def test_promises_are_checked_on_every_engine() -> None:
    assert promises(a_row("create_task", "sqlite", 1.6), a_row("create_task", "postgres", 1.7)) == [
        "kept   create_task on sqlite: 1.60 x noop, promised at most 1.6",
        "BROKEN create_task on postgres: 1.70 x noop, promised at most 1.6",
    ]


def test_the_no_op_is_compared_with_the_bare_one() -> None:
    assert promises(a_row("bare", "none", 0.8), a_row("noop", "sqlite", 1.0)) == [
        "BROKEN noop on sqlite: 1.25 x bare, promised at most 1.15"
    ]
    assert promises(a_row("noop", "sqlite", 1.0)) == []


def test_the_table_has_a_line_for_each_row() -> None:
    text = io.StringIO()
    print_table(
        [a_row("noop", "sqlite", 1.0), a_row("get_task", "postgres", 1.2)], Console(file=text, width=100)
    )
    assert len(text.getvalue().splitlines()) == 3


def test_no_two_bids_are_of_the_same_agent_on_the_same_task() -> None:
    prepared = Prepared(task_ids=tuple(f"task-{number}" for number in range(500)))
    made = {(bid.task_id, bid.agent_id) for number in range(2000) for bid in [submit_bid(number, prepared)]}
    assert len(made) == 2000


def test_the_bids_end_when_all_are_made() -> None:
    with pytest.raises(NotEnoughWork):
        submit_bid(500 * 500, Prepared())


def test_the_answer_of_the_no_op_has_about_the_size_of_a_created_task() -> None:
    assert 300 < noop_response().ByteSize() < 2 * create_task(0).ByteSize()
