"""Reads of hot single rows, batched as writes are: callers that wait for the same kind of row share a query.

A read joins only a fetch that has not started, so a caller always reads what it has written.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

from storage import limits
from storage.engine import Engine
from storage.errors import Overloaded, StorageError
from storage.outcome import Outcome
from storage.transaction import Transaction

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


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


class Fetcher:
    """Batches the single-row reads of one process: one fetch per query is under way at a time.

    Where a read is made at once there is nothing to wait for, and each is made alone.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[Query[Any, Any], list[tuple[Any, asyncio.Future[Any]]]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._active: set[Query[Any, Any]] = set()

    async def fetch(self, query: Query[Key, Answer], key: Key) -> Answer:
        """The answer for `key`; raises its `Refusal`, or a `Failure`."""
        if self._engine.reads_at_once:
            (outcome,) = await self._read(query, [key])
            if isinstance(outcome, StorageError):
                raise outcome
            return outcome
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(query, [])
        if len(waiting) >= limits.COMMIT_QUEUE_ITEMS_MAX:
            raise Overloaded("too many reads are waiting")
        waiting.append((key, answer))
        if query not in self._active:
            self._active.add(query)
            task = asyncio.create_task(self._run(query))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        found: Answer = await answer
        return found

    async def close(self) -> None:
        await asyncio.gather(*self._running)

    async def _run(self, query: Query[Any, Any]) -> None:
        queue = self._waiting[query]
        try:
            while queue:
                batch = [waiting for waiting in queue[: limits.FETCH_BATCH_MAX] if not waiting[1].done()]
                del queue[: limits.FETCH_BATCH_MAX]
                if batch:
                    await self._fetch(query, batch)
        finally:
            self._active.discard(query)

    async def _read(self, query: Query[Key, Answer], keys: Sequence[Key]) -> list[Outcome[Answer]]:
        return await self._engine.read(
            lambda connection: query.read(
                Transaction(connection, self._engine.dialect, now_us=0, local=True), keys
            )
        )

    async def _fetch(self, query: Query[Any, Any], batch: Sequence[tuple[Any, asyncio.Future[Any]]]) -> None:
        keys = list(dict.fromkeys(key for key, _ in batch))
        try:
            outcomes = await self._read(query, keys)
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
