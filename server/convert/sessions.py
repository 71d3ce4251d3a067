"""Sessions and their commands, between the contract and storage."""

from collections.abc import Sequence

from chamberlain.v1 import session_pb2
from chamberlain.v1 import session_service_pb2 as pb
from google.protobuf.struct_pb2 import Struct

from server.convert.values import optional_timestamp, timestamp
from server.enums import SESSION_STATUS
from server.paging import Tokens, page_request, rows
from server.structs import canonical_json, struct_of
from server.validation import Checked, Fields
from storage import limits
from storage.events import Filter
from storage.lifecycle import SessionStatus
from storage.records import DELETED, Event
from storage.sessions.lists import Resume, SessionFilter
from storage.sessions.records import Command, SessionDetail
from storage.sessions.sessions import NewCommand, NewSession, SessionUpdate
from storage.sessions.transcripts import Copy

UPDATABLE = ("status", "task_id", "metadata", "active_task_ids")
"""The fields of a session that an update mask may name."""
WATCHED_BY_SESSION = frozenset({"session"})


def new_session(request: pb.CreateSessionRequest) -> NewSession:
    with Checked(request) as fields:
        return NewSession(
            role=fields.identifier("role", request.role),
            task_id=fields.optional_identifier("task_id", request.task_id),
            metadata=_metadata(fields, "metadata", request.metadata),
            active_task_ids=_active_task_ids(fields, "active_task_ids", request.active_task_ids),
        )


def session_update(request: pb.UpdateSessionRequest) -> SessionUpdate:
    with Checked(request) as fields:
        session, named = request.session, set(request.update_mask.paths)
        if not named:
            fields.refuse("update_mask", "is required")
        if not named.issubset(UPDATABLE):
            fields.refuse("update_mask", f"may name only {', '.join(UPDATABLE)}")
        if request.revision < 0:
            fields.refuse("revision", "must not be negative")
        if request.reason and "status" not in named:
            fields.refuse("reason", "is only for a move to another status")
        return SessionUpdate(
            session_id=fields.identifier("session.session_id", session.session_id),
            revision=request.revision,
            status=fields.required_choice(
                "session.status", session.status, SESSION_STATUS, SessionStatus.PENDING
            )
            if "status" in named
            else None,
            reason=fields.text("reason", request.reason, limits.REASON_BYTES_MAX),
            task_id=fields.optional_identifier("session.task_id", session.task_id)
            if "task_id" in named
            else None,
            metadata=_metadata(fields, "session.metadata", session.metadata) if "metadata" in named else None,
            active_task_ids=_active_task_ids(fields, "session.active_task_ids", session.active_task_ids)
            if "active_task_ids" in named
            else None,
        )


def new_command(request: pb.AppendCommandRequest) -> NewCommand:
    with Checked(request) as fields:
        return NewCommand(
            session_id=fields.identifier("session_id", request.session_id),
            command=fields.text("command", request.command, limits.COMMAND_BYTES_MAX, required=True),
        )


def branch(request: pb.BranchSessionRequest) -> Copy:
    with Checked(request) as fields:
        if request.position < 1:
            fields.refuse("position", "must be at least 1")
        return Copy(session_id=fields.identifier("session_id", request.session_id), position=request.position)


def _metadata(fields: Fields, field: str, struct: Struct) -> str:
    return canonical_json(fields, field, struct, bytes_max=limits.SESSION_METADATA_BYTES_MAX)


def _active_task_ids(fields: Fields, field: str, values: Sequence[str]) -> tuple[str, ...]:
    if len(values) > limits.ACTIVE_TASKS_MAX:
        fields.refuse(field, f"has too many entries: at most {limits.ACTIVE_TASKS_MAX}")
        return ()
    return tuple(fields.identifier(f"{field}[{place}]", value) for place, value in enumerate(values))


def sessions(request: pb.ListSessionsRequest, tokens: Tokens) -> SessionFilter:
    with Checked(request) as fields:
        return SessionFilter(
            status=fields.filter("status", request.status, SESSION_STATUS),
            role=fields.optional_identifier("role", request.role),
            task_id=fields.optional_identifier("task_id", request.task_id),
            metadata_key=fields.optional_identifier("metadata_key", request.metadata_key),
            open_only=request.open_only,
            page=page_request(
                fields,
                request,
                tokens,
                default=limits.SESSION_PAGE_SIZE_DEFAULT,
                at_most=limits.SESSION_PAGE_SIZE_MAX,
            ),
        )


def resume(request: pb.ResumeSessionRequest) -> Resume:
    with Checked(request) as fields:
        return Resume(
            session_id=fields.identifier("session_id", request.session_id),
            entries_max=rows(
                fields,
                "entries_max",
                request.entries_max,
                default=limits.RESUMED_ENTRIES_DEFAULT,
                at_most=limits.PAGE_SIZE_MAX,
            ),
            commands_max=rows(
                fields,
                "commands_max",
                request.commands_max,
                default=limits.PAGE_SIZE_DEFAULT,
                at_most=limits.PAGE_SIZE_MAX,
            ),
        )


def commands(request: pb.ListCommandsRequest, tokens: Tokens) -> tuple[str, int, int]:
    """The session, the number after which to begin, and how many."""
    with Checked(request) as fields:
        session_id = fields.identifier("session_id", request.session_id)
        size = rows(
            fields,
            "page_size",
            request.page_size,
            default=limits.PAGE_SIZE_DEFAULT,
            at_most=limits.PAGE_SIZE_MAX,
        )
    return session_id, tokens.number(request.page_token) or 0, size


def watched_sessions(request: pb.WatchSessionsRequest) -> Filter:
    with Checked(request) as fields:
        return Filter(
            entities=WATCHED_BY_SESSION,
            entity_ids=fields.identifiers("session_ids", request.session_ids, limits.WATCHED_IDS_MAX),
            task_ids=fields.identifiers("task_ids", request.task_ids, limits.WATCHED_IDS_MAX),
        )


def session(detail: SessionDetail) -> session_pb2.Session:
    record, head = detail.session, detail.head
    return session_pb2.Session(
        session_id=record.session_id,
        role=record.role,
        task_id=record.task_id,
        status=SESSION_STATUS.to_wire[record.status],
        status_reason=record.status_reason,
        metadata=struct_of(record.metadata),
        active_task_ids=record.active_task_ids,
        source_session_id=record.source_session_id,
        source_position=record.source_position,
        entry_count=head.entry_count,
        command_count=head.command_count,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
        last_activity_time=timestamp(head.last_activity_us),
        transition_time=timestamp(record.transition_time_us),
        start_time=optional_timestamp(record.start_time_us),
        pause_time=optional_timestamp(record.pause_time_us),
        end_time=optional_timestamp(record.end_time_us),
    )


def command(record: Command) -> session_pb2.SessionCommand:
    return session_pb2.SessionCommand(
        number=record.number, command=record.command, create_time=timestamp(record.create_time_us)
    )


def session_event(event: Event) -> session_pb2.SessionEvent:
    body, deleted = event.body, event.body.status == DELETED
    if deleted:
        kind = session_pb2.SESSION_EVENT_TYPE_SESSION_DELETED
    elif event.created:
        kind = session_pb2.SESSION_EVENT_TYPE_SESSION_CREATED
    else:
        kind = session_pb2.SESSION_EVENT_TYPE_SESSION_CHANGED
    return session_pb2.SessionEvent(
        type=kind,
        event_time=timestamp(event.event_time_us),
        session_id=event.entity_id,
        role=body.role,
        task_id=event.task_id,
        status=None if deleted else SESSION_STATUS.to_wire[body.status],
        status_reason=body.status_reason or body.error,  # see `EventBody`
        revision=event.revision,
    )
