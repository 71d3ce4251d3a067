"""Counts of everything, for people and for alarms: a few rows each, however much is stored."""

from sqlalchemy import func, select, text

from storage import schema, status_counts
from storage.chain import log as chain_log
from storage.chain import pauses
from storage.chain.pauses import Pause
from storage.records import Record
from storage.transaction import Transaction


class Counts(Record, frozen=True, kw_only=True):
    """How many entities are in each status, and how far the chain is reflected.

    `by_status` has what `status_counts.load` tells.

    `oldest_queued_us` is when the oldest queued extrinsic was asked for, `cursor_time_us` the time of the
    block at the cursor, if both are known. `pauses` are those of submission.
    """

    by_status: dict[str, dict[str, int]]
    oldest_queued_us: int | None
    undecodable_blocks: int
    anomalies: int
    cursor_number: int | None
    cursor_hash: bytes
    cursor_time_us: int | None
    pauses: list[Pause]

    def of(self, machine: str) -> dict[str, int]:
        """How many are in each status of a machine, see `status_counts.MACHINES`; without zeros."""
        return self.by_status.get(machine, {})


def counts(tx: Transaction) -> Counts:
    """Count everything, in a snapshot."""
    extrinsics, blocks, chain_events = schema.extrinsics, schema.chain_blocks, schema.chain_events
    oldest = (
        select(extrinsics.c.create_time_us)
        .where(text(schema.QUEUED_EXTRINSIC))
        .order_by(extrinsics.c.correlation_id)
        .limit(1)
    )
    undecodable = select(func.count()).select_from(blocks).where(text("error <> ''"))
    anomalies = select(func.count()).select_from(chain_events).where(text("anomaly <> ''"))
    cursor = chain_log.cursor(tx)
    cursor_time_us = None
    if cursor is not None:
        time = select(blocks.c.block_time_us).where(blocks.c.block_number == cursor.block_number)
        cursor_time_us = tx.connection.execute(time).scalar() or None  # 0: the chain tells no time
    return Counts(
        by_status=status_counts.load(tx),
        oldest_queued_us=tx.connection.execute(oldest).scalar(),
        undecodable_blocks=tx.connection.execute(undecodable).scalar_one(),
        anomalies=tx.connection.execute(anomalies).scalar_one(),
        cursor_number=cursor.block_number if cursor else None,
        cursor_hash=cursor.block_hash if cursor else b"",
        cursor_time_us=cursor_time_us,
        pauses=pauses.standing(tx),
    )
