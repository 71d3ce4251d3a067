"""`python -m bench`: measure, print tables, write build/bench.json. It takes about ten minutes."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from bench import absence, catch_up, decode, delay, submit, transcripts
from bench.engines import ENGINES
from bench.measure import Load, Plan, measure, window_count
from bench.peers import PeerRow, print_peer_table
from bench.report import CallRow, print_promises, print_table, write_json
from bench.workloads import BARE, NOOP, WORKLOADS

OUTPUT = Path("build/bench.json")
WARM_UP_SECONDS = 0.3
PRINTED_WIDTH = 160
"""In characters, where the output is not a terminal."""
LOADS = (
    Load(callers=64, rounds=10, seconds=1.0),
    Load(callers=16, rounds=5, seconds=0.8),
    Load(callers=1, rounds=5, seconds=0.8),
)

Tell = Callable[[str], None]

AGAINST_PEERS: Mapping[str, Callable[[Tell], Sequence[PeerRow]]] = {
    "decode": partial(decode.measure, decode.Size()),
    "catch_up": partial(catch_up.measure, catch_up.Size()),
    "submit": partial(submit.measure, submit.Size()),
    "delay": partial(delay.measure, delay.Size()),
    "transcript_scale": partial(transcripts.measure_scale, transcripts.ScaleSize()),
    "transcript_batch": partial(transcripts.measure_batch, transcripts.BatchSize()),
    "absence": partial(absence.measure, absence.Size()),
}
BY_NAME_ONLY = frozenset({"absence"})
"""What takes more than a minute by itself."""


@click.command()
@click.option(
    "--only",
    type=click.Choice([*WORKLOADS, *AGAINST_PEERS]),
    help="Measure only this, and what it is compared with.",
)
def main(only: str | None) -> None:
    """Measure what a call costs, on SQLite and on a Postgres of its own, the chain side beside its peers, and
    long transcripts beside short ones.

    `absence` is measured only if it is asked for.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PRINTED_WIDTH)
    calls: list[CallRow] = []
    against_peers: list[PeerRow] = []
    if only is None or only in WORKLOADS:
        plan = _plan(only)
        with _progress(window_count(plan)) as tell:
            calls = measure(plan, tell)
        print_table(calls, console)
        print_promises(calls, console)
        write_json(calls, OUTPUT)
    chosen = set(AGAINST_PEERS) - BY_NAME_ONLY if only is None else {only}
    with _progress(None) as tell:
        for name, run in AGAINST_PEERS.items():
            if name in chosen:
                against_peers += run(tell)
                write_json([*calls, *against_peers], OUTPUT)
    if against_peers:
        print_peer_table(against_peers, console)


def _plan(only: str | None) -> Plan:
    chosen = {NOOP.name, BARE.name if only == NOOP.name else only} if only else set(WORKLOADS)
    return Plan(
        workloads=[name for name in WORKLOADS if name in chosen],
        engines=ENGINES,
        loads=LOADS,
        warm_up_seconds=WARM_UP_SECONDS,
    )


@contextmanager
def _progress(steps: int | None) -> Iterator[Tell]:
    """A bar on standard error, if that is a terminal; one that only moves if the steps are not counted."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=steps)
        begun = 0

        def tell(what: str) -> None:
            nonlocal begun
            progress.update(task, description=what, completed=begun)
            begun += 1

        yield tell


if __name__ == "__main__":
    main()
