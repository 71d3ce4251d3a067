"""Lists of what goes to the chain and comes from it: extrinsics and events. All run in a snapshot."""

from sqlalchemy import and_, select, text, tuple_

from storage import events, limits, schema
from storage.chain import positions as chain_positions
from storage.chain.log import CHAIN_EVENTS
from storage.lifecycle import ExtrinsicStatus
from storage.market.workset import EXTRINSICS
from storage.pages import Page, PageRequest, count_rows, equal_to, keyset_page
from storage.records import ChainEvent, Extrinsic, Record
from storage.transaction import Transaction
from storage.weights import fitting, json_weight, text_weight


class ExtrinsicFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    status: ExtrinsicStatus | None = None
    task_id: str = ""
    agent_id: str = ""


class ChainEventFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    pallet: str = ""
    event: str = ""
    correlation_id: str = ""
    first_block: int | None = None
    last_block: int | None = None


def extrinsics(tx: Transaction, wanted: ExtrinsicFilter) -> Page[Extrinsic]:
    """Extrinsics, newest first."""
    conditions = equal_to(schema.extrinsics, wanted, ("status", "task_id", "agent_id"))
    if wanted.status is not None:
        queued = wanted.status == ExtrinsicStatus.QUEUED
        conditions.append(and_(text(schema.QUEUED_EXTRINSIC if queued else schema.LEFT_QUEUE)))
    return keyset_page(tx, EXTRINSICS, conditions, wanted.page, weigh=_extrinsic_weight)


def _extrinsic_weight(extrinsic: Extrinsic) -> int:
    return json_weight(extrinsic.payload) + text_weight(
        extrinsic.task_id,
        extrinsic.agent_id,
        extrinsic.pallet,
        extrinsic.call,
        extrinsic.signer,
        extrinsic.last_error,
    )


def chain_events(tx: Transaction, wanted: ChainEventFilter) -> Page[ChainEvent]:
    """Events of finalized blocks, newest first; the key of a row is its position."""
    table = schema.chain_events
    conditions = equal_to(table, wanted, ("pallet", "event", "correlation_id"))
    if wanted.first_block is not None:
        conditions.append(table.c.block_number >= wanted.first_block)
    if wanted.last_block is not None:
        conditions.append(table.c.block_number <= wanted.last_block)
    order = (table.c.block_number, table.c.event_index)
    after = []
    if wanted.page.after:
        after.append(tuple_(*order) < chain_positions.block_and_index(int(wanted.page.after)))
    statement = (
        select(table)
        .where(*conditions, *after)
        .order_by(*(column.desc() for column in order))
        .limit(wanted.page.size + 1)
    )
    found = [CHAIN_EVENTS.from_row(row) for row in tx.connection.execute(statement)]
    records = fitting(found[: wanted.page.size], chain_positions.weight, limits.PAGE_BYTES_MAX)
    more = len(found) > len(records)
    return Page(
        records=records,
        next_key=str(chain_positions.position_of_event(records[-1])) if more else "",
        total_size=count_rows(tx, table, conditions) if wanted.page.count else None,
        log=events.state(tx),
        chain_position=chain_positions.last(tx),
    )
