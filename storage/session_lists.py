"""Lists of sessions and handoffs, and what a session is resumed with. All run in a snapshot."""

from sqlalchemy import Boolean, Column, ColumnElement, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB

from storage import limits
from storage import schema_sessions as schema
from storage import sessions as session_store
from storage.approval_records import Approval
from storage.approvals import pending_of_session
from storage.errors import Refusal
from storage.handoffs import HANDOFFS
from storage.lifecycle import HandoffStatus, SessionStatus
from storage.lists import Listed, Page, equal_to, fitting, json_weight, keyset_page, text_weight
from storage.records import Record, Task
from storage.session_records import Command, Entry, Handoff, Session, SessionDetail
from storage.session_set import HEADS, SESSIONS
from storage.transaction import Transaction
from storage.transcripts import Extent, page
from storage.workset import TASKS


class SessionFilter(Record, frozen=True, kw_only=True):
    page: Page
    status: SessionStatus | None = None
    role: str = ""
    task_id: str = ""
    metadata_key: str = ""
    open_only: bool = False


class HandoffFilter(Record, frozen=True, kw_only=True):
    page: Page
    to_role: str = ""
    from_role: str = ""
    status: HandoffStatus | None = None
    trace_id: str = ""


class Resume(Record, frozen=True, kw_only=True):
    """Which session, and how many of its last entries and commands."""

    session_id: str
    entries_max: int
    commands_max: int


class Resumed(Record, frozen=True, kw_only=True):
    """Entries and commands are the last, oldest first; tasks are those of the active ids that are known.

    Each part is bounded, so that all of them together fit into the 4 MiB that a client takes.
    """

    detail: SessionDetail
    entries: list[Entry]
    commands: list[Command]
    active_tasks: list[Task]
    pending_approvals: list[Approval]


def sessions(tx: Transaction, wanted: SessionFilter) -> Listed[SessionDetail]:
    """Sessions, newest first."""
    conditions = equal_to(schema.sessions, wanted, ("status", "role", "task_id"))
    if wanted.open_only:
        conditions.append(_is(schema.OPEN_SESSION))
    if wanted.metadata_key:
        conditions.append(_has_key(tx, schema.sessions.c.metadata, wanted.metadata_key))
    listed = keyset_page(tx, SESSIONS, conditions, wanted.page, weigh=_weight)
    keys = [session.session_id for session in listed.records]
    heads = {head.session_id: head for head in HEADS.load(tx, keys, lock=False)}
    details = [SessionDetail(session=session, head=heads[session.session_id]) for session in listed.records]
    return Listed(records=details, next_key=listed.next_key, total_size=listed.total_size, log=listed.log)


def _weight(session: Session) -> int:
    return json_weight(session.metadata) + limits.IDENTIFIER_BYTES_MAX * len(session.active_task_ids)


def _is(condition: str) -> ColumnElement[bool]:
    """A condition in the words of a partial index."""
    return literal_column(condition, Boolean)


def _has_key(tx: Transaction, column: Column[str], key: str) -> ColumnElement[bool]:
    if tx.dialect.name == "postgresql":
        return func.jsonb_exists(column.cast(JSONB), key)
    keys = func.json_each(column).table_valued("key")
    return select(1).select_from(keys).where(keys.c.key == key).exists()


def handoffs(tx: Transaction, wanted: HandoffFilter) -> Listed[Handoff]:
    """Handoffs, oldest first."""
    conditions = equal_to(schema.handoffs, wanted, ("to_role", "from_role", "status", "trace_id"))
    return keyset_page(
        tx,
        HANDOFFS,
        conditions,
        wanted.page,
        newest_first=False,
        weigh=lambda handoff: json_weight(handoff.payload, handoff.result, handoff.description),
    )


def resume(tx: Transaction, wanted: Resume) -> Resumed:
    """All that somebody needs to go on with a session. Raises `SessionNotFound`."""
    (detail,) = session_store.get.read(tx, [wanted.session_id])
    if isinstance(detail, Refusal):
        raise detail
    before_last = max(0, detail.head.command_count - wanted.commands_max)
    commands = session_store.command_page(tx, (wanted.session_id, before_last, wanted.commands_max))
    last = Extent(
        session_id=wanted.session_id,
        size=wanted.entries_max,
        backwards=True,
        bytes_max=limits.RESUMED_BYTES_MAX,
    )
    tasks = TASKS.load(tx, detail.session.active_task_ids, lock=False)
    return Resumed(
        detail=detail,
        entries=page(tx, last).entries[::-1],
        commands=commands.commands,
        active_tasks=fitting(tasks, _task_weight, limits.RESUMED_BYTES_MAX),
        pending_approvals=pending_of_session(tx, wanted.session_id),
    )


def _task_weight(task: Task) -> int:
    return text_weight(
        task.client_task_id,
        task.requester_id,
        task.description,
        task.task_type,
        task.assigned_agent_id,
        task.disputed_by,
        task.dispute_reason,
        task.last_error,
    )
