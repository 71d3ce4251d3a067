"""A server that is told to stop tells everybody in the right order, and finishes what it began."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from grpc import StatusCode
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from server.app import App
from tests.server.conftest import connected, running, settings
from tests.server.market import a_task
from tests.server.probe import Probe, raw_call
from tests.server.refusals import refused


async def test_health_goes_first_then_streams_end_with_a_cursor_to_resume_from(tmp_path: Path) -> None:
    stored = settings(database_url=f"sqlite:///{tmp_path}/market.db")
    app = App(stored)
    await app.start()
    async with connected(app) as channel:
        orchestrator: Any = OrchestratorServiceStub(channel)
        health = HealthStub(channel).Watch(HealthCheckRequest())
        watch = orchestrator.WatchTasks(pb.WatchTasksRequest())
        assert (await health.read()).status == HealthCheckResponse.SERVING
        await watch.read()
        await orchestrator.CreateTask(a_task())
        cursor = (await watch.read()).cursor

        stopping = asyncio.create_task(app.stop())
        assert (await health.read()).status == HealthCheckResponse.NOT_SERVING
        with refused(StatusCode.UNAVAILABLE, "SHUTTING_DOWN") as refusal:
            await watch.read()
        assert "RetryInfo" in refusal.details
        await stopping

    async with running(App(stored)) as again, connected(again) as channel:
        orchestrator = OrchestratorServiceStub(channel)
        created = await orchestrator.CreateTask(a_task())
        resumed = orchestrator.WatchTasks(pb.WatchTasksRequest(after_cursor=cursor))
        await resumed.read()
        (event,) = (await resumed.read()).events
        assert event.task_id == created.task.task_id


async def test_what_was_accepted_is_answered_and_stored(tmp_path: Path) -> None:
    stored = settings(database_url=f"sqlite:///{tmp_path}/market.db")
    app = App(stored)
    await app.start()
    async with connected(app) as channel:
        orchestrator: Any = OrchestratorServiceStub(channel)
        calls = [asyncio.ensure_future(orchestrator.CreateTask(a_task())) for _ in range(200)]
        await calls[0]
        await app.stop()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    answered = {outcome.task.task_id for outcome in outcomes if isinstance(outcome, pb.CreateTaskResponse)}
    refused_codes = {outcome.code() for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)}
    assert refused_codes <= {StatusCode.UNAVAILABLE}
    async with running(App(stored)) as again, connected(again) as channel:
        orchestrator = OrchestratorServiceStub(channel)
        request = pb.ListTasksRequest(page_size=200)
        stored_ids = {task.task_id for task in (await orchestrator.ListTasks(request)).tasks}
    assert answered == stored_ids


async def test_a_call_that_never_ends_is_cut_off_after_the_drain_time() -> None:
    probe = Probe()
    app = App(settings(drain_seconds=0.05), handlers=[probe.handlers()])
    await app.start()
    async with connected(app) as channel:
        hanging = raw_call(channel, "/probe.Probe/Hang")(b"")
        await probe.entered.wait()
        await app.stop()
        with pytest.raises(grpc.aio.AioRpcError) as cut:
            await hanging
        assert cut.value.code() is StatusCode.UNAVAILABLE
    assert probe.cancelled.is_set()


async def test_a_server_that_never_reached_its_database_stops_all_the_same() -> None:
    unreachable = "postgresql://nobody@127.0.0.1:1/nothing"
    async with running(App(settings(database_url=unreachable))):
        pass
