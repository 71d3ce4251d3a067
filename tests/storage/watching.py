"""Following a watch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from storage.events import Filter
from storage.feed import Batch, Cursor
from storage.records import Event
from storage.store import Storage

ALL = Filter(entities=frozenset({"agent", "task", "bid", "result", "extrinsic"}))
WAIT_SECONDS = 20.0


class Watcher:
    """A client that watches."""

    def __init__(self, batches: AsyncIterator[Any], first: Any) -> None:
        self._batches = batches
        self.cursor: Cursor = first.cursor

    async def next(self) -> Any:
        async with asyncio.timeout(WAIT_SECONDS):
            batch = await anext(self._batches)
        assert batch.cursor.number >= self.cursor.number
        self.cursor = batch.cursor
        return batch

    async def take(self, count: int) -> list[Any]:
        """The next `count` events, in as many batches as they come; they must come to exactly that."""
        found: list[Any] = []
        while len(found) < count:
            found += (await self.next()).events
        assert len(found) == count
        return found

    async def numbers(self, count: int) -> list[int]:
        return [event.number for event in await self.take(count)]

    async def until(self, number: int) -> list[Event]:
        """The events up to a point of the log, seen or passed over."""
        found: list[Event] = []
        while self.cursor.number < number:
            found += (await self.next()).events
        return found


@asynccontextmanager
async def watching(
    storage: Storage, wanted: Filter = ALL, after: Cursor | None = None
) -> AsyncIterator[Watcher]:
    """A watch that has been acknowledged."""
    async with _following(storage.feed.watch(wanted, after)) as watcher:
        yield watcher


@asynccontextmanager
async def watching_chain(
    storage: Storage, pallets: frozenset[str] = frozenset(), after: Cursor | None = None
) -> AsyncIterator[Watcher]:
    async with _following(storage.feed.watch_chain(pallets, after)) as watcher:
        yield watcher


@asynccontextmanager
async def _following(batches: Any) -> AsyncIterator[Watcher]:
    try:
        first: Batch = await anext(batches)
        assert first.events == []
        yield Watcher(batches, first)
    finally:
        await batches.aclose()
