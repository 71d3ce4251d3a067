"""When a batch departs: as soon as all are here who were in line or travelling, or nobody comes any more.

Callers that were answered together come back together, and together they cost a fraction of what each costs
alone. One who is alone does not wait.
"""

import asyncio

from storage.limits import GATHER_PAUSE_SECONDS, GATHER_SECONDS


class Gathering:
    """Waits for a batch to gather. One task waits at a time."""

    def __init__(self) -> None:
        self._expected = 1
        self._here = 0
        self._complete: asyncio.Future[None] | None = None

    def joined(self, waiting: int) -> None:
        """Say that now so many are waiting."""
        self._here = waiting
        if waiting >= self._expected:
            self._depart()

    def returned(self, travelled: int, waiting: int) -> None:
        """Say that a batch of so many is answered, and that so many more came meanwhile."""
        self._expected = travelled + waiting

    async def wait(self, waiting: int) -> None:
        """Wait until all who are expected are here, or nobody came for GATHER_PAUSE_SECONDS.

        At most GATHER_SECONDS in all.
        """
        self._here = waiting
        if waiting >= self._expected:
            return
        loop = asyncio.get_running_loop()
        self._complete = loop.create_future()
        latest = loop.time() + GATHER_SECONDS
        # The first look proves nothing: the answers of the last batch may have been sent all the while.
        timer = loop.call_later(GATHER_PAUSE_SECONDS, self._look, -1, latest)
        try:
            await self._complete
        finally:
            timer.cancel()
            self._complete = None

    def _look(self, here_before: int, latest: float) -> None:
        loop = asyncio.get_running_loop()
        if self._here == here_before or loop.time() >= latest:
            self._depart()
        elif self._complete is not None:
            loop.call_later(GATHER_PAUSE_SECONDS, self._look, self._here, latest)

    def _depart(self) -> None:
        if self._complete is not None and not self._complete.done():
            self._complete.set_result(None)
