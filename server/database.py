"""Keeps the server and its database together: prepares it, however long that takes, then watches it."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from server.background import Pauses
from server.health import Health
from storage import events
from storage.errors import ChainUnavailable, DatabaseUnavailable, Failure, Overloaded
from storage.store import LOCAL, Storage

CHECK_SECONDS = 1.0
CHECK_TIMEOUT_SECONDS = 5.0

log = structlog.get_logger(__name__)


class BindingUnknown(Exception):
    """It is not known yet what to bind the database to; the message says why."""


class DatabaseWatch:
    """`binding` finds out what the database is to be bound to; it may raise `BindingUnknown`."""

    def __init__(self, storage: Storage, health: Health, binding: Callable[[], Awaitable[str]]) -> None:
        self.tried = asyncio.Event()  # the first attempt to reach the database is over
        self.ready = asyncio.Event()  # the database is prepared; it may go away again
        self._storage = storage
        self._health = health
        self._binding = binding
        self._away = False

    async def run(self) -> None:
        """Prepare the database, then keep health up to date with it, until cancelled.

        Raises `Misconfigured` if it is the wrong database.
        """
        if not self._storage.prepared:
            await self._prepare()
            log.info("the database is ready", binding=self._storage.binding)
        while True:
            await self._check()
            self.ready.set()
            self.tried.set()
            await asyncio.sleep(CHECK_SECONDS)

    async def _prepare(self) -> None:
        pauses, known = Pauses(), ""
        while not self._storage.prepared:
            try:
                if await self._storage.prepare(await self._find_binding()):
                    _warn_of_what_is_for_ever(self._storage.binding)
            except (Failure, BindingUnknown) as error:
                failure = _call_failure(error)
                self._storage.fail_calls_with(failure)
                if str(error) != known:
                    known = str(error)
                    what = "chain" if isinstance(failure, ChainUnavailable) else "database"
                    log.warning(f"waiting for the {what}", error=known)
                self.tried.set()
                await pauses.wait()

    async def _find_binding(self) -> str:
        """The binding of the database. While the chain cannot be reached, the binding it already has."""
        try:
            return await self._binding()
        except BindingUnknown:
            bound = await self._storage.bound_to()
            if bound in ("", LOCAL):
                raise
            return bound

    async def _check(self) -> None:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                await self._storage.read(events.state)
        except (DatabaseUnavailable, TimeoutError) as error:
            if self._health.serving:
                self._away = True
                log.warning("the database is away", error=str(error) or "it does not answer")
                await self._health.set(serving=False)
        except Overloaded:
            pass  # it is busy, which is no absence
        else:
            if self._away:
                self._away = False
                log.info("the database is back")
            if not self._health.serving:
                await self._health.set(serving=True)


def _call_failure(error: Exception) -> Failure:
    """What calls fail with while the database cannot be prepared."""
    if isinstance(error, BindingUnknown):
        return ChainUnavailable(str(error))
    return DatabaseUnavailable(str(error))


def _warn_of_what_is_for_ever(binding: str) -> None:
    if binding == LOCAL:
        log.warning("this new database is now bound to local mode permanently: it will never follow a chain")
    else:
        log.warning(
            "this new database is now bound to one chain permanently: it cannot be used with another genesis",
            genesis=f"0x{binding}",
        )
