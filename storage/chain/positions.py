"""Positions: the place of an event among all events of the chain, as one number that grows.

Watches of the chain, and the pages of its events, go on from a position.
"""

from sqlalchemy import select, tuple_

from storage import limits, schema
from storage.chain.log import CHAIN_EVENTS
from storage.errors import CursorExpired
from storage.facts import EVENT_INDEX_BITS, position_of
from storage.records import ChainEvent
from storage.transaction import Transaction
from storage.weights import fitting, json_weight, text_weight


def position_of_event(event: ChainEvent) -> int:
    return position_of(event.block_number, event.event_index)


def weight(event: ChainEvent) -> int:
    """How many bytes an event takes in a message, at most."""
    return json_weight(event.payload) + text_weight(event.pallet, event.event, event.anomaly)


def block_and_index(position: int) -> tuple[int, int]:
    """The number of the block, and the index of the event in it."""
    return position >> EVENT_INDEX_BITS, position & ((1 << EVENT_INDEX_BITS) - 1)


def last(tx: Transaction) -> int:
    """The greatest position that an event of a reflected block can have."""
    number = tx.connection.execute(select(schema.chain_cursor.c.block_number)).scalar()
    return 0 if number is None else position_of(number + 1, 0) - 1


def check(tx: Transaction, position: int) -> None:
    """Raises `CursorExpired` if events after `position` are deleted."""
    tail = tx.connection.execute(select(schema.chain_cursor.c.tail_block)).scalar()
    # A watch that began before the first block was read stands at 0, and has missed nothing.
    if tail is not None and 0 < position < ((tail + 1) << EVENT_INDEX_BITS) - 1:
        raise CursorExpired("events of the chain after the cursor are no longer kept")


def events_after(
    tx: Transaction, position: int, pallets: frozenset[str], at_most: int
) -> tuple[int, list[ChainEvent]]:
    """The position reached, and all events after `position` up to it, in the order of the chain.

    At most `at_most`, and PAGE_BYTES_MAX as a message, but always one if there is one.

    Raises `CursorExpired` if some of them are deleted.
    """
    check(tx, position)
    table = schema.chain_events
    order = (table.c.block_number, table.c.event_index)
    statement = (
        select(table).where(tuple_(*order) > block_and_index(position)).order_by(*order).limit(at_most)
    )
    if pallets:
        statement = statement.where(table.c.pallet.in_(sorted(pallets)))
    found = [CHAIN_EVENTS.from_row(row) for row in tx.connection.execute(statement)]
    fit = fitting(found, weight, limits.PAGE_BYTES_MAX)
    if len(found) == at_most or len(fit) < len(found):
        return position_of_event(fit[-1]), fit
    return max(position, last(tx)), found
