"""Sessions, their transcripts and handoffs over the wire."""

import asyncio
from typing import Any

import pytest
from chamberlain.v1 import handoff_service_pb2 as handoff_pb
from chamberlain.v1 import orchestrator_service_pb2 as orchestrator_pb
from chamberlain.v1 import session_service_pb2 as pb
from chamberlain.v1 import transcript_service_pb2 as transcript_pb
from chamberlain.v1.handoff_pb2 import HandoffStatus
from chamberlain.v1.session_pb2 import Session, SessionEventType, SessionStatus
from chamberlain.v1.session_service_pb2_grpc import SessionServiceStub
from chamberlain.v1.transcript_pb2 import ENTRY_ROLE_TOOL, ToolCall
from chamberlain.v1.transcript_service_pb2_grpc import TranscriptServiceStub
from google.protobuf.json_format import MessageToDict
from grpc import StatusCode

from server.app import App
from storage import schema_sessions
from tests.server.conftest import connected, running, settings, swept
from tests.server.conversation import a_session, a_struct, an_append, an_entry, an_update, contents
from tests.server.market import Market
from tests.server.refusals import refused
from tests.storage.auditing import meddle
from tests.storage.conversation import let_it_rest

ACTIVE, PAUSED = SessionStatus.SESSION_STATUS_ACTIVE, SessionStatus.SESSION_STATUS_PAUSED


async def test_a_session_keeps_what_it_was_given(sessions: Any) -> None:
    created = await a_session(
        sessions, task_id="t", metadata=a_struct({"a": {"b": [1, None]}, "gone": None}), active_task_ids=["x"]
    )
    assert created.status == SessionStatus.SESSION_STATUS_PENDING
    assert MessageToDict(created.metadata) == {"a": {"b": [1, None]}}
    assert list(created.active_task_ids) == ["x"]
    assert not created.HasField("start_time")
    found = await sessions.GetSession(pb.GetSessionRequest(session_id=created.session_id))
    assert found.session == created


async def test_an_update_changes_what_its_mask_names(sessions: Any) -> None:
    created = await a_session(sessions, task_id="t", active_task_ids=["x"])
    request = an_update(
        created.session_id,
        status=ACTIVE,
        metadata=a_struct({"mood": None, "lang": "de"}),
        reason="the user spoke",
        revision=1,
    )
    updated = (await sessions.UpdateSession(request)).session
    assert (updated.status, updated.status_reason, updated.revision) == (ACTIVE, "the user spoke", 2)
    assert MessageToDict(updated.metadata) == {"lang": "de"}
    assert (updated.task_id, list(updated.active_task_ids)) == ("t", ["x"])
    assert updated.start_time == updated.transition_time
    cleared = (
        await sessions.UpdateSession(an_update(created.session_id, task_id="", active_task_ids=[]))
    ).session
    assert (cleared.task_id, list(cleared.active_task_ids)) == ("", [])


async def test_sessions_are_listed_by_twenty_and_handed_over_to_a_watch(sessions: Any) -> None:
    made = [await a_session(sessions) for _ in range(25)]
    first = await sessions.ListSessions(pb.ListSessionsRequest(include_total_size=True))
    rest = await sessions.ListSessions(
        pb.ListSessionsRequest(include_total_size=True, page_token=first.next_page_token)
    )
    assert (len(first.sessions), len(rest.sessions), first.total_size) == (20, 5, 25)
    assert [*first.sessions, *rest.sessions] == made[::-1]
    after = await a_session(sessions)
    watch = sessions.WatchSessions(pb.WatchSessionsRequest(after_cursor=first.watch_cursor))
    assert not (await watch.read()).events
    (event,) = (await watch.read()).events
    assert event.session_id == after.session_id


async def test_a_watch_tells_the_life_of_a_session(sessions: Any, transcripts: Any) -> None:
    watch = sessions.WatchSessions(pb.WatchSessionsRequest(task_ids=["t"]))
    await watch.read()
    await a_session(sessions, task_id="another")
    created = await a_session(sessions, task_id="t")
    await sessions.UpdateSession(an_update(created.session_id, status=ACTIVE, reason="go"))
    await transcripts.AppendTranscript(an_append(created.session_id, "unheard"))
    await sessions.DeleteSession(pb.DeleteSessionRequest(session_id=created.session_id))
    seen: list[Any] = []
    while len(seen) < 3:
        seen += (await watch.read()).events
    assert [(event.type, event.status, event.revision) for event in seen] == [
        (SessionEventType.SESSION_EVENT_TYPE_SESSION_CREATED, SessionStatus.SESSION_STATUS_PENDING, 1),
        (SessionEventType.SESSION_EVENT_TYPE_SESSION_CHANGED, ACTIVE, 2),
        (SessionEventType.SESSION_EVENT_TYPE_SESSION_DELETED, 0, 2),
    ]
    assert {(event.session_id, event.role, event.task_id) for event in seen} == {
        (created.session_id, "planner", "t")
    }
    assert seen[1].status_reason == "go"


async def test_a_voice_client_goes_on_with_one_call(
    sessions: Any, transcripts: Any, orchestrator: Any, market: Market
) -> None:
    task = await market.task()
    created = await a_session(sessions, active_task_ids=[task.task_id, "elsewhere"])
    await transcripts.AppendTranscript(an_append(created.session_id, *(str(n) for n in range(30))))
    for place in range(3):
        request = pb.AppendCommandRequest(session_id=created.session_id, command=f"step {place}")
        assert (await sessions.AppendCommand(request)).command.number == place + 1
    resumed = await sessions.ResumeSession(
        pb.ResumeSessionRequest(session_id=created.session_id, commands_max=2)
    )
    assert [entry.content for entry in resumed.entries] == [str(n) for n in range(10, 30)]
    assert [command.command for command in resumed.commands] == ["step 1", "step 2"]
    (active,) = resumed.active_tasks
    listed = await orchestrator.ListTasks(orchestrator_pb.ListTasksRequest())
    assert active == listed.tasks[0]
    assert (resumed.session.entry_count, resumed.session.command_count) == (30, 3)


async def test_commands_are_listed_by_page(sessions: Any) -> None:
    created = await a_session(sessions)
    for place in range(5):
        request = pb.AppendCommandRequest(session_id=created.session_id, command=str(place))
        await sessions.AppendCommand(request)
    seen: list[str] = []
    wanted = pb.ListCommandsRequest(session_id=created.session_id, page_size=2)
    while True:
        page = await sessions.ListCommands(wanted)
        seen += [command.command for command in page.commands]
        wanted.page_token = page.next_page_token
        if not wanted.page_token:
            break
    assert seen == ["0", "1", "2", "3", "4"]


async def test_entries_come_back_as_they_were_sent(sessions: Any, transcripts: Any) -> None:
    created = await a_session(sessions)
    entry = an_entry(
        "zwölf 世界",
        role=ENTRY_ROLE_TOOL,
        phase="plan",
        iteration=2,
        model="model-1",
        input_tokens=1,
        output_tokens=2,
        cache_creation_tokens=3,
        cache_read_tokens=4,
        tool_calls=[ToolCall(call_id="1", name="grep", arguments=a_struct({"a": [1]}), result="none")],
        parent_position=1,
    )
    request = transcript_pb.AppendTranscriptRequest(
        session_id=created.session_id, entries=[an_entry("first"), entry]
    )
    appended = await transcripts.AppendTranscript(request)
    assert (appended.first_position, appended.last_position) == (1, 2)
    listed = await transcripts.ListTranscript(
        transcript_pb.ListTranscriptRequest(session_id=created.session_id)
    )
    assert listed.entry_count == 2
    entry.position, entry.create_time.seconds = 2, listed.entries[1].create_time.seconds
    entry.create_time.nanos = listed.entries[1].create_time.nanos
    assert listed.entries[1] == entry


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_transcript_is_paged_from_either_end(
    sessions: Any, transcripts: Any, newest_first: bool
) -> None:
    created = await a_session(sessions)
    await transcripts.AppendTranscript(an_append(created.session_id, *"abcdefg"))
    seen = ""
    wanted = transcript_pb.ListTranscriptRequest(
        session_id=created.session_id, page_size=3, newest_first=newest_first
    )
    while True:
        page = await transcripts.ListTranscript(wanted)
        seen += "".join(entry.content for entry in page.entries)
        wanted.page_token = page.next_page_token
        if not wanted.page_token:
            break
    assert seen == ("gfedcba" if newest_first else "abcdefg")
    wanted.page_token = "forged"
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN"):
        await transcripts.ListTranscript(wanted)


async def test_a_search_shows_where_the_words_are(sessions: Any, transcripts: Any) -> None:
    created = await a_session(sessions, role="coder")
    await transcripts.AppendTranscript(
        an_append(created.session_id, "A needle in a haystack.", "Only hay.", "needle needle")
    )
    wanted = transcript_pb.SearchTranscriptsRequest(
        query='"needle', session_role="coder", page_size=1, end_time=created.create_time
    )
    assert not (await transcripts.SearchTranscripts(wanted)).matches
    wanted.ClearField("end_time")
    first = await transcripts.SearchTranscripts(wanted)
    wanted.page_token = first.next_page_token
    second = await transcripts.SearchTranscripts(wanted)
    assert not second.next_page_token
    assert [page.matches[0].entry.position for page in (first, second)] == [3, 1]
    (match,) = second.matches
    assert (match.session_id, match.entry.content) == (created.session_id, "")
    assert [(part.text, part.matched) for part in match.snippet] == [
        ("A ", False),
        ("needle", True),
        (" in a haystack.", False),
    ]


async def test_branches_and_copies_are_sessions_of_their_own(sessions: Any, transcripts: Any) -> None:
    created = await a_session(sessions)
    await transcripts.AppendTranscript(an_append(created.session_id, "1", "2", "3"))
    branch = (
        await sessions.BranchSession(pb.BranchSessionRequest(session_id=created.session_id, position=2))
    ).session
    copy = (await sessions.CopySession(pb.CopySessionRequest(session_id=created.session_id))).session
    await sessions.DeleteSession(pb.DeleteSessionRequest(session_id=created.session_id))
    assert (branch.source_session_id, branch.source_position) == (created.session_id, 2)
    assert await contents(transcripts, branch.session_id) == ["1", "2"]
    assert await contents(transcripts, copy.session_id) == ["1", "2", "3"]


async def test_every_mutation_with_a_request_id_is_done_once(
    sessions: Any, transcripts: Any, handoffs: Any
) -> None:
    created = await a_session(sessions)
    session_id = created.session_id
    update = an_update(session_id, status=ACTIVE)
    update.request_id = "u"
    calls: list[tuple[Any, Any]] = [
        (sessions.CreateSession, pb.CreateSessionRequest(role="r", request_id="c")),
        (sessions.UpdateSession, update),
        (sessions.AppendCommand, pb.AppendCommandRequest(session_id=session_id, command="x", request_id="a")),
        (transcripts.AppendTranscript, an_append(session_id, "x", request_id="t")),
        (sessions.BranchSession, pb.BranchSessionRequest(session_id=session_id, position=1, request_id="b")),
        (sessions.CopySession, pb.CopySessionRequest(session_id=session_id, request_id="p")),
        (sessions.SweepSessions, pb.SweepSessionsRequest(request_id="s")),
        (
            handoffs.RouteTask,
            handoff_pb.RouteTaskRequest(from_role="a", to_role="b", type="t", request_id="h"),
        ),
        (sessions.DeleteSession, pb.DeleteSessionRequest(session_id=session_id, request_id="d")),
    ]
    for call, request in calls:
        assert await call(request) == await call(request)
    listed = await sessions.ListSessions(pb.ListSessionsRequest(include_total_size=True))
    assert listed.total_size == 3


async def test_handoffs_go_from_role_to_role(handoffs: Any, sessions: Any) -> None:
    routed = (
        await handoffs.RouteTask(
            handoff_pb.RouteTaskRequest(
                from_role="planner",
                to_role="coder",
                type="review",
                description="Look at it.",
                data=a_struct({"pr": 7}),
                trace_id="trace",
                session_id="s",
            )
        )
    ).handoff
    assert routed.status == HandoffStatus.HANDOFF_STATUS_PENDING
    wanted = handoff_pb.ListHandoffsRequest(
        to_role="coder", status=HandoffStatus.HANDOFF_STATUS_PENDING, include_total_size=True
    )
    listed = await handoffs.ListHandoffs(wanted)
    assert (list(listed.handoffs), listed.total_size) == ([routed], 1)

    take = handoff_pb.UpdateHandoffRequest(
        handoff_id=routed.handoff_id, status=HandoffStatus.HANDOFF_STATUS_ACTIVE, revision=1
    )
    await handoffs.UpdateHandoff(take)
    with refused(StatusCode.ABORTED, "STALE_REVISION", resource=routed.handoff_id):
        await handoffs.UpdateHandoff(take)
    done = handoff_pb.UpdateHandoffRequest(
        handoff_id=routed.handoff_id,
        status=HandoffStatus.HANDOFF_STATUS_COMPLETED,
        reason="fine",
        result=a_struct({"ok": True}),
    )
    completed = (await handoffs.UpdateHandoff(done)).handoff
    assert (completed.status_reason, MessageToDict(completed.result)) == ("fine", {"ok": True})
    assert not (await handoffs.ListHandoffs(wanted)).handoffs
    get = handoff_pb.GetHandoffRequest(handoff_id=routed.handoff_id)
    assert (await handoffs.GetHandoff(get)).handoff == completed


async def test_a_status_is_asked_for_by_any_id(handoffs: Any, sessions: Any) -> None:
    created = await a_session(sessions)
    request = handoff_pb.RouteTaskRequest(from_role="a", to_role="b", type="t")
    routed = (await handoffs.RouteTask(request)).handoff
    status = handoffs.GetStatus
    assert (await status(handoff_pb.GetStatusRequest(id=created.session_id))).session == created
    assert (await status(handoff_pb.GetStatusRequest(id=routed.handoff_id))).handoff == routed
    with refused(StatusCode.NOT_FOUND, "ID_NOT_FOUND", resource="nobody"):
        await status(handoff_pb.GetStatusRequest(id="nobody"))


async def test_idle_sessions_expire_and_a_dry_run_says_which(
    app: App, sessions: Any, transcripts: Any
) -> None:
    idle, fresh = await a_session(sessions), await a_session(sessions)
    await transcripts.AppendTranscript(an_append(idle.session_id, "a"))
    await let_it_rest(app.storage, idle.session_id, hours=7 * 24 + 1)
    would = await sessions.SweepSessions(pb.SweepSessionsRequest(dry_run=True))
    assert (list(would.expired_session_ids), list(would.deleted_session_ids)) == ([idle.session_id], [])
    found = await sessions.GetSession(pb.GetSessionRequest(session_id=idle.session_id))
    assert found.session.status == SessionStatus.SESSION_STATUS_PENDING

    await swept(app, "sessions")
    found = await sessions.GetSession(pb.GetSessionRequest(session_id=idle.session_id))
    assert found.session.status == SessionStatus.SESSION_STATUS_EXPIRED

    await let_it_rest(app.storage, idle.session_id, hours=91 * 24)
    await swept(app, "sessions")
    listed = await sessions.ListSessions(pb.ListSessionsRequest())
    assert [session.session_id for session in listed.sessions] == [fresh.session_id]
    left = await app.storage.read(
        lambda tx: tx.connection.execute(schema_sessions.transcript_entries.select()).all()
    )
    assert left == []


async def test_fifty_writers_of_one_session_lose_nothing(sessions: Any, transcripts: Any) -> None:
    created = await a_session(sessions)

    async def write(writer: int) -> None:
        for turn in range(3):
            await transcripts.AppendTranscript(an_append(created.session_id, f"{writer}/{turn}"))
            await sessions.UpdateSession(
                an_update(created.session_id, metadata=a_struct({f"w{writer}": turn}))
            )

    await asyncio.gather(*(write(writer) for writer in range(50)))
    said = await contents(transcripts, created.session_id)
    assert sorted(said) == sorted(f"{writer}/{turn}" for writer in range(50) for turn in range(3))
    for writer in range(50):
        assert [text for text in said if text.startswith(f"{writer}/")] == [f"{writer}/{n}" for n in range(3)]
    now: Session = (await sessions.GetSession(pb.GetSessionRequest(session_id=created.session_id))).session
    assert MessageToDict(now.metadata) == {"mood": "calm"} | {f"w{writer}": 2 for writer in range(50)}
    assert now.revision == 151


async def test_sessions_outlive_the_server(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/chamberlain.db"
    async with running(App(settings(database_url=url))) as app, connected(app) as channel:
        created = await a_session(SessionServiceStub(channel))
        transcripts: Any = TranscriptServiceStub(channel)
        await transcripts.AppendTranscript(an_append(created.session_id, "before"))
    async with running(App(settings(database_url=url))) as app, connected(app) as channel:
        transcripts = TranscriptServiceStub(channel)
        appended = await transcripts.AppendTranscript(an_append(created.session_id, "after"))
        assert appended.first_position == 2
        assert await contents(transcripts, created.session_id) == ["before", "after"]


async def test_a_watch_tells_the_reasons_of_events_from_before_an_upgrade(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/chamberlain.db"
    async with running(App(settings(database_url=url))) as app, connected(app) as channel:
        sessions: Any = SessionServiceStub(channel)
        cursor = (await sessions.ListSessions(pb.ListSessionsRequest())).watch_cursor
        created = await a_session(sessions)
        for status, reason in ((ACTIVE, "go"), (SessionStatus.SESSION_STATUS_PAUSED, "wait")):
            await sessions.UpdateSession(an_update(created.session_id, status=status, reason=reason))
        old = """{"status":"active","error":"go","role":"planner"}"""
        await meddle(app.storage, "UPDATE events SET body = :old WHERE body LIKE '%go%'", old=old)
    async with running(App(settings(database_url=url))) as app, connected(app) as channel:
        sessions = SessionServiceStub(channel)
        watch = sessions.WatchSessions(pb.WatchSessionsRequest(after_cursor=cursor))
        seen: list[Any] = []
        while len(seen) < 3:
            seen += (await watch.read()).events
    assert [(event.status, event.status_reason) for event in seen] == [
        (SessionStatus.SESSION_STATUS_PENDING, ""),
        (ACTIVE, "go"),
        (SessionStatus.SESSION_STATUS_PAUSED, "wait"),
    ]
