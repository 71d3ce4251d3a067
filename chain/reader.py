"""Following the finalized chain: every block once, in order, from the cursor.

The subscription to finalized heads is only a hint that there is something to read, for it skips heights and
may fall silent. Blocks are read in batches, one ahead of the one that is being stored, and each must be the
child of the one before it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from chain.block_reader import read_block
from chain.node import ChainError, Header, Node
from chain.rpc import RpcError
from chain.scale.runtime import Runtime
from storage import chain_log
from storage.chain_log import Cursor, Ingest, ReadBlock
from storage.errors import Superseded
from storage.store import Storage

BATCH_BLOCKS = 32
SILENCE_SECONDS = 15.0
"""How long a subscription may be silent before the finalized head is asked for."""
ATTEMPTS_MAX = 5
"""How often an extrinsic is signed before it is given up."""
RETRY_DELAY_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Reader:
    """Reflects finalized blocks in storage, over one connection."""

    def __init__(self, storage: Storage, node: Node, start_block: int | None) -> None:
        self.finalized: Header | None = None
        self._storage = storage
        self._node = node
        self._start_block = start_block

    async def run(self) -> None:
        """Read for ever. Raises `RpcFailure`, `ChainError` or a `Failure` of storage."""
        cursor = await self._cursor()
        subscription = self._node.client.subscribe(
            "chain_subscribeFinalizedHeads", unsubscribe="chain_unsubscribeFinalizedHeads"
        )
        async with subscription as heads:
            while True:
                self.finalized = await self._node.finalized_head()
                try:
                    cursor = await self._catch_up(cursor, self.finalized)
                except Superseded:
                    cursor = await self._cursor()  # another server reads too, and was faster
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SILENCE_SECONDS):
                        await anext(heads)

    async def _cursor(self) -> Cursor:
        """Where to go on; a database without a cursor begins now, or before its start block."""
        found = await self._storage.read(chain_log.cursor, None)
        if found is not None:
            await self._check(found)
            return found
        number = (await self._node.finalized_head()).number
        if self._start_block is not None:
            number = max(0, self._start_block - 1)
        first = Cursor(block_number=number, block_hash=await self._node.hash_of(number))
        await self._storage.commit(chain_log.begin, first)
        return await self._cursor()

    async def _check(self, cursor: Cursor) -> None:
        """The chain must hold the block at the cursor, or what follows is another history."""
        head = await self._node.finalized_head()
        if head.number < cursor.block_number:
            return  # the node is behind; the check comes again with the next block
        if await self._node.hash_of(cursor.block_number) != cursor.block_hash:
            raise _other_history(cursor)

    async def _catch_up(self, cursor: Cursor, head: Header) -> Cursor:
        async for blocks in self._read(cursor, head):
            cursor = await self._storage.commit(
                chain_log.ingest,
                Ingest(
                    after=cursor,
                    blocks=tuple(blocks),
                    attempts_max=ATTEMPTS_MAX,
                    retry_delay_us=int(RETRY_DELAY_SECONDS * 1_000_000),
                ),
            )
        return cursor

    async def _read(self, cursor: Cursor, head: Header) -> AsyncIterator[list[ReadBlock]]:
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
        except RpcError as error:
            raise ChainError(
                f"the node cannot give the events of blocks {first} to {last} ({error});"
                " if it has pruned them, point CHAIN_WS_URL at an archive node"
            ) from error
        runtimes = await self._runtimes([block.header for block in blocks])
        return [read_block(block, runtime) for block, runtime in zip(blocks, runtimes, strict=True)]

    async def _runtimes(self, headers: list[Header]) -> list[Runtime]:
        """The runtime that each block was encoded by: that of its parent's state.

        Versions only grow, so a range whose ends agree is not looked into.
        """
        first = await self._node.runtime_at(headers[0].parent_hash)
        last = await self._node.runtime_at(headers[-1].parent_hash)
        if first is last:
            return [first] * len(headers)
        middle = len(headers) // 2
        return await self._runtimes(headers[:middle]) + await self._runtimes(headers[middle:])


def _other_history(cursor: Cursor) -> ChainError:
    return ChainError(
        f"block {cursor.block_number} of the node's chain is not the one this database reflects:"
        " finality was violated, or the node follows another chain"
    )
