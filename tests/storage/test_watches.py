"""A watcher misses nothing and sees nothing twice."""

import asyncio
from typing import Any

import pytest

from storage import events, feed, limits
from storage.errors import CursorExpired, DatabaseUnavailable, InvalidCursor, ShuttingDown
from storage.events import Filter, Prune
from storage.feed import Cursor
from storage.market import agents, lists, tasks
from storage.market.lists import TaskFilter
from storage.pages import PageRequest
from storage.store import LOCAL, Storage
from tests.storage.items import a_task, an_agent, now_us
from tests.storage.looking import all_of, dump, opened
from tests.storage.market import Market
from tests.storage.watching import ALL, Watcher, watching, watching_chain


@pytest.fixture(autouse=True)
def fast_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(feed, "RETRY_SECONDS", 0.01)


async def _create(storage: Storage, count: int = 1) -> None:
    await all_of(storage, tasks.create, *(a_task() for _ in range(count)))


async def test_a_watcher_sees_what_is_committed_from_now_on(local: Storage) -> None:
    await _create(local)
    async with watching(local) as watcher:
        assert watcher.cursor.number == 1
        await _create(local, 2)
        await local.commit(agents.register, an_agent())
        assert await watcher.numbers(3) == [2, 3, 4]
        await _create(local)
        assert await watcher.numbers(1) == [5]


async def test_an_event_names_the_entity_its_revision_and_its_state(local: Storage) -> None:
    async with watching(local) as watcher:
        market = await Market.opened(local)
        task = await market.cancel(await market.task())
        created, cancelled = await watcher.take(2)
    assert (created.entity, created.entity_id, created.created) == ("task", task.task_id, True)
    assert (cancelled.created, cancelled.revision) == (False, task.revision)
    assert (cancelled.task_id, cancelled.requester_id) == (task.task_id, "requester")
    assert (cancelled.body.status, cancelled.body.escrow_status) == ("cancelled", "refunded")


async def test_who_comes_back_with_a_cursor_misses_nothing_and_sees_nothing_twice(local: Storage) -> None:
    """Each time from where the last connection ended, while others write."""
    total, cursor, seen = 60, None, list[int]()

    async def write() -> None:
        for _ in range(total // 3):
            await _create(local, 3)

    async with watching(local) as watcher:
        cursor = watcher.cursor
    writing = asyncio.create_task(write())
    while len(seen) < total:
        async with watching(local, after=cursor) as watcher:
            seen += [event.number for event in (await watcher.next()).events]
            cursor = watcher.cursor
    await writing
    assert seen == list(range(1, total + 1))


async def test_many_watchers_all_see_everything(local: Storage) -> None:
    async def watch() -> list[int]:
        async with watching(local) as watcher:
            ready.release()
            return await watcher.numbers(30)

    ready = asyncio.Semaphore(0)
    watchers = [asyncio.create_task(watch()) for _ in range(20)]
    for _ in watchers:
        await ready.acquire()
    for _ in range(10):
        await _create(local, 3)
    for watcher in watchers:
        assert await watcher == list(range(1, 31))


async def test_silence_is_broken_by_heartbeats(database_url: str) -> None:
    async with opened(database_url, LOCAL, heartbeat_seconds=0.01) as storage, watching(storage) as watcher:
        for _ in range(3):
            assert (await watcher.next()).events == []
        await _create(storage)
        assert (await _next_event(watcher)).number == 1


async def test_heartbeats_advance_the_cursor_past_what_the_watcher_does_not_want(database_url: str) -> None:
    async with opened(database_url, LOCAL, heartbeat_seconds=0.05) as storage:
        async with watching(storage, Filter(entities=frozenset({"agent"}))) as watcher:
            await _create(storage, 5)
            assert await watcher.until(5) == []
            cursor = watcher.cursor
        async with watching(storage, after=cursor) as watcher:
            await _create(storage)
            assert await watcher.numbers(1) == [6]


async def test_filters_select_by_kind_entity_task_and_requester(local: Storage) -> None:
    market = await Market.opened(local)
    await market.agent("ada")
    async with watching(local) as everything:
        start = everything.cursor
    first = await market.task(requester_id="one")
    second = await market.task(requester_id="two")
    await market.bid(first)
    await market.bid(second)
    await market.close(first)
    head = (await local.read(lists.tasks, TaskFilter(page=PageRequest(size=1)))).log.head
    filters = {
        "bids": Filter(entities=frozenset({"bid"})),
        "one task": Filter(entities=frozenset({"task"}), entity_ids=frozenset({first.task_id})),
        "of a task": Filter(entities=ALL.entities, task_ids=frozenset({first.task_id})),
        "of a requester": Filter(entities=ALL.entities, requester_id="two"),
    }
    for name, wanted in filters.items():
        async with watching(local, wanted, after=start) as watcher:
            found = await watcher.take({"bids": 2, "one task": 2, "of a task": 3, "of a requester": 2}[name])
            assert all(wanted.matches(event) for event in found)
        # The same events from memory and from the log.
        read = await local.read(lambda tx, w: events.read_after(tx, start.number, 100, w), wanted)
        assert read == (head, found)


async def test_a_slow_watcher_falls_out_of_the_ring_and_still_sees_everything_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "RING_EVENTS_MAX", 8)
    monkeypatch.setattr(feed, "EVENT_PAGE_MAX", 3)
    monkeypatch.setattr(limits, "EVENT_SCAN_MAX", 16)
    async with opened(database_url, LOCAL) as storage, watching(storage) as slow, watching(storage) as fast:
        for first in range(1, 100, 10):
            await _create(storage, 10)
            assert await fast.numbers(10) == list(range(first, first + 10))
        assert await slow.numbers(100) == list(range(1, 101))


async def test_a_picky_watcher_of_a_long_log_is_served_in_steps(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One read looks at so many events, and the next goes on from there."""
    monkeypatch.setattr(limits, "EVENT_SCAN_MAX", 5)
    monkeypatch.setattr(feed, "RING_EVENTS_MAX", 8)
    async with opened(database_url, LOCAL) as storage:
        async with watching(storage) as watcher:
            start = watcher.cursor
        await _create(storage, 40)
        await storage.commit(agents.register, an_agent())
        reads = _counting_reads(storage, monkeypatch)
        async with watching(storage, Filter(entities=frozenset({"agent"})), after=start) as watcher:
            assert await watcher.numbers(1) == [41]
        assert len(reads) >= 40 / 5


async def test_while_nobody_watches_nothing_is_read(local: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    log = await local.read(events.state)
    reads = _counting_reads(local, monkeypatch)
    await _create(local, 3)
    await _create(local, 3)
    assert reads == []
    async with watching(local, after=Cursor(log_id=log.log_id, number=0)) as watcher:
        assert await watcher.numbers(6) == [1, 2, 3, 4, 5, 6]


async def test_a_cursor_that_is_older_than_the_retention_expires(local: Storage) -> None:
    start = await _start(local)
    await _create(local, 10)
    assert (await local.commit(events.prune, Prune(before_us=now_us() + 1, at_most=4))).count == 4
    with pytest.raises(CursorExpired):
        async with watching(local, after=start):
            pass
    oldest = Cursor(log_id=start.log_id, number=4)
    async with watching(local, after=oldest) as watcher:
        assert await watcher.numbers(6) == [5, 6, 7, 8, 9, 10]


async def test_retention_deletes_only_what_is_old_and_numbers_go_on(local: Storage) -> None:
    await _create(local, 3)
    assert (await local.commit(events.prune, Prune(before_us=now_us() - 3_600_000_000))).count == 0
    assert (await local.commit(events.prune, Prune(before_us=now_us() + 1))).count == 3
    assert (await local.commit(events.prune, Prune(before_us=now_us() + 1))).count == 0
    async with watching(local) as watcher:
        await _create(local)
        assert await watcher.numbers(1) == [4]


async def test_a_watcher_that_retention_overtakes_is_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "RING_EVENTS_MAX", 2)
    async with opened(database_url, LOCAL) as storage, watching(storage) as slow, watching(storage) as fast:
        await _create(storage, 10)
        await fast.take(10)
        await storage.commit(events.prune, Prune(before_us=now_us() + 1, at_most=5))
        with pytest.raises(CursorExpired):
            await slow.next()


async def test_retention_that_overtakes_the_reader_itself_leaves_no_gap_in_what_it_serves(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(local) as overtaken, watching(local) as other:
        await _create(local, 4)
        assert await overtaken.numbers(4) == await other.numbers(4) == [1, 2, 3, 4]
        with monkeypatch.context() as reader:
            reader.setattr(local._engine, "read_snapshot", _away)
            await _create(local, 4)
            await local.commit(events.prune, Prune(before_us=now_us() + 1))
        await _create(local, 2)
        with pytest.raises(CursorExpired):
            await overtaken.next()
        last_deleted = Cursor(log_id=overtaken.cursor.log_id, number=8)
        async with watching(local, after=last_deleted) as watcher:
            assert await watcher.numbers(2) == [9, 10]


async def test_a_cursor_of_another_database_expires(local: Storage) -> None:
    foreign = Cursor(log_id="00" * 16, number=0)
    with pytest.raises(CursorExpired):
        async with watching(local, after=foreign):
            pass
    with pytest.raises(CursorExpired):
        async with watching_chain(local, after=foreign):
            pass


async def test_a_cursor_from_the_future_is_invalid(local: Storage) -> None:
    start = await _start(local)
    future = Cursor(log_id=start.log_id, number=1)
    with pytest.raises(InvalidCursor):
        async with watching(local, after=future):
            pass
    with pytest.raises(InvalidCursor):
        async with watching_chain(local, after=future):
            pass


async def test_a_watch_goes_on_from_the_snapshot_of_a_list(local: Storage) -> None:
    """Whatever is written meanwhile is in the page or in the watch, never in both, never in none."""
    listed_or_seen: list[int] = []
    writing = asyncio.create_task(_write_for_a_while(local))
    while not writing.done():
        page = await local.read(lists.tasks, TaskFilter(page=PageRequest(size=200)))
        cursor = Cursor(log_id=page.log.log_id, number=page.log.head)
        assert len(page.records) == page.log.head
        listed_or_seen.append(cursor.number)
    await writing
    async with watching(local, after=cursor) as watcher:
        left = 30 - cursor.number
        assert await watcher.numbers(left) == list(range(cursor.number + 1, 31))


async def test_closing_ends_the_watches(database_url: str) -> None:
    storage = Storage.open(database_url)
    await storage.prepare(LOCAL)
    async with watching(storage) as watcher, watching_chain(storage) as chain_watcher:
        waiting = [asyncio.create_task(w.next()) for w in (watcher, chain_watcher)]
        await asyncio.sleep(0)
        await storage.close()
        for task in waiting:
            with pytest.raises(ShuttingDown):
                await task
    with pytest.raises(ShuttingDown):
        async with watching(storage):
            pass


async def test_before_the_database_is_reached_there_is_nothing_to_watch(database_url: str) -> None:
    storage = Storage.open(database_url)
    with pytest.raises(DatabaseUnavailable):
        async with watching(storage):
            pass
    await storage.close()


async def test_an_unexpected_error_does_not_end_the_reader(
    local: Storage, log_entries: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(local) as watcher:
        read = local._engine.read_snapshot
        failing = asyncio.Event()

        async def fail(work: Any) -> Any:
            failing.set()
            raise ZeroDivisionError

        monkeypatch.setattr(local._engine, "read_snapshot", fail)
        await _create(local)
        await failing.wait()
        monkeypatch.setattr(local._engine, "read_snapshot", read)
        assert await watcher.numbers(1) == [1]
    assert "the event log cannot be followed" in [entry["event"] for entry in log_entries]


async def test_two_servers_on_one_database_see_each_others_events(postgres_url: str) -> None:
    async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:
        async with watching(here) as watcher, watching(there) as other:
            for _ in range(5):
                await asyncio.gather(_create(here, 2), _create(there, 2))
            numbers = list(range(1, 21))
            assert await watcher.numbers(20) == numbers
            assert await other.numbers(20) == numbers
        assert [row[0] for row in (await dump(here))["events"]] == numbers


async def _start(storage: Storage) -> Cursor:
    async with watching(storage) as watcher:
        return watcher.cursor


async def _next_event(watcher: Watcher) -> Any:
    return (await watcher.take(1))[0]


async def _write_for_a_while(storage: Storage) -> None:
    for _ in range(30):
        await storage.commit(tasks.create, a_task())


async def _away(work: Any) -> Any:
    raise DatabaseUnavailable


def _counting_reads(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    reads: list[Any] = []
    read = storage._engine.read_snapshot

    async def counted(work: Any) -> Any:
        reads.append(work)
        return await read(work)

    monkeypatch.setattr(storage._engine, "read_snapshot", counted)
    return reads
