"""Keyset pages of any list, and the point of the event log to watch on from. All run in a snapshot."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Table, func, literal_column, select

from storage import events, limits
from storage.events import LogState
from storage.records import Record
from storage.table_map import TableMap
from storage.transaction import Transaction
from storage.weights import fitting

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
