"""What METRICS_BIND serves over HTTP is what happened."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import outbox_service_pb2 as outbox_pb
from chamberlain.v1 import session_service_pb2 as session_pb
from chamberlain.v1.approval_service_pb2_grpc import ApprovalServiceStub
from chamberlain.v1.extrinsic_pb2 import ExtrinsicStatus
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceStub
from chamberlain.v1.session_service_pb2_grpc import SessionServiceStub
from grpc import StatusCode
from grpc.aio import AioRpcError

from server.app import App
from server.listener import PortTaken
from server.metrics.endpoint import REQUESTS_MAX
from server.settings import BadSettings
from storage.status_counts import MACHINES
from tests.server.chain_world import World, a_world, eventually
from tests.server.conftest import connected, running, settings
from tests.server.conversation import a_session
from tests.server.market import a_task
from tests.server.probe import Probe, raw_call
from tests.server.scrape import Samples, get, scrape
from tests.server.test_approvals import an_approval

METRICS = "127.0.0.1:0"
SERVICE = "/chamberlain.v1.OrchestratorService"


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
async def app(probe: Probe) -> AsyncIterator[App]:
    async with running(App(settings(metrics_bind=METRICS), handlers=[probe.handlers()])) as app:
        yield app


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world(metrics_bind=METRICS) as world:
        yield world


async def test_calls_are_counted_by_method_and_status(app: App) -> None:
    async with connected(app) as channel:
        stub: Any = OrchestratorServiceStub(channel)
        for _ in range(3):
            await stub.CreateTask(a_task())
        with pytest.raises(AioRpcError):
            await stub.CreateTask(pb.CreateTaskRequest())
        with pytest.raises(AioRpcError):
            await stub.GetTask(pb.GetTaskRequest(task_id="00000000-0000-7000-8000-000000000000"))
        with pytest.raises(AioRpcError):
            await raw_call(channel, "/probe.Probe/Fail")(b"")
        await raw_call(channel, "/probe.Probe/Echo")(b"")
    seen = await scrape(app)

    def calls(method: str, code: str) -> float:
        return seen.of("chamberlain_rpc_calls_total", method=method, code=code)

    assert calls(f"{SERVICE}/CreateTask", "OK") == 3
    assert calls(f"{SERVICE}/CreateTask", "INVALID_ARGUMENT") == 1
    assert calls(f"{SERVICE}/GetTask", "NOT_FOUND") == 1
    assert calls("/probe.Probe/Fail", "INTERNAL") == 1
    assert calls("/probe.Probe/Echo", "OK") == 1
    timed = seen.of("chamberlain_rpc_duration_seconds_count", method=f"{SERVICE}/CreateTask")
    slowest = seen.of("chamberlain_rpc_duration_seconds_bucket", method=f"{SERVICE}/CreateTask", le="+Inf")
    assert timed == slowest == 4
    assert seen.of("chamberlain_rpc_duration_seconds_sum", method=f"{SERVICE}/CreateTask") > 0


async def test_methods_that_do_not_exist_share_one_label(app: App) -> None:
    async with connected(app) as channel:
        for name in ("One", "Two", "Three"):
            with pytest.raises(AioRpcError):
                await raw_call(channel, f"/no.Such/{name}")(b"")
    seen = await scrape(app)
    assert seen.of("chamberlain_rpc_calls_total", method="unknown", code="UNIMPLEMENTED") == 3
    assert not [name for name in seen.labels("chamberlain_rpc_calls_total", "method") if "Such" in name]


async def test_what_is_open_is_shown_and_what_was_left_is_counted(app: App, probe: Probe) -> None:
    async with connected(app) as channel:
        hanging = raw_call(channel, "/probe.Probe/Hang")(b"")
        await probe.entered.wait()
        outbox: Any = OutboxServiceStub(channel)
        watch = outbox.WatchExtrinsics(outbox_pb.WatchExtrinsicsRequest())
        await watch.read()
        seen = await scrape(app)
        assert seen.of("chamberlain_rpc_in_flight", kind="unary") == 1
        assert seen.of("chamberlain_rpc_in_flight", kind="stream") == 1
        assert seen.of("chamberlain_watchers") == 1
        hanging.cancel()
        watch.cancel()
        await probe.cancelled.wait()

        async def ended() -> Samples | None:
            seen = await scrape(app)
            return None if seen.of("chamberlain_rpc_in_flight", kind="stream") else seen

        seen = await eventually(ended)
    methods = ("/probe.Probe/Hang", "/chamberlain.v1.OutboxService/WatchExtrinsics")
    for method in methods:
        assert seen.of("chamberlain_rpc_calls_total", method=method, code="CANCELLED") == 1
    assert seen.of("chamberlain_watchers") == 0


async def test_streams_are_counted_when_they_end(app: App) -> None:
    async with connected(app) as channel:
        assert [chunk async for chunk in raw_call(channel, "/probe.Probe/Count", stream=True)(b"")]
        with pytest.raises(AioRpcError):
            async for _ in raw_call(channel, "/probe.Probe/Count", stream=True)(b"away"):
                pass
    seen = await scrape(app)
    for code in (StatusCode.OK, StatusCode.UNAVAILABLE):
        assert seen.of("chamberlain_rpc_calls_total", method="/probe.Probe/Count", code=code.name) == 1
    assert "/probe.Probe/Count" not in seen.labels("chamberlain_rpc_duration_seconds_count", "method")


async def test_commits_and_what_is_stored_are_shown(app: App) -> None:
    async with connected(app) as channel:
        stub: Any = OrchestratorServiceStub(channel)
        await asyncio.gather(*(stub.CreateTask(a_task()) for _ in range(20)))

    async def looked() -> Samples | None:
        seen = await scrape(app)
        counted = ("chamberlain_entities", frozenset({("entity", "task"), ("status", "bidding")}))
        # Sweeps commit, too, and one may just be doing so.
        items, batches = (seen.of(f"chamberlain_commit_{name}_total") for name in ("items", "batches"))
        agreed = (
            seen.of("chamberlain_commit_batch_items_sum") == items
            and seen.of("chamberlain_commit_batch_items_count") == batches
            and seen.of("chamberlain_commit_duration_seconds_count") == batches
            and seen.of("chamberlain_commit_queue_items") == 0
        )
        return seen if seen.get(counted) == 20 and agreed else None

    seen = await eventually(looked)
    assert seen.of("chamberlain_commit_items_total") >= 20
    assert seen.of("chamberlain_commit_batches_total") >= 1
    assert seen.of("chamberlain_database_up") == 1
    assert seen.of("chamberlain_entities", entity="task", status="cancelled") == 0
    assert ("chamberlain_chain_connected", frozenset()) not in seen


async def test_sessions_and_approvals_are_shown_by_state_until_they_are_deleted(app: App) -> None:
    async with connected(app) as channel:
        sessions: Any = SessionServiceStub(channel)
        gone, _ = await a_session(sessions), await a_session(sessions)
        await sessions.DeleteSession(session_pb.DeleteSessionRequest(session_id=gone.session_id))
        await an_approval(ApprovalServiceStub(channel))

    async def looked() -> Samples | None:
        seen = await scrape(app)
        counted = ("chamberlain_entities", frozenset({("entity", "approval"), ("status", "pending")}))
        return seen if seen.get(counted) else None

    seen = await eventually(looked)
    assert seen.of("chamberlain_entities", entity="session", status="pending") == 1
    assert seen.of("chamberlain_entities", entity="session", status="expired") == 0
    assert "deleted" not in seen.labels("chamberlain_entities", "status")
    assert seen.labels("chamberlain_entities", "entity") == MACHINES.keys() - {"extrinsic"}


async def test_the_chain_and_the_outbox_are_shown(world: World) -> None:
    created = await world.orchestrator.CreateTask(a_task())
    await world.until(created.correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED)
    refused = await world.orchestrator.CreateTask(a_task(max_budget=str(2**128 - 1)))
    await world.until(refused.correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_FAILED)

    async def looked() -> Samples | None:
        seen = await scrape(world.app)
        found = [
            ("chamberlain_outbox_extrinsics", frozenset({("status", s)})) for s in ("failed", "finalized")
        ]
        return seen if [seen.get(key) for key in found] == [1, 1] else None

    seen = await eventually(looked)
    assert seen.of("chamberlain_outbox_submitted_total") == 2
    assert seen.of("chamberlain_outbox_finalized_total") == 1
    assert seen.of("chamberlain_outbox_failed_total") == 1
    assert seen.of("chamberlain_outbox_dead_total") == 0
    assert seen.of("chamberlain_outbox_retried_total") == 0
    assert seen.of("chamberlain_outbox_finality_seconds_count") == 2
    assert seen.of("chamberlain_outbox_oldest_queued_seconds") == 0
    assert seen.of("chamberlain_chain_connected") == 1
    assert seen.of("chamberlain_chain_reader") == 1
    assert seen.of("chamberlain_chain_cursor_block") > 0
    assert seen.of("chamberlain_chain_finalized_block") > 0
    assert 0 <= seen.of("chamberlain_chain_lag_blocks") < 100
    assert 0 <= seen.of("chamberlain_chain_lag_seconds") < 60
    assert seen.of("chamberlain_chain_undecodable_blocks") == 0
    assert seen.of("chamberlain_chain_anomalies") == 0
    assert seen.of("chamberlain_chain_pruned") == 0
    assert seen.of("chamberlain_chain_connections_total") == 1
    assert seen.of("chamberlain_outbox_pauses") == 0
    (account,) = seen.labels("chamberlain_signer_free_balance", "account")
    assert seen.of("chamberlain_signer_free_balance", account=account) > 0
    assert seen.of("chamberlain_signer_low", account=account) == 0


async def test_what_was_cancelled_and_queued_again_is_retried() -> None:
    async with a_world(signer=None, metrics_bind=METRICS) as world:
        created = await world.orchestrator.CreateTask(a_task())
        key = created.correlation_id
        await world.outbox.CancelExtrinsic(outbox_pb.CancelExtrinsicRequest(correlation_id=key))
        await world.outbox.RequeueExtrinsic(outbox_pb.RequeueExtrinsicRequest(correlation_id=key))

        async def looked() -> Samples | None:
            seen = await scrape(world.app)
            return seen if seen.get(("chamberlain_outbox_oldest_queued_seconds", frozenset())) else None

        seen = await eventually(looked)
        assert seen.of("chamberlain_outbox_retried_total") == 1
        assert seen.of("chamberlain_outbox_extrinsics", status="queued") == 1


async def test_health_is_told_and_nothing_else_is_served(app: App) -> None:
    assert await get(app, "/healthz") == (200, "serving\n")
    assert (await get(app, "/")).status == 404
    assert (await get(app, "/metrics/../etc/passwd")).status == 404


async def test_clients_that_say_nothing_neither_stop_a_scrape_nor_the_end() -> None:
    async with running(App(settings(metrics_bind=METRICS))) as app:
        address = ("127.0.0.1", app.metrics_port)
        silent = [socket.create_connection(address) for _ in range(REQUESTS_MAX - 1)]
        assert (await get(app, "/healthz")).status == 200
    for client in silent:
        client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


async def test_one_client_too_many_is_turned_away_until_another_has_left() -> None:
    async with running(App(settings(metrics_bind=METRICS))) as app:
        silent = [socket.create_connection(("127.0.0.1", app.metrics_port)) for _ in range(REQUESTS_MAX)]
        with pytest.raises(OSError, match=r"reset|closed|Remote end"):
            await get(app, "/healthz")
        for client in silent:
            client.close()

        async def answered() -> bool:
            try:
                return (await get(app, "/healthz")).status == 200
            except OSError:
                return False

        assert await eventually(answered)


async def test_without_metrics_bind_nothing_is_served_and_no_call_is_counted() -> None:
    async with running(App(settings())) as app:
        assert app.metrics_port == 0
        assert app.storage.committer.on_commit is None


async def test_a_taken_port_is_said_and_leaves_nothing_running() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(PortTaken, match="choose another METRICS_BIND"):
            await App(settings(metrics_bind=address)).start()


@pytest.mark.parametrize("address", ["9100", "localhost", "127.0.0.1:65536", "unix:/tmp/socket"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadSettings, match="METRICS_BIND: must be host:port"):
        settings(metrics_bind=address)
