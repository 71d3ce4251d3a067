"""Counts of everything, for people and for alarms."""

from sqlalchemy import Column, func, select

from storage import chain_log, schema
from storage.lifecycle import ExtrinsicStatus
from storage.records import Record
from storage.transaction import Transaction


class Counts(Record, frozen=True, kw_only=True):
    """How many entities are in each status, and how far the chain is reflected."""

    agents: dict[str, int]
    tasks: dict[str, int]
    escrows: dict[str, int]
    bids: dict[str, int]
    results: dict[str, int]
    extrinsics: dict[str, int]
    oldest_queued_us: int | None
    undecodable_blocks: int
    cursor_number: int | None
    cursor_hash: bytes


def counts(tx: Transaction, _: None) -> Counts:
    """Count everything, in a snapshot."""

    def by(column: Column[str]) -> dict[str, int]:
        rows = tx.connection.execute(select(column, func.count()).group_by(column).order_by(column))
        return {status: number for status, number in rows}  # noqa: C416 - rows are not plain pairs

    extrinsics, blocks = schema.extrinsics, schema.chain_blocks
    oldest = (
        select(extrinsics.c.create_time_us)
        .where(extrinsics.c.status == ExtrinsicStatus.QUEUED)
        .order_by(extrinsics.c.correlation_id)
        .limit(1)
    )
    undecodable = select(func.count()).select_from(blocks).where(blocks.c.error != "")
    cursor = chain_log.cursor(tx, None)
    return Counts(
        agents=by(schema.agents.c.status),
        tasks=by(schema.tasks.c.status),
        escrows=by(schema.tasks.c.escrow_status),
        bids=by(schema.bids.c.status),
        results=by(schema.results.c.status),
        extrinsics=by(extrinsics.c.status),
        oldest_queued_us=tx.connection.execute(oldest).scalar(),
        undecodable_blocks=tx.connection.execute(undecodable).scalar_one(),
        cursor_number=cursor.block_number if cursor else None,
        cursor_hash=cursor.block_hash if cursor else b"",
    )
