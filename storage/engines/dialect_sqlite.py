"""Statements as SQLite takes them: keys travel as one JSON array, rows through `executemany`."""

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Column, ColumnElement, LargeBinary, Table, func, select
from sqlalchemy.engine import Connection

from storage import schema_sessions
from storage.engines.dialect import Heads, LabelledSession, Matching
from storage.engines.driver import Row, execute, execute_many, fetch
from storage.engines.statements import (
    ADD_COUNT,
    AUDIT_COLUMNS,
    COUNT_COLUMNS,
    EVENT_COLUMNS,
    LOG_HEADS,
    STATEMENTS_KEPT,
    audit_head,
    key_of,
    literal,
    names,
    qualified,
)
from storage.row_columns import Empty, without_empty

T = TypeVar("T")


class SqliteDialect:
    name = "sqlite"

    def parameter(self, position: int) -> str:
        return "?"

    def any_of(self, column: Column[Any], position: int = 1) -> str:
        value = "unhex(value)" if isinstance(column.type, LargeBinary) else "value"
        return f"{qualified(column)} IN (SELECT {value} FROM json_each(?))"

    def keys(self, keys: Sequence[Any]) -> tuple[Any, ...]:
        plain = [key.hex() if isinstance(key, bytes) else key for key in keys]
        return (msgspec.json.encode(plain).decode(),)

    def any_pair_of(self, first: str, second: str) -> str:
        return (
            f"({first}, {second}) IN"
            " (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))"
        )

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> tuple[Any, ...]:
        return (msgspec.json.encode(pairs).decode(),)

    def for_update(self) -> str:
        return ""  # the writer is alone: BEGIN IMMEDIATE

    def skip_locked(self, table: str = "") -> str:
        return ""

    def insert(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
    ) -> int:
        given = without_empty(columns, rows)
        return execute_many(connection, _insert_each(table, given.columns, given.empty), given.rows)

    def insert_keys(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
    ) -> set[Any]:
        # `executemany` cannot return keys; but only one process writes, so the repository has seen
        # every row that could be in the way, and a taken key is a defect.
        if self.insert(connection, table, columns, rows) != len(rows):
            raise RuntimeError(f"a key of {table.name} was taken unseen")
        position = columns.index(key_of(table))
        return {row[position] for row in rows}

    def update(
        self, connection: Connection, table: Table, key: str, columns: Sequence[str], rows: Sequence[Row]
    ) -> None:
        assignments = ", ".join(f'"{column}" = ?' for column in columns)
        execute_many(
            connection,
            f'UPDATE {table.name} SET {assignments} WHERE "{key}" = ?',
            [(*row[1:], row[0]) for row in rows],
        )

    def append_events(self, connection: Connection, rows: Sequence[Row], counts: Sequence[Row]) -> Heads:
        move_head = f"UPDATE database_state SET event_head = event_head + ? RETURNING {LOG_HEADS}"
        heads = Heads(*fetch(connection, move_head, (len(rows),))[0])
        first = heads.event_number - len(rows) + 1
        execute_many(
            connection,
            f"INSERT INTO events (number, {names(EVENT_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(first + offset, *row) for offset, row in enumerate(rows)],
        )
        if counts:
            execute_many(
                connection,
                f"INSERT INTO status_counts ({names(COUNT_COLUMNS)}) VALUES (?, ?, ?) {ADD_COUNT}",
                counts,
            )
        return heads

    def append_audit(self, connection: Connection, rows: Sequence[Row]) -> None:
        execute_many(
            connection,
            f"INSERT INTO audit_log ({names(AUDIT_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        execute(
            connection,
            "UPDATE database_state SET audit_head = ?, audit_hash = ?, audit_time_us = ?",
            audit_head(rows),
        )

    def raw(self, column: str) -> str:
        return f"CAST({column} AS BLOB)"

    def typed(self, column: str, kind: str) -> str:
        return f"CASE typeof({column}) WHEN '{kind}' THEN {column} END"

    def json_contains(self, column: Column[str], value: str) -> ColumnElement[bool]:
        elements = func.json_each(column).table_valued("value")
        return select(1).select_from(elements).where(elements.c.value == value).exists()

    def json_has_key(self, column: Column[str], key: str) -> ColumnElement[bool]:
        members = func.json_each(column).table_valued("key")
        return select(1).select_from(members).where(members.c.key == key).exists()

    def clock_us(self, connection: Connection) -> int:
        return time.time_ns() // 1000

    def insert_entries(
        self, connection: Connection, columns: Sequence[str], rows: Sequence[Row], terms: Sequence[str]
    ) -> int:
        # `executemany` cannot return the numbers; but the writer is alone, and gives them.
        ((last,),) = fetch(connection, "SELECT coalesce(max(entry_number), 0) FROM transcript_entries")
        numbered = [(number, *row) for number, row in enumerate(rows, start=last + 1)]
        inserted = self.insert(
            connection, schema_sessions.transcript_entries, ("entry_number", *columns), numbered
        )
        execute_many(
            connection,
            "INSERT INTO transcript_search (rowid, words) VALUES (?, ?)",
            list(enumerate(terms, start=last + 1)),
        )
        return inserted

    def copy_terms(self, connection: Connection, source: LabelledSession, copy: LabelledSession) -> None:
        execute(
            connection,
            "INSERT INTO transcript_search (rowid, words)"
            " SELECT copied.entry_number, replace(words, ?, ?) FROM transcript_entries AS copied"
            " JOIN transcript_entries AS original"
            " ON original.session_id = ? AND original.position = copied.position"
            " JOIN transcript_search ON transcript_search.rowid = original.entry_number"
            " WHERE copied.session_id = ?",
            (source.label, copy.label, source.session_id, copy.session_id),
        )

    def aside(self, function: Callable[[], T]) -> T:
        return function()  # reads have a thread of their own

    def newest_matches(
        self, connection: Connection, wanted: Matching, columns: str, at_most: int
    ) -> list[Row]:
        # Matches come lazily, the newest first, so that a word that is everywhere is found as fast: the joins
        # keep this order.
        candidates = -1 if wanted.candidates_max is None else wanted.candidates_max
        statement = (
            f"SELECT entry_number, {columns} FROM"
            " (SELECT rowid FROM transcript_search WHERE transcript_search MATCH ?"
            f" ORDER BY rowid DESC LIMIT {candidates:d}) AS found"
            " CROSS JOIN transcript_entries ON entry_number = found.rowid"
            " CROSS JOIN sessions ON sessions.session_id = transcript_entries.session_id"
            f" WHERE true {wanted.conditions} LIMIT {at_most:d}"
        )
        query = " AND ".join(f'"{term}"' for term in wanted.terms)
        if wanted.sessions:
            query += " AND (" + " OR ".join(f'"{term}"' for term in wanted.sessions) + ")"
        return fetch(connection, statement, (query, *wanted.values))


@functools.lru_cache(STATEMENTS_KEPT)
def _insert_each(table: Table, columns: Sequence[str], empty: Sequence[Empty]) -> str:
    """Inserts the row of its parameters, and what is empty."""
    values = ", ".join(
        (*"?" * len(columns), *("x''" if value == b"" else literal(value) for _, value in empty))
    )
    named = names((*columns, *(name for name, _ in empty)))
    return f"INSERT INTO {table.name} ({named}) VALUES ({values}) ON CONFLICT DO NOTHING"
