"""`absence`: a long absence in miniature, with a server that is killed again and again.

A server that has never seen a chain of 20,000 blocks catches up on it, from the first block on. It is a
process of its own, as its users run it, with a database on the disk, and ten times on the way it is killed
(SIGKILL) and started again. Then every event of every block must be stored.

Its memory (the resident set) is sampled all the while: it must not depend on how much there is to catch up
on, so the highest of the run is compared with the highest of its first tenth. The kills are in the half after
that, so the last process reads what is left, almost half, in one go.
"""

import asyncio
import contextlib
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench.chains import EVENTS, serve_history
from bench.peers import AtLeast, AtMost, PeerRow
from bench.processes import Process
from bench.reading import Chain
from tests.support.processes import Server

LOOK_SECONDS = 0.02
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Size:
    """How long the absence is, and how often it is interrupted."""

    blocks: int = 20_000
    kills: int = 10

    @property
    def first_tenth(self) -> int:
        return self.blocks // 10

    @property
    def kills_at(self) -> list[int]:
        """The blocks at which the server is killed."""
        return [self.first_tenth + self.blocks // 2 * number // self.kills for number in range(self.kills)]


@dataclass(frozen=True)
class Sample:
    """How much memory a server had when it had stored so many blocks."""

    blocks: int
    memory_bytes: int


def measure(size: Size, tell: Callable[[str], None]) -> list[PeerRow]:
    """Run the benchmark; `tell` is told of each step."""
    with tempfile.TemporaryDirectory(prefix="chamberlain-bench-") as folder:
        database = Path(folder) / "chamberlain.db"
        tell(f"absence: making {size.blocks} blocks")
        with Process(serve_history, size.blocks) as history:
            history.ask(size.blocks)
            samples = asyncio.run(_catch_up(size, history.greeting, database, tell))
        stored = _number(database, "SELECT count(*) FROM chain_events")
    expected = size.blocks * EVENTS
    first = max(sample.memory_bytes for sample in samples if sample.blocks <= size.first_tenth)
    highest = max(sample.memory_bytes for sample in samples)
    return [
        PeerRow("absence", "events stored", stored, "events there are", stored / expected, AtLeast(1)),
        PeerRow("absence", "memory in MB", highest / MEGABYTE, "first tenth", highest / first, AtMost(1.5)),
    ]


async def _catch_up(size: Size, chain: Chain, database: Path, tell: Callable[[str], None]) -> list[Sample]:
    server = Server(
        DATABASE_URL=f"sqlite:///{database}",
        CHAIN_WS_URL=chain.url,
        CHAIN_START_BLOCK="1",
        LOG_LEVEL="error",
    )
    samples: list[Sample] = []
    for goal in (*size.kills_at, size.blocks):
        tell(f"absence: catching up to block {goal}")
        await server.spawn()
        try:
            process = psutil.Process(server.process_id)
            while (blocks := _cursor(database)) < goal:
                await asyncio.sleep(LOOK_SECONDS)
                samples.append(Sample(blocks, process.memory_info().rss))
        finally:
            await server.kill()
    return samples


def _cursor(database: Path) -> int:
    """How many blocks are stored; none before the server has made the database."""
    with contextlib.suppress(sqlite3.OperationalError):
        return _number(database, "SELECT coalesce(max(block_number), 0) FROM chain_cursor")
    return 0


def _number(database: Path, query: str) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        number: int = connection.execute(query).fetchone()[0]
        return number
