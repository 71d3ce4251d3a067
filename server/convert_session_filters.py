"""List, search and watch requests about sessions, transcripts and handoffs to the filters of storage."""

from chamberlain.v1 import handoff_service_pb2 as handoff_pb
from chamberlain.v1 import session_service_pb2 as session_pb
from chamberlain.v1 import transcript_service_pb2 as transcript_pb

from server.convert_filters import WATCHED_IDS_MAX
from server.enums import ENTRY_ROLE, HANDOFF_STATUS, SESSION_STATUS
from server.paging import Tokens, page, rows
from server.validation import Fields
from storage import limits
from storage.events import Filter
from storage.session_lists import HandoffFilter, Resume, SessionFilter
from storage.transcript_search import Search, words_of
from storage.transcripts import Extent

WATCHED_BY_SESSION = frozenset({"session"})
WATCHED_BY_TRANSCRIPT = frozenset({"session", "transcript"})  # a session that is deleted ends the watch


def sessions(request: session_pb.ListSessionsRequest, tokens: Tokens) -> SessionFilter:
    fields = Fields()
    wanted = SessionFilter(
        status=fields.filter("status", request.status, SESSION_STATUS),
        role=fields.optional_identifier("role", request.role),
        task_id=fields.optional_identifier("task_id", request.task_id),
        metadata_key=fields.optional_identifier("metadata_key", request.metadata_key),
        open_only=request.open_only,
        page=page(
            fields,
            request,
            tokens,
            default=limits.SESSION_PAGE_SIZE_DEFAULT,
            at_most=limits.SESSION_PAGE_SIZE_MAX,
        ),
    )
    fields.refuse_if_wrong()
    return wanted


def resume(request: session_pb.ResumeSessionRequest) -> Resume:
    fields = Fields()
    wanted = Resume(
        session_id=fields.identifier("session_id", request.session_id),
        entries_max=rows(
            fields,
            "entries_max",
            request.entries_max,
            default=limits.SESSION_PAGE_SIZE_DEFAULT,
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
    fields.refuse_if_wrong()
    return wanted


def commands(request: session_pb.ListCommandsRequest, tokens: Tokens) -> tuple[str, int, int]:
    """The session, the number after which to begin, and how many."""
    fields = Fields()
    session_id = fields.identifier("session_id", request.session_id)
    size = rows(
        fields,
        "page_size",
        request.page_size,
        default=limits.PAGE_SIZE_DEFAULT,
        at_most=limits.PAGE_SIZE_MAX,
    )
    fields.refuse_if_wrong()
    return session_id, tokens.number(request.page_token) or 0, size


def watched_sessions(request: session_pb.WatchSessionsRequest) -> Filter:
    fields = Fields()
    wanted = Filter(
        entities=WATCHED_BY_SESSION,
        entity_ids=fields.identifiers("session_ids", request.session_ids, WATCHED_IDS_MAX),
        task_ids=fields.identifiers("task_ids", request.task_ids, WATCHED_IDS_MAX),
    )
    fields.refuse_if_wrong()
    return wanted


def transcript(request: transcript_pb.ListTranscriptRequest, tokens: Tokens) -> Extent:
    fields = Fields()
    wanted = Extent(
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
    fields.refuse_if_wrong()
    return wanted


def search(request: transcript_pb.SearchTranscriptsRequest, tokens: Tokens) -> Search:
    fields = Fields()
    query = fields.text("query", request.query, limits.SEARCH_BYTES_MAX, required=True)
    words = words_of(query)
    if query and not 1 <= len(words) <= limits.SEARCH_WORDS_MAX:
        fields.refuse("query", f"must have 1 to {limits.SEARCH_WORDS_MAX} words")
    wanted = Search(
        words=words,
        size=rows(
            fields,
            "page_size",
            request.page_size,
            default=limits.SESSION_PAGE_SIZE_DEFAULT,
            at_most=limits.SESSION_PAGE_SIZE_MAX,
        ),
        after=tokens.number(request.page_token) or 0,
        session_id=fields.optional_identifier("session_id", request.session_id),
        session_role=fields.optional_identifier("session_role", request.session_role),
        task_id=fields.optional_identifier("task_id", request.task_id),
        role=fields.filter("role", request.role, ENTRY_ROLE),
        begin_time_us=fields.time_us("begin_time", request.begin_time)
        if request.HasField("begin_time")
        else None,
        end_time_us=fields.time_us("end_time", request.end_time) if request.HasField("end_time") else None,
    )
    fields.refuse_if_wrong()
    return wanted


def watched_transcript(request: transcript_pb.WatchTranscriptRequest) -> tuple[str, int | None]:
    """The session, and the position after which to begin (None for now)."""
    fields = Fields()
    session_id = fields.identifier("session_id", request.session_id)
    if request.after_position < 0:
        fields.refuse("after_position", "must not be negative")
    fields.refuse_if_wrong()
    return session_id, request.after_position if request.HasField("after_position") else None


def handoffs(request: handoff_pb.ListHandoffsRequest, tokens: Tokens) -> HandoffFilter:
    fields = Fields()
    wanted = HandoffFilter(
        to_role=fields.optional_identifier("to_role", request.to_role),
        status=fields.filter("status", request.status, HANDOFF_STATUS),
        from_role=fields.optional_identifier("from_role", request.from_role),
        trace_id=fields.optional_identifier("trace_id", request.trace_id),
        page=page(
            fields,
            request,
            tokens,
            default=limits.HANDOFF_PAGE_SIZE_DEFAULT,
            at_most=limits.HANDOFF_PAGE_SIZE_MAX,
        ),
    )
    fields.refuse_if_wrong()
    return wanted
