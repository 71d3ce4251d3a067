"""Reads of hot single rows, batched as writes are: callers that wait for the same kind of row share a query.

A read joins only a fetch that has not started, so a caller always reads what it has written.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from storage import limits
from storage.engines.engine import Engine
from storage.errors import Overloaded, StorageError
from storage.linger import BatchLinger
from storage.outcome import Outcome
from storage.transaction import Transaction

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")
_Waiting: TypeAlias = tuple[Any, asyncio.Future[Any]]  # a key, and the caller that waits for its answer


class Query(Generic[Key, Answer]):
    """A function that reads one answer, or a refusal, for each of many keys in one statement."""

    def __init__(self, function: Callable[[Transaction, Sequence[Key]], list[Outcome[Answer]]]) -> None:
        self.read = function
        self.__doc__ = function.__doc__


def query(
    function: Callable[[Transaction, Sequence[Key]], list[Outcome[Answer]]],
) -> Query[Key, Answer]:
    """Make a query of a repository function."""
    return Query(function)


class _Queue:
    """The callers that wait for answers to one query."""

    __slots__ = ("fetching", "linger", "waiting")

    def __init__(self) -> None:
        self.waiting: list[_Waiting] = []
        self.fetching = False  # a task fetches for them
        self.linger = BatchLinger(batch_max=limits.FETCH_BATCH_MAX)

    def add(self, key: Any, answer: asyncio.Future[Any]) -> None:
        self.waiting.append((key, answer))
        self.linger.arrived(len(self.waiting))

    def take(self) -> list[_Waiting]:
        """The next batch, less those whose caller has left."""
        batch = [waiting for waiting in self.waiting[: limits.FETCH_BATCH_MAX] if not waiting[1].done()]
        del self.waiting[: limits.FETCH_BATCH_MAX]
        return batch


class Fetcher:
    """Batches the single-row reads of one process: one fetch per query is under way at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queues: defaultdict[Query[Any, Any], _Queue] = defaultdict(_Queue)
        self._running: set[asyncio.Task[None]] = set()

    async def fetch(self, query: Query[Key, Answer], key: Key) -> Answer:
        """The answer for `key`; raises its `Refusal`, or a `Failure`."""
        queue = self._queues[query]
        if len(queue.waiting) >= limits.COMMIT_QUEUE_ITEMS_MAX:
            raise Overloaded("too many reads are waiting")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        queue.add(key, answer)
        if not queue.fetching:
            queue.fetching = True
            task = asyncio.create_task(self._run(query, queue))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        found: Answer = await answer
        return found

    async def close(self) -> None:
        await asyncio.gather(*self._running)

    async def _run(self, query: Query[Any, Any], queue: _Queue) -> None:
        try:
            while queue.waiting:
                await queue.linger.wait(len(queue.waiting))
                if batch := queue.take():
                    await self._fetch(query, batch)
                queue.linger.finished(len(batch), len(queue.waiting))
        finally:
            queue.fetching = False

    async def _fetch(self, query: Query[Any, Any], batch: Sequence[_Waiting]) -> None:
        keys = list(dict.fromkeys(key for key, _ in batch))
        try:
            outcomes = await self._engine.read(
                lambda connection: query.read(Transaction.snapshot(connection, self._engine.dialect), keys)
            )
            by_key = dict(zip(keys, outcomes, strict=True))
        except Exception as error:
            by_key = dict.fromkeys(keys, error)
        for key, answer in batch:
            if answer.done():
                continue
            outcome = by_key[key]
            if isinstance(outcome, StorageError):
                answer.set_exception(outcome.copy())
            elif isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)
