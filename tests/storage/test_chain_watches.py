"""Watching the events of finalized blocks."""

import pytest

from storage import feed, limits
from storage.facts import TaskCreated
from storage.feed import Cursor
from storage.store import Storage
from tests.storage.auditing import meddle
from tests.storage.blocks import Chain
from tests.storage.watching import watching_chain


@pytest.fixture(autouse=True)
def fast_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "POLL_SECONDS", 0.01)


async def test_chain_events_are_seen_in_the_order_of_the_chain(chained: Storage, chain: Chain) -> None:
    async with watching_chain(chained) as watcher:
        await chain.pass_blocks(2)
        await chain.report(TaskCreated(chain_task_id=1, budget=1))
        found = await watcher.take(5)
    assert [(event.block_number, event.event_index) for event in found] == [
        (1, 0),
        (2, 0),
        (3, 0),
        (3, 1),
        (3, 2),
    ]


async def test_chain_events_of_some_pallets_only(chained: Storage, chain: Chain) -> None:
    async with watching_chain(chained, frozenset({"Market"})) as watcher:
        await chain.pass_blocks(2)
        await chain.report(TaskCreated(chain_task_id=1, budget=1))
        assert [event.event for event in await watcher.take(1)] == ["TaskCreated"]


async def test_chain_events_are_resumed_without_gap_or_duplicate(
    chained: Storage, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "EVENT_PAGE_MAX", 2)
    seen: list[tuple[int, int]] = []
    cursor = await _chain_start(chained)
    for _ in range(4):
        await chain.report(TaskCreated(chain_task_id=1, budget=1))
    while len(seen) < 12:
        async with watching_chain(chained, after=cursor) as watcher:
            seen += [(e.block_number, e.event_index) for e in (await watcher.next()).events]
            cursor = watcher.cursor
    assert seen == [(block, index) for block in range(1, 5) for index in range(3)]


async def test_chain_events_begin_with_those_of_the_next_block(chained: Storage, chain: Chain) -> None:
    await chain.pass_blocks(3)
    async with watching_chain(chained) as watcher:
        await chain.pass_blocks(1)
        assert [event.block_number for event in await watcher.take(1)] == [4]


async def test_large_chain_events_come_in_small_batches_and_all_of_them(
    chained: Storage, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = await _chain_start(chained)
    await chain.pass_blocks(7)
    await meddle(chained, f"UPDATE chain_events SET payload = '{'x' * 1000}'")
    monkeypatch.setattr(limits, "PAGE_BYTES_MAX", 20_000)
    async with watching_chain(chained, after=cursor) as watcher:
        batches: list[list[int]] = []
        while sum(map(len, batches)) < 7:
            batches.append([event.block_number for event in (await watcher.next()).events])
    assert batches == [[1, 2, 3], [4, 5, 6], [7]]


async def _chain_start(storage: Storage) -> Cursor:
    async with watching_chain(storage) as watcher:
        return watcher.cursor
