"""Requests about sessions, transcripts and handoffs to what storage takes; see `convert_requests`."""

from collections.abc import Sequence

from chamberlain.v1 import handoff_service_pb2 as handoff_pb
from chamberlain.v1 import session_service_pb2 as session_pb
from chamberlain.v1 import transcript_pb2
from chamberlain.v1 import transcript_service_pb2 as transcript_pb
from google.protobuf.struct_pb2 import Struct

from server.enums import ENTRY_ROLE, HANDOFF_STATUS, SESSION_STATUS
from server.structs import canonical_json
from server.validation import Fields
from storage import limits
from storage.handoffs import HandoffUpdate, NewHandoff
from storage.lifecycle import HandoffStatus, SessionStatus
from storage.session_records import EntryRole, NewEntry, ToolCall
from storage.sessions import NewCommand, NewSession, SessionUpdate
from storage.transcripts import Append, Copy

UPDATABLE = ("status", "task_id", "metadata", "active_task_ids")
"""The fields of a session that an update mask may name."""


def new_session(request: session_pb.CreateSessionRequest) -> NewSession:
    fields = Fields()
    session = NewSession(
        role=fields.identifier("role", request.role),
        task_id=fields.optional_identifier("task_id", request.task_id),
        metadata=_metadata(fields, "metadata", request.metadata),
        active_task_ids=_active_task_ids(fields, "active_task_ids", request.active_task_ids),
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return session


def session_update(request: session_pb.UpdateSessionRequest) -> SessionUpdate:
    fields = Fields()
    session, named = request.session, set(request.update_mask.paths)
    if not named:
        fields.refuse("update_mask", "is required")
    if not named.issubset(UPDATABLE):
        fields.refuse("update_mask", f"may name only {', '.join(UPDATABLE)}")
    if request.revision < 0:
        fields.refuse("revision", "must not be negative")
    if request.reason and "status" not in named:
        fields.refuse("reason", "is only for a move to another status")
    update = SessionUpdate(
        session_id=fields.identifier("session.session_id", session.session_id),
        revision=request.revision,
        status=fields.required_choice("session.status", session.status, SESSION_STATUS, SessionStatus.PENDING)
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
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return update


def new_command(request: session_pb.AppendCommandRequest) -> NewCommand:
    fields = Fields()
    command = NewCommand(
        session_id=fields.identifier("session_id", request.session_id),
        command=fields.text("command", request.command, limits.COMMAND_BYTES_MAX, required=True),
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return command


def branch(request: session_pb.BranchSessionRequest) -> Copy:
    fields = Fields()
    if request.position < 1:
        fields.refuse("position", "must be at least 1")
    wanted = Copy(session_id=fields.identifier("session_id", request.session_id), position=request.position)
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return wanted


def append(session_id: str, entries: Sequence[transcript_pb2.TranscriptEntry], request_id: str) -> Append:
    fields = Fields()
    fields.identifier("session_id", session_id)
    fields.optional_identifier("request_id", request_id)
    if len(entries) > limits.TRANSCRIPT_BATCH_MAX:
        fields.refuse("entries", f"has too many entries: at most {limits.TRANSCRIPT_BATCH_MAX:,}")
        entries = ()
    wanted = Append(
        session_id=session_id,
        entries=tuple(_entry(fields, f"entries[{place}].", entry) for place, entry in enumerate(entries)),
    )
    fields.refuse_if_wrong()
    return wanted


def _entry(fields: Fields, path: str, entry: transcript_pb2.TranscriptEntry) -> NewEntry:
    if len(entry.tool_calls) > limits.TOOL_CALLS_MAX:
        fields.refuse(f"{path}tool_calls", f"has too many entries: at most {limits.TOOL_CALLS_MAX}")
        return NewEntry(role=EntryRole.TOOL)

    def number(name: str, value: int) -> int:
        return fields.number(path + name, value, limits.NUMBER_MAX)

    return NewEntry(
        role=fields.required_choice(f"{path}role", entry.role, ENTRY_ROLE, EntryRole.USER),
        content=fields.text(f"{path}content", entry.content, limits.CONTENT_BYTES_MAX),
        phase=fields.text(f"{path}phase", entry.phase, limits.PHASE_BYTES_MAX),
        iteration=number("iteration", entry.iteration),
        model=fields.optional_identifier(f"{path}model", entry.model),
        input_tokens=number("input_tokens", entry.input_tokens),
        output_tokens=number("output_tokens", entry.output_tokens),
        cache_creation_tokens=number("cache_creation_tokens", entry.cache_creation_tokens),
        cache_read_tokens=number("cache_read_tokens", entry.cache_read_tokens),
        tool_calls=tuple(
            _tool_call(fields, f"{path}tool_calls[{place}].", call)
            for place, call in enumerate(entry.tool_calls)
        ),
        parent_position=number("parent_position", entry.parent_position),
        size_bytes=entry.ByteSize(),
    )


def _tool_call(fields: Fields, path: str, call: transcript_pb2.ToolCall) -> ToolCall:
    return ToolCall(
        call_id=fields.optional_identifier(f"{path}call_id", call.call_id),
        name=fields.identifier(f"{path}name", call.name),
        arguments=canonical_json(
            fields, f"{path}arguments", call.arguments, bytes_max=limits.TOOL_CALL_BYTES_MAX
        ),
        result=fields.text(f"{path}result", call.result, limits.TOOL_CALL_BYTES_MAX),
    )


def streamed(request: transcript_pb.StreamTranscriptRequest, session_id: str) -> Append:
    """A message of a stream that is about a session, or about any if `session_id` is empty."""
    fields = Fields()
    if session_id and request.session_id not in ("", session_id):
        fields.refuse("session_id", "must be the same in all messages of a stream")
    fields.refuse_if_wrong()
    return append(session_id or request.session_id, request.entries, request.request_id)


def new_handoff(request: handoff_pb.RouteTaskRequest) -> NewHandoff:
    fields = Fields()
    handoff = NewHandoff(
        from_role=fields.identifier("from_role", request.from_role),
        to_role=fields.identifier("to_role", request.to_role),
        handoff_type=fields.text("type", request.type, limits.HANDOFF_TYPE_BYTES_MAX, required=True),
        description=fields.text("description", request.description, limits.DESCRIPTION_BYTES_MAX),
        payload=_payload(fields, "data", request.data),
        trace_id=fields.optional_identifier("trace_id", request.trace_id),
        session_id=fields.optional_identifier("session_id", request.session_id),
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return handoff


def handoff_update(request: handoff_pb.UpdateHandoffRequest) -> HandoffUpdate:
    fields = Fields()
    if request.revision < 0:
        fields.refuse("revision", "must not be negative")
    update = HandoffUpdate(
        handoff_id=fields.identifier("handoff_id", request.handoff_id),
        status=fields.required_choice("status", request.status, HANDOFF_STATUS, HandoffStatus.PENDING),
        revision=request.revision,
        reason=fields.text("reason", request.reason, limits.REASON_BYTES_MAX),
        result=_payload(fields, "result", request.result) if request.HasField("result") else "",
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return update


def _metadata(fields: Fields, field: str, struct: Struct) -> str:
    return canonical_json(fields, field, struct, bytes_max=limits.SESSION_METADATA_BYTES_MAX)


def _payload(fields: Fields, field: str, struct: Struct) -> str:
    return canonical_json(fields, field, struct, bytes_max=limits.HANDOFF_PAYLOAD_BYTES_MAX)


def _active_task_ids(fields: Fields, field: str, values: Sequence[str]) -> tuple[str, ...]:
    if len(values) > limits.ACTIVE_TASKS_MAX:
        fields.refuse(field, f"has too many entries: at most {limits.ACTIVE_TASKS_MAX}")
        return ()
    return tuple(fields.identifier(f"{field}[{place}]", value) for place, value in enumerate(values))
