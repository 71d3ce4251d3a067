"""What time does to sessions and to what has ended: by any number of servers at once."""

from typing import TypeVar

import msgspec
import structlog

from storage import approvals, handoffs, session_sweep
from storage.deeds import SystemMethod, system_deed
from storage.errors import Failure
from storage.limits import COLLECT_ENTRIES_MAX, SWEEP_BATCH_MAX
from storage.outcome import Mutation
from storage.purge import Purge
from storage.session_sweep import Sweep
from storage.store import Storage

SESSIONS_SECONDS = 60.0
PURGE_SECONDS = 600.0
_DAY_US = 86_400_000_000

Item = TypeVar("Item")
Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)


def session_ages(*, retention_days: int, purge_days: int) -> Sweep:
    """How old sessions become, for batches of the usual size."""
    return Sweep(
        retention_us=retention_days * _DAY_US, purge_us=purge_days * _DAY_US, at_most=SWEEP_BATCH_MAX
    )


class SessionSweeps:
    """Sweeps sessions until there is nothing more to do. When the database is away, nothing is swept."""

    def __init__(self, storage: Storage, sweep: Sweep) -> None:
        self._storage = storage
        self._sweep = sweep

    async def run(self) -> None:
        """Let sessions expire, delete those that expired long ago, and clear away what they leave."""
        if not self._storage.prepared:
            return
        try:
            while (await self._commit(SystemMethod.SWEEP_SESSIONS, session_sweep.sweep, self._sweep)).more:
                pass
            while await self._commit(
                SystemMethod.PURGE_TRANSCRIPTS, session_sweep.collect, COLLECT_ENTRIES_MAX
            ):
                pass
        except Failure as error:
            log.debug("sweep of sessions put off", error=str(error))

    async def purge(self) -> None:
        """Delete the handoffs and the approvals that ended longer ago than the purge time."""
        if not self._storage.prepared:
            return
        try:
            for method, mutation in (
                (SystemMethod.PURGE_HANDOFFS, handoffs.purge),
                (SystemMethod.PURGE_APPROVALS, approvals.purge),
            ):
                batch = Purge(purge_us=self._sweep.purge_us, at_most=SWEEP_BATCH_MAX)
                while after := (await self._commit(method, mutation, batch)).after:
                    batch = msgspec.structs.replace(batch, after=after)
        except Failure as error:
            log.debug("purge put off", error=str(error))

    async def _commit(self, method: SystemMethod, mutation: Mutation[Item, Answer], item: Item) -> Answer:
        return await self._storage.commit(mutation, item, deed=system_deed(method))
