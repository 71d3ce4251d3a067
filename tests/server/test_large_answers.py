"""Whatever was stored, an answer fits into the 4 MiB that a client takes unless it is told otherwise."""

from typing import Any

from chamberlain.v1 import approval_service_pb2 as approval_pb
from chamberlain.v1 import orchestrator_service_pb2 as orchestrator_pb
from chamberlain.v1 import session_service_pb2 as session_pb
from chamberlain.v1 import transcript_service_pb2 as pb
from chamberlain.v1.transcript_pb2 import ENTRY_ROLE_TOOL, ToolCall, TranscriptEntry
from google.protobuf.struct_pb2 import Struct

from server.app import App
from storage import limits
from tests.server.conversation import a_session
from tests.server.market import a_task
from tests.storage.auditing import meddle

NUMBERS = Struct()
"""The JSON that grows most on its way into a message, by far."""
NUMBERS.update({"v": [1] * 8000})


async def test_sessions_are_listed_whatever_their_metadata(sessions: Any) -> None:
    made = [await a_session(sessions, metadata=NUMBERS) for _ in range(50)]
    request = session_pb.ListSessionsRequest(page_size=100)
    listed: list[str] = []
    while not listed or request.page_token:
        page = await sessions.ListSessions(request)
        listed += [session.session_id for session in page.sessions]
        request.page_token = page.next_page_token
    assert listed == [session.session_id for session in reversed(made)]


async def test_agents_are_listed_whatever_they_can_do(orchestrator: Any) -> None:
    for number in range(limits.PAGE_SIZE_MAX):
        agent = orchestrator_pb.RegisterAgentRequest(
            agent_id=f"agent-{number:03}",
            label="l" * limits.LABEL_BYTES_MAX,
            capabilities=["c" * limits.CAPABILITY_BYTES_MAX] * limits.CAPABILITIES_MAX,
            metadata="m" * limits.METADATA_BYTES_MAX,
            attestation=b"a" * limits.ATTESTATION_BYTES_MAX,
        )
        await orchestrator.RegisterAgent(agent)
    request = orchestrator_pb.ListAgentsRequest(page_size=limits.PAGE_SIZE_MAX)
    listed: list[str] = []
    while not listed or request.page_token:
        page = await orchestrator.ListAgents(request)
        listed += [agent.agent_id for agent in page.agents]
        request.page_token = page.next_page_token
    assert listed == [f"agent-{number:03}" for number in range(limits.PAGE_SIZE_MAX)]


async def test_approvals_are_listed_whatever_their_details(approvals: Any) -> None:
    request = approval_pb.RequestApprovalRequest(kind="k", title="t", requested_by="r", details=NUMBERS)
    for _ in range(50):
        await approvals.RequestApproval(request)
    page = await approvals.ListApprovals(approval_pb.ListApprovalsRequest(page_size=100))
    assert page.approvals
    assert page.next_page_token


async def test_a_transcript_is_listed_and_watched_whatever_its_tool_calls(
    sessions: Any, transcripts: Any
) -> None:
    session = await a_session(sessions)
    calls = [ToolCall(name="count", arguments=NUMBERS)] * 4
    entry = TranscriptEntry(role=ENTRY_ROLE_TOOL, tool_calls=calls)
    for _ in range(30):
        append = pb.AppendTranscriptRequest(session_id=session.session_id, entries=[entry])
        await transcripts.AppendTranscript(append)
    page = await transcripts.ListTranscript(pb.ListTranscriptRequest(session_id=session.session_id))
    assert 1 < len(page.entries) < 30
    watch = pb.WatchTranscriptRequest(session_id=session.session_id, after_position=0)
    position = 0
    async for message in transcripts.WatchTranscript(watch):
        position = message.position
        if position == 30:
            break
    assert position == 30


async def test_a_session_is_resumed_when_every_part_of_it_is_as_large_as_it_may_be(
    sessions: Any, transcripts: Any, approvals: Any, orchestrator: Any, app: App
) -> None:
    name = "n" * limits.IDENTIFIER_BYTES_MAX
    task = a_task(
        client_task_id=name,
        requester_id=name,
        description="d" * limits.DESCRIPTION_BYTES_MAX,
        task_type="t" * limits.TASK_TYPE_BYTES_MAX,
    )
    batch = orchestrator_pb.BatchCreateTasksRequest(requests=[task] * limits.ACTIVE_TASKS_MAX)
    made = await orchestrator.BatchCreateTasks(batch)
    task_ids = [result.created.task.task_id for result in made.results]
    reason = "r" * limits.DISPUTE_REASON_BYTES_MAX
    error = "😀" * limits.LAST_ERROR_CHARS_MAX
    await meddle(
        app.storage,
        "UPDATE tasks SET dispute_reason = :reason, last_error = :error",
        reason=reason,
        error=error,
    )
    session = await a_session(sessions, metadata=NUMBERS, active_task_ids=task_ids)
    session_id = session.session_id
    numbers = Struct()
    numbers.update({"v": [1] * 860})
    ask = approval_pb.RequestApprovalRequest(
        session_id=session_id,
        task_id=name,
        kind="k" * limits.TASK_TYPE_BYTES_MAX,
        title="t" * limits.LABEL_BYTES_MAX,
        requested_by=name,
        approver_role=name,
        details=numbers,
    )
    for _ in range(limits.RESUMED_APPROVALS_MAX):
        await approvals.RequestApproval(ask)
    call = ToolCall(name=name, result="r" * limits.TOOL_CALL_BYTES_MAX)
    entry = TranscriptEntry(
        role=ENTRY_ROLE_TOOL, content="x" * limits.CONTENT_BYTES_MAX, tool_calls=[call] * 3
    )
    await transcripts.AppendTranscript(pb.AppendTranscriptRequest(session_id=session_id, entries=[entry]))
    command = session_pb.AppendCommandRequest(session_id=session_id, command="c" * limits.COMMAND_BYTES_MAX)
    for _ in range(limits.PAGE_SIZE_MAX):
        await sessions.AppendCommand(command)
    resume = session_pb.ResumeSessionRequest(session_id=session_id, commands_max=limits.PAGE_SIZE_MAX)
    resumed = await sessions.ResumeSession(resume)  # its client takes 4 MiB
    assert len(resumed.entries) == 1
    assert len(resumed.commands) == limits.PAGE_SIZE_MAX
    assert [each.task_id for each in resumed.active_tasks] == task_ids[: len(resumed.active_tasks)]
    assert limits.ACTIVE_TASKS_MAX // 2 < len(resumed.active_tasks) < limits.ACTIVE_TASKS_MAX
    assert len(resumed.pending_approvals) > limits.RESUMED_APPROVALS_MAX // 2
    for part in ("entries", "commands"):
        resumed.ClearField(part)
    assert resumed.ByteSize() < 2.2 * limits.RESUMED_BYTES_MAX


async def test_a_session_is_resumed_however_much_there_is_to_it(
    sessions: Any, transcripts: Any, approvals: Any
) -> None:
    session = await a_session(sessions, metadata=NUMBERS)
    session_id = session.session_id
    ask = approval_pb.RequestApprovalRequest(
        session_id=session_id, kind="k", title="t", requested_by="r", details={"text": "x" * 16_000}
    )
    for _ in range(limits.RESUMED_APPROVALS_MAX):
        await approvals.RequestApproval(ask)
    entry = TranscriptEntry(role=ENTRY_ROLE_TOOL, content="x" * 200_000)
    for _ in range(20):
        await transcripts.AppendTranscript(pb.AppendTranscriptRequest(session_id=session_id, entries=[entry]))
    command = session_pb.AppendCommandRequest(session_id=session_id, command="c" * limits.COMMAND_BYTES_MAX)
    for _ in range(200):
        await sessions.AppendCommand(command)
    resume = session_pb.ResumeSessionRequest(session_id=session_id, commands_max=200)
    resumed = await sessions.ResumeSession(resume)
    assert resumed.entries[-1].position == 20
    assert resumed.pending_approvals
    assert len(resumed.commands) == 200
