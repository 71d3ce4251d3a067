"""Reading the audit log by page. All of it runs in a snapshot."""

from collections.abc import Sequence
from typing import Any

import msgspec

from storage import limits
from storage.audit.deeds import ANONYMOUS
from storage.audit.log import AuditEntry
from storage.engines.driver import fetch
from storage.errors import AuditEntryBroken, CursorExpired
from storage.records import Record
from storage.schema_audit import KNOWN_ACTOR, KNOWN_TRACE_ID
from storage.transaction import Transaction

_decode = msgspec.json.Decoder(AuditEntry).decode
# What entries are found by, that with the fewest entries of one value first.
_COLUMNS = ("target_id", "trace_id", "actor", "method", "target_type")
_PARTIAL = {"trace_id": KNOWN_TRACE_ID, "actor": KNOWN_ACTOR}


class AuditBounds(Record, frozen=True, kw_only=True):
    """Where the log ends and begins: entries `tail` + 1 to `head` are kept."""

    head: int
    head_hash: str
    head_time_us: int
    tail: int
    tail_hash: str


class AuditFilter(Record, frozen=True, kw_only=True):
    """Which entries, and at most how many of them after the number `after` in the order of the page.

    An empty text and a None want all; times are from `begin_time_us` to before `end_time_us`.
    """

    size: int
    after: int | None = None
    newest_first: bool = True
    actor: str = ""
    method: str = ""
    target_type: str = ""
    target_id: str = ""
    trace_id: str = ""
    begin_time_us: int | None = None
    end_time_us: int | None = None


class StoredEntry(Record, frozen=True, kw_only=True):
    """An entry as it is stored. The hash before is empty if the entry before is gone without leave."""

    number: int
    canonical: bytes
    previous_hash: str
    hash: str

    @property
    def entry(self) -> AuditEntry:
        """What it says. Raises `AuditEntryBroken`."""
        try:
            return _decode(self.canonical)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise AuditEntryBroken(self.number) from None


class AuditPage(Record, frozen=True, kw_only=True):
    """Some entries, and the number after which the next page starts; None after the last page."""

    entries: list[StoredEntry]
    next_after: int | None = None


def bounds(tx: Transaction, *, lock: bool = False) -> AuditBounds:
    """The bounds of the log now; with `lock`, nobody else writes to it before the end of the transaction.

    Raises `AuditEntryBroken` if they cannot be bounds.
    """
    typed, raw = tx.dialect.typed, tx.dialect.raw
    columns = [typed(f"audit_{name}", "integer") for name in ("head", "time_us", "tail")]
    columns += [raw(typed(f"audit_{name}", "text")) for name in ("hash", "tail_hash")]
    locking = tx.dialect.for_update() if lock else ""
    (row,) = fetch(tx.connection, f"SELECT {', '.join(columns)} FROM database_state{locking}")
    head, head_time_us, tail, head_hash, tail_hash = row
    if None in row or not 0 <= tail <= head < limits.NUMBER_MAX:
        raise AuditEntryBroken
    return AuditBounds(
        head=head,
        head_hash=head_hash.decode("ascii", "replace"),
        head_time_us=head_time_us,
        tail=tail,
        tail_hash=tail_hash.decode("ascii", "replace"),
    )


def page(tx: Transaction, wanted: AuditFilter) -> AuditPage:
    """A page of the entries that are wanted, among the next AUDIT_SCAN_MAX that one index leads to.

    Other conditions filter those. So a page may have few entries, or none, before the last.
    Raises `AuditEntryBroken` if the bounds of the log are broken, and `CursorExpired` if entries that the
    page should begin with are pruned.
    """
    log = bounds(tx)
    if wanted.after and wanted.after < log.tail and not wanted.newest_first:
        raise CursorExpired(f"entries {wanted.after + 1} to {log.tail} are pruned", then="start again")
    given = [column for column in _COLUMNS if getattr(wanted, column)]
    indexed = [column for column in given if _has_index(column, wanted)]
    lead, rest = indexed[:1], [column for column in given if column not in indexed[:1]]
    conditions = [(f"{column} = ", getattr(wanted, column)) for column in lead]
    conditions += _number_conditions(tx, log, wanted)
    places = len(conditions)
    conditions += [(f"looked_at.{column} = ", getattr(wanted, column)) for column in rest]
    words = [f"{words}{tx.dialect.parameter(place)}" for place, (words, _) in enumerate(conditions, 1)]
    values = [value for _, value in conditions]
    # The condition of a partial index is told, too, in the words that it has there.
    led = [*words[:places], *(_PARTIAL[column] for column in lead if column in _PARTIAL)]
    order = "DESC" if wanted.newest_first else "ASC"
    among = f"FROM audit_log WHERE {' AND '.join(led) or 'true'} ORDER BY number {order}"
    raw = tx.dialect.raw
    rows = fetch(
        tx.connection,
        f"SELECT looked_at.number, {raw('looked_at.entry')}, {raw('before.hash')}, {raw('looked_at.hash')}"
        f" FROM (SELECT * {among} LIMIT {limits.AUDIT_SCAN_MAX if rest else wanted.size + 1}) AS looked_at"
        " LEFT JOIN audit_log AS before ON before.number = looked_at.number - 1"
        f" WHERE {' AND '.join(words[places:]) or 'true'}"
        f" ORDER BY looked_at.number {order} LIMIT {wanted.size + 1}",
        values,
    )
    entries = [_stored(row, log) for row in rows[: wanted.size]]
    if len(rows) > wanted.size:
        return AuditPage(entries=entries, next_after=entries[-1].number)
    if not rest:
        return AuditPage(entries=entries)
    last = f"SELECT number {among} LIMIT 1 OFFSET {limits.AUDIT_SCAN_MAX - 1}"
    looked_at = fetch(tx.connection, last, values[:places])
    return AuditPage(entries=entries, next_after=looked_at[0][0] if looked_at else None)


def _has_index(column: str, wanted: AuditFilter) -> bool:
    return column not in ("method", "target_type") and not (column == "actor" and wanted.actor == ANONYMOUS)


def _number_conditions(tx: Transaction, log: AuditBounds, wanted: AuditFilter) -> list[tuple[str, object]]:
    """The conditions for numbers."""
    conditions: list[tuple[str, object]] = []
    if wanted.after is not None:
        conditions.append(("number < " if wanted.newest_first else "number > ", wanted.after))
    if wanted.begin_time_us is not None:
        conditions.append(("number >= ", _first_at(tx, log, wanted.begin_time_us)))
    if wanted.end_time_us is not None:
        conditions.append(("number < ", _first_at(tx, log, wanted.end_time_us)))
    return conditions


def _stored(row: Sequence[Any], log: AuditBounds) -> StoredEntry:
    number, canonical, previous_hash, digest = row
    if previous_hash is None:
        previous_hash = log.tail_hash.encode() if number == log.tail + 1 else b""
    return StoredEntry(
        number=number,
        canonical=canonical,
        previous_hash=previous_hash.decode("ascii", "replace"),
        hash=digest.decode("ascii", "replace"),
    )


def _first_at(tx: Transaction, log: AuditBounds, time_us: int) -> int:
    """The number of the first entry that is not older: times never go back, so it is found by bisection."""
    parameter = tx.dialect.parameter
    statement = (  # compared there: what SQLite has stored need not be a number
        f"SELECT time_us < {parameter(1)} FROM audit_log"
        f" WHERE number >= {parameter(2)} ORDER BY number LIMIT 1"
    )
    low, high = log.tail + 1, log.head + 1
    while low < high:
        middle = (low + high) // 2
        rows = fetch(tx.connection, statement, (time_us, middle))
        if rows and rows[0][0]:
            low = middle + 1
        else:
            high = middle
    return low
