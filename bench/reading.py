"""Who reads a chain into a database: we, and clients that others have written.

We are the bridge as it runs in a server. A client runs in an environment of its own, as a process that writes
each block as a line of JSON; the process that starts it stores them as our reader stores ours, through
`chain_log.ingest` on a database of our schema, while the client reads on: what has come by the time a
transaction ends goes into the next one. The clients are spared some work: they decode neither extrinsics nor
the time of a block, they interpret no event, and what they print is stored with a processor of its own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from bench.processes import Line
from chain.bridge import Bridge, BridgeSettings
from chain.keyring import Keyring
from chain.portions import PORTION_EVENTS_MAX
from chain.reader import RETRY_DELAY_SECONDS
from storage.chain import log as chain_log
from storage.chain.log import Cursor, Executed, Ingest, ReadBlock
from storage.records import ChainBlock, ChainEvent
from storage.store import Storage

LOOK_SECONDS = 0.002
LINE_BYTES_MAX = 4 * 1024 * 1024
BLOCKS_WAITING_MAX = 200
ATTEMPTS_MAX = 5


@dataclass(frozen=True)
class Chain:
    """The chain to read: a node of it, and its genesis hash in hexadecimal."""

    url: str
    genesis_hash: str


@dataclass(frozen=True)
class Reading:
    """What a client has read, and stored, in how many seconds."""

    blocks: int
    seconds: float


class ClientBlock(msgspec.Struct):
    """A block as a client prints it; its events are extrinsic index, pallet, event and fields."""

    number: int
    hash: str
    parent: str
    spec_version: int
    raw_events: str
    extrinsics: list[str]
    events: list[tuple[int | None, str, str, msgspec.Raw]]


_decode = msgspec.json.Decoder(ClientBlock).decode


async def follow(line: Line, database_url: str, chain: Chain) -> None:
    """Our bridge, from the first block on. Asked for a block, it answers when it was reflected."""
    async with bound_storage(database_url, chain) as storage:
        settings = BridgeSettings(url=chain.url, keyring=Keyring.development(), start_block=1, submit=False)
        bridge = Bridge(storage, settings)
        running = asyncio.create_task(bridge.run())
        try:
            await _reached(bridge, 0)
            line.answer(None)
            async for number in line.questions():
                await _reached(bridge, number)
                line.answer(time.monotonic())
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def read_with_client(
    line: Line, database_url: str, chain: Chain, command: Sequence[str], environ: Mapping[str, str]
) -> None:
    """Store what a client reads. Asked for some seconds, it reads as long and answers a `Reading`."""
    async with bound_storage(database_url, chain) as storage:
        genesis = Cursor(block_number=0, block_hash=bytes.fromhex(chain.genesis_hash))
        await storage.commit(chain_log.begin, genesis)
        client = await asyncio.create_subprocess_exec(
            *command,
            chain.url,
            env=environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES_MAX,
        )
        try:
            assert client.stdin is not None
            assert client.stdout is not None
            await client.stdout.readline()
            line.answer(None)
            cursor = genesis
            async for seconds in line.questions():
                started = time.monotonic()
                client.stdin.write(f"{seconds}\n".encode())
                read_from = cursor.block_number
                cursor = await _store_lines(storage, cursor, client.stdout)
                line.answer(Reading(cursor.block_number - read_from, time.monotonic() - started))
        finally:
            client.kill()
            await client.wait()


async def _store_lines(storage: Storage, cursor: Cursor, lines: asyncio.StreamReader) -> Cursor:
    """Store blocks until an empty line; the cursor then."""
    waiting: asyncio.Queue[ReadBlock | None] = asyncio.Queue(BLOCKS_WAITING_MAX)
    receiving = asyncio.create_task(_receive(lines, waiting))
    more = True
    while more:
        taken = [await waiting.get()]
        while not waiting.empty() and sum(len(block.events) for block in taken if block) < PORTION_EVENTS_MAX:
            taken.append(waiting.get_nowait())
        more = taken[-1] is not None
        blocks = tuple(block for block in taken if block is not None)
        if blocks:
            cursor = await storage.commit(
                chain_log.ingest,
                Ingest(
                    after=cursor,
                    blocks=blocks,
                    attempts_max=ATTEMPTS_MAX,
                    retry_delay_us=int(RETRY_DELAY_SECONDS * 1_000_000),
                ),
            )
    await receiving
    return cursor


async def _receive(lines: asyncio.StreamReader, waiting: asyncio.Queue[ReadBlock | None]) -> None:
    """Hand on what a client prints, and None at the end."""
    try:
        while (line := await lines.readline()) != b"\n":
            if not line:
                raise RuntimeError("the client has ended")
            await waiting.put(_read_block(_decode(line)))
    finally:
        await waiting.put(None)


def _read_block(block: ClientBlock) -> ReadBlock:
    return ReadBlock(
        block=ChainBlock(
            block_number=block.number,
            block_hash=_bytes(block.hash),
            parent_hash=_bytes(block.parent),
            spec_version=block.spec_version,
            block_time_us=0,
            raw_events=_bytes(block.raw_events),
            event_count=len(block.events),
            error="",
        ),
        events=tuple(
            ChainEvent(
                block_number=block.number,
                event_index=index,
                pallet=pallet,
                event=event,
                payload=bytes(fields).decode(),
                extrinsic_index=extrinsic_index,
                anomaly="",
                block_time_us=0,
            )
            for index, (extrinsic_index, pallet, event, fields) in enumerate(block.events)
        ),
        executed=tuple(
            Executed(extrinsic_hash=_bytes(extrinsic_hash), extrinsic_index=index)
            for index, extrinsic_hash in enumerate(block.extrinsics)
        ),
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


async def _reached(bridge: Bridge, number: int) -> None:
    while (reached := bridge.status().cursor_number) is None or reached < number:
        await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def bound_storage(database_url: str, chain: Chain) -> AsyncIterator[Storage]:
    """The storage of a database that is bound to a chain."""
    storage = Storage.open(database_url)
    try:
        await storage.prepare(chain.genesis_hash)
        yield storage
    finally:
        await storage.close()
