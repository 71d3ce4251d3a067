"""What time does to what is stored."""

import asyncio
from typing import Any

import pytest
from chamberlain.v1 import audit_service_pb2 as audit_pb
from chamberlain.v1 import handoff_service_pb2 as handoff_pb
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.handoff_pb2 import HANDOFF_STATUS_CANCELLED
from chamberlain.v1.task_pb2 import TaskStatus
from grpc import StatusCode

from server import sweeps
from server.app import App
from server.sweeps import all_sweeps
from storage.audit.deeds import SystemMethod
from tests.server.conftest import running, settings, swept
from tests.server.conversation import a_session
from tests.server.market import Market, a_task, in_seconds
from tests.server.refusals import refused
from tests.server.test_approvals import an_approval
from tests.storage.auditing import meddle


async def test_old_request_ids_and_events_are_forgotten_in_batches(
    orchestrator: Any, market: Market, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "SWEEP_BATCH_MAX", 2)
    listed = await orchestrator.ListTasks(pb.ListTasksRequest())
    for place in range(5):
        await orchestrator.CreateTask(a_task(request_id=str(place)))

    await swept(app, "retention")
    with refused(StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED"):
        await orchestrator.CreateTask(a_task(request_id="0", client_task_id="another"))
    await orchestrator.WatchTasks(pb.WatchTasksRequest(after_cursor=listed.watch_cursor)).read()

    await swept(app, "retention", idempotency_ttl_seconds=0, event_retention_hours=0)
    for place in range(5):
        await orchestrator.CreateTask(a_task(request_id=str(place), client_task_id="another"))
    with refused(StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"):
        await orchestrator.WatchTasks(pb.WatchTasksRequest(after_cursor=listed.watch_cursor)).read()


async def test_deadlines_of_many_tasks_pass_in_one_sweep(
    orchestrator: Any, market: Market, audit: Any, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "SWEEP_BATCH_MAX", 2)
    deadline = in_seconds(0.05)
    for _ in range(5):
        await orchestrator.CreateTask(a_task(deadline=deadline))
    lasting = await market.task()
    expired = pb.ListTasksRequest(status=TaskStatus.TASK_STATUS_EXPIRED)
    while len((await orchestrator.ListTasks(expired)).tasks) < 5:
        await swept(app, "deadlines")
    found = await orchestrator.GetTask(pb.GetTaskRequest(task_id=lasting.task_id))
    assert found.task.status == TaskStatus.TASK_STATUS_BIDDING
    for task in (await orchestrator.ListTasks(expired)).tasks:
        wanted = audit_pb.AuditFilter(target_id=task.task_id)
        told = (await audit.ListAudit(audit_pb.ListAuditRequest(filter=wanted))).entries[0]
        assert (told.method, told.target_type, told.status) == (
            "System/SweepDeadlines",
            "task",
            "expired",
        )


async def test_without_a_database_nothing_is_swept() -> None:
    unreachable = "postgresql://nobody@127.0.0.1:1/nothing"
    async with running(App(settings(database_url=unreachable))) as app:
        for sweep in all_sweeps(app.storage, settings(audit_retention_days=1)):
            await sweep.run()
        assert not app.storage.prepared


def test_each_deed_of_the_server_is_a_step_of_one_sweep(app: App) -> None:
    methods = [step.method for sweep in all_sweeps(app.storage, settings()) for step in sweep.steps]
    assert sorted(methods) == sorted(SystemMethod)


async def test_the_audit_log_tells_each_deed_by_its_method(
    market: Market, sessions: Any, approvals: Any, handoffs: Any, audit: Any, app: App
) -> None:
    await market.task(deadline=in_seconds(0.05))
    await a_session(sessions)
    await an_approval(approvals)
    await meddle(app.storage, "UPDATE approvals SET expire_time_us = 1")
    routed = await handoffs.RouteTask(handoff_pb.RouteTaskRequest(from_role="a", to_role="b", type="review"))
    await handoffs.UpdateHandoff(
        handoff_pb.UpdateHandoffRequest(
            handoff_id=routed.handoff.handoff_id, status=HANDOFF_STATUS_CANCELLED, request_id="one"
        )
    )
    at_once = {
        "idempotency_ttl_seconds": 0,
        "event_retention_hours": 0,
        "session_retention_days": 0,
        "session_purge_days": 0,
    }
    await asyncio.sleep(0.06)
    for name in ("deadlines", "approvals", "sessions", "sessions", "retention", "purge"):
        await swept(app, name, **at_once)
    told = (
        await audit.ListAudit(audit_pb.ListAuditRequest(filter=audit_pb.AuditFilter(actor="system")))
    ).entries
    of_a_chain = {SystemMethod.PRUNE_SIGNATURES, SystemMethod.PRUNE_BLOCKS}
    of_old_entries = {SystemMethod.PRUNE_AUDIT}
    assert {entry.method for entry in told} == set(SystemMethod) - of_a_chain - of_old_entries
