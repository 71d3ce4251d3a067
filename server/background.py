"""The long-running jobs of a server: each is started again if it fails, with a pause that grows."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from storage.errors import Misconfigured

PAUSE_SECONDS_MIN = 0.5
PAUSE_SECONDS_MAX = 30.0

log = structlog.get_logger(__name__)


class Pauses:
    """The pauses between attempts: each twice the one before, up to a limit, with jitter."""

    def __init__(self) -> None:
        self._next_seconds = PAUSE_SECONDS_MIN

    async def wait(self) -> None:
        pause, self._next_seconds = self._next_seconds, min(self._next_seconds * 2, PAUSE_SECONDS_MAX)
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311


class Background:
    """Runs jobs until it is stopped.

    `gave_up` is done when one of them found that an operator must act; its result is why.
    """

    def __init__(self) -> None:
        self.gave_up: asyncio.Future[Misconfigured] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        """Run a job; it ends by returning, or when this is stopped."""
        task = asyncio.create_task(self._supervise(name, job), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def every(self, name: str, seconds: float, job: Callable[[], Awaitable[None]]) -> None:
        """Run a short job again and again, with a pause between."""

        async def repeat() -> None:
            while True:
                await asyncio.sleep(seconds)
                await job()

        self.start(name, repeat)

    async def stop(self) -> None:
        """Cancel all jobs and wait for them."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _supervise(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        loop, pauses = asyncio.get_running_loop(), Pauses()
        while True:
            start = loop.time()
            try:
                await job()
            except Misconfigured as error:
                if not self.gave_up.done():
                    self.gave_up.set_result(error)
                return
            except Exception:
                log.exception("job failed, starting it again", job=name)
            else:
                return
            if loop.time() - start > PAUSE_SECONDS_MAX:
                pauses = Pauses()  # it had worked
            await pauses.wait()
