"""What has to be done from time to time, in batches, by any number of servers at once."""

import time
from typing import Any, TypeVar

import structlog

from storage import approvals, audit_retention, chain_retention, events, requests, signatures, tasks
from storage.audit_retention import Prune
from storage.deeds import SystemMethod, system_deed
from storage.errors import Failure
from storage.limits import CHAIN_SWEEP_BLOCKS_MAX, SWEEP_BATCH_MAX
from storage.outcome import Mutation
from storage.store import LOCAL, Storage

DEADLINES_SECONDS = 1.0
RETENTION_SECONDS = 60.0
_DAY_US = 86_400_000_000

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
        outbox_retention_days: int = 30,
        audit_retention_days: int = 0,
        chain_retention_blocks: int = 0,
    ) -> None:
        self._storage = storage
        self._chain_blocks = chain_retention_blocks
        self._request_ttl_us = idempotency_ttl_seconds * 1_000_000
        self._event_ttl_us = event_retention_hours * 3600 * 1_000_000
        self._signature_ttl_us = outbox_retention_days * 86_400 * 1_000_000
        self._audit_days = audit_retention_days

    async def deadlines(self) -> None:
        """In local mode: close the bidding windows and pass the deadlines that are due."""
        if self._storage.binding == LOCAL:
            await self._sweep(SystemMethod.SWEEP_DEADLINES, tasks.sweep_deadlines, SWEEP_BATCH_MAX)

    async def approvals(self) -> None:
        """Let approvals expire that nobody decided in time."""
        if self._storage.prepared:
            await self._sweep(SystemMethod.EXPIRE_APPROVALS, approvals.sweep, SWEEP_BATCH_MAX)

    async def retention(self) -> None:
        """Forget old request ids, old events, old signed bytes, and the raw data of old blocks."""
        if self._storage.prepared:
            now_us = time.time_ns() // 1000
            forget = requests.Forget(before_us=now_us - self._request_ttl_us, at_most=SWEEP_BATCH_MAX)
            retain = events.Retain(before_us=now_us - self._event_ttl_us, at_most=SWEEP_BATCH_MAX)
            await self._sweep(SystemMethod.PRUNE_REQUESTS, requests.forget, forget)
            await self._sweep(SystemMethod.PRUNE_EVENTS, events.retain, retain)
            executed = signatures.Forget(before_us=now_us - self._signature_ttl_us, at_most=SWEEP_BATCH_MAX)
            await self._sweep(SystemMethod.PRUNE_SIGNATURES, signatures.forget, executed)
            if self._chain_blocks:
                old = chain_retention.Retain(blocks=self._chain_blocks, at_most=CHAIN_SWEEP_BLOCKS_MAX)
                await self._sweep(
                    SystemMethod.PRUNE_BLOCKS, chain_retention.retain, old, CHAIN_SWEEP_BLOCKS_MAX
                )

    async def audit(self) -> None:
        """Prune the audit log, if it is not kept for ever: at most once a day, since that adds to it."""
        if not self._audit_days or not self._storage.prepared:
            return
        today = time.time_ns() // 1000 // _DAY_US
        prune = Prune(before_us=(today - self._audit_days) * _DAY_US)
        deed = system_deed(SystemMethod.PRUNE_AUDIT)
        try:
            while (pruned := await self._storage.commit(audit_retention.prune, prune, deed=deed)).count:
                log.info("audit log pruned", entries=pruned.count, up_to=pruned.tail)
            if pruned.fault is not None:
                log.error("the audit log is broken", number=pruned.fault.number, kind=pruned.fault.kind)
        except Failure as error:
            log.debug("sweep put off", sweep=deed.method, error=str(error))

    async def _sweep(
        self, method: SystemMethod, mutation: Mutation[Item, Any], batch: Item, full: int | None = None
    ) -> None:
        """Repeat a batch until there is nothing more to do; it answers how many were done, or which."""
        deed = system_deed(method)
        try:
            more = True
            while more:
                done: int | list[str] = await self._storage.commit(mutation, batch, deed=deed)
                more = (done if isinstance(done, int) else len(done)) >= (full or SWEEP_BATCH_MAX)
        except Failure as error:
            log.debug("sweep put off", sweep=deed.method, error=str(error))
