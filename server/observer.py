"""The state of the server and its chain, looked up once a second for all readers.

Calls, metrics and the progress bar read it from memory, so that reading the state of the service never
queries the chain.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from server.catch_up import CatchUp
from storage import dashboard
from storage.dashboard import Counts
from storage.errors import StorageError
from storage.store import Storage

if TYPE_CHECKING:
    from chain.bridge import BridgeStatus

LOOK_SECONDS = 1.0
LOOK_TIMEOUT_SECONDS = 5.0


class Observer:
    """`chain` tells of the chain, without asking it; it is None in local mode."""

    def __init__(self, storage: Storage, chain: "Callable[[], BridgeStatus] | None") -> None:
        self.counts: Counts | None = None  # when we looked; None while the database is away
        self.chain_seen: BridgeStatus | None = None  # when we looked
        self.catch_up = CatchUp()
        self._storage = storage
        self._chain = chain

    @property
    def cursor_number(self) -> int | None:
        """The last block that was reflected when we looked; None if that is not known."""
        return self.counts.cursor_number if self.counts else None

    @property
    def chain(self) -> "BridgeStatus | None":
        """The chain as it is now; to be asked in the event loop only."""
        return self._chain() if self._chain else None

    async def look(self) -> None:
        """Look up the counts, and note where the cursor is."""
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_SECONDS):
                counts = await self._storage.read(dashboard.counts)
        except (StorageError, TimeoutError):
            counts = None
        self.counts, self.chain_seen = counts, self.chain
        if counts is None or counts.cursor_number is None or self.chain_seen is None:
            return
        if self.chain_seen.finalized_number is not None:
            self.catch_up.look(time.monotonic(), counts.cursor_number, self.chain_seen.finalized_number)


def lag_blocks(counts: Counts, chain: "BridgeStatus") -> int:
    """How many finalized blocks are not reflected yet, as far as is known."""
    if chain.finalized_number is None:
        return 0
    return max(0, chain.finalized_number - (counts.cursor_number or 0))


def seconds_since(time_us: int) -> float:
    """How long ago a time is, in seconds; 0 for one that is still to come by our clock."""
    return max(0.0, time.time() - time_us / 1_000_000)
