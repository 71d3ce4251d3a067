"""Transcripts: append, read by page, branch and copy.

Positions are given under the lock of the session's head, which is held to the commit: so they are dense, and
a reader that has seen one has seen all before it.
"""

from collections.abc import Sequence
from itertools import accumulate

import msgspec

from storage import limits
from storage import schema_sessions as schema
from storage.audit.deeds import AuditFacts
from storage.engines.driver import Row, execute, fetch
from storage.errors import EntryNotFound, InvalidCursor, SessionNotFound, TranscriptTooLong
from storage.ids import new_id
from storage.outcome import Outcome, decide_each, mutation
from storage.records import Record
from storage.sessions.records import Entry, NewEntry, Session, SessionDetail
from storage.sessions.session_set import SessionSet, head_of
from storage.sessions.sessions import COMMANDS
from storage.sessions.transcript_index import indexed_chars, labelled, session_label, terms_of
from storage.table_map import TableMap
from storage.transaction import Transaction

ENTRIES = TableMap(schema.transcript_entries, Entry)
# All but the number, which the database gives.
_NEW_COLUMNS = tuple(column for column in ENTRIES.columns if column != "entry_number")


class Append(Record, frozen=True, kw_only=True):
    """Entries for the end of a transcript: all of them, or none."""

    session_id: str
    entries: tuple[NewEntry, ...]


class Appended(Record, frozen=True, kw_only=True):
    """Where the entries of an append are; positions are 0 if there were none."""

    session_id: str
    first_position: int
    last_position: int
    create_time_us: int


class Copy(Record, frozen=True, kw_only=True):
    """A session that begins with what another one has, up to `position` (all of it, if None)."""

    session_id: str
    position: int | None = None
    with_commands: bool = False


class EntryRange(Record, frozen=True, kw_only=True):
    """At most `size` entries next to `position`, in the order of a reader who comes from there.

    `position` None is beyond the first entry, or the last with `backwards`. A page has at most `bytes_max`
    as a message, but always one entry if there is one.
    """

    session_id: str
    size: int
    position: int | None = None
    backwards: bool = False
    bytes_max: int = limits.PAGE_BYTES_MAX


class TranscriptPage(Record, frozen=True, kw_only=True):
    entries: list[Entry]
    more: bool
    entry_count: int


def _appended_facts(appended: Appended) -> AuditFacts | None:
    if not appended.last_position:
        return None  # there was nothing to append
    count = appended.last_position - appended.first_position + 1
    return AuditFacts("session", appended.session_id, counts={"entries": count})


def _copied_facts(copy: SessionDetail) -> AuditFacts:
    counts = {"entries": copy.head.entry_count, "commands": copy.head.command_count}
    return AuditFacts("session", copy.session.session_id, status=copy.session.status, counts=counts)


@mutation(Appended, describe=_appended_facts, locks=head_of)
def append(tx: Transaction, items: Sequence[Append]) -> list[Outcome[Appended]]:
    """Append entries. Refusals, per item: SessionNotFound, SessionEnded, EntryNotFound (of a parent)."""
    work = SessionSet(tx)
    work.load_heads(item.session_id for item in items)
    rows: list[Row] = []
    terms: list[str] = []
    outcomes = decide_each(items, lambda item: _append(work, item, rows, terms))
    if rows and tx.dialect.insert_entries(tx.connection, _NEW_COLUMNS, rows, terms) != len(rows):
        raise RuntimeError("the position of an entry was taken")
    for session_id in dict.fromkeys(item.session_id for item in items):
        if work.has_moved(session_id):
            work.tell_appended(work.head(session_id))
    work.store()
    return outcomes


def _append(work: SessionSet, item: Append, rows: list[Row], terms: list[str]) -> Appended:
    if not item.entries:
        work.head(item.session_id)
        return Appended(
            session_id=item.session_id, first_position=0, last_position=0, create_time_us=work.now_us
        )
    head = work.open_head(item.session_id)
    first = head.entry_count + 1
    for position, entry in enumerate(item.entries, start=first):
        if entry.parent_position >= position:
            field = f"entries[{position - first}].parent_position"
            raise EntryNotFound(item.session_id, entry.parent_position, field)
    label = session_label(item.session_id)
    for position, entry in enumerate(item.entries, start=first):
        seen_chars = indexed_chars(entry.content)
        rows.append(_row(item.session_id, position, entry, seen_chars, work.now_us))
        terms.append(terms_of(entry.content[:seen_chars], label, entry.role))
    last = head.entry_count + len(item.entries)
    work.move_head(head, entry_count=last)
    return Appended(
        session_id=item.session_id, first_position=first, last_position=last, create_time_us=work.now_us
    )


def _row(session_id: str, position: int, entry: NewEntry, seen_chars: int, now_us: int) -> Row:
    tool_calls = msgspec.json.encode(entry.tool_calls).decode()
    fields = msgspec.structs.asdict(entry) | {
        "session_id": session_id,
        "position": position,
        "indexed_chars": seen_chars,
        "tool_calls": tool_calls,
        "size_bytes": max(entry.size_bytes, len(entry.content.encode()) + len(tool_calls.encode())),
        "create_time_us": now_us,
    }
    return [fields[column] for column in _NEW_COLUMNS]


@mutation(SessionDetail, describe=_copied_facts, locks=head_of, heavy=True)
def copy(tx: Transaction, items: Sequence[Copy]) -> list[Outcome[SessionDetail]]:
    """Create pending sessions as branches or copies of others. It is heavy: 64 MiB take seconds.

    Refusals, per item: SessionNotFound, EntryNotFound, TranscriptTooLong.
    """
    work = SessionSet(tx)
    work.load(item.session_id for item in items)
    copies: list[tuple[Copy, SessionDetail]] = []

    def decide(item: Copy) -> SessionDetail:
        detail = _copy(work, item)
        copies.append((item, detail))
        return detail

    outcomes = decide_each(items, decide)
    work.store()
    for item, detail in copies:
        _copy_rows(tx, "transcript_entries", _NEW_COLUMNS, "position", item, detail)
        tx.dialect.copy_terms(tx.connection, labelled(item.session_id), labelled(detail.session.session_id))
        if item.with_commands:
            _copy_rows(tx, "session_commands", COMMANDS.columns, "number", item, detail)
    return outcomes


def _copy(work: SessionSet, item: Copy) -> SessionDetail:
    source, head = work.get(item.session_id), work.head(item.session_id)
    position = head.entry_count if item.position is None else item.position
    if position > head.entry_count:
        raise EntryNotFound(item.session_id, position, "position")
    command_count = head.command_count if item.with_commands else 0
    row_count = position + command_count
    if row_count > limits.COPY_ENTRIES_MAX:
        raise TranscriptTooLong(item.session_id, "rows", row_count, limits.COPY_ENTRIES_MAX)
    size_bytes = _size_bytes(work.tx, item.session_id, position)
    if size_bytes > limits.COPY_BYTES_MAX:
        raise TranscriptTooLong(item.session_id, "bytes", size_bytes, limits.COPY_BYTES_MAX)
    session_id = new_id()
    session = Session(
        session_id=session_id,
        role=source.role,
        task_id=source.task_id,
        metadata=source.metadata,
        active_task_ids=source.active_task_ids,
        source_session_id=source.session_id,
        source_position=position,
    )
    work.add(session, entry_count=position, command_count=command_count)
    return work.detail(session_id)


def _size_bytes(tx: Transaction, session_id: str, last: int) -> int:
    """How large the entries up to a position are."""
    rows = _between(tx, "coalesce(sum(size_bytes), 0)", session_id, 1, last)
    return int(rows[0][0])


def _copy_rows(
    tx: Transaction, table: str, columns: Sequence[str], order: str, item: Copy, detail: SessionDetail
) -> None:
    parameter = tx.dialect.parameter
    last = detail.head.entry_count if table == "transcript_entries" else detail.head.command_count
    names = [f'"{column}"' for column in columns]
    taken = [f"CAST({parameter(1)} AS text)" if name == '"session_id"' else name for name in names]
    statement = (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(taken)} FROM {table}"
        f' WHERE session_id = {parameter(2)} AND "{order}" <= {parameter(3)} ORDER BY "{order}"'
    )
    execute(tx.connection, statement, (detail.session.session_id, item.session_id, last))


def page(tx: Transaction, wanted: EntryRange) -> TranscriptPage:
    """A page of a transcript. Raises `SessionNotFound`."""
    entry_count = _entry_count(tx, wanted.session_id)
    # Positions are dense, so it is known which entries come next; what is left is how many of them fit.
    if wanted.backwards:
        last = entry_count if wanted.position is None else min(entry_count, wanted.position - 1)
        positions = range(last, max(0, last - wanted.size), -1)
    else:
        first = (wanted.position or 0) + 1
        positions = range(first, min(entry_count, first + wanted.size - 1) + 1)
    if not positions:
        return TranscriptPage(entries=[], more=False, entry_count=entry_count)
    rows = _between(tx, "position, size_bytes", wanted.session_id, min(positions), max(positions))
    sizes: dict[int, int] = {row[0]: row[1] for row in rows}
    totals = accumulate(sizes[position] for position in positions)
    fitting = sum(total <= wanted.bytes_max for total in totals)
    positions = positions[: max(fitting, 1)]
    columns = ", ".join(ENTRIES.quoted())
    rows = _between(tx, columns, wanted.session_id, min(positions), max(positions))
    entries = {entry.position: entry for entry in map(ENTRIES.from_row, rows)}
    end = 1 if wanted.backwards else entry_count
    return TranscriptPage(
        entries=[entries[position] for position in positions],
        more=positions[-1] != end,
        entry_count=entry_count,
    )


def _between(tx: Transaction, columns: str, session_id: str, first: int, last: int) -> list[Row]:
    """What is selected of the entries from one position to another."""
    parameter = tx.dialect.parameter
    return fetch(
        tx.connection,
        f"SELECT {columns} FROM transcript_entries WHERE session_id = {parameter(1)}"
        f" AND position BETWEEN {parameter(2)} AND {parameter(3)}",
        (session_id, first, last),
    )


def _entry_count(tx: Transaction, session_id: str) -> int:
    rows = fetch(
        tx.connection,
        f"SELECT entry_count FROM session_heads WHERE session_id = {tx.dialect.parameter(1)}"
        " AND state <> 'deleted'",
        (session_id,),
    )
    if not rows:
        raise SessionNotFound(session_id)
    count: int = rows[0][0]
    return count


def start_of_watch(tx: Transaction, session_id: str, after_position: int | None) -> int:
    """The position after which a watch of a session begins: now, if `after_position` is None.

    Raises `SessionNotFound`, or `InvalidCursor` if there is no such position yet.
    """
    entry_count = _entry_count(tx, session_id)
    if after_position is None:
        return entry_count
    if after_position > entry_count:
        raise InvalidCursor(
            f"position {after_position} is beyond the last entry, {entry_count}", field="after_position"
        )
    return after_position
