"""Following the finalized chain: every block once, in order, from the cursor.

The subscription to finalized heads is only a hint that there is something to read, for it skips heights and
may fall silent. Blocks are read in batches, one ahead of the one that is being stored, and each must be the
child of the one before it.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence

import structlog

from chain.block_reader import read_block, without_facts
from chain.node import ChainError, Header, Node
from chain.rpc import RpcError
from chain.scale.runtime import Runtime
from storage import chain_log
from storage.chain_log import Cursor, Ingest, ReadBlock
from storage.errors import StorageError, Superseded
from storage.store import Storage

BATCH_BLOCKS = 32
SILENCE_SECONDS = 15.0
"""How long a subscription may be silent before the finalized head is asked for."""
RETRY_DELAY_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Reader:
    """Reflects finalized blocks in storage, over one connection.

    `on_progress` is called whenever everything that is final has been reflected.
    """

    def __init__(
        self,
        storage: Storage,
        node: Node,
        start_block: int | None,
        attempts_max: int,
        on_progress: Callable[[], None],
    ) -> None:
        self.finalized: Header | None = None
        self._storage = storage
        self._node = node
        self._start_block = start_block
        self._attempts_max = attempts_max
        self._on_progress = on_progress

    async def begin(self) -> Cursor:
        """Where to go on; a database without a cursor begins at the finalized head, or its start block.

        Nothing may be signed before: what is executed in a block that is never read would be signed again.
        Raises `RpcFailure`, `ChainError` or a `Failure` of storage.
        """
        found = await self._storage.read(chain_log.cursor, None)
        if found is not None:
            await self._check(found)
            return found
        final = await self._node.finalized_head()
        number = final.number if self._start_block is None else max(0, self._start_block - 1)
        if number > final.number:
            raise ChainError(
                f"CHAIN_START_BLOCK is {self._start_block}, and only block {final.number} is final yet"
            )
        first = Cursor(block_number=number, block_hash=await self._node.hash_of(number))
        await self._storage.commit(chain_log.begin, first)
        return await self.begin()

    async def run(self, cursor: Cursor) -> None:
        """Read on from a cursor for ever. Raises as `begin`."""
        subscription = self._node.client.subscribe(
            "chain_subscribeFinalizedHeads", unsubscribe="chain_unsubscribeFinalizedHeads"
        )
        async with subscription as heads:
            while True:
                self.finalized = await self._node.finalized_head()
                try:
                    cursor = await self._catch_up(cursor, self.finalized)
                except Superseded:
                    cursor = await self.begin()  # another server reads too, and was faster
                    continue
                self._on_progress()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SILENCE_SECONDS):
                        await anext(heads)

    async def _check(self, cursor: Cursor) -> None:
        """The chain must hold the block at the cursor, or what follows is another history."""
        head = await self._node.finalized_head()
        if head.number < cursor.block_number:
            return  # the node is behind; the check comes again with the next block
        if await self._node.hash_of(cursor.block_number) != cursor.block_hash:
            raise _other_history(cursor)

    async def _catch_up(self, cursor: Cursor, head: Header) -> Cursor:
        async with contextlib.aclosing(self._read(cursor, head)) as batches:
            async for blocks in batches:
                cursor = await self._store(cursor, blocks)
        return cursor

    async def _store(self, cursor: Cursor, blocks: Sequence[ReadBlock]) -> Cursor:
        """Reflect blocks; one whose facts cannot be reflected is stored without them."""
        ingest = Ingest(
            after=cursor,
            blocks=tuple(blocks),
            attempts_max=self._attempts_max,
            retry_delay_us=int(RETRY_DELAY_SECONDS * 1_000_000),
        )
        try:
            return await self._storage.commit(chain_log.ingest, ingest)
        except StorageError:
            raise
        except Exception as defect:
            if len(blocks) > 1:
                middle = len(blocks) // 2
                return await self._store(await self._store(cursor, blocks[:middle]), blocks[middle:])
            if not blocks[0].facts:
                raise
            log.exception("a block is stored without its facts", block=blocks[0].block.block_number)
            return await self._store(cursor, [without_facts(blocks[0], defect)])

    async def _read(self, cursor: Cursor, head: Header) -> AsyncGenerator[list[ReadBlock], None]:
        """Batches of decoded blocks up to the head, the next one being read while one is stored."""
        parent = cursor.block_hash
        ranges = [
            (first, min(first + BATCH_BLOCKS - 1, head.number))
            for first in range(cursor.block_number + 1, head.number + 1, BATCH_BLOCKS)
        ]
        ahead: asyncio.Task[list[ReadBlock]] | None = None
        try:
            for position, (first, last) in enumerate(ranges):
                task = ahead or asyncio.create_task(self._read_range(first, last))
                ahead = None
                blocks = await task
                for block in blocks:
                    if block.block.parent_hash != parent:
                        raise _other_history(cursor)
                    parent = block.block.block_hash
                if position + 1 < len(ranges):
                    ahead = asyncio.create_task(self._read_range(*ranges[position + 1]))
                yield blocks
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def _read_range(self, first: int, last: int) -> list[ReadBlock]:
        try:
            blocks = await self._node.blocks(first, last)
            runtimes = await self._runtimes([block.header for block in blocks])
        except RpcError as error:
            raise ChainError(
                f"the node cannot give the events of blocks {first} to {last} ({error});"
                " if it has pruned them, point CHAIN_WS_URL at an archive node"
            ) from error
        decoded = []
        for block, runtime in zip(blocks, runtimes, strict=True):
            decoded.append(read_block(block, runtime))
            await asyncio.sleep(0)  # a large block takes a while, and calls are waiting
        return decoded

    async def _runtimes(self, headers: list[Header]) -> list[Runtime]:
        """The runtime that each block was encoded by: that of its parent's state.

        Versions only grow, so a range whose ends agree is not looked into.
        """
        first = await self._node.runtime_at(headers[0].parent_hash)
        last = await self._node.runtime_at(headers[-1].parent_hash)
        if first.spec_version == last.spec_version:
            return [first] * len(headers)
        middle = len(headers) // 2
        return await self._runtimes(headers[:middle]) + await self._runtimes(headers[middle:])


def _other_history(cursor: Cursor) -> ChainError:
    return ChainError(
        f"block {cursor.block_number} of the node's chain is not the one this database reflects:"
        " finality was violated, or the node follows another chain"
    )
