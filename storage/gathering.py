"""When a batch departs: as soon as all are here who were in line or travelling, and never much later.

Callers that were answered together come back together, and together they cost a fraction of what each costs
alone. One who is alone does not wait.
"""

import asyncio

from storage.limits import GATHER_SECONDS


class Gathering:
    """Waits for a batch to gather. One task waits at a time."""

    def __init__(self) -> None:
        self._expected = 1
        self._complete: asyncio.Future[None] | None = None

    def joined(self, waiting: int) -> None:
        """Say that now so many are waiting."""
        if self._complete is not None and waiting >= self._expected:
            self._depart()

    def returned(self, travelled: int, waiting: int) -> None:
        """Say that a batch of so many is answered, and that so many more came meanwhile."""
        self._expected = travelled + waiting

    async def wait(self, waiting: int) -> None:
        """Wait until all who are expected are here, at most GATHER_SECONDS."""
        if waiting >= self._expected:
            return
        loop = asyncio.get_running_loop()
        self._complete = loop.create_future()
        timer = loop.call_later(GATHER_SECONDS, self._depart)
        try:
            await self._complete
        finally:
            timer.cancel()
            self._complete = None

    def _depart(self) -> None:
        if self._complete is not None and not self._complete.done():
            self._complete.set_result(None)
