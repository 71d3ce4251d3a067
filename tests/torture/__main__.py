"""The torture of the bridge, at any size: see docs/torture.md.

make torture                                            # 20 seeds of 300 intents
make torture ARGS='--seed 7'                            # one of them again
make torture ARGS='--seed 1 --intents 60 --sabotage era'  # does it notice?
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from tests.support.postgres import PostgresServer
from tests.torture.run import Broken, Torture
from tests.torture.served import SABOTAGES

SEEDS = 20
INTENTS = 300


@click.command()
@click.option(
    "--seeds", default=SEEDS, show_default=True, type=click.IntRange(1), help="How many seeds, from 1."
)
@click.option("--seed", type=int, help="Only this one.")
@click.option("--intents", default=INTENTS, show_default=True, type=click.IntRange(60), help="In each run.")
@click.option("--database", type=click.Choice(["sqlite", "postgres"]), help="By turns, if it is not said.")
@click.option("--sabotage", type=click.Choice(list(SABOTAGES)), help="Take a safeguard out, and fail.")
@click.option("--as-is", is_flag=True, help="Run `chamberlain serve` at its own pace, which takes longer.")
@click.option("--verbose", is_flag=True, help="Tell every act, also of runs that keep all promises.")
def main(
    seeds: int,
    seed: int | None,
    intents: int,
    database: str | None,
    sabotage: str | None,
    as_is: bool,
    verbose: bool,
) -> None:
    """Torture the bridge between database and chain, and see whether it keeps its promises."""
    if sabotage and as_is:
        raise click.UsageError("--sabotage and --as-is exclude each other")
    broken = 0
    with contextlib.ExitStack() as stack:
        postgres = None
        for number in [seed] if seed is not None else range(1, seeds + 1):
            on_postgres = database == "postgres" or (database is None and number % 2 == 0)
            if on_postgres and postgres is None:
                postgres = stack.enter_context(PostgresServer(in_memory=True))
            began = time.monotonic()
            with _place(number, postgres if on_postgres else None) as (url, folder):
                torture = Torture(number, intents, url, folder, sabotage=sabotage or "", as_is=as_is)
                try:
                    told = asyncio.run(torture.run())
                    told = "\n  ".join((told, *torture.log)) if verbose else told
                except Broken as defect:
                    broken += 1
                    told = str(defect)
                seconds = time.monotonic() - began
                click.echo(f"{'postgres' if on_postgres else 'sqlite'}, {seconds:.0f} s, {told}")
    if broken:
        raise SystemExit(f"{broken} of {1 if seed is not None else seeds} seeds broke a promise")


@contextlib.contextmanager
def _place(seed: int, postgres: PostgresServer | None) -> Iterator[tuple[str, Path]]:
    """An empty database, and a folder."""
    with tempfile.TemporaryDirectory(prefix="torture") as folder:
        if postgres is None:
            yield f"sqlite:///{folder}/market.db", Path(folder)
            return
        name = f"torture_{seed}"
        postgres.create_database(name)
        try:
            yield postgres.url(name), Path(folder)
        finally:
            postgres.drop_database(name)


if __name__ == "__main__":
    main()
