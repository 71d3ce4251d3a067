"""The parts of statements that both engines share; see `storage.engines.dialect`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Table

from storage import schema, schema_audit
from storage.engines.driver import Row

STATEMENTS_KEPT = 512
EVENT_COLUMNS = tuple(column.name for column in schema.events.columns if column.name != "number")
COUNT_COLUMNS = tuple(column.name for column in schema.status_counts.columns)
ADD_COUNT = "ON CONFLICT (machine, status) DO UPDATE SET count = status_counts.count + excluded.count"
AUDIT_COLUMNS = tuple(column.name for column in schema_audit.audit_log.columns)
LOG_HEADS = "event_head, audit_head, audit_hash, audit_time_us"


def audit_head(rows: Sequence[Row]) -> tuple[int, str, int]:
    """Number, hash and time of the last of some rows of the audit log."""
    last = dict(zip(AUDIT_COLUMNS, rows[-1], strict=True))
    return last["number"], last["hash"], last["time_us"]


def key_of(table: Table) -> str:
    (column,) = table.primary_key.columns
    return column.name


def qualified(column: Column[Any]) -> str:
    """The name of a column, after that of its table."""
    return f'{column.table.description}."{column.name}"'


def names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def literal(empty: Any) -> str:
    """An empty value in a statement, for a column of its type."""
    if empty is None:
        return "NULL"
    return repr(empty).lstrip("b").lower()  # '', 0 or false
