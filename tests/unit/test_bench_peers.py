"""The benchmarks against peers, each once and tiny, and what is made of their numbers."""

import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import absence, catch_up, decode, delay, submit, transcripts
from bench.catch_up import CLIENTS
from bench.chains import EVENTS, serve_history
from bench.peers import AtLeast, AtMost, PeerRow, Round, peer_row, print_peer_table
from bench.processes import Process
from bench.reading import Reading, follow, read_with_client
from bench.report import write_json
from tests.chain.clients.environments import environ, own_python_command

SQLITE = ("sqlite",)
ADDRESS_CHARS_MIN = 46


def ignore(step: str) -> None:
    """Take what a benchmark tells."""


def figures(rows: list[PeerRow]) -> list[str]:
    """What was measured; each row has a value and a ratio."""
    assert all(row.value > 0 and row.ratio > 0 for row in rows)
    return [f"{row.benchmark}: {row.figure} / {row.peer}" for row in rows]


def addresses(value: Any) -> Iterator[str]:
    """The addresses in a decoded value, whatever its form."""
    match value:
        case dict():
            for item in value.values():
                yield from addresses(item)
        case list() | tuple():
            for item in value:
                yield from addresses(item)
        case str() if len(value) >= ADDRESS_CHARS_MIN and not value.startswith("0x"):
            yield value


def rows_of(database: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def test_decode_is_measured() -> None:
    rows = decode.measure(decode.Size(rounds=1, seconds=0.01), ignore)
    assert figures(rows) == [
        "decode: events/s, SS58 accounts / scalecodec",
        "decode: events/s, SS58, cold cache / scalecodec",
        "decode: events/s, raw accounts / scalecodec",
    ]


def test_both_sides_of_decode_show_the_same_addresses() -> None:
    ours = [list(addresses(record.fields)) for record in decode.ours_ss58()()]
    theirs = [list(addresses(event["attributes"])) for event in decode.scalecodec_ss58()()]
    assert sum(map(len, ours)) > 3000
    assert ours == theirs


def test_catch_up_is_measured() -> None:
    size = catch_up.Size(engines=SQLITE, delays_ms=(1,), rounds=1, blocks=40, seconds=0.1)
    assert figures(catch_up.measure(size, ignore)) == [
        f"catch_up: {unit}/s, sqlite, 1 ms / {peer}"
        for peer in (catch_up.ONE_AT_A_TIME, catch_up.GATHERED)
        for unit in ("blocks", "events")
    ]


def test_a_client_that_reads_a_chain_does_the_database_work_that_we_do(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    command = own_python_command("substrate_interface", CLIENTS / "one_at_a_time.py")
    with Process(serve_history, 200) as history:
        history.ask(200)
        with Process(follow, f"sqlite:///{ours}", history.greeting) as follower:
            follower.ask(200)
        arguments = (f"sqlite:///{theirs}", history.greeting, command, environ())
        with Process(read_with_client, *arguments) as client:
            reading: Reading = client.ask(0.2)
    assert 0 < reading.blocks < 200
    for query in (
        "SELECT block_number, block_hash, parent_hash, spec_version, raw_events, event_count, error"
        f" FROM chain_blocks WHERE block_number <= {reading.blocks} ORDER BY 1",
        "SELECT block_number, event_index, pallet, event, extrinsic_index, correlation_id, anomaly"
        f" FROM chain_events WHERE block_number <= {reading.blocks} ORDER BY 1, 2",
    ):
        assert rows_of(ours, query) == rows_of(theirs, query)
    assert rows_of(theirs, "SELECT count(*) FROM chain_events") == [(reading.blocks * EVENTS,)]


def test_submit_is_measured() -> None:
    rows = submit.measure(submit.Size(engines=SQLITE, rounds=2, extrinsics=8), ignore)
    assert figures(rows) == ["submit: extrinsics/s, sqlite / plain loop, nothing stored"]


def test_long_transcripts_are_measured() -> None:
    size = transcripts.ScaleSize(engines=SQLITE, entries=60, peer_entries=20, rounds=1, calls=1)
    assert figures(transcripts.measure_scale(size, ignore)) == [
        f"transcript_scale: {call} ms at 60, sqlite / at 20 entries" for call in transcripts.CALLS
    ]


def test_large_appends_are_measured() -> None:
    size = transcripts.BatchSize(engines=SQLITE, rounds=1, seconds=0.05)
    assert figures(transcripts.measure_batch(size, ignore)) == [
        "transcript_batch: entries/s, 100 per call, sqlite / one entry per call"
    ]


def test_delay_is_measured() -> None:
    rows = delay.measure(delay.Size(engines=SQLITE, blocks=3), ignore)
    assert figures(rows) == [
        f"delay: {percentile} ms, sqlite / bare WebSocket subscriber" for percentile in ("p50", "p99")
    ]
    assert all(row.ratio > 1 for row in rows)


def test_absence_is_measured_and_nothing_is_lost_by_it() -> None:
    rows = absence.measure(absence.Size(blocks=300, kills=2), ignore)
    assert figures(rows) == [
        "absence: events stored / events there are",
        "absence: memory in MB / first tenth",
    ]
    assert (rows[0].value, rows[0].ratio) == (300 * EVENTS, 1.0)


def test_a_ratio_is_the_median_over_the_rounds() -> None:
    found = peer_row("b", "f", "p", [Round(10, 1), Round(30, 10), Round(20, 4)], AtLeast(5))
    assert (found.value, found.ratio) == (20, 5)


def test_promises_are_checked_in_their_direction() -> None:
    rows = [
        PeerRow("a", "f", 1.0, "p", 2.0, AtLeast(2)),
        PeerRow("b", "f", 1.0, "p", 1.9, AtLeast(2)),
        PeerRow("c", "f", 1.0, "p", 1.5, AtMost(1.5)),
        PeerRow("d", "f", 1.0, "p", 1.6, AtMost(1.5)),
        PeerRow("e", "f", 1234.0, "p", 1.0),
    ]
    text = io.StringIO()
    print_peer_table(rows, Console(file=text, width=120))
    assert [line.split() for line in text.getvalue().splitlines()[1:]] == [
        ["a", "f", "1.00", "2.00", "p", "kept", "at", "least", "2"],
        ["b", "f", "1.00", "1.90", "p", "BROKEN", "at", "least", "2"],
        ["c", "f", "1.00", "1.50", "p", "kept", "at", "most", "1.5"],
        ["d", "f", "1.00", "1.60", "p", "BROKEN", "at", "most", "1.5"],
        ["e", "f", "1,234", "1.00", "p"],
    ]


def test_rows_are_written_without_their_promises(tmp_path: Path) -> None:
    write_json([PeerRow("a", "f", 1.23456, "p", 2.0, AtLeast(2))], tmp_path / "bench.json")
    assert json.loads((tmp_path / "bench.json").read_text()) == [
        {"benchmark": "a", "figure": "f", "value": 1.235, "peer": "p", "ratio": 2.0}
    ]
