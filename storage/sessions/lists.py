"""Lists of sessions and handoffs, and what a session is resumed with. All run in a snapshot."""

from sqlalchemy import Boolean, ColumnElement, literal_column

from storage import limits
from storage import schema_sessions as schema
from storage.errors import Refusal
from storage.lifecycle import HandoffStatus, SessionStatus
from storage.market.workset import TASKS
from storage.pages import Page, PageRequest, equal_to, keyset_page
from storage.records import Record, Task
from storage.sessions import sessions as session_store
from storage.sessions.approval_records import Approval
from storage.sessions.approvals import pending_of_session
from storage.sessions.handoffs import HANDOFFS
from storage.sessions.records import Command, Entry, Handoff, Session, SessionDetail
from storage.sessions.session_set import SESSION_HEADS, SESSIONS
from storage.sessions.transcripts import EntryRange, page
from storage.transaction import Transaction
from storage.weights import fitting, json_weight, text_weight


class SessionFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    status: SessionStatus | None = None
    role: str = ""
    task_id: str = ""
    metadata_key: str = ""
    open_only: bool = False


class HandoffFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
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


def sessions(tx: Transaction, wanted: SessionFilter) -> Page[SessionDetail]:
    """Sessions, newest first."""
    conditions = equal_to(schema.sessions, wanted, ("status", "role", "task_id"))
    if wanted.open_only:
        conditions.append(_is(schema.OPEN_SESSION))
    if wanted.metadata_key:
        conditions.append(tx.dialect.json_has_key(schema.sessions.c.metadata, wanted.metadata_key))
    listed = keyset_page(tx, SESSIONS, conditions, wanted.page, weigh=_weight)
    keys = [session.session_id for session in listed.records]
    heads = {head.session_id: head for head in SESSION_HEADS.load(tx, keys, lock=False)}
    details = [SessionDetail(session=session, head=heads[session.session_id]) for session in listed.records]
    return Page(records=details, next_key=listed.next_key, total_size=listed.total_size, log=listed.log)


def _weight(session: Session) -> int:
    return json_weight(session.metadata) + limits.IDENTIFIER_BYTES_MAX * len(session.active_task_ids)


def _is(condition: str) -> ColumnElement[bool]:
    """A condition in the words of a partial index."""
    return literal_column(condition, Boolean)


def handoffs(tx: Transaction, wanted: HandoffFilter) -> Page[Handoff]:
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
    """Everything needed to continue a session. Raises `SessionNotFound`."""
    (detail,) = session_store.get.read(tx, [wanted.session_id])
    if isinstance(detail, Refusal):
        raise detail
    before_last = max(0, detail.head.command_count - wanted.commands_max)
    commands = session_store.command_page(tx, wanted.session_id, before_last, wanted.commands_max)
    last = EntryRange(
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
