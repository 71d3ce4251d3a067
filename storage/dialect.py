"""Where SQLite and Postgres write the same statement differently: one named function per difference.

Statements carry many items at once. On Postgres keys travel as one array, and rows as one JSON document; on
SQLite keys travel as one JSON array, and rows through `executemany`.
"""

import functools
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import BigInteger, Boolean, Integer, LargeBinary, Table, Text
from sqlalchemy.engine import Connection
from sqlalchemy.types import TypeEngine

from storage import schema, schema_audit
from storage.driver import Row, execute, execute_many, fetch
from storage.row_columns import Empty, without_empty


class Heads(NamedTuple):
    """Where the logs end."""

    event_number: int
    audit_number: int
    audit_hash: str
    audit_time_us: int


class Matching(NamedTuple):
    """Which entries of transcripts match: those with all `words`, none of which has a quote.

    `conditions`, empty or beginning with AND, is about `transcript_entries` and `sessions`. Its parameters
    are `values`, counted from 2; the first is the id of a session if only entries `in_one_session` match.
    """

    words: Sequence[str]
    conditions: str
    values: Sequence[Any]
    in_one_session: bool


class Dialect(Protocol):
    """What the repositories need to know about an engine."""

    @property
    def name(self) -> str:
        """The name SQLAlchemy gives it."""

    def parameter(self, position: int) -> str:
        """The placeholder of a parameter, counted from 1."""

    def any_of(self, column: str, kind: type[TypeEngine[Any]], position: int) -> str:
        """A condition that `column` is one of the keys passed at `position`, made by `keys`."""

    def keys(self, keys: Sequence[Any]) -> tuple[Any, ...]:
        """The parameters that carry `keys` to `any_of`."""

    def any_pair_of(self, first: str, second: str) -> str:
        """A condition that two text columns are one of the pairs passed by `pairs`, first of all."""

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> tuple[Any, ...]:
        """The parameters that carry `pairs` to `any_pair_of`."""

    def for_update(self) -> str:
        """What follows a SELECT whose rows a decision rests on."""

    def skip_locked(self, table: str = "") -> str:
        """What follows a SELECT that claims rows (of one table only, if it is named) which no other process
        is claiming."""

    def insert(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
    ) -> int:
        """Insert rows, passing over those whose key is taken; return how many were inserted."""

    def insert_keys(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
    ) -> set[Any]:
        """As `insert`, for tables with one key column; return the keys that were inserted."""

    def update(
        self, connection: Connection, table: Table, key: str, columns: Sequence[str], rows: Sequence[Row]
    ) -> None:
        """Set `columns` of the rows whose key is the first value of each row."""

    def append_events(self, connection: Connection, rows: Sequence[Row], counts: Sequence[Row]) -> Heads:
        """Append to the event log rows without their number, of which there may be none.

        Also add `counts` to the table of the same columns, `status_counts`. Return where the logs end then.
        Until the commit no other transaction appends to either.
        """

    def append_audit(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Append rows to the audit log, after `append_events`, and move its head to the last."""

    def raw(self, column: str) -> str:
        """The bytes of a text column, as they are stored."""

    def clock_us(self, connection: Connection) -> int:
        """The time by the database's clock, in microseconds since the epoch."""

    def newest_matches(self, connection: Connection, wanted: Matching, at_most: int) -> list[int]:
        """The numbers of the newest entries of transcripts that match."""


NEWEST_ENTRIES = 1000
"""How many of the newest entries Postgres looks through for a word before it asks the index."""
NEWEST_ENTRIES_MAX, NEWEST_ENTRIES_STEP = 8000, 500
"""How many more it looks through, if the word is frequent among the newest, and in which steps."""
STATEMENTS_KEPT = 512
_EVENT_COLUMNS = tuple(column.name for column in schema.events.columns if column.name != "number")
_COUNT_COLUMNS = tuple(column.name for column in schema.status_counts.columns)
_ADD_COUNT = "ON CONFLICT (machine, status) DO UPDATE SET count = status_counts.count + excluded.count"
_AUDIT_COLUMNS = tuple(column.name for column in schema_audit.audit_log.columns)
_HEADS = "event_head, audit_head, audit_hash, audit_time_us"


class SqliteDialect:
    name = "sqlite"

    def parameter(self, position: int) -> str:
        return "?"

    def any_of(self, column: str, kind: type[TypeEngine[Any]], position: int) -> str:
        value = "unhex(value)" if issubclass(kind, LargeBinary) else "value"
        return f"{column} IN (SELECT {value} FROM json_each(?))"

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
        position = columns.index(_key(table))
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
        move_head = f"UPDATE database_state SET event_head = event_head + ? RETURNING {_HEADS}"
        heads = Heads(*fetch(connection, move_head, (len(rows),))[0])
        first = heads.event_number - len(rows) + 1
        execute_many(
            connection,
            f"INSERT INTO events (number, {_names(_EVENT_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(first + offset, *row) for offset, row in enumerate(rows)],
        )
        if counts:
            execute_many(
                connection,
                f"INSERT INTO status_counts ({_names(_COUNT_COLUMNS)}) VALUES (?, ?, ?) {_ADD_COUNT}",
                counts,
            )
        return heads

    def append_audit(self, connection: Connection, rows: Sequence[Row]) -> None:
        execute_many(
            connection,
            f"INSERT INTO audit_log ({_names(_AUDIT_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        execute(
            connection,
            "UPDATE database_state SET audit_head = ?, audit_hash = ?, audit_time_us = ?",
            _audit_head(rows),
        )

    def raw(self, column: str) -> str:
        return f"CAST({column} AS BLOB)"

    def clock_us(self, connection: Connection) -> int:
        return time.time_ns() // 1000

    def newest_matches(self, connection: Connection, wanted: Matching, at_most: int) -> list[int]:
        # Matches come lazily, the newest first, so that a word that is everywhere is found as fast.
        statement = (
            "SELECT entry_number FROM transcript_search"
            " JOIN transcript_entries ON entry_number = transcript_search.rowid"
            " JOIN sessions ON sessions.session_id = transcript_entries.session_id"
            f" WHERE transcript_search MATCH ? {wanted.conditions}"
            f" ORDER BY transcript_search.rowid DESC LIMIT {at_most:d}"
        )
        quoted = " ".join(f'"{word}"' for word in wanted.words)
        return [row[0] for row in fetch(connection, statement, (quoted, *wanted.values))]


class PostgresDialect:
    name = "postgresql"

    def parameter(self, position: int) -> str:
        return f"${position}"

    def any_of(self, column: str, kind: type[TypeEngine[Any]], position: int) -> str:
        return f"{column} = ANY(${position}::{_postgres_type(kind)}[])"

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
        statement = f"{_insert_json(table, given.columns, given.empty)} RETURNING {_key(table)}"
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
            f"WITH log AS (UPDATE database_state SET event_head = event_head + $2 RETURNING {_HEADS}),"
            f" appended AS (INSERT INTO events (number, {_names(_EVENT_COLUMNS)})"
            f" SELECT event_head - $2 + number, {_names(_EVENT_COLUMNS)}"
            " FROM log, json_populate_recordset(NULL::events, $1)),"
            f" counted AS (INSERT INTO status_counts ({_names(_COUNT_COLUMNS)})"
            f" SELECT {_names(_COUNT_COLUMNS)} FROM log,"
            f" json_populate_recordset(NULL::status_counts, $3) {_ADD_COUNT})"
            f" SELECT {_HEADS} FROM log"
        )
        placed = [(place, *row) for place, row in enumerate(rows, start=1)]
        events = _as_json(schema.events, ("number", *_EVENT_COLUMNS), placed)
        changes = _as_json(schema.status_counts, _COUNT_COLUMNS, counts)
        return Heads(*fetch(connection, statement, (*events, len(rows), *changes))[0])

    def append_audit(self, connection: Connection, rows: Sequence[Row]) -> None:
        columns = _names(_AUDIT_COLUMNS)
        statement = (
            f"WITH appended AS (INSERT INTO audit_log ({columns})"
            f" SELECT {columns} FROM json_populate_recordset(NULL::audit_log, $1))"
            " UPDATE database_state SET audit_head = $2, audit_hash = $3, audit_time_us = $4"
        )
        entries = _as_json(schema_audit.audit_log, _AUDIT_COLUMNS, rows)
        execute(connection, statement, (*entries, *_audit_head(rows)))

    def raw(self, column: str) -> str:
        return f"convert_to({column}, 'UTF8')"

    def clock_us(self, connection: Connection) -> int:
        statement = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
        now_us: int = fetch(connection, statement)[0][0]
        return now_us

    def newest_matches(self, connection: Connection, wanted: Matching, at_most: int) -> list[int]:
        # A word that is frequent is found among the newest entries; the index would bring all that have it.
        parameters = (" ".join(wanted.words), *wanted.values)
        found = fetch(connection, _among_newest(wanted, at_most, 0, NEWEST_ENTRIES), parameters)
        # If it is as frequent before them, so many more are enough, and some for chance.
        more = NEWEST_ENTRIES * (at_most - len(found)) // max(len(found), 1) * 5 // 4
        if 0 < more <= NEWEST_ENTRIES_MAX:
            # Few different statements, for each is prepared.
            window = -(-more // NEWEST_ENTRIES_STEP) * NEWEST_ENTRIES_STEP
            before = _among_newest(wanted, at_most, NEWEST_ENTRIES, window)
            found = [*found, *fetch(connection, before, parameters)][:at_most]
        if len(found) < at_most:
            found = fetch(connection, _by_index(wanted, at_most), parameters)
        return [row[0] for row in found]


# Both statements are materialized and lateral, so that the planner never reads a whole table to save a few
# look-ups: it cannot know how rare a word is.
_MATCHING = "words @@ plainto_tsquery('simple', $1)"


def _among_newest(wanted: Matching, at_most: int, passed_over: int, window: int) -> str:
    """Looks for the newest matches among so many of the newest entries, after some that are passed over."""
    newest = (
        "WHERE session_id = $2 ORDER BY position DESC"
        if wanted.in_one_session
        else "ORDER BY entry_number DESC"
    )
    return (
        "WITH newest AS MATERIALIZED (SELECT entry_number, session_id, role, create_time_us"
        f" FROM transcript_entries {newest} LIMIT {window:d} OFFSET {passed_over:d}),"
        " found AS MATERIALIZED (SELECT newest.* FROM newest, LATERAL"
        " (SELECT words FROM transcript_search WHERE entry_number = newest.entry_number OFFSET 0)"
        f" AS indexed WHERE {_MATCHING})"
        f" SELECT entry_number FROM found AS transcript_entries {_filtered(wanted, at_most)}"
    )


def _by_index(wanted: Matching, at_most: int) -> str:
    """Looks for the newest matches among all matches."""
    return (
        f"WITH found AS MATERIALIZED (SELECT entry_number FROM transcript_search WHERE {_MATCHING})"
        " SELECT entry_number FROM found, LATERAL (SELECT session_id, role, create_time_us"
        " FROM transcript_entries WHERE entry_number = found.entry_number OFFSET 0)"
        f" AS transcript_entries {_filtered(wanted, at_most)}"
    )


def _filtered(wanted: Matching, at_most: int) -> str:
    return (
        "JOIN sessions USING (session_id)"
        f" WHERE true {wanted.conditions} ORDER BY entry_number DESC LIMIT {at_most:d}"
    )


def _audit_head(rows: Sequence[Row]) -> tuple[int, str, int]:
    """Number, hash and time of the last of some rows of the audit log."""
    last = dict(zip(_AUDIT_COLUMNS, rows[-1], strict=True))
    return last["number"], last["hash"], last["time_us"]


def _key(table: Table) -> str:
    (column,) = table.primary_key.columns
    return column.name


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _literal(empty: Any) -> str:
    """An empty value in a statement, for a column of its type."""
    if empty is None:
        return "NULL"
    return repr(empty).lstrip("b").lower()  # '', 0 or false


def _postgres_type(kind: type[TypeEngine[Any]]) -> str:
    for base, name in (
        (Text, "text"),
        (BigInteger, "bigint"),
        (Integer, "integer"),
        (LargeBinary, "bytea"),
        (Boolean, "boolean"),
    ):
        if issubclass(kind, base):
            return name
    raise TypeError(f"no array type for {kind}")


def _transposed(rows: Sequence[Row]) -> tuple[list[Any], ...]:
    return tuple(map(list, zip(*rows, strict=True)))


@functools.lru_cache(STATEMENTS_KEPT)
def _insert_each(table: Table, columns: Sequence[str], empty: Sequence[Empty]) -> str:
    """Inserts the row of its parameters, and what is empty."""
    values = ", ".join(
        (*"?" * len(columns), *("x''" if value == b"" else _literal(value) for _, value in empty))
    )
    names = _names((*columns, *(name for name, _ in empty)))
    return f"INSERT INTO {table.name} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING"


@functools.lru_cache(STATEMENTS_KEPT)
def _insert_json(table: Table, columns: Sequence[str], empty: Sequence[Empty]) -> str:
    """Inserts the rows of one parameter, made by `_as_json`, and what is empty."""
    values = ", ".join((_names(columns), *(_literal(value) for _, value in empty)))
    names = _names((*columns, *(name for name, _ in empty)))
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {values}"
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
