"""Following the finalized chain: every block once, in order, from the cursor.

The subscription to finalized heads is only a hint that there is something to read, for it skips heights and
may fall silent. Each block must be the child of the one before it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import structlog

from chain.block_reader import without_facts
from chain.fetcher import Fetcher
from chain.node import ChainError, Node, OpenNode, PrunedBlock
from chain.pace import Pace
from chain.pallets import PalletTable
from chain.portions import in_portions
from chain.progress import Progress
from chain.replayer import Replayer
from chain.rpc import RpcError, Subscription, SubscriptionOverflow
from storage.chain import log as chain_log
from storage.chain.log import Cursor, Ingest, ReadBlock
from storage.errors import StorageError, Superseded
from storage.store import Storage

SILENCE_SECONDS = 15.0
"""How long a subscription may be silent before the finalized head is asked for."""
RESUBSCRIBE_SECONDS = 0.5
STRETCH_BLOCKS = 10_000
"""After so many blocks of a catch-up the finalized head is asked for again: it has moved meanwhile."""
ARCHIVE_MARGIN_BLOCKS = 64
"""How far beyond what a node has pruned its archive is read, since the node goes on pruning meanwhile."""
RETRY_DELAY_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Reader:
    """Reflects finalized blocks in storage, over one connection.

    `open_archive` connects to a node that has pruned nothing; None if there is no such node. A node that
    finalizes nothing for `stalled_seconds` is given up; None if there is no other. `on_progress` is called
    whenever everything that is final has been reflected.
    """

    def __init__(
        self,
        storage: Storage,
        node: Node,
        start_block: int | None,
        *,
        attempts_max: int,
        pace: Pace,
        progress: Progress,
        pallets: PalletTable,
        open_archive: OpenNode | None,
        stalled_seconds: float | None,
        on_progress: Callable[[], None],
    ) -> None:
        self._storage = storage
        self._node = node
        self._start_block = start_block
        self._attempts_max = attempts_max
        self._pace = pace
        self._progress = progress
        self._open_archive = open_archive
        self._replayer = Replayer(storage, node, pallets, pace, open_archive)
        self._on_progress = on_progress
        self._pallets = pallets
        self._stalled_seconds = stalled_seconds
        self._last_news = asyncio.get_running_loop().time()
        self._cursor: Cursor

    async def begin(self) -> None:
        """Find where to go on; a database without a cursor begins at the finalized head, or its start block.

        Nothing may be signed before: what is executed in a block that is never read would be signed again.
        Raises `RpcFailure`, `ChainError` or a `Failure` of storage.
        """
        found = await self._storage.read(chain_log.cursor)
        if found is not None:
            await self._check(found)
            self._cursor = found
            self._last_news = asyncio.get_running_loop().time()
            self._progress.reached(found.block_number)
            return
        final = await self._node.finalized_head()
        number = final.number if self._start_block is None else max(0, self._start_block - 1)
        if number > final.number:
            raise ChainError(
                f"CHAIN_START_BLOCK is {self._start_block}, and only block {final.number} is final yet"
            )
        first = Cursor(block_number=number, block_hash=await self._node.hash_of(number))
        await self._storage.commit(chain_log.begin, first)
        await self.begin()

    async def run(self) -> None:
        """Read on for ever, after `begin`. Raises as `begin`."""
        while True:
            subscription = self._node.client.subscribe(
                "chain_subscribeFinalizedHeads", unsubscribe="chain_unsubscribeFinalizedHeads"
            )
            async with subscription as heads:
                await self._follow(heads)
            log.info("subscribing to finalized heads again")
            await asyncio.sleep(RESUBSCRIBE_SECONDS)

    async def _follow(self, heads: Subscription) -> None:
        """Read on, until the subscription has ended or swallowed something."""
        silent = False
        while True:
            final = self._progress.finalized = await self._node.finalized_head()
            news = final.number > self._cursor.block_number
            self._check_stalled(news)
            target = min(final.number, self._cursor.block_number + STRETCH_BLOCKS)
            try:
                await self._replayer.run(self._cursor)
                await self._catch_up(target)
            except Superseded:
                await self.begin()  # another server read too, and was faster
                continue
            self._on_progress()
            if target < final.number:
                continue
            if silent and news:
                return
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    await heads.newest()
            except TimeoutError:
                silent = True
            except (RpcError, SubscriptionOverflow):
                return
            else:
                silent = False

    def _check_stalled(self, news: bool) -> None:
        now = asyncio.get_running_loop().time()
        if news:
            self._last_news = now
        elif self._stalled_seconds is not None and now - self._last_news > self._stalled_seconds:
            raise ChainError(f"no new block became final within {self._stalled_seconds:g} s")

    async def _check(self, cursor: Cursor) -> None:
        """The chain must hold the block at the cursor, or what follows is another history."""
        head = await self._node.finalized_head()
        if head.number < cursor.block_number:
            return  # the node is behind; the check comes again with the next block
        if await self._node.hash_of(cursor.block_number) != cursor.block_hash:
            raise _other_history(cursor)

    async def _catch_up(self, last: int) -> None:
        """Reflect everything up to a finalized block."""
        while self._cursor.block_number < last:
            try:
                await self._take(self._node, last)
            except PrunedBlock as gone:
                await self._take_pruned(last, gone)
        self._progress.pruned_below = None

    async def _take(self, node: Node, last: int) -> None:
        """Reflect what a node has up to a block."""
        fetched = Fetcher(node, self._pace, self._pallets).read(self._cursor.block_number + 1, last)
        async with contextlib.aclosing(fetched) as ranges:
            async for blocks in ranges:
                self._check_line(blocks)
                for portion in in_portions(blocks):
                    await self._store(portion)

    async def _take_pruned(self, last: int, gone: PrunedBlock) -> None:
        """Read what the node has discarded from the archive, if there is one, and only that."""
        kept = await self._node.first_kept(gone.number, last)
        if kept == gone.number or kept > last:
            raise gone  # it was there a moment later, or not even the newest is
        missing = f"blocks {self._cursor.block_number + 1} to {kept - 1}"
        self._progress.pruned_below = kept
        if self._open_archive is None:
            raise ChainError(
                f"the node has pruned {missing}, which this database has not read: set CHAIN_ARCHIVE_URL to"
                " an archive node of the chain, which is then read for these blocks only"
            ) from gone
        async with self._open_archive() as archive:
            log.info("reading from the archive", node=archive.client.node, missing=missing)
            self._progress.pruned_below = None  # nobody has to do anything about it
            try:
                await self._take(archive, min(last, kept - 1 + ARCHIVE_MARGIN_BLOCKS))
            except PrunedBlock as error:
                self._progress.pruned_below = kept
                raise ChainError(
                    f"the node at CHAIN_ARCHIVE_URL has pruned block {error.number} as well: it must be"
                    " started with --state-pruning archive"
                ) from error

    def _check_line(self, blocks: Sequence[ReadBlock]) -> None:
        """Each block must be the child of the one before it."""
        parent = self._cursor.block_hash
        for block in blocks:
            if block.block.parent_hash != parent:
                raise _other_history(self._cursor)
            parent = block.block.block_hash

    async def _store(self, blocks: Sequence[ReadBlock]) -> None:
        """Reflect blocks; one whose facts cannot be reflected is stored without them."""
        ingest = Ingest(
            after=self._cursor,
            blocks=tuple(blocks),
            attempts_max=self._attempts_max,
            retry_delay_us=int(RETRY_DELAY_SECONDS * 1_000_000),
        )
        try:
            self._cursor = await self._storage.commit(chain_log.ingest, ingest)
            self._progress.reached(self._cursor.block_number)
            self._storage.feed.notice_blocks()
            self._on_progress()
        except StorageError:
            raise
        except Exception as defect:
            if len(blocks) > 1:
                middle = len(blocks) // 2
                await self._store(blocks[:middle])
                await self._store(blocks[middle:])
            elif blocks[0].facts:
                log.exception("a block is stored without its facts", block=blocks[0].block.block_number)
                await self._store([without_facts(blocks[0], defect)])
            else:
                raise


def _other_history(cursor: Cursor) -> ChainError:
    return ChainError(
        f"block {cursor.block_number} of the node's chain is not the one this database reflects:"
        " finality was violated, or the node follows another chain"
    )
