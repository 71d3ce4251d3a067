"""Which of the entities that ended long ago are deleted, in batches, by any number of servers at once.

No index leads to them: ids are in the order of creation, and what ended before a time was made before it.
So a purge walks along the ids up to that time. What it passes and leaves has not ended, or ended since.
"""

from typing import Any

import msgspec

from storage.audit.deeds import AuditFacts
from storage.batches import Rows
from storage.engines.driver import execute, fetch
from storage.ids import first_id
from storage.records import Record
from storage.schema_sessions import OPEN_HEAD
from storage.table_map import TableMap
from storage.transaction import Transaction


class Purge(Record, frozen=True, kw_only=True):
    """A batch: delete what ended longer ago than `purge_us`, of the next `at_most` ids behind `after`."""

    purge_us: int
    at_most: int
    after: str = ""


class Purged(Rows[Purge], frozen=True, kw_only=True):
    """How many were deleted, and the id that the next batch begins behind: empty after the last."""

    after: str

    def next(self, item: Purge) -> Purge | None:
        return msgspec.structs.replace(item, after=self.after) if self.more else None


def purged(deleted: list[str], after: str) -> Purged:
    """The answer of a batch that deleted these."""
    return Purged(count=len(deleted), more=after != "", after=after)


def session_is_open(table: str) -> str:
    """The condition that the session of a row of `table` is open; it may have none."""
    return (
        f"EXISTS (SELECT 1 FROM session_heads WHERE session_heads.session_id = {table}.session_id"
        f" AND session_heads.{OPEN_HEAD})"
    )


def purged_facts(kind: str, batch: Purged) -> AuditFacts | None:
    """What the audit log says of a batch."""
    return AuditFacts(kind, counts={"rows": batch.count}) if batch.count else None


def claim(
    tx: Transaction, purge: Purge, entities: TableMap[Any], *, unless: str = ""
) -> tuple[list[str], str]:
    """The ids that are due in a batch, locked, and where the next batch begins. `unless` says what stays."""
    parameter = tx.dialect.parameter
    table, key = entities.table.name, entities.key
    end_time_us = tx.dialect.clock_us(tx.connection) - purge.purge_us
    made_later = first_id(end_time_us)
    full = fetch(
        tx.connection,
        f"SELECT {key} FROM {table} WHERE {key} > {parameter(1)} AND {key} < {parameter(2)}"
        f" ORDER BY {key} LIMIT 1 OFFSET {purge.at_most - 1}",
        (purge.after, made_later),
    )
    last = full[0][0] if full else made_later
    staying = f" AND NOT {unless}" if unless else ""
    due = fetch(
        tx.connection,
        f"SELECT {key} FROM {table} WHERE {key} > {parameter(1)} AND {key} <= {parameter(2)}"
        f" AND end_time_us <= {parameter(3)}{staying} ORDER BY {key}{tx.dialect.skip_locked(table)}",
        (purge.after, last, end_time_us),
    )
    return [row[0] for row in due], last if full else ""


def delete(tx: Transaction, entities: TableMap[Any], ids: list[str]) -> None:
    """Delete what was claimed."""
    if ids:
        table = entities.table
        condition = tx.dialect.any_of(table.columns[entities.key])
        execute(tx.connection, f"DELETE FROM {table.name} WHERE {condition}", tx.dialect.keys(ids))
