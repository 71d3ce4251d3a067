"""AuditService on a real channel: what calls leave behind, and how anybody can prove it."""

import base64
import contextlib
import hashlib
import json
import re
import time
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from chamberlain.v1 import approval_service_pb2 as approval_pb
from chamberlain.v1 import audit_service_pb2 as pb
from chamberlain.v1 import chain_service_pb2 as chain_pb
from chamberlain.v1 import handoff_service_pb2 as handoff_pb
from chamberlain.v1 import orchestrator_service_pb2 as orchestrator_pb
from chamberlain.v1 import outbox_service_pb2 as outbox_pb
from chamberlain.v1 import session_service_pb2 as session_pb
from chamberlain.v1 import transcript_service_pb2 as transcript_pb
from chamberlain.v1.agent_pb2 import Agent
from chamberlain.v1.audit_service_pb2_grpc import AuditServiceStub
from chamberlain.v1.handoff_pb2 import HANDOFF_STATUS_ACTIVE
from chamberlain.v1.session_pb2 import Session
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode
from grpc.aio import AioRpcError, Channel

from server.app import App
from storage import limits
from storage.audit import retention as audit_retention
from storage.audit.retention import Prune
from tests.server.conftest import connected, running, settings, swept
from tests.server.conversation import a_session, an_append
from tests.server.market import NONCE, Market, a_task
from tests.server.refusals import refused
from tests.server.test_service_config import CONTRACT
from tests.storage.auditing import PRUNING, meddle
from tests.storage.items import now_us

TRACE = "0af7651916cd43dd8448eb211c80319c"
DAY_NS = 86_400 * 10**9


async def entries(audit: Any, **wanted: str) -> list[pb.AuditEntry]:
    """All entries that are wanted, the oldest first."""
    request = pb.ListAuditRequest(filter=pb.AuditFilter(**wanted), oldest_first=True, page_size=200)  # type: ignore[arg-type]
    return list((await audit.ListAudit(request)).entries)


async def verified(audit: Any, **anchor: Any) -> pb.VerifyAuditResponse:
    """The last message of a walk."""
    messages = [message async for message in audit.VerifyAudit(pb.VerifyAuditRequest(**anchor))]
    assert [message.done for message in messages] == [False] * (len(messages) - 1) + [True]
    last: pb.VerifyAuditResponse = messages[-1]
    return last


async def test_each_call_that_changes_something_leaves_an_entry(
    orchestrator: Any, sessions: Any, transcripts: Any, audit: Any
) -> None:
    metadata = (("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),)
    created = await orchestrator.CreateTask(a_task(), metadata=metadata)
    session = await a_session(sessions)
    await transcripts.AppendTranscript(an_append(session.session_id, "a", "b"))
    await orchestrator.GetTask(orchestrator_pb.GetTaskRequest(task_id=created.task.task_id))
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        await sessions.DeleteSession(session_pb.DeleteSessionRequest(session_id="nobody"))
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        await sessions.CreateSession(session_pb.CreateSessionRequest())
    await sessions.DeleteSession(session_pb.DeleteSessionRequest(session_id=session.session_id))
    found = await entries(audit)
    assert [(each.method, each.target_type, each.target_id, each.result) for each in found] == [
        ("OrchestratorService/CreateTask", "task", created.task.task_id, "ok"),
        ("SessionService/CreateSession", "session", session.session_id, "ok"),
        ("TranscriptService/AppendTranscript", "session", session.session_id, "ok"),
        ("SessionService/DeleteSession", "session", "nobody", "SESSION_NOT_FOUND"),
        ("SessionService/DeleteSession", "session", session.session_id, "ok"),
    ]
    assert [each.trace_id for each in found] == [TRACE, "", "", "", ""]
    assert {each.actor for each in found} == {"anonymous"}
    assert dict(found[2].counts) == {"entries": 2}
    assert [each.previous_hash for each in found] == ["0" * 64, *(each.hash for each in found[:-1])]
    assert (await verified(audit)).verified_number == 5


async def test_each_item_of_a_batch_leaves_an_entry(orchestrator: Any, audit: Any) -> None:
    good = a_task()
    bad = a_task(max_budget="-1")
    batch = orchestrator_pb.BatchCreateTasksRequest(requests=[good, bad, good])
    metadata = (("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),)
    answer = await orchestrator.BatchCreateTasks(batch, metadata=metadata)
    found = await entries(audit, trace_id=TRACE, method="OrchestratorService/BatchCreateTasks")
    assert [each.target_id for each in found] == [
        result.created.task.task_id for result in answer.results if result.HasField("created")
    ]
    assert len(found) == 2


async def test_what_the_server_does_by_itself_has_the_actor_system(
    orchestrator: Any, audit: Any, app: App
) -> None:
    for place in range(3):
        await orchestrator.CreateTask(a_task(request_id=str(place)))
    await swept(app, "retention", idempotency_ttl_seconds=0)
    (entry,) = await entries(audit, actor="system")
    assert (entry.method, entry.result, dict(entry.counts)) == ("System/PruneRequests", "ok", {"rows": 3})


async def test_what_was_sealed_is_not_told_even_after_its_reveal(market: Market, audit: Any) -> None:
    value = 876
    await market.assigned_task(await market.agent(), value=value)
    stored = b"".join([chunk.ndjson async for chunk in audit.ExportAudit(pb.ExportAuditRequest())])
    methods = {json.loads(line)["entry"]["method"] for line in stored.splitlines()}
    assert "OrchestratorService/RevealBid" in methods
    assert b"876" not in re.findall(rb"\b\d+\b", stored)
    for secret in (NONCE, NONCE.hex().encode(), base64.b64encode(NONCE)):
        assert secret not in stored


async def test_pages_lead_through_the_log_in_both_directions(orchestrator: Any, audit: Any) -> None:
    for _ in range(5):
        await orchestrator.CreateTask(a_task())
    for oldest_first, expected in ((True, [1, 2, 3, 4, 5]), (False, [5, 4, 3, 2, 1])):
        request = pb.ListAuditRequest(page_size=2, oldest_first=oldest_first)
        numbers: list[int] = []
        while True:
            page = await audit.ListAudit(request)
            numbers += [entry.number for entry in page.entries]
            request.page_token = page.next_page_token
            if not request.page_token:
                break
        assert numbers == expected


async def test_what_is_rare_is_found_behind_empty_pages(
    orchestrator: Any, sessions: Any, audit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUDIT_SCAN_MAX", 2)
    await a_session(sessions)
    for _ in range(6):
        await orchestrator.CreateTask(a_task())
    request = pb.ListAuditRequest(filter=pb.AuditFilter(target_type="session"))
    found = []
    for _ in range(4):
        page = await audit.ListAudit(request)
        found.append([entry.number for entry in page.entries])
        request.page_token = page.next_page_token
    assert (found, request.page_token) == ([[], [], [], [1]], "")
    exported = pb.ExportAuditRequest(filter=pb.AuditFilter(target_type="task"))
    chunks = [chunk async for chunk in audit.ExportAudit(exported)]
    assert [chunk.last_number for chunk in chunks] == [2, 4, 6, 7]


async def test_an_export_can_be_checked_with_nothing_but_sha256(
    orchestrator: Any, audit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUDIT_PAGE_MAX", 2)
    for _ in range(5):
        await orchestrator.CreateTask(a_task())
    chunks = [chunk async for chunk in audit.ExportAudit(pb.ExportAuditRequest())]
    assert [chunk.last_number for chunk in chunks] == [2, 4, 5]
    previous = "0" * 64
    for line in b"".join(chunk.ndjson for chunk in chunks).splitlines():
        told = json.loads(line)
        assert told["previous_hash"] == previous
        previous = hashlib.sha256(previous.encode() + line[9:-158]).hexdigest()
        assert told["hash"] == previous
        assert json.loads(line[9:-158]) == told["entry"]
    (rest,) = [chunk async for chunk in audit.ExportAudit(pb.ExportAuditRequest(after_number=4))]
    assert rest.ndjson.splitlines() == [line]
    nothing = pb.ExportAuditRequest(filter=pb.AuditFilter(actor="eve"))
    assert [chunk async for chunk in audit.ExportAudit(nothing)] == []


async def test_what_goes_on_over_a_pruning_says_so_and_loses_nothing_silently(
    orchestrator: Any, audit: Any, app: App
) -> None:
    for _ in range(6):
        await orchestrator.CreateTask(a_task())
    oldest, newest = (pb.ListAuditRequest(page_size=2, oldest_first=first) for first in (True, False))
    for request in (oldest, newest):
        request.page_token = (await audit.ListAudit(request)).next_page_token
    await app.storage.commit(audit_retention.prune, Prune(before_us=now_us(), at_most=4), deed=PRUNING)
    with refused(StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"):
        await audit.ListAudit(oldest)
    with refused(StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"):
        await anext(aiter(audit.ExportAudit(pb.ExportAuditRequest(after_number=3))))
    for after_number in (0, 4):
        again = audit.ExportAudit(pb.ExportAuditRequest(after_number=after_number))
        lines = b"".join([chunk.ndjson async for chunk in again]).splitlines()
        assert [json.loads(line)["entry"]["number"] for line in lines] == [5, 6, 7]
    assert [entry.number for entry in (await audit.ListAudit(newest)).entries] == []


async def test_a_changed_byte_is_named(orchestrator: Any, audit: Any, app: App) -> None:
    for _ in range(5):
        await orchestrator.CreateTask(a_task())
    whole = await verified(audit)
    assert (whole.first_number, whole.verified_number, whole.head_number) == (1, 5, 5)
    assert not whole.HasField("fault")
    anchored = await verified(audit, anchor_number=5, anchor_hash=whole.head_hash)
    assert not anchored.HasField("fault")
    assert (whole.anchor_checked, anchored.anchor_checked) == (False, True)
    await meddle(app.storage, "UPDATE audit_log SET entry = replace(entry, 'CreateTask', 'CreateTusk')")
    broken = await verified(audit)
    assert (broken.verified_number, broken.fault.number, broken.fault.kind) == (
        0,
        1,
        pb.AUDIT_FAULT_KIND_CHANGED,
    )
    await meddle(app.storage, "UPDATE audit_log SET entry = '{' WHERE number = 3")
    with refused(StatusCode.DATA_LOSS, "AUDIT_ENTRY_BROKEN", resource="3"):
        await audit.ListAudit(pb.ListAuditRequest())
    (chunk,) = [chunk async for chunk in audit.ExportAudit(pb.ExportAuditRequest())]
    assert b'{"entry":{,"previous_hash":"' in chunk.ndjson.splitlines()[2]


@pytest.mark.parametrize(
    ("change", "number", "kind"),
    [
        ("UPDATE audit_log SET number = 9 WHERE number = 2", 9, "UNCHAINED"),
        ("UPDATE audit_log SET number = -9 WHERE number = 2", -9, "UNCHAINED"),
        ("UPDATE audit_log SET time_us = 'x' WHERE number = 2", 2, "CHANGED"),
        ("UPDATE database_state SET audit_head = 'x'", 0, "CHANGED"),
        ("UPDATE database_state SET audit_tail = 'x'", 0, "CHANGED"),
        ("UPDATE database_state SET audit_tail = 1", 1, "UNCHAINED"),
        ("UPDATE database_state SET audit_head = 2", 3, "UNCHAINED"),
        ("UPDATE database_state SET audit_hash = 'x'", 3, "CHANGED"),
        ("DELETE FROM audit_log WHERE number = 3", 3, "TRUNCATED"),
        ("DELETE FROM audit_log WHERE number = 2", 2, "MISSING"),
    ],
)
async def test_whatever_is_meddled_with_is_a_fault_and_no_error(
    orchestrator: Any, audit: Any, app: App, change: str, number: int, kind: str
) -> None:
    for _ in range(3):
        await orchestrator.CreateTask(a_task())
    await meddle(app.storage, change)
    fault = (await verified(audit)).fault
    assert (fault.number, pb.AuditFaultKind.Name(fault.kind)) == (number, f"AUDIT_FAULT_KIND_{kind}")


@pytest.mark.parametrize(
    ("method", "request_", "fields"),
    [
        ("ListAudit", pb.ListAuditRequest(page_size=-1), ["page_size"]),
        ("ListAudit", pb.ListAuditRequest(filter=pb.AuditFilter(actor="a" * 129)), ["filter.actor"]),
        ("ListAudit", pb.ListAuditRequest(filter=pb.AuditFilter(target_id="\0")), ["filter.target_id"]),
        ("ListAudit", pb.ListAuditRequest(filter=pb.AuditFilter(trace_id="ABC")), ["filter.trace_id"]),
        (
            "ListAudit",
            pb.ListAuditRequest(
                filter=pb.AuditFilter(begin_time=Timestamp(seconds=-1), end_time=Timestamp(nanos=-1))
            ),
            ["filter.begin_time", "filter.end_time"],
        ),
        ("VerifyAudit", pb.VerifyAuditRequest(anchor_number=1), ["anchor_hash"]),
        ("VerifyAudit", pb.VerifyAuditRequest(anchor_hash="0" * 64), ["anchor_hash"]),
        ("VerifyAudit", pb.VerifyAuditRequest(anchor_number=1, anchor_hash="x"), ["anchor_hash"]),
        (
            "VerifyAudit",
            pb.VerifyAuditRequest(anchor_number=-1, anchor_hash="0" * 64),
            ["anchor_number"],
        ),
        ("ExportAudit", pb.ExportAuditRequest(after_number=-1), ["after_number"]),
    ],
)
async def test_wrong_fields_are_named(audit: Any, method: str, request_: Any, fields: list[str]) -> None:
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=fields):
        call = getattr(audit, method)(request_)
        await (call if method == "ListAudit" else call.read())


async def test_a_page_token_of_another_order_is_refused(orchestrator: Any, audit: Any) -> None:
    for _ in range(2):
        await orchestrator.CreateTask(a_task())
    page = await audit.ListAudit(pb.ListAuditRequest(page_size=1))
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN"):
        await audit.ListAudit(pb.ListAuditRequest(oldest_first=True, page_token=page.next_page_token))


def commit_at(monkeypatch: pytest.MonkeyPatch, time_ns: int) -> None:
    clock = SimpleNamespace(time_ns=lambda: time_ns, monotonic=time.monotonic)
    monkeypatch.setattr("storage.committer.time", clock)


async def test_the_log_is_pruned_by_the_day_and_signs_for_it(
    orchestrator: Any, audit: Any, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_days_ago = time.time_ns() - 3 * DAY_NS
    monkeypatch.setattr(
        "storage.committer.time", SimpleNamespace(time_ns=lambda: three_days_ago, monotonic=time.monotonic)
    )
    for _ in range(3):
        await orchestrator.CreateTask(a_task())
    monkeypatch.undo()
    for retention_days, first_kept in ((0, 1), (4, 1), (2, 4), (2, 4)):
        await swept(app, "audit", audit_retention_days=retention_days)
        walk = await verified(audit)
        assert walk.first_number == first_kept
        assert not walk.HasField("fault")
    (checkpoint,) = await entries(audit)
    assert (checkpoint.actor, checkpoint.method) == ("system", "System/PruneAudit")
    assert dict(checkpoint.counts) == {"entries": 3}


async def test_a_broken_log_is_not_pruned_but_told_of(
    orchestrator: Any, audit: Any, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "storage.committer.time", SimpleNamespace(time_ns=lambda: 1_000, monotonic=time.monotonic)
    )
    await orchestrator.CreateTask(a_task())
    monkeypatch.undo()
    await meddle(app.storage, "UPDATE audit_log SET actor = 'eve'")
    with structlog.testing.capture_logs() as told:
        await swept(app, "audit", audit_retention_days=1)
    assert [(entry["event"], entry["number"]) for entry in told] == [("the audit log is broken", 1)]
    assert (await verified(audit)).fault.number == 1


NOBODY = "nobody"
MUTATIONS: dict[str, Any] = {
    "OrchestratorService/RegisterAgent": orchestrator_pb.RegisterAgentRequest(agent_id="ada"),
    "OrchestratorService/UpdateAgent": orchestrator_pb.UpdateAgentRequest(
        agent=Agent(agent_id=NOBODY, label="x"), update_mask=FieldMask(paths=["label"])
    ),
    "OrchestratorService/RetireAgent": orchestrator_pb.RetireAgentRequest(agent_id=NOBODY),
    "OrchestratorService/CreateTask": a_task(),
    "OrchestratorService/BatchCreateTasks": orchestrator_pb.BatchCreateTasksRequest(requests=[a_task()]),
    "OrchestratorService/CancelTask": orchestrator_pb.CancelTaskRequest(task_id=NOBODY),
    "OrchestratorService/SubmitBid": orchestrator_pb.SubmitBidRequest(
        task_id=NOBODY, agent_id="ada", commitment=bytes(32)
    ),
    "OrchestratorService/CloseBidding": orchestrator_pb.CloseBiddingRequest(task_id=NOBODY),
    "OrchestratorService/RevealBid": orchestrator_pb.RevealBidRequest(
        task_id=NOBODY, agent_id="ada", value="1", nonce=bytes(32)
    ),
    "OrchestratorService/AllocateTask": orchestrator_pb.AllocateTaskRequest(task_id=NOBODY),
    "OrchestratorService/SubmitResult": orchestrator_pb.SubmitResultRequest(
        task_id=NOBODY, agent_id="ada", output=b"6"
    ),
    "OrchestratorService/SettleTask": orchestrator_pb.SettleTaskRequest(task_id=NOBODY),
    "OrchestratorService/DisputeTask": orchestrator_pb.DisputeTaskRequest(task_id=NOBODY, reason="late"),
    "OrchestratorService/ResolveDispute": orchestrator_pb.ResolveDisputeRequest(task_id=NOBODY),
    "OutboxService/PauseSubmission": outbox_pb.PauseSubmissionRequest(reason="moving"),
    "OutboxService/ResumeSubmission": outbox_pb.ResumeSubmissionRequest(),
    "OutboxService/EnqueueExtrinsic": outbox_pb.EnqueueExtrinsicRequest(pallet="System", call="remark"),
    "OutboxService/RequeueExtrinsic": outbox_pb.RequeueExtrinsicRequest(correlation_id=NOBODY),
    "OutboxService/CancelExtrinsic": outbox_pb.CancelExtrinsicRequest(correlation_id=NOBODY),
    "SessionService/CreateSession": session_pb.CreateSessionRequest(role="planner"),
    "SessionService/UpdateSession": session_pb.UpdateSessionRequest(
        session=Session(session_id=NOBODY), update_mask=FieldMask(paths=["task_id"])
    ),
    "SessionService/DeleteSession": session_pb.DeleteSessionRequest(session_id=NOBODY),
    "SessionService/AppendCommand": session_pb.AppendCommandRequest(session_id=NOBODY, command="look"),
    "SessionService/BranchSession": session_pb.BranchSessionRequest(session_id=NOBODY, position=1),
    "SessionService/CopySession": session_pb.CopySessionRequest(session_id=NOBODY),
    "SessionService/SweepSessions": session_pb.SweepSessionsRequest(),
    "TranscriptService/AppendTranscript": an_append(NOBODY, "hello"),
    "TranscriptService/StreamTranscript": transcript_pb.StreamTranscriptRequest(
        session_id=NOBODY, entries=an_append(NOBODY, "hello").entries
    ),
    "ChainService/RedecodeChainEvents": chain_pb.RedecodeChainEventsRequest(),
    "ChainService/ReplayChain": chain_pb.ReplayChainRequest(first_block=1),
    "HandoffService/RouteTask": handoff_pb.RouteTaskRequest(from_role="a", to_role="b", type="review"),
    "HandoffService/UpdateHandoff": handoff_pb.UpdateHandoffRequest(
        handoff_id=NOBODY, status=HANDOFF_STATUS_ACTIVE
    ),
    "ApprovalService/RequestApproval": approval_pb.RequestApprovalRequest(
        kind="payment", title="Pay", requested_by="ada"
    ),
    "ApprovalService/DecideApproval": approval_pb.DecideApprovalRequest(
        approval_id=NOBODY, decision=approval_pb.APPROVAL_DECISION_APPROVED, decided_by="grace"
    ),
    "ApprovalService/CancelApproval": approval_pb.CancelApprovalRequest(
        approval_id=NOBODY, cancelled_by="grace"
    ),
}
NOTHING_TO_DO = {"SessionService/SweepSessions"}
READS = ("Get", "List", "Search", "ResumeSession", "Watch", "WaitFor", "VerifyAudit", "ExportAudit")


async def _call(channel: Channel, method: Any, request: Any) -> None:
    """One call with one request, whichever of its sides is a stream."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    serialize = type(request).SerializeToString
    with contextlib.suppress(AioRpcError):
        if method.client_streaming:
            await channel.stream_unary(path, request_serializer=serialize)(iter([request]))
        elif method.server_streaming:
            async for _ in channel.unary_stream(path, request_serializer=serialize)(request):
                pass
        else:
            await channel.unary_unary(path, request_serializer=serialize)(request)


async def test_no_mutation_of_the_contract_is_forgotten() -> None:
    mutations = {
        f"{method.containing_service.name}/{method.name}": method
        for method in CONTRACT
        if not method.name.startswith(READS)
    }
    assert mutations.keys() == MUTATIONS.keys()
    app = App(settings(outbox_allowed_calls="System.remark"))
    async with running(app), connected(app) as channel:
        for name, request in MUTATIONS.items():
            await _call(channel, mutations[name], request)
        found = {entry.method: entry for entry in await entries(AuditServiceStub(channel))}
    assert found.keys() == MUTATIONS.keys() - NOTHING_TO_DO
    for entry in found.values():
        known = entry.result in ("ok", "NO_CHAIN") or entry.result.endswith("_NOT_FOUND")
        assert known, entry
        assert entry.target_type or entry.result == "NO_CHAIN", entry
