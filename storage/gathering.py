"""When a batch departs: as soon as all are here who were in line or travelling, or nobody comes any more.

Callers that were answered together come back together, and together they cost a fraction of what each costs
alone. Who is alone does not wait, but once for the company of the batch before.
"""

import asyncio

from storage.limits import GATHER_PAUSE_SECONDS, GATHER_SECONDS


class Gathering:
    """Waits for a batch of at most `batch_max` to gather. One task waits at a time."""

    def __init__(self, *, batch_max: int) -> None:
        self._batch_max = batch_max
        self._expected = 1
        self._here = 0
        self._complete: asyncio.Future[None] | None = None
        self._next_look: asyncio.TimerHandle | None = None

    def joined(self, waiting: int, *, full: bool = False) -> None:
        """Say that now so many are waiting, and whether the batch is `full` whatever their number."""
        self._here = waiting
        if full or waiting >= self._expected:
            self._depart()

    def returned(self, travelled: int, waiting: int) -> None:
        """Say that a batch of so many is answered, and that so many more came meanwhile."""
        self._expected = min(travelled + waiting, self._batch_max)

    async def wait(self, waiting: int) -> None:
        """Wait until all who are expected are here, or nobody came for GATHER_PAUSE_SECONDS.

        At most GATHER_SECONDS in all.
        """
        self._here = waiting
        if waiting >= self._expected:
            return
        loop = asyncio.get_running_loop()
        self._complete = loop.create_future()
        # The first look only counts: until then the answers of the last batch may have been on their way.
        self._look_again(None, loop.time() + GATHER_SECONDS)
        try:
            await self._complete
        finally:
            self._complete = None
            if self._next_look is not None:
                self._next_look.cancel()

    def _look_again(self, seen: int | None, latest: float) -> None:
        loop = asyncio.get_running_loop()
        self._next_look = loop.call_later(GATHER_PAUSE_SECONDS, self._look, seen, latest)

    def _look(self, seen: int | None, latest: float) -> None:
        if self._here == seen or asyncio.get_running_loop().time() >= latest:
            self._depart()
        else:
            self._look_again(self._here, latest)

    def _depart(self) -> None:
        if self._complete is not None and not self._complete.done():
            self._complete.set_result(None)
