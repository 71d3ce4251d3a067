"""Lists: filters, keyset pages, and the point of the event log to watch on from. All run in a snapshot."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Table, and_, func, literal_column, select, text, tuple_

from storage import events, limits, schema
from storage.chain_log import CHAIN_EVENTS
from storage.errors import CursorExpired
from storage.events import LogState
from storage.facts import EVENT_INDEX_BITS, position_of
from storage.lifecycle import (
    AgentStatus,
    BidStatus,
    EscrowStatus,
    ExtrinsicStatus,
    ResultStatus,
    TaskStatus,
)
from storage.records import Agent, Bid, ChainEvent, Extrinsic, Record, Result, Task
from storage.table_map import TableMap
from storage.transaction import Transaction
from storage.workset import AGENTS, BIDS, EXTRINSICS, RESULTS, TASKS

R = TypeVar("R", bound=Record)


class Page(Record, frozen=True, kw_only=True):
    """Which page: at most `size` rows after the row with the key `after` (from the first, if empty)."""

    size: int
    after: str = ""
    count: bool = False


class Listed(Record, Generic[R], frozen=True, kw_only=True):
    """A page. `next_key` is empty on the last one; `total_size` is None unless it was asked for.

    `chain_position` is the position (see `chain_position`) of the last block that is reflected.
    """

    records: list[R]
    next_key: str
    total_size: int | None
    log: LogState
    chain_position: int = 0


class AgentFilter(Record, frozen=True, kw_only=True):
    page: Page
    status: AgentStatus | None = None
    capability: str = ""


class TaskFilter(Record, frozen=True, kw_only=True):
    page: Page
    status: TaskStatus | None = None
    escrow_status: EscrowStatus | None = None
    requester_id: str = ""
    assigned_agent_id: str = ""
    client_task_id: str = ""


class BidFilter(Record, frozen=True, kw_only=True):
    page: Page
    task_id: str = ""
    agent_id: str = ""
    status: BidStatus | None = None


class ResultFilter(Record, frozen=True, kw_only=True):
    page: Page
    task_id: str = ""
    agent_id: str = ""
    status: ResultStatus | None = None


class ExtrinsicFilter(Record, frozen=True, kw_only=True):
    page: Page
    status: ExtrinsicStatus | None = None
    task_id: str = ""
    agent_id: str = ""


class ChainEventFilter(Record, frozen=True, kw_only=True):
    page: Page
    pallet: str = ""
    event: str = ""
    correlation_id: str = ""
    first_block: int | None = None
    last_block: int | None = None


def agents(tx: Transaction, wanted: AgentFilter) -> Listed[Agent]:
    """Agents by id."""
    conditions = equal_to(schema.agents, wanted, ("status",))
    if wanted.capability:
        conditions.append(_has_capability(tx, wanted.capability))
    return keyset_page(tx, AGENTS, conditions, wanted.page, newest_first=False, weigh=_agent_weight)


def _agent_weight(agent: Agent) -> int:
    texts = (agent.agent_id, agent.label, agent.metadata, agent.account_address, agent.last_error)
    return text_weight(*texts, *agent.capabilities) + len(agent.attestation)


def _has_capability(tx: Transaction, capability: str) -> ColumnElement[bool]:
    column = schema.agents.c.capabilities
    each = func.jsonb_array_elements_text if tx.dialect.name == "postgresql" else func.json_each
    array = column.cast(_jsonb()) if tx.dialect.name == "postgresql" else column
    elements = each(array).table_valued("value")
    return select(1).select_from(elements).where(elements.c.value == capability).exists()


def _jsonb() -> Any:
    from sqlalchemy.dialects.postgresql import JSONB

    return JSONB


def tasks(tx: Transaction, wanted: TaskFilter) -> Listed[Task]:
    """Tasks without their inputs, newest first."""
    columns = ("status", "escrow_status", "requester_id", "assigned_agent_id", "client_task_id")
    return keyset_page(tx, TASKS, equal_to(schema.tasks, wanted, columns), wanted.page)


def bids(tx: Transaction, wanted: BidFilter) -> Listed[Bid]:
    """Bids, newest first."""
    conditions = equal_to(schema.bids, wanted, ("task_id", "agent_id", "status"))
    return keyset_page(tx, BIDS, conditions, wanted.page)


def results(tx: Transaction, wanted: ResultFilter) -> Listed[Result]:
    """Results without their outputs, newest first."""
    conditions = equal_to(schema.results, wanted, ("task_id", "agent_id", "status"))
    return keyset_page(tx, RESULTS, conditions, wanted.page)


def extrinsics(tx: Transaction, wanted: ExtrinsicFilter) -> Listed[Extrinsic]:
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


def chain_events(tx: Transaction, wanted: ChainEventFilter) -> Listed[ChainEvent]:
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
        after.append(tuple_(*order) < _block_and_index(int(wanted.page.after)))
    statement = (
        select(table)
        .where(*conditions, *after)
        .order_by(*(column.desc() for column in order))
        .limit(wanted.page.size + 1)
    )
    found = [CHAIN_EVENTS.from_row(row) for row in tx.connection.execute(statement)]
    records = fitting(found[: wanted.page.size], _chain_event_weight, limits.PAGE_BYTES_MAX)
    more = len(found) > len(records)
    return Listed(
        records=records,
        next_key=str(chain_position(records[-1])) if more else "",
        total_size=count_rows(tx, table, conditions) if wanted.page.count else None,
        log=events.state(tx),
        chain_position=last_chain_position(tx),
    )


def chain_events_after(
    tx: Transaction, position: int, pallets: frozenset[str], at_most: int
) -> tuple[int, list[ChainEvent]]:
    """The position reached, and all events after `position` up to it, in the order of the chain.

    At most `at_most`, and PAGE_BYTES_MAX as a message, but always one if there is one.

    Raises `CursorExpired` if some of them are deleted.
    """
    check_chain_position(tx, position)
    table = schema.chain_events
    order = (table.c.block_number, table.c.event_index)
    statement = (
        select(table).where(tuple_(*order) > _block_and_index(position)).order_by(*order).limit(at_most)
    )
    if pallets:
        statement = statement.where(table.c.pallet.in_(sorted(pallets)))
    found = [CHAIN_EVENTS.from_row(row) for row in tx.connection.execute(statement)]
    fit = fitting(found, _chain_event_weight, limits.PAGE_BYTES_MAX)
    if len(found) == at_most or len(fit) < len(found):
        return chain_position(fit[-1]), fit
    return max(position, last_chain_position(tx)), found


def _chain_event_weight(event: ChainEvent) -> int:
    return json_weight(event.payload) + text_weight(event.pallet, event.event, event.anomaly)


def chain_position(event: ChainEvent) -> int:
    """The place of an event among all events of the chain, as one number that grows."""
    return position_of(event.block_number, event.event_index)


def last_chain_position(tx: Transaction) -> int:
    """The greatest position that an event of a reflected block can have."""
    number = tx.connection.execute(select(schema.chain_cursor.c.block_number)).scalar()
    return 0 if number is None else position_of(number + 1, 0) - 1


def check_chain_position(tx: Transaction, position: int) -> None:
    """Raises `CursorExpired` if events after `position` are deleted."""
    tail = tx.connection.execute(select(schema.chain_cursor.c.tail_block)).scalar()
    # A watch that began before the first block was read stands at 0, and has missed nothing.
    if tail is not None and 0 < position < ((tail + 1) << EVENT_INDEX_BITS) - 1:
        raise CursorExpired("events of the chain after the cursor are no longer kept")


def _block_and_index(position: int) -> tuple[int, int]:
    return position >> EVENT_INDEX_BITS, position & ((1 << EVENT_INDEX_BITS) - 1)


def equal_to(table: Table, wanted: Record, columns: Sequence[str]) -> list[ColumnElement[bool]]:
    """Conditions for the filter fields that are set."""
    given = [table.c[name] for name in columns if getattr(wanted, name)]
    # The second condition is of the words that SQLite needs to take a partial index.
    return [
        condition
        for column in given
        for condition in (column == getattr(wanted, column.name), column != literal_column("''"))
    ]


def keyset_page(
    tx: Transaction,
    table_map: TableMap[R],
    conditions: list[ColumnElement[bool]],
    page: Page,
    *,
    newest_first: bool = True,
    weigh: Callable[[R], int] = lambda record: 0,
) -> Listed[R]:
    """A page by key: the ids that the server makes are in the order of creation.

    `weigh` says how many bytes of a message a record takes, if that may be many.
    """
    table, key = table_map.table, table_map.table.c[table_map.key]
    statement = select(table).where(*conditions).limit(page.size + 1)
    statement = statement.order_by(key.desc() if newest_first else key)
    if page.after:
        statement = statement.where(key < page.after if newest_first else key > page.after)
    found = [table_map.from_row(row) for row in tx.connection.execute(statement)]
    records = fitting(found[: page.size], weigh, limits.PAGE_BYTES_MAX)
    more = len(found) > len(records)
    return Listed(
        records=records,
        next_key=getattr(records[-1], table_map.key) if more else "",
        total_size=count_rows(tx, table, conditions) if page.count else None,
        log=events.state(tx),
    )


def fitting(records: list[R], weigh: Callable[[R], int], bytes_max: int) -> list[R]:
    """The first of some records, as many as fit into so many bytes; the very first in any case."""
    totals = accumulate(map(weigh, records))
    return records[: max(1, sum(total <= bytes_max for total in totals))]


def json_weight(*texts: str) -> int:
    """How many bytes some canonical JSON takes in a message, at most."""
    return limits.MESSAGE_BYTES_PER_JSON_CHAR_MAX * sum(map(len, texts))


def text_weight(*texts: str) -> int:
    """How many bytes a record with these texts takes in a message, at most."""
    return limits.MESSAGE_BYTES_BESIDE_TEXTS_MAX + sum(len(text.encode()) for text in texts)


def count_rows(tx: Transaction, table: Table, conditions: list[ColumnElement[bool]]) -> int:
    return tx.connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
