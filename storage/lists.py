"""Lists: filters, keyset pages, and the point of the event log to watch on from. All run in a snapshot."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Table, and_, func, literal_column, select, text, tuple_

from storage import chain_positions, events, limits, schema
from storage.chain_log import CHAIN_EVENTS
from storage.events import LogState
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
from storage.weights import fitting, json_weight, text_weight
from storage.workset import AGENTS, BIDS, EXTRINSICS, RESULTS, TASKS

R = TypeVar("R", bound=Record)


class PageRequest(Record, frozen=True, kw_only=True):
    """At most `size` rows after the row with the key `after` (from the first, if empty)."""

    size: int
    after: str = ""
    count: bool = False


class Page(Record, Generic[R], frozen=True, kw_only=True):
    """A page. `next_key` is empty on the last one; `total_size` is None unless it was asked for.

    `chain_position` is that of the last block that is reflected; see `chain_positions`.
    """

    records: list[R]
    next_key: str
    total_size: int | None
    log: LogState
    chain_position: int = 0


class AgentFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    status: AgentStatus | None = None
    capability: str = ""


class TaskFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    status: TaskStatus | None = None
    escrow_status: EscrowStatus | None = None
    requester_id: str = ""
    assigned_agent_id: str = ""
    client_task_id: str = ""


class BidFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    task_id: str = ""
    agent_id: str = ""
    status: BidStatus | None = None


class ResultFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    task_id: str = ""
    agent_id: str = ""
    status: ResultStatus | None = None


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


def agents(tx: Transaction, wanted: AgentFilter) -> Page[Agent]:
    """Agents by id."""
    conditions = equal_to(schema.agents, wanted, ("status",))
    if wanted.capability:
        conditions.append(tx.dialect.json_contains(schema.agents.c.capabilities, wanted.capability))
    return keyset_page(tx, AGENTS, conditions, wanted.page, newest_first=False, weigh=_agent_weight)


def _agent_weight(agent: Agent) -> int:
    texts = (agent.agent_id, agent.label, agent.metadata, agent.account_address, agent.last_error)
    return text_weight(*texts, *agent.capabilities) + len(agent.attestation)


def tasks(tx: Transaction, wanted: TaskFilter) -> Page[Task]:
    """Tasks without their inputs, newest first."""
    columns = ("status", "escrow_status", "requester_id", "assigned_agent_id", "client_task_id")
    return keyset_page(tx, TASKS, equal_to(schema.tasks, wanted, columns), wanted.page)


def bids(tx: Transaction, wanted: BidFilter) -> Page[Bid]:
    """Bids, newest first."""
    conditions = equal_to(schema.bids, wanted, ("task_id", "agent_id", "status"))
    return keyset_page(tx, BIDS, conditions, wanted.page)


def results(tx: Transaction, wanted: ResultFilter) -> Page[Result]:
    """Results without their outputs, newest first."""
    conditions = equal_to(schema.results, wanted, ("task_id", "agent_id", "status"))
    return keyset_page(tx, RESULTS, conditions, wanted.page)


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
    page: PageRequest,
    *,
    newest_first: bool = True,
    weigh: Callable[[R], int] = lambda record: 0,
) -> Page[R]:
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
    return Page(
        records=records,
        next_key=getattr(records[-1], table_map.key) if more else "",
        total_size=count_rows(tx, table, conditions) if page.count else None,
        log=events.state(tx),
    )


def count_rows(tx: Transaction, table: Table, conditions: list[ColumnElement[bool]]) -> int:
    return tx.connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
