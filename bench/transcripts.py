"""`transcript_scale` and `transcript_batch`: what a long transcript costs, and what a large append saves.

A client talks over gRPC to whole servers, each on a database of its own. All times are those of the client,
which waits for each answer before it asks again.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import asyncpg
import grpc
from chamberlain.v1.session_service_pb2 import CreateSessionRequest
from chamberlain.v1.session_service_pb2_grpc import SessionServiceStub
from chamberlain.v1.transcript_pb2 import ENTRY_ROLE_AGENT, TranscriptEntry
from chamberlain.v1.transcript_service_pb2 import (
    AppendTranscriptRequest,
    ListTranscriptRequest,
    SearchTranscriptsRequest,
)
from chamberlain.v1.transcript_service_pb2_grpc import TranscriptServiceStub

from bench.engines import ENGINES, OPEN, Database
from bench.peers import AtLeast, AtMost, PeerRow, Round, peer_row
from bench.processes import Line, Process
from bench.served import serve_app, serve_chain

ENTRIES_PER_CALL = 1000
"""With which a transcript is filled."""
WORDS_PER_ENTRY = 12
VOCABULARY = tuple(f"word{number}" for number in range(5000))
EVERYWHERE, IN_EVERY_TENTH, RARE = "everywhere", "tenth", "rare"
RARE_ENTRIES = 20
SMALL_ENTRIES = 10
"""Of a session beside the one that is measured."""
PAGE_SIZE = 50
WARM_UP_CALLS = 20
BATCH_ENTRIES = 100
SCALE_RATIO_MAX = 1.5
BATCH_RATIO_MIN = 20


@dataclass(frozen=True)
class ScaleSize:
    """How many entries the long and the short transcript have, and how often each call is made."""

    engines: Sequence[str] = ENGINES
    entries: int = 100_000
    peer_entries: int = 1000
    rounds: int = 5
    calls: int = 40


@dataclass(frozen=True)
class BatchSize:
    """How long is appended, in how many rounds."""

    engines: Sequence[str] = ENGINES
    rounds: int = 5
    seconds: float = 1.0


class Fill(NamedTuple):
    """Make a session with so many entries; no answer but that it is there."""

    entries: int


class Repeat(NamedTuple):
    """Make one kind of call so often; the answer is the median of the seconds that one took."""

    call: str
    times: int


class AppendFor(NamedTuple):
    """Append so many entries with each call; the answer is how many were appended per second."""

    entries_per_call: int
    seconds: float


def measure_scale(size: ScaleSize, tell: Callable[[str], None]) -> list[PeerRow]:
    """Run `transcript_scale`; `tell` is told of each step."""
    rows = []
    for engine in size.engines:
        with ExitStack() as stack:
            clients = []
            for entries in (size.entries, size.peer_entries):
                tell(f"transcript_scale: {entries:,} entries, {engine}")
                database = stack.enter_context(OPEN[engine]())
                clients.append(_client(stack, database))
                clients[-1].ask(Fill(entries))
                if engine == "postgres":
                    asyncio.run(_settle(database.url))
            for call in CALLS:
                tell(f"transcript_scale: {call}, {engine}")
                for client in clients:
                    client.ask(Repeat(call, WARM_UP_CALLS))
                rounds = [
                    Round(*(1000 * client.ask(Repeat(call, size.calls)) for client in clients))
                    for _ in range(size.rounds)
                ]
                rows.append(
                    peer_row(
                        "transcript_scale",
                        f"{call} ms at {size.entries:,}, {engine}",
                        f"at {size.peer_entries:,} entries",
                        rounds,
                        AtMost(SCALE_RATIO_MAX),
                    )
                )
    return rows


def measure_batch(size: BatchSize, tell: Callable[[str], None]) -> list[PeerRow]:
    """Run `transcript_batch`; `tell` is told of each step."""
    rows = []
    for engine in size.engines:
        with ExitStack() as stack:
            tell(f"transcript_batch: {engine}")
            client = _client(stack, stack.enter_context(OPEN[engine]()))
            rounds = []
            for number in range(size.rounds + 1):
                client.ask(Fill(0))  # the entries of the rounds before are of no concern
                together, alone = (
                    client.ask(AppendFor(entries, size.seconds)) for entries in (BATCH_ENTRIES, 1)
                )
                if number:
                    rounds.append(Round(together, alone))
            rows.append(
                peer_row(
                    "transcript_batch",
                    f"entries/s, {BATCH_ENTRIES} per call, {engine}",
                    "one entry per call",
                    rounds,
                    AtLeast(BATCH_RATIO_MIN),
                )
            )
    return rows


def _client(stack: ExitStack, database: Database) -> Process:
    """A client of a server of its own."""
    chain = stack.enter_context(Process(serve_chain))
    server = stack.enter_context(Process(serve_app, database.url, chain.greeting))
    return stack.enter_context(Process(converse, server.greeting))


async def _settle(url: str) -> None:
    """Have done what Postgres would soon do by itself, after so many rows, on the time of the first calls."""
    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM (ANALYZE)")
    await connection.close()


async def converse(line: Line, address: str) -> None:
    """The client."""
    async with grpc.aio.insecure_channel(address) as channel:
        client = _Client(channel)
        line.answer(None)
        async for question in line.questions():
            if isinstance(question, Fill):
                await client.fill(question.entries)
                line.answer(None)
            elif isinstance(question, Repeat):
                line.answer(await client.repeat(question))
            else:
                line.answer(await client.append_for(question))


class _Client:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.transcripts = TranscriptServiceStub(channel)
        self.session_id = ""
        self.small_session_id = ""
        self._sessions = SessionServiceStub(channel)

    async def fill(self, entries: int) -> None:
        self.small_session_id = self.session_id = await self._create_session()
        await self.append([f"{SPOKEN} {EVERYWHERE}"] * SMALL_ENTRIES)
        self.session_id = await self._create_session()
        contents = _contents(entries)
        for begin in range(0, entries, ENTRIES_PER_CALL):
            count = min(ENTRIES_PER_CALL, entries - begin)
            await self.append([next(contents) for _ in range(count)])

    async def _create_session(self) -> str:
        created = await self._sessions.CreateSession(CreateSessionRequest(role="bench"))
        return created.session.session_id

    async def append(self, contents: Sequence[str]) -> None:
        entries = [TranscriptEntry(role=ENTRY_ROLE_AGENT, content=content) for content in contents]
        await self.transcripts.AppendTranscript(
            AppendTranscriptRequest(session_id=self.session_id, entries=entries)
        )

    async def list(self, *, newest_first: bool) -> None:
        await self.transcripts.ListTranscript(
            ListTranscriptRequest(session_id=self.session_id, page_size=PAGE_SIZE, newest_first=newest_first)
        )

    async def search(self, word: str, *, session_id: str = "") -> None:
        found = await self.transcripts.SearchTranscripts(
            SearchTranscriptsRequest(query=word, session_id=session_id)
        )
        if not found.matches:
            raise RuntimeError(f"{word} was not found")

    async def repeat(self, wanted: Repeat) -> float:
        seconds = []
        for _ in range(wanted.times):
            start = time.perf_counter()
            await CALLS[wanted.call](self)
            seconds.append(time.perf_counter() - start)
        return median(seconds)

    async def append_for(self, wanted: AppendFor) -> float:
        contents = [SPOKEN] * wanted.entries_per_call
        start = time.perf_counter()
        count = 0
        while (now := time.perf_counter()) < start + wanted.seconds:
            await self.append(contents)
            count += wanted.entries_per_call
        return count / (now - start)


SPOKEN = " ".join(VOCABULARY[:WORDS_PER_ENTRY])
CALLS = {
    "append": lambda client: client.append([SPOKEN]),
    "first page": lambda client: client.list(newest_first=False),
    "last page": lambda client: client.list(newest_first=True),
    "search, rare word": lambda client: client.search(RARE),
    "search, rare word in session": lambda client: client.search(RARE, session_id=client.session_id),
    "search, word in every tenth": lambda client: client.search(IN_EVERY_TENTH),
    "search, word everywhere": lambda client: client.search(EVERYWHERE),
    "search, word everywhere in session": lambda client: client.search(
        EVERYWHERE, session_id=client.session_id
    ),
    "search, word everywhere in small session": lambda client: client.search(
        EVERYWHERE, session_id=client.small_session_id
    ),
}


def _contents(entries: int) -> Iterator[str]:
    """What is said: words at random, the same in every run, and those that are looked for."""
    chance = random.Random(entries)
    every = max(1, entries // RARE_ENTRIES)
    for number in range(entries):
        words = chance.choices(VOCABULARY, k=WORDS_PER_ENTRY - 1)
        words.append(EVERYWHERE)
        if number % 10 == 0:
            words.append(IN_EVERY_TENTH)
        if number % every == 0:
            words.append(RARE)
        yield " ".join(words)
