"""What is deleted of the chain's raw data, and what stays."""

import pytest

from storage.chain import lists as chain_lists
from storage.chain import log as chain_log
from storage.chain import replay
from storage.chain import retention as chain_retention
from storage.errors import CursorExpired
from storage.feed import Cursor
from storage.pages import Page, PageRequest
from storage.records import ChainEvent
from storage.store import Storage
from tests.storage.blocks import Chain, a_block
from tests.storage.looking import count, dump


async def prune(storage: Storage, blocks: int, at_most: int = 1000) -> int:
    batch = chain_retention.Prune(blocks=blocks, at_most=at_most)
    return (await storage.commit(chain_retention.prune, batch)).count


async def everything(storage: Storage) -> Page[ChainEvent]:
    return await storage.read(
        chain_lists.chain_events, chain_lists.ChainEventFilter(page=PageRequest(size=200))
    )


async def test_old_blocks_are_deleted_in_batches_and_the_cursor_stays(chained: Storage, chain: Chain) -> None:
    await chain.pass_blocks(20)
    assert [await prune(chained, 5, at_most=6) for _ in range(4)] == [6, 6, 3, 0]
    assert await count(chained, "chain_blocks", "chain_events") == (5, 5)
    assert await chained.read(chain_log.cursor) == chain.cursor
    assert [event.block_number for event in (await everything(chained)).records] == [20, 19, 18, 17, 16]
    await chain.pass_blocks(1)
    assert await prune(chained, 5) == 1


async def test_a_database_that_has_read_nothing_has_nothing_to_delete(chained: Storage) -> None:
    assert await prune(chained, 1) == 0
    await Chain(chained).begin()
    assert await prune(chained, 1) == 0


async def test_nothing_is_deleted_from_the_first_block_on_that_could_not_be_decoded_until_it_is(
    chained: Storage, chain: Chain
) -> None:
    await chain.pass_blocks(1)
    await chain.undecodable_block()
    await chain.pass_blocks(3)
    assert [await prune(chained, 1) for _ in range(2)] == [1, 0]
    assert [row[0] for row in (await dump(chained))["chain_blocks"]] == [2, 3, 4, 5]
    asked = await chained.commit(replay.request, replay.Request(first_block=None))
    assert asked.first_block == 2
    rewrite = replay.Rewrite(cursor=chain.cursor, blocks=(a_block(2),))
    await chained.commit(replay.rewrite, rewrite)
    assert await prune(chained, 1) == 3


async def test_a_watch_cannot_be_resumed_where_events_are_deleted(chained: Storage, chain: Chain) -> None:
    await chain.pass_blocks(3)
    found = await everything(chained)
    early = Cursor(log_id=found.log.log_id, number=found.chain_position)
    await chain.pass_blocks(7)
    await prune(chained, 7)
    still = chained.feed.watch_chain(frozenset(), early)
    assert (await anext(still)).events == []
    assert (await anext(still)).events[0].block_number == 4
    await chain.pass_blocks(1)
    await prune(chained, 7)
    with pytest.raises(CursorExpired):
        await anext(chained.feed.watch_chain(frozenset(), early))
