"""What has to be done from time to time, in batches, by any number of servers at once."""

import time
from typing import TypeVar

import structlog

from storage import chain_retention, events, requests, signatures, tasks
from storage.errors import Failure
from storage.limits import CHAIN_SWEEP_BLOCKS_MAX, SWEEP_BATCH_MAX
from storage.outcome import Mutation
from storage.store import LOCAL, Storage

DEADLINES_SECONDS = 1.0
RETENTION_SECONDS = 60.0

Item = TypeVar("Item")
log = structlog.get_logger(__name__)


class Sweeps:
    """Time passes for what is stored. When the database is away, nothing is swept."""

    def __init__(
        self,
        storage: Storage,
        *,
        idempotency_ttl_seconds: int,
        event_retention_hours: int,
        outbox_retention_days: int,
        chain_retention_blocks: int = 0,
    ) -> None:
        self._storage = storage
        self._chain_blocks = chain_retention_blocks
        self._request_ttl_us = idempotency_ttl_seconds * 1_000_000
        self._event_ttl_us = event_retention_hours * 3600 * 1_000_000
        self._signature_ttl_us = outbox_retention_days * 86_400 * 1_000_000

    async def deadlines(self) -> None:
        """In local mode: close the bidding windows and pass the deadlines that are due."""
        if self._storage.binding == LOCAL:
            await self._sweep(tasks.sweep_deadlines, SWEEP_BATCH_MAX)

    async def retention(self) -> None:
        """Forget old request ids, old events, old signed bytes, and the raw data of old blocks."""
        if self._storage.prepared:
            now_us = time.time_ns() // 1000
            forget = requests.Forget(before_us=now_us - self._request_ttl_us, at_most=SWEEP_BATCH_MAX)
            retain = events.Retain(before_us=now_us - self._event_ttl_us, at_most=SWEEP_BATCH_MAX)
            await self._sweep(requests.forget, forget)
            await self._sweep(events.retain, retain)
            executed = signatures.Forget(before_us=now_us - self._signature_ttl_us, at_most=SWEEP_BATCH_MAX)
            await self._sweep(signatures.forget, executed)
            if self._chain_blocks:
                old = chain_retention.Retain(blocks=self._chain_blocks, at_most=CHAIN_SWEEP_BLOCKS_MAX)
                await self._sweep(chain_retention.retain, old, CHAIN_SWEEP_BLOCKS_MAX)

    async def _sweep(self, mutation: Mutation[Item, int], batch: Item, full: int | None = None) -> None:
        """Repeat a batch until there is nothing more to do."""
        try:
            while await self._storage.commit(mutation, batch) >= (full or SWEEP_BATCH_MAX):
                pass
        except Failure as error:
            log.debug("sweep put off", sweep=mutation.name, error=str(error))
