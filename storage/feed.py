"""Watching: one reader of the event log feeds all watchers of a process.

The reader keeps the newest events in a ring. A watcher holds only its own position: while that is in the
ring it is served from memory, else it reads pages of the log itself until it has caught up. So a slow
watcher delays no one, and costs no memory. Commits of this process wake the reader at once; those of other
processes are found by polling. Without watchers, nothing is read.
"""

import asyncio
import base64
import contextlib
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

import structlog

from storage import events
from storage.chain import positions as chain_positions
from storage.engines.engine import Engine
from storage.errors import CursorExpired, Failure, InvalidCursor, Refusal, ShuttingDown
from storage.events import Filter, LogState
from storage.limits import EVENT_PAGE_MAX, RING_EVENTS_MAX
from storage.records import ChainEvent, Event, Record
from storage.transaction import Transaction

T = TypeVar("T")
logger = structlog.get_logger(__name__)

POLL_SECONDS = 0.25
RETRY_SECONDS = 1.0


class Cursor(Record, frozen=True, kw_only=True):
    """A point in the history of one database, opaque to clients."""

    log_id: str
    number: int

    def text(self) -> str:
        raw = struct.pack(">16sQ", bytes.fromhex(self.log_id), self.number)
        return base64.urlsafe_b64encode(raw).decode()

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read the text of a cursor; raises `InvalidCursor`."""
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
            log_id, number = struct.unpack(">16sQ", raw)
        except (ValueError, struct.error) as error:
            raise InvalidCursor("the cursor is malformed") from error
        return cls(log_id=log_id.hex(), number=number)


class Batch(Record, frozen=True, kw_only=True):
    """Events in commit order, and the cursor to resume from; without events it is a heartbeat."""

    events: list[Event]
    cursor: Cursor


class ChainBatch(Record, frozen=True, kw_only=True):
    """Events in the order of the chain, and the cursor to resume from."""

    events: list[ChainEvent]
    cursor: Cursor


class Feed:
    """The watches of one process. `heartbeat_seconds` is the longest silence of a watch.

    `check` raises why nothing can be watched yet, while nothing can.
    """

    def __init__(self, engine: Engine, check: Callable[[], None], *, heartbeat_seconds: float = 15.0) -> None:
        self.heartbeat_seconds = heartbeat_seconds
        self._engine = engine
        self._check = check
        self._ring: deque[Event] = deque(maxlen=RING_EVENTS_MAX)
        self._head = 0  # every event up to this number can be read, from the ring or from the log
        self._reflected = 0  # the chain position up to which events can be read
        self._log_id = ""
        self._moved = asyncio.Condition()
        self._wake = asyncio.Event()
        self._watchers = 0
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def watchers(self) -> int:
        """How many watches there are."""
        return self._watchers

    async def start(self) -> None:
        """Begin at the newest event. Raises `DatabaseUnavailable`."""
        log, self._reflected = await self._read(_extent)
        self._log_id, self._head = log.log_id, log.head
        self._task = asyncio.create_task(self._follow(), name="event-feed")

    async def close(self) -> None:
        """End all watches with `ShuttingDown`."""
        self._closing = True
        async with self._moved:
            self._moved.notify_all()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def notice(self, head: int) -> None:
        """Say that this process has committed events up to `head`."""
        if self._watchers and head > self._head:
            self._wake.set()

    def notice_blocks(self) -> None:
        """Say that this process has reflected blocks."""
        if self._watchers:
            self._wake.set()

    async def watch(self, wanted: Filter, after: Cursor | None) -> AsyncIterator[Batch]:
        """Events that are wanted, after a cursor (from now on, if None), for ever.

        The first batch has no events and acknowledges where the watch begins. Raises `CursorExpired`,
        `InvalidCursor`, `ShuttingDown` or a `Failure`.
        """
        position = await self._start_position(after)
        with self._watching():
            yield Batch(events=[], cursor=self._cursor(position))
            while True:
                position, found = await self._next(position, wanted)
                yield Batch(events=found, cursor=self._cursor(position))

    async def watch_chain(self, pallets: frozenset[str], after: Cursor | None) -> AsyncIterator[ChainBatch]:
        """Events of finalized blocks, after a cursor (from now on, if None), for ever; as `watch`."""
        log, position = await self._now()
        if after is not None:
            self._check_log(after, log)
            if after.number > position:
                raise InvalidCursor("the cursor is ahead of the newest event of the chain")
            position = after.number
            await self._read(partial(chain_positions.check, position=position))
        with self._watching():
            yield ChainBatch(events=[], cursor=self._cursor(position))
            while True:
                position, found = await self._next_of_chain(position, pallets)
                yield ChainBatch(events=found, cursor=self._cursor(position))

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        self._watchers += 1
        self._wake.set()
        try:
            yield
        finally:
            self._watchers -= 1

    async def _start_position(self, after: Cursor | None) -> int:
        log, _ = await self._now()
        if after is None:
            return log.head
        self._check_log(after, log)
        if after.number > log.head:
            raise InvalidCursor("the cursor is ahead of the newest event")
        if after.number < log.tail:
            raise CursorExpired("events after the cursor are no longer kept")
        return after.number

    def _check_log(self, cursor: Cursor, log: LogState) -> None:
        if cursor.log_id != log.log_id:
            raise CursorExpired("the cursor belongs to another database")

    async def _next(self, position: int, wanted: Filter) -> tuple[int, list[Event]]:
        """The position reached, and the wanted events up to it; none when it is time for a heartbeat."""
        deadline = asyncio.get_running_loop().time() + self.heartbeat_seconds
        while True:
            if self._closing:
                raise ShuttingDown
            if position < self._head:
                position, found = await self._take(position, wanted)
                if found or asyncio.get_running_loop().time() >= deadline:
                    return position, found
            elif not await self._wait_for_move(deadline):
                return position, []

    async def _take(self, position: int, wanted: Filter) -> tuple[int, list[Event]]:
        if self._ring and self._ring[0].number <= position + 1:
            return _scan(self._ring, position, wanted)
        return await self._read(lambda tx: events.read_after(tx, position, EVENT_PAGE_MAX, wanted))

    async def _next_of_chain(self, position: int, pallets: frozenset[str]) -> tuple[int, list[ChainEvent]]:
        deadline = asyncio.get_running_loop().time() + self.heartbeat_seconds
        while True:
            if self._closing:
                raise ShuttingDown
            if position < self._reflected:
                position, found = await self._read(
                    partial(
                        chain_positions.events_after,
                        position=position,
                        pallets=pallets,
                        at_most=EVENT_PAGE_MAX,
                    )
                )
                if found:
                    return position, found
            elif not await self._wait_for_move(deadline):
                return position, []

    async def _wait_for_move(self, deadline: float) -> bool:
        """Wait until the reader has moved, or until `deadline`; whether there was time left."""
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left), self._moved:
                await self._moved.wait()
        return True

    async def _follow(self) -> None:
        """Read what is new into the ring and wake the watchers, while there are any."""
        while not self._closing:
            try:
                await (self._follow_once() if self._watchers else self._rest())
            except (Failure, Refusal):
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                logger.exception("the event log cannot be followed")
                await asyncio.sleep(RETRY_SECONDS)

    async def _rest(self) -> None:
        """Wait for the first watcher, and begin anew at the newest event: what is older is in the log."""
        await self._wake.wait()
        self._wake.clear()
        state, reflected = await self._read(_extent)
        self._ring.clear()
        await self._move(state.head, reflected)

    async def _follow_once(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        self._wake.clear()
        ahead = await self._read(partial(_read_ahead, after=self._head))
        if ahead.after != self._head:
            self._ring.clear()  # retention was faster: watchers read the log themselves
        self._ring.extend(ahead.events)
        if ahead.reached < ahead.head:
            self._wake.set()
        await self._move(ahead.reached, ahead.reflected)

    async def _move(self, head: int, reflected: int) -> None:
        if (head, reflected) == (self._head, self._reflected):
            return
        self._head, self._reflected = head, reflected
        async with self._moved:
            self._moved.notify_all()

    def _cursor(self, number: int) -> Cursor:
        return Cursor(log_id=self._log_id, number=number)

    async def _now(self) -> tuple[LogState, int]:
        self._check()
        return await self._read(_extent)

    async def _read(self, read: Callable[[Transaction], T]) -> T:
        if self._closing:
            raise ShuttingDown
        return await self._engine.read_snapshot(
            lambda connection: read(Transaction.snapshot(connection, self._engine.dialect))
        )


def _extent(tx: Transaction) -> tuple[LogState, int]:
    return events.state(tx), chain_positions.last(tx)


class _Ahead(NamedTuple):
    """All events `after` one number up to the `reached` one, of a log that ends at `head`."""

    after: int
    events: list[Event]
    reached: int
    head: int
    reflected: int


def _read_ahead(tx: Transaction, after: int) -> _Ahead:
    """The next events after a number, less those that retention has deleted."""
    log = events.state(tx)
    after = max(after, log.tail)
    reached, found = events.read_after(tx, after, RING_EVENTS_MAX)
    return _Ahead(after, found, reached, log.head, chain_positions.last(tx))


def _scan(ring: deque[Event], position: int, wanted: Filter) -> tuple[int, list[Event]]:
    """The wanted events of the ring after `position`, at most a page, and the position reached."""
    found: list[Event] = []
    first = ring[0].number
    for index in range(position + 1 - first, len(ring)):
        event = ring[index]
        position = event.number
        if wanted.matches(event):
            found.append(event)
            if len(found) == EVENT_PAGE_MAX:
                break
    return position, found
