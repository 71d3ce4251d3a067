"""How far back the raw data of the chain is kept: blocks and events that are old are deleted in batches.

Everything derived from them stays: entities, extrinsics, signatures, the cursor. The first block that could
not be decoded and all blocks after it are kept, so that they can be decoded later, in order.
"""

from collections.abc import Sequence

from sqlalchemy import select, text, update

from storage import schema
from storage.batches import Rows
from storage.outcome import Outcome, mutation
from storage.records import Record
from storage.transaction import Transaction


class Prune(Record, frozen=True, kw_only=True):
    """Delete all but the newest `blocks`, at most `at_most` of them."""

    blocks: int
    at_most: int


@mutation(Rows[Prune])
def prune(tx: Transaction, items: Sequence[Prune]) -> list[Outcome[Rows[Prune]]]:
    """Delete old blocks and their events, oldest first. Chain cursors before them expire."""
    return [Rows.of(_prune(tx, item), item.at_most) for item in items]


def _prune(tx: Transaction, item: Prune) -> int:
    cursor, blocks, events = schema.chain_cursor, schema.chain_blocks, schema.chain_events
    # The lock of whoever moves the cursor, so that no two processes delete the same.
    place = tx.connection.execute(
        select(cursor.c.block_number, cursor.c.tail_block).with_for_update()
    ).one_or_none()
    if place is None:
        return 0
    tail = min(place.tail_block + item.at_most, place.block_number - item.blocks)
    undecodable = select(blocks.c.block_number).where(text("error <> ''"))
    first = tx.connection.execute(undecodable.order_by(blocks.c.block_number).limit(1)).scalar()
    if first is not None:
        tail = min(tail, first - 1)
    if tail <= place.tail_block:
        return 0
    tx.connection.execute(
        events.delete().where(events.c.block_number > place.tail_block, events.c.block_number <= tail)
    )
    tx.connection.execute(
        blocks.delete().where(blocks.c.block_number > place.tail_block, blocks.c.block_number <= tail)
    )
    tx.connection.execute(update(cursor).values(tail_block=tail))
    return int(tail - place.tail_block)
