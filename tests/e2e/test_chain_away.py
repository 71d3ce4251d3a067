"""A server whose chain is away: it starts, serves, and takes what is asked of it until the chain is back."""

import time
from pathlib import Path

import grpc
from chamberlain.v1 import extrinsic_pb2, task_pb2
from chamberlain.v1 import orchestrator_service_pb2 as api
from chamberlain.v1 import outbox_service_pb2 as outbox_api
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceStub

from chain.devnet import DevChain, DevChainConfig, DevNode
from tests.support.ports import free_port
from tests.support.processes import Server
from tests.support.world import eventually


def a_task() -> api.CreateTaskRequest:
    request = api.CreateTaskRequest(
        requester_id="requester", description="wait", task_type="test", max_budget="1000"
    )
    request.deadline.FromSeconds(int(time.time()) + 3600)
    return request


async def test_a_server_starts_and_serves_while_its_chain_is_away_and_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    chain, port = DevChain(DevChainConfig(block_time_ms=100)), free_port()
    server = Server(
        DATABASE_URL=f"sqlite:///{tmp_path}/market.db",
        CHAIN_WS_URL=f"ws://127.0.0.1:{port}",
        CHAIN_SIGNER="//Alice",
        OUTBOX_POLL_MS="50",
    )
    try:
        async with DevNode(chain, port=port):
            await server.start()  # binds the database to the chain
        assert await server.stop() == 0
        await server.start()
        async with grpc.aio.insecure_channel(server.address) as channel:
            orchestrator, outbox = OrchestratorServiceStub(channel), OutboxServiceStub(channel)
            created = await orchestrator.CreateTask(a_task())
            assert created.task.status == task_pb2.TASK_STATUS_PENDING
            status = await orchestrator.GetSyncStatus(api.GetSyncStatusRequest())
            assert not status.connected
            assert status.last_error

            async def finalized() -> bool:
                found = await outbox.GetExtrinsic(
                    outbox_api.GetExtrinsicRequest(correlation_id=created.correlation_id)
                )
                return found.extrinsic.status == extrinsic_pb2.EXTRINSIC_STATUS_FINALIZED

            async with DevNode(chain, port=port):
                await eventually(finalized, "the execution")
            task = await orchestrator.GetTask(api.GetTaskRequest(task_id=created.task.task_id))
            assert task.task.status == task_pb2.TASK_STATUS_BIDDING
    finally:
        await server.kill()


async def test_a_server_refuses_a_database_that_belongs_to_another_chain_and_says_so(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/market.db", "CHAIN_SIGNER": "//Alice"}
    async with DevNode(DevChain()) as first, DevNode(DevChain()) as second:
        async with Server.running(CHAIN_WS_URL=first.url, **settings):
            pass
        status, said = await Server(CHAIN_WS_URL=second.url, **settings).run_to_its_end()
    assert status == 2
    assert "the database is bound to the chain with genesis" in said
    assert "use another DATABASE_URL" in said
