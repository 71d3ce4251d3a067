"""`chamberlain serve` in a hurry, and if asked for without one of its safeguards: what the torture runs.

    python -m tests.torture.served [write-ahead | era | scan | walk]

In a hurry: the chain of the torture makes ten blocks a second and eras are short, so all pauses that suit
blocks of six seconds are shorter, too. Nothing else differs. A safeguard is taken out to see whether the
torture notices.
"""

import contextlib
import sys
from collections.abc import Callable, Mapping
from unittest import mock

from chain.fetcher import Fetcher
from chain.node import Node
from chain.reader import Reader
from chain.submitter import Submitter
from server.cli import main
from storage.chain import expiry, signatures
from storage.chain.signatures import Hint
from storage.chain.submission import SignedBatch
from storage.lifecycle import LIVE_EXTRINSIC, ExtrinsicStatus
from storage.market.workset import Workset
from storage.transaction import Transaction

ERA_PERIOD_BLOCKS = 16
HURRY: Mapping[str, float] = {
    "chain.submitter.ERA_PERIOD_BLOCKS": ERA_PERIOD_BLOCKS,
    "chain.submitter.LEASE_SECONDS": 1.0,
    "chain.submitter.WAIT_SECONDS": 0.3,
    "chain.sender.RESEND_SECONDS": 0.4,
    "chain.reader.SILENCE_SECONDS": 1.0,
    "chain.reader.RETRY_DELAY_SECONDS": 0.1,
    "chain.bridge.PAUSE_SECONDS_MIN": 0.05,
    "chain.bridge.PAUSE_SECONDS_MAX": 1.0,
}
FOR_EVER_BLOCKS = 1_000_000


def take_out_write_ahead() -> None:
    """Signed bytes are sent before they are stored."""
    store = Submitter._store

    async def send_and_store(self: Submitter, batch: SignedBatch) -> None:
        await self._node.submit([signed.signature.raw for signed in batch.signed])
        await store(self, batch)

    mock.patch.object(Submitter, "_store", send_and_store).start()


def take_out_era() -> None:
    """What the blocks that were just read did not execute is signed anew, although its era is not over."""
    expired, queue_again = expiry.expired, expiry.queue_again

    def expired_at_once(tx: Transaction, last_number: int) -> object:
        return expired(tx, last_number + FOR_EVER_BLOCKS)

    def queue_again_at_once(work: Workset, cursor_number: int, **limits: int) -> None:
        queue_again(work, cursor_number + FOR_EVER_BLOCKS, **limits)

    mock.patch.object(expiry, "expired", expired_at_once).start()
    mock.patch.object(expiry, "queue_again", queue_again_at_once).start()


def take_out_scan() -> None:
    """What a node says of an extrinsic is its outcome: who has it in its pool has executed it."""
    note = signatures._note

    def note_and_believe(work: Workset, item: Hint) -> bool:
        noted = note(work, item)
        row = work.extrinsics.get(item.correlation_id)
        if row is not None and row.status in LIVE_EXTRINSIC - {ExtrinsicStatus.SIGNED}:
            work.extrinsics.change(row, status=ExtrinsicStatus.FINALIZED, finalize_time_us=work.tx.now_us)
        return noted

    mock.patch.object(signatures, "_note", note_and_believe).start()


def take_out_walk() -> None:
    """Of the blocks that became final, only the last is read: the one that a node tells of."""

    async def take_last(self: Reader, node: Node, last: int) -> None:
        async with contextlib.aclosing(Fetcher(node, self._pace, self._pallets).read(last, last)) as ranges:
            async for blocks in ranges:
                await self._store(blocks)

    mock.patch.object(Reader, "_take", take_last).start()


SABOTAGES: Mapping[str, Callable[[], None]] = {
    "write-ahead": take_out_write_ahead,
    "era": take_out_era,
    "scan": take_out_scan,
    "walk": take_out_walk,
}


if __name__ == "__main__":
    for name, value in HURRY.items():
        mock.patch(name, value).start()
    for sabotage in sys.argv[1:]:
        SABOTAGES[sabotage]()
    main(["serve"])
