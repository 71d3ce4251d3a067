"""Statements as Postgres takes them: keys travel as one array, rows as one JSON document."""

import asyncio
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, Integer, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import await_only

from storage import schema, schema_audit, schema_sessions
from storage.engines.dialect import Heads, LabelledSession, Matching
from storage.engines.driver import Row, execute, fetch
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

NEWEST_ENTRIES = 1000
"""How many of the newest entries Postgres looks through for a word before it asks the index."""
NEWEST_ENTRIES_MAX, NEWEST_ENTRIES_STEP = 8000, 500
"""How many more it looks through, if the word is frequent among the newest, and in which steps."""


class PostgresDialect:
    name = "postgresql"

    def parameter(self, position: int) -> str:
        return f"${position}"

    def any_of(self, column: Column[Any], position: int = 1) -> str:
        return f"{qualified(column)} = ANY(${position}::{_postgres_type(column.type)}[])"

    def keys(self, keys: Sequence[Any]) -> tuple[Any, ...]:
        return (list(keys),)

    def any_pair_of(self, first: str, second: str) -> str:
        return f"({first}, {second}) IN (SELECT * FROM unnest($1::text[], $2::text[]))"

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> tuple[Any, ...]:
        return _transposed(pairs)

    def for_update(self) -> str:
        return " FOR UPDATE"

    def skip_locked(self, table: str = "") -> str:
        return f" FOR UPDATE {f'OF {table} ' if table else ''}SKIP LOCKED"

    def insert(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
    ) -> int:
        given = without_empty(columns, rows)
        statement = _insert_json(table, given.columns, given.empty)
        return execute(connection, statement, _as_json(table, given.columns, given.rows))

    def insert_keys(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
    ) -> set[Any]:
        given = without_empty(columns, rows)
        statement = f"{_insert_json(table, given.columns, given.empty)} RETURNING {key_of(table)}"
        return {row[0] for row in fetch(connection, statement, _as_json(table, given.columns, given.rows))}

    def update(
        self, connection: Connection, table: Table, key: str, columns: Sequence[str], rows: Sequence[Row]
    ) -> None:
        assignments = ", ".join(f'"{column}" = new."{column}"' for column in columns)
        execute(
            connection,
            f"UPDATE {table.name} SET {assignments}"
            f" FROM json_populate_recordset(NULL::{table.name}, $1) AS new"
            f' WHERE {table.name}."{key}" = new."{key}"',
            _as_json(table, (key, *columns), rows),
        )

    def append_events(self, connection: Connection, rows: Sequence[Row], counts: Sequence[Row]) -> Heads:
        # The row lock on `database_state` is held to the commit, so numbers are dense and their order
        # is the order of commits. It is taken last, after every other lock of the transaction;
        # the rows of the counts are changed only under it, for they wait for it, too.
        statement = (
            f"WITH log AS (UPDATE database_state SET event_head = event_head + $2 RETURNING {LOG_HEADS}),"
            f" appended AS (INSERT INTO events (number, {names(EVENT_COLUMNS)})"
            f" SELECT event_head - $2 + number, {names(EVENT_COLUMNS)}"
            " FROM log, json_populate_recordset(NULL::events, $1)),"
            f" counted AS (INSERT INTO status_counts ({names(COUNT_COLUMNS)})"
            f" SELECT {names(COUNT_COLUMNS)} FROM log,"
            f" json_populate_recordset(NULL::status_counts, $3) {ADD_COUNT})"
            f" SELECT {LOG_HEADS} FROM log"
        )
        placed = [(place, *row) for place, row in enumerate(rows, start=1)]
        events = _as_json(schema.events, ("number", *EVENT_COLUMNS), placed)
        changes = _as_json(schema.status_counts, COUNT_COLUMNS, counts)
        return Heads(*fetch(connection, statement, (*events, len(rows), *changes))[0])

    def append_audit(self, connection: Connection, rows: Sequence[Row]) -> None:
        columns = names(AUDIT_COLUMNS)
        statement = (
            f"WITH appended AS (INSERT INTO audit_log ({columns})"
            f" SELECT {columns} FROM json_populate_recordset(NULL::audit_log, $1))"
            " UPDATE database_state SET audit_head = $2, audit_hash = $3, audit_time_us = $4"
        )
        entries = _as_json(schema_audit.audit_log, AUDIT_COLUMNS, rows)
        execute(connection, statement, (*entries, *audit_head(rows)))

    def raw(self, column: str) -> str:
        return f"convert_to({column}, 'UTF8')"

    def typed(self, column: str, kind: str) -> str:
        return column

    def json_contains(self, column: Column[str], value: str) -> ColumnElement[bool]:
        return func.jsonb_exists(column.cast(JSONB), value)

    def json_has_key(self, column: Column[str], key: str) -> ColumnElement[bool]:
        return func.jsonb_exists(column.cast(JSONB), key)

    def clock_us(self, connection: Connection) -> int:
        statement = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
        now_us: int = fetch(connection, statement)[0][0]
        return now_us

    def insert_entries(
        self, connection: Connection, columns: Sequence[str], rows: Sequence[Row], terms: Sequence[str]
    ) -> int:
        table = schema_sessions.transcript_entries
        given = without_empty(columns, rows)
        statement = (
            f"WITH inserted AS ({_insert_json(table, given.columns, given.empty)}"
            " RETURNING entry_number, session_id, position)"
            f" INSERT INTO transcript_search (entry_number, words) SELECT entry_number, {_AS_TERMS}"
            " FROM inserted JOIN json_to_recordset($2)"
            " AS given (session_id text, position bigint, terms text) USING (session_id, position)"
        )
        session_id, position = columns.index("session_id"), columns.index("position")
        indexed = [
            {"session_id": row[session_id], "position": row[position], "terms": of_row}
            for row, of_row in zip(rows, terms, strict=True)
        ]
        parameters = (*_as_json(table, given.columns, given.rows), msgspec.json.encode(indexed).decode())
        return execute(connection, statement, parameters)

    def copy_terms(self, connection: Connection, source: LabelledSession, copy: LabelledSession) -> None:
        execute(
            connection,
            "INSERT INTO transcript_search (entry_number, words) SELECT copied.entry_number,"
            " ts_delete(words, $1::text) || array_to_tsvector(ARRAY[$2::text])"
            " FROM transcript_entries AS copied JOIN transcript_entries AS original"
            " ON original.session_id = $3 AND original.position = copied.position"
            " JOIN transcript_search ON transcript_search.entry_number = original.entry_number"
            " WHERE copied.session_id = $4",
            (source.label, copy.label, source.session_id, copy.session_id),
        )

    def aside(self, function: Callable[[], T]) -> T:
        answer: T = await_only(asyncio.to_thread(function))  # this runs in a greenlet on the loop
        return answer

    def newest_matches(
        self, connection: Connection, wanted: Matching, columns: str, at_most: int
    ) -> list[Row]:
        # A word that is frequent is found among the newest entries; the index would bring all that have it.
        def look(found: str) -> list[Row]:
            return fetch(connection, _newest_of(found, wanted, columns, at_most), parameters)

        parameters = (_query(wanted), *wanted.values)
        rows = look(_among_newest(wanted, 0, NEWEST_ENTRIES))
        # If it is as frequent before them, so many more are enough, and some for chance.
        more = NEWEST_ENTRIES * (at_most - len(rows)) // max(len(rows), 1) * 5 // 4
        if 0 < more <= NEWEST_ENTRIES_MAX:
            # Few different statements, for each is prepared.
            window = -(-more // NEWEST_ENTRIES_STEP) * NEWEST_ENTRIES_STEP
            rows = [*rows, *look(_among_newest(wanted, NEWEST_ENTRIES, window))][:at_most]
        return rows if len(rows) >= at_most else look(_BY_INDEX)


_AS_TERMS = "array_to_tsvector(string_to_array(terms, ' '))"
# Steps are materialized, and what is looked up is lateral, so that the planner never reads a whole table to
# save a few look-ups: it cannot know how rare a word is.
_MATCHING = "words @@ CAST($1::text AS tsquery)"
_ENTRY_COUNT = "(SELECT entry_count FROM session_heads WHERE session_id = $2)"
_BY_INDEX = f"WITH found AS MATERIALIZED (SELECT entry_number FROM transcript_search WHERE {_MATCHING})"


def _query(wanted: Matching) -> str:
    """The terms as a `tsquery`, which is cast, not parsed: they have no quotes and no backslashes."""
    needed = [f"'{term}'" for term in wanted.terms]
    if wanted.sessions:
        needed.append("(" + " | ".join(f"'{term}'" for term in wanted.sessions) + ")")
    return " & ".join(needed)


def _among_newest(wanted: Matching, passed_over: int, window: int) -> str:
    """Finds matches among so many of the newest entries, after some that are passed over."""
    if wanted.in_one_session:  # its entries lie among those of others: each is looked up
        return (
            "WITH newest AS MATERIALIZED (SELECT entry_number FROM transcript_entries WHERE session_id = $2"
            f" AND position <= {_ENTRY_COUNT} - {passed_over:d}"
            f" AND position > {_ENTRY_COUNT} - {passed_over + window:d}),"
            " found AS MATERIALIZED (SELECT entry_number FROM newest, LATERAL"
            " (SELECT words FROM transcript_search"
            " WHERE transcript_search.entry_number = newest.entry_number OFFSET 0)"
            f" AS indexed WHERE {_MATCHING})"
        )
    # One scan of a range; a condition that may be null is not for the index of words.
    return (
        "WITH newest AS MATERIALIZED (SELECT min(entry_number) AS first, max(entry_number) AS last FROM"
        " (SELECT entry_number FROM transcript_entries ORDER BY entry_number DESC"
        f" LIMIT {window:d} OFFSET {passed_over:d}) AS numbers),"
        " found AS MATERIALIZED (SELECT entry_number FROM newest, transcript_search"
        f" WHERE entry_number BETWEEN first AND last AND coalesce({_MATCHING}, false))"
    )


def _newest_of(found: str, wanted: Matching, columns: str, at_most: int) -> str:
    """Checks the conditions for what is found, the newest first, until there is enough."""
    candidates = "ALL" if wanted.candidates_max is None else f"{wanted.candidates_max:d}"
    return (
        f"{found} SELECT candidates.entry_number, {columns} FROM"
        f" (SELECT entry_number FROM found ORDER BY entry_number DESC LIMIT {candidates} OFFSET 0)"
        " AS candidates, LATERAL (SELECT * FROM transcript_entries"
        " WHERE transcript_entries.entry_number = candidates.entry_number OFFSET 0) AS transcript_entries,"
        " LATERAL (SELECT role, task_id FROM sessions"
        " WHERE sessions.session_id = transcript_entries.session_id OFFSET 0) AS sessions"
        f" WHERE true {wanted.conditions} ORDER BY candidates.entry_number DESC LIMIT {at_most:d}"
    )


def _postgres_type(kind: TypeEngine[Any]) -> str:
    for base, name in (
        (Text, "text"),
        (BigInteger, "bigint"),
        (Integer, "integer"),
        (LargeBinary, "bytea"),
        (Boolean, "boolean"),
    ):
        if isinstance(kind, base):
            return name
    raise TypeError(f"no array type for {kind}")


def _transposed(rows: Sequence[Row]) -> tuple[list[Any], ...]:
    return tuple(map(list, zip(*rows, strict=True)))


@functools.lru_cache(STATEMENTS_KEPT)
def _insert_json(table: Table, columns: Sequence[str], empty: Sequence[Empty]) -> str:
    """Inserts the rows of one parameter, made by `_as_json`, and what is empty."""
    values = ", ".join((names(columns), *(literal(value) for _, value in empty)))
    named = names((*columns, *(name for name, _ in empty)))
    return (
        f"INSERT INTO {table.name} ({named}) SELECT {values}"
        f" FROM json_populate_recordset(NULL::{table.name}, $1) ON CONFLICT DO NOTHING"
    )


def _as_json(table: Table, columns: Sequence[str], rows: Sequence[Row]) -> tuple[str]:
    """Rows as one parameter for `json_populate_recordset`.

    An array for each column would do as well, but the driver looks at each element of an array for arrays
    within, which costs more than all the rest.
    """
    binary = _binary(table)
    objects = []
    for row in rows:
        values = dict(zip(columns, row, strict=True))
        for column in binary.intersection(values):
            if values[column] is not None:
                values[column] = f"\\x{values[column].hex()}"
        objects.append(values)
    return (msgspec.json.encode(objects).decode(),)


@functools.cache
def _binary(table: Table) -> frozenset[str]:
    """The columns of bytes."""
    return frozenset(column.name for column in table.columns if isinstance(column.type, LargeBinary))
