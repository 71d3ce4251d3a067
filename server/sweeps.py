"""What this server does in the background as time passes: in batches, by any number of servers at once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog

from server.settings import Settings
from storage import events, requests
from storage.audit import retention as audit_retention
from storage.audit.deeds import SystemMethod, system_deed
from storage.audit.retention import Prune, Pruned
from storage.batches import Batch
from storage.chain import retention as chain_retention
from storage.chain import signatures
from storage.errors import Failure
from storage.limits import CHAIN_SWEEP_BLOCKS_MAX, COLLECT_ENTRIES_MAX, SWEEP_BATCH_MAX
from storage.market import tasks
from storage.outcome import Mutation
from storage.sessions import approvals, handoffs
from storage.sessions import sweep as session_sweep
from storage.sessions.purge import Purge
from storage.store import LOCAL, Storage

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
DAY_US = 24 * HOUR_US

Item = TypeVar("Item")
Answer = TypeVar("Answer", bound=Batch[Any])
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Step(Generic[Item, Answer]):
    """A mutation that is repeated until nothing is due.

    `first` makes the item of the first batch, or None if there is nothing to do. `tell` hears of each batch.
    """

    method: SystemMethod
    mutation: Mutation[Item, Answer]
    first: Callable[[], Item | None]
    tell: Callable[[Answer], None] = lambda _: None


@dataclass(frozen=True)
class Sweep:
    """Steps that are done one after another, with a pause of `period_seconds` before they are done again."""

    name: str
    period_seconds: float
    steps: tuple[Step[Any, Any], ...]
    storage: Storage

    async def run(self) -> None:
        """Do all that is due. A step that fails, since the database is away, waits for the next run."""
        if not self.storage.prepared:
            return
        for step in self.steps:
            try:
                await self._drain(step)
            except Failure as error:
                log.debug("sweep put off", sweep=step.method.value, error=str(error))

    async def _drain(self, step: Step[Item, Answer]) -> None:
        deed = system_deed(step.method)
        item = step.first()
        while item is not None:
            done = await self.storage.commit(step.mutation, item, deed=deed)
            step.tell(done)
            item = done.next(item)


def all_sweeps(storage: Storage, settings: Settings) -> list[Sweep]:
    """Everything that this server does in the background on what is stored."""
    first = _FirstBatches(storage, settings)
    method = SystemMethod

    def sweep(name: str, period_seconds: float, *steps: Step[Any, Any]) -> Sweep:
        return Sweep(name, period_seconds, steps, storage)

    return [
        sweep("deadlines", 1.0, Step(method.SWEEP_DEADLINES, tasks.sweep_deadlines, first.due_deadlines)),
        sweep("approvals", 1.0, Step(method.EXPIRE_APPROVALS, approvals.sweep, first.due_approvals)),
        sweep(
            "retention",
            60.0,
            Step(method.PRUNE_REQUESTS, requests.prune, first.old_requests),
            Step(method.PRUNE_EVENTS, events.prune, first.old_events),
            Step(method.PRUNE_SIGNATURES, signatures.prune, first.old_signatures),
            Step(method.PRUNE_BLOCKS, chain_retention.prune, first.old_blocks),
        ),
        sweep("audit", 60.0, Step(method.PRUNE_AUDIT, audit_retention.prune, first.old_audit, _tell_pruned)),
        sweep(
            "sessions",
            60.0,
            Step(method.SWEEP_SESSIONS, session_sweep.sweep, first.aged_sessions),
            Step(method.PURGE_TRANSCRIPTS, session_sweep.collect, first.deleted_transcripts),
        ),
        sweep(
            "purge",
            600.0,
            Step(method.PURGE_HANDOFFS, handoffs.purge, first.long_ended),
            Step(method.PURGE_APPROVALS, approvals.purge, first.long_ended),
        ),
    ]


class _FirstBatches:
    """The items that the steps begin with, by the settings; None if nothing is to be done."""

    def __init__(self, storage: Storage, settings: Settings) -> None:
        self._storage = storage
        self._settings = settings

    def due_deadlines(self) -> int | None:
        """Only in local mode: on a chain, its blocks decide."""
        return SWEEP_BATCH_MAX if self._storage.binding == LOCAL else None

    def due_approvals(self) -> int:
        return SWEEP_BATCH_MAX

    def old_requests(self) -> requests.Prune:
        age_us = self._settings.idempotency_ttl_seconds * SECOND_US
        return requests.Prune(before_us=_now_us() - age_us, at_most=SWEEP_BATCH_MAX)

    def old_events(self) -> events.Prune:
        age_us = self._settings.event_retention_hours * HOUR_US
        return events.Prune(before_us=_now_us() - age_us, at_most=SWEEP_BATCH_MAX)

    def old_signatures(self) -> signatures.Prune:
        age_us = self._settings.outbox_retention_days * DAY_US
        return signatures.Prune(before_us=_now_us() - age_us, at_most=SWEEP_BATCH_MAX)

    def old_blocks(self) -> chain_retention.Prune | None:
        blocks = self._settings.chain_retention_blocks
        return chain_retention.Prune(blocks=blocks, at_most=CHAIN_SWEEP_BLOCKS_MAX) if blocks else None

    def old_audit(self) -> Prune | None:
        """By the day: each pruning adds an entry to the log."""
        days = self._settings.audit_retention_days
        today = _now_us() // DAY_US
        return Prune(before_us=(today - days) * DAY_US) if days else None

    def aged_sessions(self) -> session_sweep.Sweep:
        return session_ages(self._settings)

    def deleted_transcripts(self) -> int:
        return COLLECT_ENTRIES_MAX

    def long_ended(self) -> Purge:
        return Purge(purge_us=self._settings.session_purge_days * DAY_US, at_most=SWEEP_BATCH_MAX)


def session_ages(settings: Settings) -> session_sweep.Sweep:
    """How old sessions become, for batches of the usual size."""
    return session_sweep.Sweep(
        retention_us=settings.session_retention_days * DAY_US,
        purge_us=settings.session_purge_days * DAY_US,
        at_most=SWEEP_BATCH_MAX,
    )


def _tell_pruned(pruned: Pruned) -> None:
    if pruned.count:
        log.info("audit log pruned", entries=pruned.count, up_to=pruned.tail)
    if pruned.fault is not None:
        log.error("the audit log is broken", number=pruned.fault.number, kind=pruned.fault.kind)


def _now_us() -> int:
    return time.time_ns() // 1000
