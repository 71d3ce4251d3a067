"""Sessions, transcripts and handoffs to messages of the contract."""

from chamberlain.v1 import handoff_pb2, session_pb2, transcript_pb2
from chamberlain.v1 import transcript_service_pb2 as transcript_pb

from server.convert_records import optional_timestamp, timestamp
from server.enums import ENTRY_ROLE, HANDOFF_STATUS, SESSION_STATUS
from server.structs import struct_of
from storage.records import DELETED, Event
from storage.session_records import Command, Entry, Handoff, SessionDetail
from storage.transcript_search import Match


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


def entry(record: Entry) -> transcript_pb2.TranscriptEntry:
    message = entry_without_content(record)
    message.content = record.content
    message.tool_calls.extend(
        transcript_pb2.ToolCall(
            call_id=call.call_id, name=call.name, arguments=struct_of(call.arguments), result=call.result
        )
        for call in record.tool_calls
    )
    return message


def entry_without_content(record: Entry) -> transcript_pb2.TranscriptEntry:
    return transcript_pb2.TranscriptEntry(
        position=record.position,
        role=ENTRY_ROLE.to_wire[record.role],
        phase=record.phase,
        iteration=record.iteration,
        model=record.model,
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cache_creation_tokens=record.cache_creation_tokens,
        cache_read_tokens=record.cache_read_tokens,
        parent_position=record.parent_position,
        create_time=timestamp(record.create_time_us),
    )


def match(found: Match) -> transcript_pb.TranscriptMatch:
    return transcript_pb.TranscriptMatch(
        session_id=found.entry.session_id,
        entry=entry_without_content(found.entry),
        rank=found.rank,
        snippet=[transcript_pb.SnippetPart(text=part.text, matched=part.matched) for part in found.snippet],
    )


def handoff(record: Handoff) -> handoff_pb2.Handoff:
    return handoff_pb2.Handoff(
        handoff_id=record.handoff_id,
        from_role=record.from_role,
        to_role=record.to_role,
        type=record.handoff_type,
        description=record.description,
        data=struct_of(record.payload),
        trace_id=record.trace_id,
        session_id=record.session_id,
        status=HANDOFF_STATUS.to_wire[record.status],
        status_reason=record.status_reason,
        result=struct_of(record.result) if record.result else None,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
        start_time=optional_timestamp(record.start_time_us),
        end_time=optional_timestamp(record.end_time_us),
    )
