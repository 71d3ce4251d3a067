"""Sessions: create, update, remember commands, delete, read."""

from collections.abc import Sequence
from typing import Any

import msgspec

from storage import limits
from storage import schema_sessions as schema
from storage.audit.deeds import AuditFacts
from storage.engines.driver import Row, fetch
from storage.errors import MetadataTooLarge, Refusal, SessionNotFound, StaleRevision
from storage.fetcher import query
from storage.ids import new_id
from storage.lifecycle import SESSION, SessionStatus
from storage.outcome import Outcome, decide_each, mutation
from storage.records import HeadState, Record
from storage.sessions.records import Command, Session, SessionDetail
from storage.sessions.session_set import SESSION_HEADS, SESSIONS, SessionSet, changed_facts, head_of
from storage.table_map import TableMap
from storage.transaction import Transaction

COMMANDS = TableMap(schema.session_commands, Command)

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder(order="sorted").encode


class NewSession(Record, frozen=True, kw_only=True):
    role: str
    task_id: str = ""
    metadata: str = "{}"
    active_task_ids: tuple[str, ...] = ()


class SessionUpdate(Record, frozen=True, kw_only=True):
    """New values for a session; None leaves a field as it is.

    `metadata` is a JSON object that is merged key by key; a null removes its key. `revision` 0 means any.
    """

    session_id: str
    revision: int = 0
    status: SessionStatus | None = None
    reason: str = ""  # of the move to `status`
    task_id: str | None = None
    metadata: str | None = None
    active_task_ids: tuple[str, ...] | None = None


class NewCommand(Record, frozen=True, kw_only=True):
    session_id: str
    command: str


@mutation(SessionDetail, describe=changed_facts)
def create(tx: Transaction, items: Sequence[NewSession]) -> list[Outcome[SessionDetail]]:
    """Store sessions in status pending."""
    work = SessionSet(tx)

    def decide(item: NewSession) -> SessionDetail:
        session_id = new_id()
        session = Session(session_id=session_id, **msgspec.structs.asdict(item))
        work.add(msgspec.structs.replace(session, metadata=_without_nulls(_decode(item.metadata)).decode()))
        return work.detail(session_id)

    outcomes = decide_each(items, decide)
    work.store()
    return outcomes


@mutation(SessionDetail, describe=changed_facts, locks=head_of)
def update(tx: Transaction, items: Sequence[SessionUpdate]) -> list[Outcome[SessionDetail]]:
    """Change sessions; an update that changes nothing does not count as activity.

    Refusals, per session: SessionNotFound, StaleRevision, InvalidTransition, SessionEnded, MetadataTooLarge.
    """
    work = SessionSet(tx)
    work.load(item.session_id for item in items)
    outcomes = decide_each(items, lambda item: _update(work, item))
    work.store()
    return outcomes


def _update(work: SessionSet, item: SessionUpdate) -> SessionDetail:
    session = work.get(item.session_id)
    if item.revision and item.revision != session.revision:
        raise StaleRevision("session", session.session_id, item.revision, session.revision)
    target = item.status or session.status
    SESSION.check(session.session_id, session.status, target)
    fields: dict[str, Any] = {
        "task_id": item.task_id,
        "metadata": _merged(session, item.metadata),
        "active_task_ids": item.active_task_ids,
    }
    fields = {name: new for name, new in fields.items() if new not in (None, getattr(session, name))}
    if target != session.status:
        fields |= _moved(session, target, item.reason, work.now_us)
    if fields:
        head = work.open_head(session.session_id)
        work.change(session, **fields)
        work.move_head(head, state=HeadState.ENDED if SESSION.terminal(target) else HeadState.OPEN)
    return work.detail(session.session_id)


def _merged(session: Session, patch: str | None) -> str | None:
    if patch is None:
        return None
    encoded = _without_nulls(_decode(session.metadata) | _decode(patch))
    if len(encoded) > limits.SESSION_METADATA_BYTES_MAX:
        raise MetadataTooLarge(session.session_id, len(encoded), limits.SESSION_METADATA_BYTES_MAX)
    return encoded.decode()


def _without_nulls(metadata: dict[str, Any]) -> bytes:
    """Canonical JSON of what is left without the keys that are null."""
    return _encode({key: value for key, value in metadata.items() if value is not None})


def _moved(session: Session, target: SessionStatus, reason: str, now_us: int) -> dict[str, Any]:
    """The fields of a session that moves."""
    fields: dict[str, Any] = {"status": target, "status_reason": reason, "transition_time_us": now_us}
    if target == SessionStatus.ACTIVE and session.start_time_us is None:
        fields["start_time_us"] = now_us
    if target == SessionStatus.PAUSED:
        fields["pause_time_us"] = now_us
    if SESSION.terminal(target):
        fields["end_time_us"] = now_us
    return fields


def expire(work: SessionSet, session_id: str, reason: str) -> None:
    """Expire a session that has not ended."""
    session, head = work.get(session_id), work.open_head(session_id)
    work.change(session, **_moved(session, SessionStatus.EXPIRED, reason, work.now_us))
    work.move_head(head, state=HeadState.ENDED, last_activity_us=head.last_activity_us)


@mutation(Command, describe=lambda command: AuditFacts("session", command.session_id), locks=head_of)
def append_command(tx: Transaction, items: Sequence[NewCommand]) -> list[Outcome[Command]]:
    """Add commands to the histories of sessions. Refusals: SessionNotFound, SessionEnded."""
    work = SessionSet(tx)
    work.load_heads(item.session_id for item in items)
    rows: list[Row] = []

    def decide(item: NewCommand) -> Command:
        head = work.open_head(item.session_id)
        number = head.command_count + 1
        work.move_head(head, command_count=number)
        rows.append((item.session_id, number, item.command, work.now_us))
        return Command(
            session_id=item.session_id, number=number, command=item.command, create_time_us=work.now_us
        )

    outcomes = decide_each(items, decide)
    if rows and tx.dialect.insert(tx.connection, schema.session_commands, COMMANDS.columns, rows) != len(
        rows
    ):
        raise RuntimeError("the number of a command was taken")
    work.store()
    return outcomes


class CommandPage(Record, frozen=True, kw_only=True):
    commands: list[Command]
    more: bool


def command_page(tx: Transaction, session_id: str, after: int, at_most: int) -> CommandPage:
    """The commands of a session after a number, at most so many, oldest first. Raises `SessionNotFound`."""
    (detail,) = get.read(tx, [session_id])
    if isinstance(detail, Refusal):
        raise detail
    parameter = tx.dialect.parameter
    rows = fetch(
        tx.connection,
        f"SELECT {', '.join(COMMANDS.quoted())} FROM session_commands WHERE session_id = {parameter(1)}"
        f" AND number > {parameter(2)} ORDER BY number LIMIT {parameter(3)}",
        (session_id, after, at_most),
    )
    commands = [COMMANDS.from_row(row) for row in rows]
    return CommandPage(
        commands=commands, more=bool(commands) and commands[-1].number < detail.head.command_count
    )


@mutation(
    str,
    describe=lambda session_id: AuditFacts("session", session_id),
    locks=lambda session_id: [(SESSION_HEADS, session_id)],
)
def delete(tx: Transaction, items: Sequence[str]) -> list[Outcome[str]]:
    """Delete sessions by id, with their transcripts; the id. Refusals: SessionNotFound."""
    work = SessionSet(tx)
    work.load(items)

    def decide(session_id: str) -> str:
        work.delete(work.get(session_id))
        return session_id

    outcomes = decide_each(items, decide)
    work.store()
    return outcomes


@query
def get(tx: Transaction, keys: Sequence[str]) -> list[Outcome[SessionDetail]]:
    """Sessions by id. Refusals: SessionNotFound."""
    columns = ", ".join((*SESSIONS.quoted(), *SESSION_HEADS.quoted()))
    condition = tx.dialect.any_of(schema.sessions.c.session_id)
    rows = fetch(
        tx.connection,
        f"SELECT {columns} FROM sessions"
        f" JOIN session_heads ON session_heads.session_id = sessions.session_id WHERE {condition}",
        tx.dialect.keys(keys),
    )
    found = {detail.session.session_id: detail for detail in map(detail_of, rows)}
    return [found.get(key) or SessionNotFound(key) for key in keys]


def detail_of(row: Row) -> SessionDetail:
    """A row of the columns of a session and then those of its head."""
    width = len(SESSIONS.columns)
    return SessionDetail(session=SESSIONS.from_row(row[:width]), head=SESSION_HEADS.from_row(row[width:]))
