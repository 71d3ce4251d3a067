"""What has to be done from time to time, in batches, by any number of servers at once."""

import time
from typing import TypeVar

import structlog

from storage import events, requests, tasks
from storage.deeds import SYSTEM, Deed
from storage.errors import Failure
from storage.limits import SWEEP_BATCH_MAX
from storage.outcome import Mutation
from storage.store import LOCAL, Storage

DEADLINES_SECONDS = 1.0
RETENTION_SECONDS = 60.0

Item = TypeVar("Item")
log = structlog.get_logger(__name__)


class Sweeps:
    """Time passes for what is stored. When the database is away, nothing is swept."""

    def __init__(self, storage: Storage, *, idempotency_ttl_seconds: int, event_retention_hours: int) -> None:
        self._storage = storage
        self._request_ttl_us = idempotency_ttl_seconds * 1_000_000
        self._event_ttl_us = event_retention_hours * 3600 * 1_000_000

    async def deadlines(self) -> None:
        """In local mode: close the bidding windows and pass the deadlines that are due."""
        if self._storage.binding == LOCAL:
            await self._sweep(tasks.sweep_deadlines, SWEEP_BATCH_MAX)

    async def retention(self) -> None:
        """Forget old request ids and old events."""
        if self._storage.prepared:
            now_us = time.time_ns() // 1000
            forget = requests.Forget(before_us=now_us - self._request_ttl_us, at_most=SWEEP_BATCH_MAX)
            retain = events.Retain(before_us=now_us - self._event_ttl_us, at_most=SWEEP_BATCH_MAX)
            await self._sweep(requests.forget, forget)
            await self._sweep(events.retain, retain)

    async def _sweep(self, mutation: Mutation[Item, int], batch: Item) -> None:
        """Repeat a batch until there is nothing more to do."""
        deed = Deed(actor=SYSTEM, method=mutation.name)
        try:
            while await self._storage.commit(mutation, batch, deed=deed) >= SWEEP_BATCH_MAX:
                pass
        except Failure as error:
            log.debug("sweep put off", sweep=mutation.name, error=str(error))
