"""What the calls about sessions refuse: every wrong field by its path, every wrong state with its reason."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from chamberlain.v1 import handoff_service_pb2 as handoff_pb
from chamberlain.v1 import session_service_pb2 as pb
from chamberlain.v1 import transcript_service_pb2 as transcript_pb
from chamberlain.v1.handoff_pb2 import HandoffStatus
from chamberlain.v1.session_pb2 import Session, SessionStatus
from chamberlain.v1.session_service_pb2_grpc import SessionServiceStub
from chamberlain.v1.transcript_pb2 import ToolCall, TranscriptEntry
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from server.app import App
from tests.server.conftest import connected, running, settings
from tests.server.conversation import a_session, a_struct, an_append, an_entry, an_update
from tests.server.refusals import refused

LARGE = a_struct({"a": "x" * 16_384})
NAN = Struct(fields={"a": Value(number_value=float("nan"))})
ACTIVE, COMPLETED = SessionStatus.SESSION_STATUS_ACTIVE, SessionStatus.SESSION_STATUS_COMPLETED


def with_number(message: Any, **numbers: int) -> Any:
    """A message with a number in an enum field that the enum does not have."""
    for field, number in numbers.items():
        setattr(message, field, number)
    return message


def append_of(*entries: TranscriptEntry, session_id: str = "s", **fields: Any) -> Any:
    return transcript_pb.AppendTranscriptRequest(session_id=session_id, entries=entries, **fields)


def search(query: str = "x", **fields: Any) -> Any:
    return transcript_pb.SearchTranscriptsRequest(query=query, **fields)


def route(**fields: Any) -> Any:
    given: dict[str, Any] = {"from_role": "a", "to_role": "b", "type": "t"}
    return handoff_pb.RouteTaskRequest(**given | fields)


@pytest.mark.parametrize(
    ("service", "method", "request_", "fields"),
    [
        ("sessions", "CreateSession", pb.CreateSessionRequest(), ["role"]),
        ("sessions", "CreateSession", pb.CreateSessionRequest(role="\0"), ["role"]),
        (
            "sessions",
            "CreateSession",
            pb.CreateSessionRequest(role="r" * 129, task_id="t" * 129, request_id="i" * 129),
            ["role", "task_id", "request_id"],
        ),
        ("sessions", "CreateSession", pb.CreateSessionRequest(role="r", metadata=LARGE), ["metadata"]),
        ("sessions", "CreateSession", pb.CreateSessionRequest(role="r", metadata=NAN), ["metadata.a"]),
        (
            "sessions",
            "CreateSession",
            pb.CreateSessionRequest(role="r", metadata=a_struct({"a": "\0"})),
            ["metadata.a"],
        ),
        (
            "sessions",
            "CreateSession",
            pb.CreateSessionRequest(role="r", active_task_ids=["t"] * 101),
            ["active_task_ids"],
        ),
        (
            "sessions",
            "CreateSession",
            pb.CreateSessionRequest(role="r", active_task_ids=["t", ""]),
            ["active_task_ids[1]"],
        ),
        ("sessions", "GetSession", pb.GetSessionRequest(), ["session_id"]),
        ("sessions", "ListSessions", pb.ListSessionsRequest(page_size=-1), ["page_size"]),
        ("sessions", "ListSessions", with_number(pb.ListSessionsRequest(), status=9), ["status"]),
        ("sessions", "ListSessions", pb.ListSessionsRequest(metadata_key="\0"), ["metadata_key"]),
        ("sessions", "UpdateSession", pb.UpdateSessionRequest(), ["update_mask", "session.session_id"]),
        ("sessions", "UpdateSession", an_update("s", role="another"), ["update_mask"]),
        (
            "sessions",
            "UpdateSession",
            an_update("s", task_id="t", revision=-1, reason="why"),
            ["revision", "reason"],
        ),
        ("sessions", "UpdateSession", an_update("s", status=0), ["session.status"]),
        (
            "sessions",
            "UpdateSession",
            pb.UpdateSessionRequest(
                session=with_number(Session(session_id="s"), status=9),
                update_mask=FieldMask(paths=["status"]),
                reason="r" * 513,
            ),
            ["session.status", "reason"],
        ),
        ("sessions", "UpdateSession", an_update("s", metadata=LARGE), ["session.metadata"]),
        ("sessions", "DeleteSession", pb.DeleteSessionRequest(), ["session_id"]),
        (
            "sessions",
            "ResumeSession",
            pb.ResumeSessionRequest(session_id="s", entries_max=-1),
            ["entries_max"],
        ),
        (
            "sessions",
            "ResumeSession",
            pb.ResumeSessionRequest(session_id="s", commands_max=-1),
            ["commands_max"],
        ),
        ("sessions", "AppendCommand", pb.AppendCommandRequest(session_id="s"), ["command"]),
        (
            "sessions",
            "AppendCommand",
            pb.AppendCommandRequest(session_id="s", command="c" * 4097),
            ["command"],
        ),
        ("sessions", "ListCommands", pb.ListCommandsRequest(page_size=-1), ["session_id", "page_size"]),
        ("sessions", "BranchSession", pb.BranchSessionRequest(session_id="s"), ["position"]),
        ("sessions", "CopySession", pb.CopySessionRequest(), ["session_id"]),
        ("sessions", "SweepSessions", pb.SweepSessionsRequest(request_id="\0"), ["request_id"]),
        ("transcripts", "AppendTranscript", append_of(an_entry(), session_id=""), ["session_id"]),
        ("transcripts", "AppendTranscript", append_of(*[an_entry()] * 1001), ["entries"]),
        (
            "transcripts",
            "AppendTranscript",
            append_of(an_entry(), an_entry("\0", role=0)),
            ["entries[1].role", "entries[1].content"],
        ),
        ("transcripts", "AppendTranscript", append_of(an_entry(role=77)), ["entries[0].role"]),
        (
            "transcripts",
            "AppendTranscript",
            append_of(an_entry(phase="p" * 65, iteration=-1, model="m" * 129)),
            ["entries[0].phase", "entries[0].iteration", "entries[0].model"],
        ),
        (
            "transcripts",
            "AppendTranscript",
            append_of(
                an_entry(input_tokens=-1, output_tokens=-1, cache_creation_tokens=-1, cache_read_tokens=-1)
            ),
            [
                "entries[0].input_tokens",
                "entries[0].output_tokens",
                "entries[0].cache_creation_tokens",
                "entries[0].cache_read_tokens",
            ],
        ),
        (
            "transcripts",
            "AppendTranscript",
            append_of(an_entry(tool_calls=[ToolCall(name="t")] * 65)),
            ["entries[0].tool_calls"],
        ),
        (
            "transcripts",
            "AppendTranscript",
            append_of(an_entry(tool_calls=[ToolCall(arguments=LARGE, result="r" * 16_385)])),
            [
                "entries[0].tool_calls[0].name",
                "entries[0].tool_calls[0].arguments",
                "entries[0].tool_calls[0].result",
            ],
        ),
        (
            "transcripts",
            "AppendTranscript",
            append_of(an_entry(parent_position=-1)),
            ["entries[0].parent_position"],
        ),
        (
            "transcripts",
            "ListTranscript",
            transcript_pb.ListTranscriptRequest(page_size=-1),
            ["session_id", "page_size"],
        ),
        ("transcripts", "SearchTranscripts", search(""), ["query"]),
        ("transcripts", "SearchTranscripts", search("- ( ) *"), ["query"]),
        ("transcripts", "SearchTranscripts", search("x" * 1025), ["query"]),
        ("transcripts", "SearchTranscripts", search(" ".join(f"w{n}" for n in range(33))), ["query"]),
        ("transcripts", "SearchTranscripts", search("a\0b"), ["query"]),
        ("transcripts", "SearchTranscripts", search(page_size=-1), ["page_size"]),
        ("transcripts", "SearchTranscripts", with_number(search(), role=99), ["role"]),
        ("transcripts", "SearchTranscripts", search(begin_time=Timestamp(seconds=-1)), ["begin_time"]),
        ("transcripts", "SearchTranscripts", search(end_time=Timestamp(seconds=2**40)), ["end_time"]),
        ("handoffs", "RouteTask", handoff_pb.RouteTaskRequest(), ["from_role", "to_role", "type"]),
        ("handoffs", "RouteTask", route(type="t" * 65, data=LARGE), ["type", "data"]),
        (
            "handoffs",
            "RouteTask",
            route(description="d" * 10_241, trace_id="\0"),
            ["description", "trace_id"],
        ),
        ("handoffs", "GetHandoff", handoff_pb.GetHandoffRequest(), ["handoff_id"]),
        ("handoffs", "ListHandoffs", handoff_pb.ListHandoffsRequest(page_size=-1), ["page_size"]),
        ("handoffs", "UpdateHandoff", handoff_pb.UpdateHandoffRequest(handoff_id="h"), ["status"]),
        (
            "handoffs",
            "UpdateHandoff",
            handoff_pb.UpdateHandoffRequest(
                status=HandoffStatus.HANDOFF_STATUS_ACTIVE, revision=-1, result=LARGE
            ),
            ["revision", "handoff_id", "result"],
        ),
        ("handoffs", "GetStatus", handoff_pb.GetStatusRequest(), ["id"]),
    ],
)
async def test_every_wrong_field_is_named_by_its_path(
    sessions: Any,
    transcripts: Any,
    handoffs: Any,
    service: str,
    method: str,
    request_: Any,
    fields: list[str],
) -> None:
    stub = {"sessions": sessions, "transcripts": transcripts, "handoffs": handoffs}[service]
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=fields):
        await getattr(stub, method)(request_)


async def test_a_session_that_does_not_exist_is_not_found(sessions: Any, transcripts: Any) -> None:
    for call, request in (
        (sessions.GetSession, pb.GetSessionRequest(session_id="none")),
        (sessions.UpdateSession, an_update("none", task_id="t")),
        (sessions.DeleteSession, pb.DeleteSessionRequest(session_id="none")),
        (sessions.ResumeSession, pb.ResumeSessionRequest(session_id="none")),
        (sessions.AppendCommand, pb.AppendCommandRequest(session_id="none", command="x")),
        (sessions.ListCommands, pb.ListCommandsRequest(session_id="none")),
        (sessions.BranchSession, pb.BranchSessionRequest(session_id="none", position=1)),
        (sessions.CopySession, pb.CopySessionRequest(session_id="none")),
        (transcripts.AppendTranscript, an_append("none", "x")),
        (transcripts.ListTranscript, transcript_pb.ListTranscriptRequest(session_id="none")),
    ):
        with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND", resource="none"):
            await call(request)


async def test_what_the_state_of_a_session_does_not_allow_is_refused(sessions: Any, transcripts: Any) -> None:
    session_id = (await a_session(sessions)).session_id
    with refused(
        StatusCode.FAILED_PRECONDITION,
        "INVALID_TRANSITION",
        resource=session_id,
        metadata={"from": "pending", "to": "completed"},
    ):
        await sessions.UpdateSession(an_update(session_id, status=COMPLETED))
    with refused(StatusCode.ABORTED, "STALE_REVISION", metadata={"revision": "2", "current_revision": "1"}):
        await sessions.UpdateSession(an_update(session_id, status=ACTIVE, revision=2))
    await sessions.UpdateSession(an_update(session_id, status=ACTIVE))
    await sessions.UpdateSession(an_update(session_id, status=COMPLETED))
    for call, request in (
        (sessions.UpdateSession, an_update(session_id, task_id="t")),
        (sessions.AppendCommand, pb.AppendCommandRequest(session_id=session_id, command="x")),
        (transcripts.AppendTranscript, an_append(session_id, "x")),
    ):
        with refused(StatusCode.FAILED_PRECONDITION, "SESSION_ENDED", resource=session_id):
            await call(request)


async def test_what_a_transcript_does_not_have_is_refused(sessions: Any, transcripts: Any) -> None:
    session_id = (await a_session(sessions)).session_id
    with refused(StatusCode.NOT_FOUND, "ENTRY_NOT_FOUND", metadata={"position": "1"}):
        await sessions.BranchSession(pb.BranchSessionRequest(session_id=session_id, position=1))
    with refused(StatusCode.NOT_FOUND, "ENTRY_NOT_FOUND", resource=f"{session_id}/7"):
        await transcripts.AppendTranscript(append_of(an_entry(parent_position=7), session_id=session_id))


async def test_a_transcript_may_be_too_long_to_branch(
    sessions: Any, transcripts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.limits.COPY_ENTRIES_MAX", 2)
    session_id = (await a_session(sessions)).session_id
    await transcripts.AppendTranscript(an_append(session_id, "1", "2", "3"))
    with refused(StatusCode.FAILED_PRECONDITION, "TRANSCRIPT_TOO_LONG", metadata={"rows": "3"}):
        await sessions.CopySession(pb.CopySessionRequest(session_id=session_id))


async def test_metadata_that_would_grow_too_large_is_refused(sessions: Any) -> None:
    half = "x" * 10_000
    session_id = (await a_session(sessions, metadata=a_struct({"a": half}))).session_id
    with refused(StatusCode.FAILED_PRECONDITION, "METADATA_TOO_LARGE", resource=session_id):
        await sessions.UpdateSession(an_update(session_id, metadata=a_struct({"b": half})))


async def test_a_handoff_that_does_not_exist_or_has_ended_is_refused(handoffs: Any) -> None:
    with refused(StatusCode.NOT_FOUND, "HANDOFF_NOT_FOUND", resource="none"):
        await handoffs.GetHandoff(handoff_pb.GetHandoffRequest(handoff_id="none"))
    handoff_id = (await handoffs.RouteTask(route())).handoff.handoff_id
    done = handoff_pb.UpdateHandoffRequest(
        handoff_id=handoff_id, status=HandoffStatus.HANDOFF_STATUS_COMPLETED
    )
    with refused(
        StatusCode.FAILED_PRECONDITION,
        "INVALID_TRANSITION",
        metadata={"from": "pending", "to": "completed"},
    ):
        await handoffs.UpdateHandoff(done)


@pytest.fixture
async def unreachable() -> AsyncIterator[grpc.aio.Channel]:
    """A server whose database is away."""
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    async with running(App(settings(database_url=url))) as app, connected(app) as channel:
        yield channel


async def test_without_a_database_every_call_is_unavailable_and_says_when_to_come_again(
    unreachable: grpc.aio.Channel,
) -> None:
    from chamberlain.v1.handoff_service_pb2_grpc import HandoffServiceStub
    from chamberlain.v1.transcript_service_pb2_grpc import TranscriptServiceStub

    sessions: Any = SessionServiceStub(unreachable)
    transcripts: Any = TranscriptServiceStub(unreachable)
    handoffs: Any = HandoffServiceStub(unreachable)
    stream = transcripts.StreamTranscript()
    await stream.write(transcript_pb.StreamTranscriptRequest(session_id="s", entries=[an_entry()]))
    calls = [
        sessions.CreateSession(pb.CreateSessionRequest(role="r")),
        sessions.GetSession(pb.GetSessionRequest(session_id="s")),
        sessions.ListSessions(pb.ListSessionsRequest()),
        sessions.UpdateSession(an_update("s", task_id="t")),
        sessions.DeleteSession(pb.DeleteSessionRequest(session_id="s")),
        sessions.ResumeSession(pb.ResumeSessionRequest(session_id="s")),
        sessions.AppendCommand(pb.AppendCommandRequest(session_id="s", command="c")),
        sessions.ListCommands(pb.ListCommandsRequest(session_id="s")),
        sessions.BranchSession(pb.BranchSessionRequest(session_id="s", position=1)),
        sessions.CopySession(pb.CopySessionRequest(session_id="s")),
        sessions.SweepSessions(pb.SweepSessionsRequest()),
        sessions.SweepSessions(pb.SweepSessionsRequest(dry_run=True)),
        sessions.WatchSessions(pb.WatchSessionsRequest()).read(),
        transcripts.AppendTranscript(an_append("s", "x")),
        stream,
        transcripts.ListTranscript(transcript_pb.ListTranscriptRequest(session_id="s")),
        transcripts.SearchTranscripts(search()),
        transcripts.WatchTranscript(transcript_pb.WatchTranscriptRequest(session_id="s")).read(),
        handoffs.RouteTask(route()),
        handoffs.GetHandoff(handoff_pb.GetHandoffRequest(handoff_id="h")),
        handoffs.ListHandoffs(handoff_pb.ListHandoffsRequest()),
        handoffs.UpdateHandoff(
            handoff_pb.UpdateHandoffRequest(handoff_id="h", status=HandoffStatus.HANDOFF_STATUS_ACTIVE)
        ),
        handoffs.GetStatus(handoff_pb.GetStatusRequest(id="x")),
    ]
    for call in calls:
        with refused(StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE") as refusal:
            await call
        assert refusal.details["RetryInfo"].retry_delay.ToNanoseconds() > 0
