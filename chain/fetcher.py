"""Reading ahead: ranges of finalized blocks, several in flight, decoded, and handed out in order.

What is fetched and not taken yet is bounded in blocks and in bytes, however far behind the reader is.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from chain.block_reader import read_block
from chain.node import Node
from chain.pace import Pace
from chain.pallets import PalletTable
from chain.rpc import ResponseTooLarge, RpcTimeout, TooMuchAsked
from storage.chain.log import ReadBlock

RANGES_IN_FLIGHT_MAX = 8
BLOCKS_AHEAD_MAX = 512
BYTES_AHEAD_MAX = 8 * 1024 * 1024
"""Of answers; the decoded blocks take up to ten times as much memory."""


@dataclass(frozen=True)
class _Ahead:
    """A range that is being fetched, or waits to be taken."""

    blocks: int
    task: asyncio.Task[list[ReadBlock]]


class Fetcher:
    """Reads from one node."""

    def __init__(self, node: Node, pace: Pace, pallets: PalletTable) -> None:
        self._node = node
        self._pace = pace
        self._pallets = pallets

    async def read(self, first: int, last: int) -> AsyncGenerator[list[ReadBlock], None]:
        """The decoded blocks of a range, in order. Raises as `Node.blocks`."""
        ahead: deque[_Ahead] = deque()
        try:
            while ahead or first <= last:
                while first <= last and self._has_room(ahead):
                    blocks = min(self._pace.range_blocks, last - first + 1)
                    task = asyncio.create_task(self._fetch(first, first + blocks - 1))
                    ahead.append(_Ahead(blocks, task))
                    first += blocks
                yield await ahead.popleft().task
        finally:
            for left in ahead:
                left.task.cancel()
            await asyncio.gather(*(left.task for left in ahead), return_exceptions=True)

    def _has_room(self, ahead: deque[_Ahead]) -> bool:
        """Whether one more range may be fetched; there is always room for the first."""
        blocks = sum(other.blocks for other in ahead) + self._pace.range_blocks
        return not ahead or (
            len(ahead) < RANGES_IN_FLIGHT_MAX
            and blocks <= BLOCKS_AHEAD_MAX
            and blocks * self._pace.block_bytes <= BYTES_AHEAD_MAX
        )

    async def _fetch(self, first: int, last: int) -> list[ReadBlock]:
        """Fetch a range; one that is too much at once is fetched in halves."""
        blocks = last - first + 1
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            fetched = await self._node.blocks(first, last)
        except ResponseTooLarge:
            self._pace.refused(blocks)  # the connection is gone; the next one is asked for less
            raise
        except (TooMuchAsked, RpcTimeout):
            self._pace.refused(blocks)
            if blocks == 1:
                raise
            middle = first + blocks // 2
            return await self._fetch(first, middle - 1) + await self._fetch(middle, last)
        self._pace.answered(blocks, fetched.size_bytes, loop.time() - started)
        decoded = []
        for raw, runtime in fetched.blocks:
            decoded.append(read_block(raw, runtime, self._pallets))
            await asyncio.sleep(0)  # a large block takes a while, and calls are waiting
        return decoded
