"""Reading the audit log by page. All of it runs in a snapshot."""

from collections.abc import Sequence
from typing import Any

import msgspec

from storage.audit import Entry
from storage.deeds import ANONYMOUS
from storage.driver import fetch
from storage.errors import AuditEntryBroken
from storage.records import Record
from storage.schema_audit import KNOWN_ACTOR
from storage.transaction import Transaction

_decode = msgspec.json.Decoder(Entry).decode


class AuditExtent(Record, frozen=True, kw_only=True):
    """Where the log ends and begins: entries `tail` + 1 to `head` are kept."""

    head: int
    head_hash: str
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
    def entry(self) -> Entry:
        """What it says. Raises `AuditEntryBroken`."""
        try:
            return _decode(self.canonical)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise AuditEntryBroken(self.number) from None


class AuditPage(Record, frozen=True, kw_only=True):
    entries: list[StoredEntry]
    more: bool


def extent(tx: Transaction, *, lock: bool = False) -> AuditExtent:
    """The extent of the log now; with `lock`, nobody else writes to it before the end of the transaction."""
    columns = "audit_head, audit_hash, audit_tail, audit_tail_hash"
    locking = tx.dialect.for_update() if lock else ""
    ((head, head_hash, tail, tail_hash),) = fetch(
        tx.connection, f"SELECT {columns} FROM database_state{locking}"
    )
    return AuditExtent(head=head, head_hash=head_hash, tail=tail, tail_hash=tail_hash)


def page(tx: Transaction, wanted: AuditFilter) -> AuditPage:
    """A page of the entries that are wanted."""
    log = extent(tx)
    order, beyond = ("DESC", "<") if wanted.newest_first else ("ASC", ">")
    conditions: list[tuple[str, object]] = [
        (f"audit_log.{column} = ", value)
        for column in ("actor", "method", "target_type", "target_id", "trace_id")
        if (value := getattr(wanted, column))
    ]
    if wanted.after is not None:
        conditions.append((f"audit_log.number {beyond} ", wanted.after))
    if wanted.begin_time_us is not None:
        conditions.append(("audit_log.number >= ", _first_at(tx, log, wanted.begin_time_us)))
    if wanted.end_time_us is not None:
        conditions.append(("audit_log.number < ", _first_at(tx, log, wanted.end_time_us)))
    # The conditions of partial indexes are told, too, in the words that they have there.
    words = [f"{words}{tx.dialect.parameter(place)}" for place, (words, _) in enumerate(conditions, 1)]
    if wanted.actor not in ("", ANONYMOUS):
        words.append(f"audit_log.{KNOWN_ACTOR}")
    if wanted.trace_id:
        words.append("audit_log.trace_id <> ''")
    raw = tx.dialect.raw
    rows = fetch(
        tx.connection,
        f"SELECT audit_log.number, {raw('audit_log.entry')}, {raw('before.hash')}, {raw('audit_log.hash')}"
        " FROM audit_log"
        " LEFT JOIN audit_log AS before ON before.number = audit_log.number - 1"
        f" WHERE {' AND '.join(words) or 'true'} ORDER BY audit_log.number {order} LIMIT {wanted.size + 1}",
        [value for _, value in conditions],
    )
    entries = [_stored(row, log) for row in rows[: wanted.size]]
    return AuditPage(entries=entries, more=len(rows) > wanted.size)


def _stored(row: Sequence[Any], log: AuditExtent) -> StoredEntry:
    number, canonical, previous_hash, digest = row
    if previous_hash is None:
        previous_hash = log.tail_hash.encode() if number == log.tail + 1 else b""
    return StoredEntry(
        number=number,
        canonical=canonical,
        previous_hash=previous_hash.decode("ascii", "replace"),
        hash=digest.decode("ascii", "replace"),
    )


def _first_at(tx: Transaction, log: AuditExtent, time_us: int) -> int:
    """The number of the first entry that is not older: times never go back, so it is found by bisection."""
    statement = (
        f"SELECT time_us FROM audit_log WHERE number >= {tx.dialect.parameter(1)} ORDER BY number LIMIT 1"
    )
    low, high = log.tail + 1, log.head + 1
    while low < high:
        middle = (low + high) // 2
        rows = fetch(tx.connection, statement, (middle,))
        if rows and rows[0][0] < time_us:
            low = middle + 1
        else:
            high = middle
    return low
