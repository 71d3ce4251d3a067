"""Transcripts, between the contract and storage."""

from collections.abc import Sequence

from chamberlain.v1 import transcript_pb2
from chamberlain.v1 import transcript_service_pb2 as pb

from server.convert.values import timestamp
from server.enums import ENTRY_ROLE
from server.paging import Tokens, rows
from server.structs import canonical_json, struct_of
from server.validation import Checked, Fields
from storage import limits
from storage.records import EntryRole
from storage.sessions.records import Entry, NewEntry, ToolCall
from storage.sessions.transcript_search import Match, Search
from storage.sessions.transcripts import Append, EntryRange
from storage.sessions.words import words_of

WATCHED_BY_TRANSCRIPT = frozenset({"session", "transcript"})  # a session that is deleted ends the watch


def append(request: pb.AppendTranscriptRequest) -> Append:
    with Checked(request) as fields:
        return _append(fields, request.session_id, request.entries)


def streamed(request: pb.StreamTranscriptRequest, session_id: str) -> Append:
    """A message of a stream that is about a session, or about any if `session_id` is empty."""
    with Checked(request) as fields:
        if session_id and request.session_id not in ("", session_id):
            fields.refuse("session_id", "must be the same in all messages of a stream")
        return _append(fields, session_id or request.session_id, request.entries)


def _append(fields: Fields, session_id: str, entries: Sequence[transcript_pb2.TranscriptEntry]) -> Append:
    fields.identifier("session_id", session_id)
    if len(entries) > limits.TRANSCRIPT_BATCH_MAX:
        fields.refuse("entries", f"has too many entries: at most {limits.TRANSCRIPT_BATCH_MAX:,}")
        entries = ()
    return Append(
        session_id=session_id,
        entries=tuple(_entry(fields, f"entries[{place}].", entry) for place, entry in enumerate(entries)),
    )


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


def transcript(request: pb.ListTranscriptRequest, tokens: Tokens) -> EntryRange:
    with Checked(request) as fields:
        return EntryRange(
            session_id=fields.identifier("session_id", request.session_id),
            size=rows(
                fields,
                "page_size",
                request.page_size,
                default=limits.PAGE_SIZE_DEFAULT,
                at_most=limits.PAGE_SIZE_MAX,
            ),
            position=tokens.number(request.page_token),
            backwards=request.newest_first,
        )


def search(request: pb.SearchTranscriptsRequest, tokens: Tokens) -> Search:
    with Checked(request) as fields:
        query = fields.text("query", request.query, limits.SEARCH_BYTES_MAX, required=True)
        words = words_of(query)
        if query and not 1 <= len(words) <= limits.SEARCH_WORDS_MAX:
            fields.refuse("query", f"must have 1 to {limits.SEARCH_WORDS_MAX} words")
        return Search(
            words=words,
            size=rows(
                fields,
                "page_size",
                request.page_size,
                default=limits.SEARCH_PAGE_SIZE_DEFAULT,
                at_most=limits.SEARCH_PAGE_SIZE_MAX,
            ),
            after=tokens.number(request.page_token) or 0,
            session_id=fields.optional_identifier("session_id", request.session_id),
            session_role=fields.optional_identifier("session_role", request.session_role),
            task_id=fields.optional_identifier("task_id", request.task_id),
            role=fields.filter("role", request.role, ENTRY_ROLE),
            begin_time_us=fields.time_us("begin_time", request.begin_time)
            if request.HasField("begin_time")
            else None,
            end_time_us=fields.time_us("end_time", request.end_time)
            if request.HasField("end_time")
            else None,
        )


def watched_transcript(request: pb.WatchTranscriptRequest) -> tuple[str, int | None]:
    """The session, and the position after which to begin (None for now)."""
    with Checked(request) as fields:
        session_id = fields.identifier("session_id", request.session_id)
        if request.after_position < 0:
            fields.refuse("after_position", "must not be negative")
    return session_id, request.after_position if request.HasField("after_position") else None


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


def match(found: Match) -> pb.TranscriptMatch:
    return pb.TranscriptMatch(
        session_id=found.entry.session_id,
        entry=entry_without_content(found.entry),
        rank=found.rank,
        snippet=[pb.SnippetPart(text=part.text, matched=part.matched) for part in found.snippet],
    )
