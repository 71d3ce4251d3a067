"""The heart of the write path: group commit.

The committer takes all items that are waiting (`storage.linger` says when). It groups them by mutation in
order of first arrival, runs the groups in one transaction, writes their events and audit entries last,
commits once, and only then answers the callers. While one batch commits, the next one fills.

A group that fails unexpectedly is a defect, and must not fail its neighbours: the transaction is run again
with a savepoint around each group, and a failing group is halved until the poisoned item stands alone.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import structlog
from sqlalchemy.engine import Connection

from storage import limits
from storage.audit import log as audit
from storage.audit.deeds import Deed
from storage.engines.engine import Engine
from storage.errors import (
    CommitUnknown,
    DatabaseUnavailable,
    DeadlineExceeded,
    Failure,
    Overloaded,
    Retry,
    ShuttingDown,
    StorageError,
)
from storage.events import write_events
from storage.linger import BatchLinger
from storage.outcome import Mutation, Outcome, lock_together
from storage.requests import RequestKey, apply_once
from storage.transaction import NewEvent, Transaction

Item = TypeVar("Item")
Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)

_RETRY_PAUSE_SECONDS = 0.005


class _Waiting:
    """An item whose caller waits."""

    __slots__ = ("answer", "deadline", "deed", "item", "mutation", "on_taken", "request", "size_bytes")

    def __init__(
        self,
        mutation: Mutation[Any, Any],
        item: Any,
        request: RequestKey | None,
        deed: Deed | None,
        deadline: float | None,
        size_bytes: int,
        on_taken: Callable[[], None] | None,
        answer: asyncio.Future[Any],
    ) -> None:
        self.mutation = mutation
        self.item = item
        self.request = request
        self.deed = deed
        self.deadline = deadline
        self.size_bytes = size_bytes
        self.on_taken = on_taken
        self.answer = answer


class _Written(NamedTuple):
    """The outcomes of each group, the events of all, and the number of the last; None without events."""

    outcomes: list[list[Outcome[Any]]]
    events: list[NewEvent]
    head: int | None


class Committer:
    """Commits items of many callers in batches. `local` says who decides, see `Transaction`.

    `on_commit`, if set, is called for each batch: with its number of items, its seconds, and its events.
    """

    def __init__(self, engine: Engine, *, on_events: Callable[[int], None]) -> None:
        self.local = True
        self.batches = 0
        self.items = 0
        self.on_commit: Callable[[int, float, Sequence[NewEvent]], None] | None = None
        self._engine = engine
        self._on_events = on_events
        self._queue: deque[_Waiting] = deque()
        self._queue_bytes = 0
        self._linger = BatchLinger(batch_max=limits.COMMIT_BATCH_ITEMS_MAX)
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many items wait for a batch."""
        return len(self._queue)

    @property
    def _full(self) -> bool:
        return self._queue_bytes >= limits.COMMIT_BATCH_BYTES_MAX

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="committer")

    async def close(self) -> None:
        """Refuse new items, commit those that wait, and stop."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def commit(
        self,
        mutation: Mutation[Item, Answer],
        item: Item,
        *,
        request: RequestKey | None = None,
        deed: Deed | None = None,
        deadline: float | None = None,
        size_bytes: int = 0,
        on_taken: Callable[[], None] | None = None,
    ) -> Answer:
        """Apply `mutation` to `item` and return its answer once it is durable.

        `deed` says who does it, for the audit log; without one it has no entry there.
        `deadline` is a time of the event loop's clock: an item that is not taken up before is dropped.
        `on_taken` is called when the item is taken up: a caller that leaves before has changed nothing.
        Raises the item's `Refusal`, or a `Failure`.
        """
        if self._closing or self._task is None:
            raise ShuttingDown
        if mutation.heavy:
            size_bytes = max(size_bytes, limits.COMMIT_BATCH_BYTES_MAX)
        if (
            len(self._queue) >= limits.COMMIT_QUEUE_ITEMS_MAX
            or self._queue_bytes + size_bytes > limits.COMMIT_QUEUE_BYTES_MAX
        ):
            raise Overloaded("too many writes are waiting")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(mutation, item, request, deed, deadline, size_bytes, on_taken, answer))
        self._queue_bytes += size_bytes
        self._linger.arrived(len(self._queue), full=self._full)
        self._wake.set()
        outcome: Answer = await answer
        return outcome

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                if not (self._closing or self._full):
                    await self._linger.wait(len(self._queue))
                if batch := self._take():
                    await self._commit(batch)
                self._linger.finished(len(batch), len(self._queue))
            if self._closing:
                return

    def _take(self) -> list[_Waiting]:
        """The next batch, less the items whose caller has left or whose deadline has passed."""
        now = asyncio.get_running_loop().time()
        batch: list[_Waiting] = []
        size_bytes = 0
        while self._queue and len(batch) < limits.COMMIT_BATCH_ITEMS_MAX:
            if batch and size_bytes + self._queue[0].size_bytes > limits.COMMIT_BATCH_BYTES_MAX:
                break
            waiting = self._queue.popleft()
            self._queue_bytes -= waiting.size_bytes
            if waiting.answer.done():
                continue
            if waiting.deadline is not None and waiting.deadline <= now:
                waiting.answer.set_exception(DeadlineExceeded("the deadline passed while waiting"))
                continue
            if waiting.on_taken is not None:
                waiting.on_taken()
            batch.append(waiting)
            size_bytes += waiting.size_bytes
        return batch

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        groups = _grouped(batch)
        start = time.monotonic()
        try:
            written = await self._write(groups)
        except Exception as error:
            if not isinstance(error, Failure):
                log.exception("batch failed", items=len(batch))
            for waiting in batch:
                _answer(waiting, error.copy() if isinstance(error, StorageError) else error)
            return
        self.batches += 1
        self.items += len(batch)
        if written.head is not None:
            self._on_events(written.head)
        for group, group_outcomes in zip(groups, written.outcomes, strict=True):
            for waiting, outcome in zip(group, group_outcomes, strict=True):
                _answer(waiting, outcome)
        if self.on_commit is not None:
            try:
                self.on_commit(len(batch), time.monotonic() - start, written.events)
            except Exception:  # whoever looks on must not end what commits
                log.exception("a batch was committed, and could not be told of")

    async def _write(self, groups: Sequence[Sequence[_Waiting]]) -> _Written:
        careful, heavy = False, any(group[0].mutation.heavy for group in groups)
        for attempt in range(1, limits.COMMIT_RETRIES_MAX + 1):
            try:
                return await self._engine.write(
                    lambda connection: self._apply(connection, groups, careful=careful),  # noqa: B023
                    heavy=heavy,
                )
            except Retry:
                await asyncio.sleep(random.uniform(0, _RETRY_PAUSE_SECONDS * 2**attempt))  # noqa: S311
            except (CommitUnknown, DatabaseUnavailable):
                raise
            except Exception:
                if careful:
                    raise
                log.exception("a group failed: running the batch again, carefully")
                careful = True
        raise Overloaded("other processes are changing the same rows")

    def _apply(
        self, connection: Connection, groups: Sequence[Sequence[_Waiting]], *, careful: bool
    ) -> _Written:
        """Run the groups in the open transaction."""
        tx = Transaction(connection, self._engine.dialect, now_us=time.time_ns() // 1000, local=self.local)
        if len(groups) > 1:
            lock_together(tx, ((group[0].mutation, [each.item for each in group]) for group in groups))
        if careful:
            outcomes = [_run_carefully(tx, group, self._engine.is_defect) for group in groups]
        else:
            outcomes = [_run_group(tx, group) for group in groups]
        head = _write_logs(tx)
        return _Written(outcomes, tx.events, head)


def _grouped(batch: Sequence[_Waiting]) -> list[list[_Waiting]]:
    groups: dict[Mutation[Any, Any], list[_Waiting]] = {}
    for waiting in batch:
        groups.setdefault(waiting.mutation, []).append(waiting)
    return list(groups.values())


def _write_logs(tx: Transaction) -> int | None:
    """Write what a transaction has buffered; the number of the last event, if there is one."""
    if not tx.events and not tx.audit:
        return None
    heads = write_events(tx)
    if tx.audit:
        audit.write(tx, heads)
    return heads.event_number if tx.events else None


def _run_group(tx: Transaction, group: Sequence[_Waiting]) -> list[Any]:
    mutation = group[0].mutation
    deeds = [waiting.deed for waiting in group]
    items = [waiting.item for waiting in group]
    if all(waiting.request is None for waiting in group):
        outcomes = mutation.apply(tx, items)
    else:
        outcomes, repeated = apply_once(tx, mutation, items, [waiting.request for waiting in group])
        for position in repeated:
            deeds[position] = None
    if len(outcomes) != len(items):
        raise RuntimeError(f"{mutation.name}: {len(outcomes)} outcomes for {len(items)} items")
    audit.note(tx, mutation, items, deeds, outcomes)
    return outcomes


def _run_carefully(
    tx: Transaction, group: Sequence[_Waiting], is_defect: Callable[[Exception], bool]
) -> list[Any]:
    """Run a group in a savepoint; if it fails by a defect, its halves. A lone item gets the error."""
    events_before, audit_before = len(tx.events), len(tx.audit)
    savepoint = tx.connection.begin_nested()
    try:
        outcomes = _run_group(tx, group)
        savepoint.commit()
    except Exception as error:
        if isinstance(error, Retry) or not is_defect(error):
            raise
        savepoint.rollback()
        del tx.events[events_before:]
        del tx.audit[audit_before:]
        if len(group) == 1:
            log.exception("a poisoned item", mutation=group[0].mutation.name)
            return [error]
        middle = len(group) // 2
        halves = group[:middle], group[middle:]
        return [outcome for half in halves for outcome in _run_carefully(tx, half, is_defect)]
    return outcomes


def _answer(waiting: _Waiting, outcome: object) -> None:
    if waiting.answer.done():
        return
    if isinstance(outcome, Exception):
        waiting.answer.set_exception(outcome)
    else:
        waiting.answer.set_result(outcome)
