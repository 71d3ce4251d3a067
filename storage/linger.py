"""Linger: how long a batch waits for more callers before it runs.

Waits briefly for as many callers as the previous batch served, plus those that queued meanwhile, since
callers that are answered together usually return together, and together they cost a fraction of what each
costs alone. A lone caller never waits, except once after a larger batch.
"""

import asyncio

from storage.limits import LINGER_IDLE_SECONDS, LINGER_MAX_SECONDS


class BatchLinger:
    """Decides when a batch of at most `batch_max` callers runs. Only one task may be in `wait` at a time."""

    def __init__(self, *, batch_max: int) -> None:
        self._batch_max = batch_max
        self._expected = 1
        self._waiting = 0
        self._flushed: asyncio.Future[None] | None = None
        self._next_check: asyncio.TimerHandle | None = None

    def arrived(self, waiting: int, *, full: bool = False) -> None:
        """A caller has arrived: `waiting` callers are queued now, and `full` says that they fill a batch."""
        self._waiting = waiting
        if full or waiting >= self._expected:
            self._flush()

    def finished(self, served: int, waiting: int) -> None:
        """A batch of `served` callers is answered, and `waiting` callers are queued now."""
        self._expected = min(served + waiting, self._batch_max)

    async def wait(self, waiting: int) -> None:
        """Wait until all expected callers are queued, or none has arrived for LINGER_IDLE_SECONDS.

        At most LINGER_MAX_SECONDS in all. `waiting` callers are queued now.
        """
        self._waiting = waiting
        if waiting >= self._expected:
            return
        loop = asyncio.get_running_loop()
        self._flushed = loop.create_future()
        # The first check only counts: until then the answers of the last batch may have been on their way.
        self._check_later(None, loop.time() + LINGER_MAX_SECONDS)
        try:
            await self._flushed
        finally:
            self._flushed = None
            if self._next_check is not None:
                self._next_check.cancel()

    def _check_later(self, last_waiting: int | None, latest: float) -> None:
        loop = asyncio.get_running_loop()
        self._next_check = loop.call_later(LINGER_IDLE_SECONDS, self._check, last_waiting, latest)

    def _check(self, last_waiting: int | None, latest: float) -> None:
        if self._waiting == last_waiting or asyncio.get_running_loop().time() >= latest:
            self._flush()
        else:
            self._check_later(self._waiting, latest)

    def _flush(self) -> None:
        if self._flushed is not None and not self._flushed.done():
            self._flushed.set_result(None)
