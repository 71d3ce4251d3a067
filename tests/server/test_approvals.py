"""ApprovalService on a real channel: an agent asks, a person decides, and the agent goes on."""

import asyncio
from typing import Any

import pytest
from chamberlain.v1 import approval_service_pb2 as pb
from chamberlain.v1 import handoff_service_pb2 as handoff_pb
from chamberlain.v1 import session_service_pb2 as session_pb
from chamberlain.v1.approval_pb2 import (
    APPROVAL_EVENT_TYPE_APPROVAL_DELETED,
    APPROVAL_EVENT_TYPE_APPROVAL_ENDED,
    APPROVAL_EVENT_TYPE_APPROVAL_REQUESTED,
    APPROVAL_STATUS_APPROVED,
    APPROVAL_STATUS_CANCELLED,
    APPROVAL_STATUS_EXPIRED,
    APPROVAL_STATUS_PENDING,
    APPROVAL_STATUS_REJECTED,
    Approval,
)
from chamberlain.v1.approval_service_pb2_grpc import ApprovalServiceStub
from chamberlain.v1.handoff_pb2 import HANDOFF_STATUS_CANCELLED
from chamberlain.v1.session_pb2 import SessionStatus
from google.protobuf.duration_pb2 import Duration
from grpc import StatusCode
from grpc.aio import EOF, AioRpcError

from server import sweeps
from server.app import App
from tests.server.conftest import connected, running, settings, swept
from tests.server.conversation import a_session, a_struct, an_update
from tests.server.refusals import refused
from tests.storage.auditing import meddle

YES, NO = pb.APPROVAL_DECISION_APPROVED, pb.APPROVAL_DECISION_REJECTED


def a_request(**fields: Any) -> pb.RequestApprovalRequest:
    given: dict[str, Any] = {
        "kind": "payment",
        "title": "Pay 12 units to did:ex:ada",
        "details": a_struct({"amount": "12"}),
        "requested_by": "planner",
        "approver_role": "treasurer",
    }
    return pb.RequestApprovalRequest(**given | fields)


def a_decision(approval_id: str, decision: Any = YES, **fields: Any) -> pb.DecideApprovalRequest:
    given: dict[str, Any] = {"decided_by": "grace", "notes": "fine"}
    return pb.DecideApprovalRequest(approval_id=approval_id, decision=decision, **given | fields)


async def an_approval(approvals: Any, **fields: Any) -> Approval:
    approval: Approval = (await approvals.RequestApproval(a_request(**fields))).approval
    return approval


async def get(approvals: Any, approval_id: str) -> Approval:
    request = pb.GetApprovalRequest(approval_id=approval_id)
    approval: Approval = (await approvals.GetApproval(request)).approval
    return approval


async def rest_of(stream: Any) -> list[Any]:
    """All further messages, to the end of the stream."""
    messages = []
    while (message := await stream.read()) is not EOF:
        messages.append(message)
    return messages


async def test_an_approval_is_requested_and_decided(approvals: Any) -> None:
    asked = await an_approval(approvals, task_id="task-7")
    assert asked.status == APPROVAL_STATUS_PENDING
    assert asked.details["amount"] == "12"
    assert asked.expire_time.seconds - asked.create_time.seconds == 7 * 86_400
    assert not asked.HasField("end_time")
    decided = (await approvals.DecideApproval(a_decision(asked.approval_id))).approval
    assert (decided.status, decided.decided_by, decided.notes) == (APPROVAL_STATUS_APPROVED, "grace", "fine")
    assert decided.HasField("end_time")
    assert await get(approvals, asked.approval_id) == decided


async def test_of_two_deciders_at_once_one_wins_and_the_other_is_told(approvals: Any) -> None:
    for _ in range(10):
        asked = await an_approval(approvals)
        decisions = [
            a_decision(asked.approval_id, YES, decided_by="grace"),
            a_decision(asked.approval_id, NO, decided_by="hedy"),
        ]
        answers = await asyncio.gather(*map(approvals.DecideApproval, decisions), return_exceptions=True)
        (won,) = [answer.approval for answer in answers if not isinstance(answer, BaseException)]
        (lost,) = [answer for answer in answers if isinstance(answer, AioRpcError)]
        assert lost.code() == StatusCode.FAILED_PRECONDITION
        assert await get(approvals, asked.approval_id) == won


async def test_a_repeated_decision_gets_its_first_answer(approvals: Any) -> None:
    asked = await an_approval(approvals)
    decision = a_decision(asked.approval_id, request_id="once")
    first, second = await asyncio.gather(*(approvals.DecideApproval(decision) for _ in range(2)))
    assert first == second
    with refused(
        StatusCode.FAILED_PRECONDITION,
        "APPROVAL_NOT_PENDING",
        resource=asked.approval_id,
        metadata={"status": "approved", "decided_by": "grace"},
    ):
        await approvals.DecideApproval(a_decision(asked.approval_id))
    with refused(StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED"):
        await approvals.DecideApproval(a_decision(asked.approval_id, NO, request_id="once"))


async def test_what_is_needed_no_more_is_cancelled(approvals: Any) -> None:
    asked = await an_approval(approvals)
    cancel = pb.CancelApprovalRequest(approval_id=asked.approval_id, cancelled_by="planner", notes="over")
    cancelled = (await approvals.CancelApproval(cancel)).approval
    assert (cancelled.status, cancelled.decided_by) == (APPROVAL_STATUS_CANCELLED, "planner")
    for late in (approvals.CancelApproval(cancel), approvals.DecideApproval(a_decision(asked.approval_id))):
        with refused(StatusCode.FAILED_PRECONDITION, "APPROVAL_NOT_PENDING"):
            await late


async def test_pending_ones_are_listed_oldest_first_and_others_newest_first(
    approvals: Any, sessions: Any
) -> None:
    session = await a_session(sessions)
    asked = [(await an_approval(approvals, session_id=session.session_id)).approval_id for _ in range(3)]
    other = await an_approval(approvals, approver_role="judge", task_id="task-7")
    await approvals.DecideApproval(a_decision(asked[1], NO))

    async def listed(**wanted: Any) -> list[str]:
        answer = await approvals.ListApprovals(pb.ListApprovalsRequest(include_total_size=True, **wanted))
        assert answer.total_size == len(answer.approvals)
        return [approval.approval_id for approval in answer.approvals]

    everything = [*asked, other.approval_id]
    assert await listed() == everything[::-1]
    assert await listed(status=APPROVAL_STATUS_PENDING) == [asked[0], asked[2], other.approval_id]
    assert await listed(status=APPROVAL_STATUS_REJECTED) == [asked[1]]
    assert await listed(session_id=session.session_id) == asked[::-1]
    assert await listed(approver_role="judge", task_id="task-7") == [other.approval_id]
    request = pb.ListApprovalsRequest(status=APPROVAL_STATUS_PENDING, page_size=2)
    first = await approvals.ListApprovals(request)
    request.page_token = first.next_page_token
    second = await approvals.ListApprovals(request)
    found = [approval.approval_id for approval in (*first.approvals, *second.approvals)]
    assert found == [asked[0], asked[2], other.approval_id]


async def test_a_session_is_resumed_with_what_it_waits_for(approvals: Any, sessions: Any) -> None:
    session = await a_session(sessions)
    asked = [await an_approval(approvals, session_id=session.session_id) for _ in range(3)]
    await an_approval(approvals)
    await approvals.DecideApproval(a_decision(asked[0].approval_id))
    resume = session_pb.ResumeSessionRequest(session_id=session.session_id)
    assert list((await sessions.ResumeSession(resume)).pending_approvals) == asked[1:]


async def test_a_session_that_cannot_go_on_asks_for_nothing(approvals: Any, sessions: Any) -> None:
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND", resource="nobody"):
        await approvals.RequestApproval(a_request(session_id="nobody"))
    session = await a_session(sessions)
    for status in (SessionStatus.SESSION_STATUS_ACTIVE, SessionStatus.SESSION_STATUS_COMPLETED):
        await sessions.UpdateSession(an_update(session.session_id, status=status))
    with refused(StatusCode.FAILED_PRECONDITION, "SESSION_ENDED", resource=session.session_id):
        await approvals.RequestApproval(a_request(session_id=session.session_id))


async def test_an_approval_that_nobody_decides_expires(approvals: Any, app: App) -> None:
    asked = await an_approval(approvals, time_to_live=Duration(seconds=60))
    assert asked.expire_time.seconds - asked.create_time.seconds == 60
    lasting = await an_approval(approvals)
    past = "UPDATE approvals SET expire_time_us = 1 WHERE approval_id = :approval_id"
    await meddle(app.storage, past, approval_id=asked.approval_id)
    with refused(StatusCode.FAILED_PRECONDITION, "APPROVAL_NOT_PENDING", metadata={"status": "expired"}):
        await approvals.DecideApproval(a_decision(asked.approval_id))
    await swept(app, "approvals")
    assert (await get(approvals, asked.approval_id)).status == APPROVAL_STATUS_EXPIRED
    assert (await get(approvals, lasting.approval_id)).status == APPROVAL_STATUS_PENDING


class TestWaiting:
    async def test_tells_the_state_and_then_the_decision_and_ends(self, approvals: Any) -> None:
        asked = await an_approval(approvals)
        waiting = approvals.WaitForApproval(pb.WaitForApprovalRequest(approval_id=asked.approval_id))
        assert (await waiting.read()).approval == asked
        await an_approval(approvals)  # of somebody else
        decided = (await approvals.DecideApproval(a_decision(asked.approval_id, NO))).approval
        assert [message.approval for message in await rest_of(waiting)] == [decided]

    async def test_for_what_is_decided_already_ends_at_once(self, approvals: Any) -> None:
        asked = await an_approval(approvals)
        decided = (await approvals.DecideApproval(a_decision(asked.approval_id))).approval
        waiting = approvals.WaitForApproval(pb.WaitForApprovalRequest(approval_id=asked.approval_id))
        assert [message.approval async for message in waiting] == [decided]

    async def test_sends_heartbeats_meanwhile(self) -> None:
        app = App(settings(watch_heartbeat_seconds=0.01))
        async with running(app), connected(app) as channel:
            approvals: Any = ApprovalServiceStub(channel)
            asked = await an_approval(approvals)
            waiting = approvals.WaitForApproval(pb.WaitForApprovalRequest(approval_id=asked.approval_id))
            assert (await waiting.read()).approval == asked
            for _ in range(3):
                assert not (await waiting.read()).HasField("approval")
            await approvals.DecideApproval(a_decision(asked.approval_id))
            assert (await rest_of(waiting))[-1].approval.status == APPROVAL_STATUS_APPROVED

    async def test_goes_on_after_a_restart_of_the_server(self, tmp_path: Any) -> None:
        database = f"sqlite:///{tmp_path}/chamberlain.db"
        async with running(App(settings(database_url=database))) as app, connected(app) as channel:
            approvals: Any = ApprovalServiceStub(channel)
            asked = await an_approval(approvals)
            wait = pb.WaitForApprovalRequest(approval_id=asked.approval_id)
            waiting = approvals.WaitForApproval(wait)
            assert (await waiting.read()).approval == asked
            await app.stop()
            with refused(StatusCode.UNAVAILABLE, "SHUTTING_DOWN"):
                await waiting.read()
        async with running(App(settings(database_url=database))) as app, connected(app) as channel:
            approvals = ApprovalServiceStub(channel)
            waiting = approvals.WaitForApproval(wait)
            assert (await waiting.read()).approval == asked
            await approvals.DecideApproval(a_decision(asked.approval_id))
            (last,) = await rest_of(waiting)
            assert last.approval.status == APPROVAL_STATUS_APPROVED

    async def test_ends_when_the_approval_expires(self, approvals: Any, app: App) -> None:
        asked = await an_approval(approvals)
        waiting = approvals.WaitForApproval(pb.WaitForApprovalRequest(approval_id=asked.approval_id))
        assert (await waiting.read()).approval == asked
        past = "UPDATE approvals SET expire_time_us = 1 WHERE approval_id = :approval_id"
        await meddle(app.storage, past, approval_id=asked.approval_id)
        # The server's own sweep comes by within a second.
        (last,) = await rest_of(waiting)
        assert last.approval.status == APPROVAL_STATUS_EXPIRED
        assert last.approval.decided_by == ""

    async def test_for_an_approval_that_does_not_exist_is_refused(self, approvals: Any) -> None:
        with refused(StatusCode.NOT_FOUND, "APPROVAL_NOT_FOUND", resource="none"):
            await approvals.WaitForApproval(pb.WaitForApprovalRequest(approval_id="none")).read()


@pytest.mark.parametrize("wanted", ["approval_ids", "task_ids", "session_ids", "approver_roles"])
async def test_watchers_see_the_requests_and_decisions_that_they_want(
    approvals: Any, sessions: Any, wanted: str
) -> None:
    cursor = (await approvals.ListApprovals(pb.ListApprovalsRequest())).watch_cursor
    session_id, other_id = [(await a_session(sessions)).session_id for _ in range(2)]
    await an_approval(approvals, session_id=other_id, approver_role="clerk")
    asked = await an_approval(approvals, task_id="task-7", session_id=session_id, approver_role="treasurer")
    await approvals.DecideApproval(a_decision(asked.approval_id))
    values = {
        "approval_ids": asked.approval_id,
        "task_ids": "task-7",
        "session_ids": session_id,
        "approver_roles": "treasurer",
    }
    request = pb.WatchApprovalsRequest(after_cursor=cursor, **{wanted: [values[wanted]]})
    watch = approvals.WatchApprovals(request)
    events: list[Any] = []
    while len(events) < 2:
        events += (await watch.read()).events
    assert [(event.type, event.approval_id, event.status, event.revision) for event in events] == [
        (APPROVAL_EVENT_TYPE_APPROVAL_REQUESTED, asked.approval_id, APPROVAL_STATUS_PENDING, 1),
        (APPROVAL_EVENT_TYPE_APPROVAL_ENDED, asked.approval_id, APPROVAL_STATUS_APPROVED, 2),
    ]
    told = {(event.task_id, event.session_id, event.approver_role) for event in events}
    assert told == {("task-7", session_id, "treasurer")}


async def test_what_ended_long_ago_is_deleted_and_told_to_who_watches(
    approvals: Any, handoffs: Any, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "SWEEP_BATCH_MAX", 2)
    pending = await an_approval(approvals)
    cursor = (await approvals.ListApprovals(pb.ListApprovalsRequest())).watch_cursor
    ended = [await an_approval(approvals) for _ in range(5)]
    for asked in ended:
        await approvals.DecideApproval(a_decision(asked.approval_id))
    routed = await handoffs.RouteTask(handoff_pb.RouteTaskRequest(from_role="a", to_role="b", type="review"))
    handoff_id = routed.handoff.handoff_id
    await handoffs.UpdateHandoff(
        handoff_pb.UpdateHandoffRequest(handoff_id=handoff_id, status=HANDOFF_STATUS_CANCELLED)
    )
    await swept(app, "purge", session_purge_days=1)
    assert await get(approvals, ended[0].approval_id)

    await asyncio.sleep(0.005)  # ids tell the millisecond
    await swept(app, "purge", session_purge_days=0)
    listed = await approvals.ListApprovals(pb.ListApprovalsRequest())
    assert [found.approval_id for found in listed.approvals] == [pending.approval_id]
    with refused(StatusCode.NOT_FOUND, "APPROVAL_NOT_FOUND"):
        await get(approvals, ended[0].approval_id)
    with refused(StatusCode.NOT_FOUND, "HANDOFF_NOT_FOUND"):
        await handoffs.GetHandoff(handoff_pb.GetHandoffRequest(handoff_id=handoff_id))
    watch = approvals.WatchApprovals(
        pb.WatchApprovalsRequest(after_cursor=cursor, approval_ids=[ended[0].approval_id])
    )
    events: list[Any] = []
    while len(events) < 3:
        events += (await watch.read()).events
    assert (events[2].type, events[2].status) == (APPROVAL_EVENT_TYPE_APPROVAL_DELETED, 0)


@pytest.mark.parametrize(
    ("method", "request_", "fields"),
    [
        ("RequestApproval", pb.RequestApprovalRequest(), ["kind", "title", "requested_by"]),
        ("RequestApproval", a_request(kind="k" * 65, title="t" * 257), ["kind", "title"]),
        ("RequestApproval", a_request(details=a_struct({"a": "x" * 16_384})), ["details"]),
        ("RequestApproval", a_request(details=a_struct({"a": "\0"})), ["details.a"]),
        (
            "RequestApproval",
            a_request(session_id="s" * 129, request_id="r" * 129),
            ["session_id", "request_id"],
        ),
        ("RequestApproval", a_request(time_to_live=Duration()), ["time_to_live"]),
        ("RequestApproval", a_request(time_to_live=Duration(seconds=-1)), ["time_to_live"]),
        ("RequestApproval", a_request(time_to_live=Duration(nanos=1)), ["time_to_live"]),
        ("RequestApproval", a_request(time_to_live=Duration(seconds=367 * 86_400)), ["time_to_live"]),
        ("DecideApproval", pb.DecideApprovalRequest(), ["decision", "approval_id", "decided_by"]),
        ("DecideApproval", a_decision("a", 0), ["decision"]),
        ("DecideApproval", a_decision("a", notes="n" * 4097), ["notes"]),
        ("CancelApproval", pb.CancelApprovalRequest(), ["approval_id", "cancelled_by"]),
        ("GetApproval", pb.GetApprovalRequest(), ["approval_id"]),
        ("ListApprovals", pb.ListApprovalsRequest(page_size=-1), ["page_size"]),
    ],
)
async def test_wrong_fields_are_named(approvals: Any, method: str, request_: Any, fields: list[str]) -> None:
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD") as told:
        await getattr(approvals, method)(request_)
    assert set(told.fields) == set(fields)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("GetApproval", pb.GetApprovalRequest(approval_id="none")),
        ("DecideApproval", a_decision("none")),
        ("CancelApproval", pb.CancelApprovalRequest(approval_id="none", cancelled_by="me")),
    ],
)
async def test_approvals_that_do_not_exist_are_not_found(approvals: Any, method: str, request_: Any) -> None:
    with refused(StatusCode.NOT_FOUND, "APPROVAL_NOT_FOUND", resource="none"):
        await getattr(approvals, method)(request_)
