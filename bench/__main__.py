"""`python -m bench`: measure, print a table, write build/bench.json. It takes less than four minutes."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from bench.engines import ENGINES
from bench.measure import Load, Plan, measure, window_count
from bench.report import print_promises, print_table, write_json
from bench.workloads import BARE, NOOP, WORKLOADS

OUTPUT = Path("build/bench.json")
WARM_UP_SECONDS = 0.3
LOADS = (
    Load(callers=64, rounds=10, seconds=1.0),
    Load(callers=16, rounds=5, seconds=0.8),
    Load(callers=1, rounds=5, seconds=0.8),
)


@click.command()
@click.option(
    "--only", type=click.Choice([*WORKLOADS]), help="Measure only this, and the no-op it is compared with."
)
def main(only: str | None) -> None:
    """Measure what a call costs, on SQLite and on a Postgres of its own."""
    chosen = {NOOP.name, BARE.name if only == NOOP.name else only} if only else set(WORKLOADS)
    plan = Plan(
        workloads=[name for name in WORKLOADS if name in chosen],
        engines=ENGINES,
        loads=LOADS,
        warm_up_seconds=WARM_UP_SECONDS,
    )
    with _progress(window_count(plan)) as tell:
        rows = measure(plan, tell)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    print_table(rows, console)
    print_promises(rows, console)
    write_json(rows, OUTPUT)


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[str], None]]:
    """A bar on standard error, if that is a terminal."""
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
