"""Where SQLite and Postgres write the same statement differently: one named function per difference.

Statements carry many items at once. `dialect_sqlite` and `dialect_postgres` write them, `statements` has what
is common to both.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import Column, ColumnElement, Table
from sqlalchemy.engine import Connection

from storage.engines.driver import Row

T = TypeVar("T")


class Heads(NamedTuple):
    """Where the logs end."""

    event_number: int
    audit_number: int
    audit_hash: str
    audit_time_us: int


class Matching(NamedTuple):
    """Which entries of transcripts match, by their terms in the index (`storage.sessions.transcript_index`).

    They have all of `terms` and, if it is not empty, one of `sessions`, which are terms as well. Of these
    the newest `candidates_max`, or all if None, are held against `conditions`, which are empty or begin with
    AND, about `transcript_entries` and `sessions`. The parameters of the conditions are `values`, counted
    from 2; the first is the id of a session if only entries `in_one_session` match.
    """

    terms: Sequence[str]
    sessions: Sequence[str]
    candidates_max: int | None
    conditions: str
    values: Sequence[Any]
    in_one_session: bool


class LabelledSession(NamedTuple):
    """A session, and the term of the index that its entries have."""

    session_id: str
    label: str


class Dialect(Protocol):
    """The differences between engines that the repositories depend on."""

    @property
    def name(self) -> str:
        """The name SQLAlchemy gives it."""

    def parameter(self, position: int) -> str:
        """The placeholder of a parameter, counted from 1."""

    def any_of(self, column: Column[Any], position: int = 1) -> str:
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

    def typed(self, column: str, kind: str) -> str:
        """A column, or NULL where what is stored is no `integer`, or no `text`: SQLite takes anything."""

    def json_contains(self, column: Column[str], value: str) -> ColumnElement[bool]:
        """A condition that a JSON array of texts has the element `value`."""

    def json_has_key(self, column: Column[str], key: str) -> ColumnElement[bool]:
        """A condition that a JSON object has a member `key`."""

    def clock_us(self, connection: Connection) -> int:
        """The time by the database's clock, in microseconds since the epoch."""

    def insert_entries(
        self, connection: Connection, columns: Sequence[str], rows: Sequence[Row], terms: Sequence[str]
    ) -> int:
        """Insert entries of transcripts, and into the index the terms of each, between spaces.

        An entry whose position is taken is passed over; return how many were inserted.
        """

    def copy_terms(self, connection: Connection, source: LabelledSession, copy: LabelledSession) -> None:
        """Give the index what it has of the entries of a session for those with their positions in a copy."""

    def aside(self, function: Callable[[], T]) -> T:
        """Run a function that computes for long, where the event loop does not wait for it."""

    def newest_matches(
        self, connection: Connection, wanted: Matching, columns: str, at_most: int
    ) -> list[Row]:
        """The number of the newest entries of transcripts that match, and `columns` of them."""
