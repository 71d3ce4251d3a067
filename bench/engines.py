"""The databases of a run: new ones on the disk, gone when it is over."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.support.postgres import PostgresServer

ENGINES = ("sqlite", "postgres")


@dataclass(frozen=True)
class Database:
    """`cpu_seconds` is what the database itself has used, outside of the process that uses it."""

    url: str
    cpu_seconds: Callable[[], float]


@contextmanager
def sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="chamberlain-bench-") as folder:
        yield Database(f"sqlite:///{Path(folder) / 'chamberlain.db'}", lambda: 0.0)


@contextmanager
def postgres() -> Iterator[Database]:
    with PostgresServer() as server:
        server.create_database("bench")
        postmaster = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
        yield Database(server.url("bench"), lambda: _cpu_seconds(postmaster))


def _cpu_seconds(process: psutil.Process) -> float:
    """The CPU of a process and its children, also of those that have ended."""
    total = sum(process.cpu_times()[:4])
    for child in process.children():
        try:
            total += sum(child.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return float(total)


OPEN = {"sqlite": sqlite, "postgres": postgres}
