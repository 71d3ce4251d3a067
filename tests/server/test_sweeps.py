"""What time does to what is stored."""

from typing import Any

import pytest
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.task_pb2 import TaskStatus
from grpc import StatusCode

from server import sweeps
from server.app import App
from server.sweeps import Sweeps
from tests.server.conftest import running, settings
from tests.server.market import Market, a_task, in_seconds
from tests.server.refusals import refused


async def test_old_request_ids_and_events_are_forgotten_in_batches(
    orchestrator: Any, market: Market, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "SWEEP_BATCH_MAX", 2)
    listed = await orchestrator.ListTasks(pb.ListTasksRequest())
    for place in range(5):
        await orchestrator.CreateTask(a_task(request_id=str(place)))

    keeping = Sweeps(
        app.storage, idempotency_ttl_seconds=3600, event_retention_hours=1, outbox_retention_days=1
    )
    await keeping.retention()
    with refused(StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED"):
        await orchestrator.CreateTask(a_task(request_id="0", client_task_id="another"))
    await orchestrator.WatchTasks(pb.WatchTasksRequest(after_cursor=listed.watch_cursor)).read()

    forgetting = Sweeps(
        app.storage, idempotency_ttl_seconds=0, event_retention_hours=0, outbox_retention_days=1
    )
    await forgetting.retention()
    for place in range(5):
        await orchestrator.CreateTask(a_task(request_id=str(place), client_task_id="another"))
    with refused(StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"):
        await orchestrator.WatchTasks(pb.WatchTasksRequest(after_cursor=listed.watch_cursor)).read()


async def test_deadlines_of_many_tasks_pass_in_one_sweep(
    orchestrator: Any, market: Market, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "SWEEP_BATCH_MAX", 2)
    deadline = in_seconds(0.05)
    for _ in range(5):
        await orchestrator.CreateTask(a_task(deadline=deadline))
    lasting = await market.task()
    sweep = Sweeps(app.storage, idempotency_ttl_seconds=1, event_retention_hours=1, outbox_retention_days=1)
    expired = pb.ListTasksRequest(status=TaskStatus.TASK_STATUS_EXPIRED)
    while len((await orchestrator.ListTasks(expired)).tasks) < 5:
        await sweep.deadlines()
    found = await orchestrator.GetTask(pb.GetTaskRequest(task_id=lasting.task_id))
    assert found.task.status == TaskStatus.TASK_STATUS_BIDDING


async def test_without_a_database_nothing_is_swept() -> None:
    unreachable = "postgresql://nobody@127.0.0.1:1/nothing"
    async with running(App(settings(database_url=unreachable))) as app:
        sweep = Sweeps(
            app.storage,
            idempotency_ttl_seconds=0,
            event_retention_hours=0,
            outbox_retention_days=1,
            audit_retention_days=1,
        )
        await sweep.retention()
        await sweep.deadlines()
        await sweep.approvals()
        await sweep.audit()
        assert not app.storage.prepared
