"""With a chain a mutation stores a wish, and the chain's finalized answer is what the API shows."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from chamberlain.v1 import chain_service_pb2 as chain_pb
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import outbox_service_pb2 as outbox_pb
from chamberlain.v1.agent_pb2 import Agent, AgentStatus
from chamberlain.v1.extrinsic_pb2 import ExtrinsicStatus
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceStub
from chamberlain.v1.task_pb2 import EscrowStatus, TaskStatus
from chamberlain.v1.types_pb2 import Action
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct
from grpc import StatusCode

from chain.devnet import DevChain, DevChainConfig, DevNode
from server.app import App
from storage.errors import WrongBinding
from tests.server.chain_world import BLOCK_TIME_MS, World, a_world, eventually
from tests.server.conftest import connected, running, settings
from tests.server.market import a_task, an_agent
from tests.server.refusals import refused


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world(outbox_allowed_calls="System.remark") as world:
        yield world


@pytest.fixture
async def silent_world() -> AsyncIterator[World]:
    """Without a signer the chain is followed, and nothing is sent to it."""
    async with a_world(signer=None, outbox_allowed_calls="System.remark") as world:
        yield world


async def test_a_task_is_pending_until_the_chain_has_finalized_it(world: World) -> None:
    call = world.orchestrator.CreateTask(a_task())
    created = await call
    trailers = dict(await call.trailing_metadata())
    assert created.correlation_id
    assert trailers["x-correlation-id"] == created.correlation_id
    assert created.task.status == TaskStatus.TASK_STATUS_PENDING
    assert created.task.escrow_status == EscrowStatus.ESCROW_STATUS_NONE
    assert created.task.pending_action == Action.ACTION_CREATE_TASK
    assert created.task.pending_correlation_id == created.correlation_id

    done = await world.until(created.correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED)
    assert (done.pallet, done.call, done.action) == ("TaskMarket", "create_task", Action.ACTION_CREATE_TASK)
    assert (done.task_id, done.signer) == (created.task.task_id, created.task.requester_id)
    assert done.extrinsic_hash.startswith("0x")
    assert done.HasField("block_number")
    assert done.HasField("finalize_time")
    task = (await world.orchestrator.GetTask(pb.GetTaskRequest(task_id=created.task.task_id))).task
    assert task.status == TaskStatus.TASK_STATUS_BIDDING
    assert task.escrow_status == EscrowStatus.ESCROW_STATUS_FUNDED
    assert task.chain_task_id == 1
    assert task.pending_action == Action.ACTION_UNSPECIFIED


async def test_what_the_chain_refuses_is_rejected_with_its_reason(world: World) -> None:
    created = await world.orchestrator.CreateTask(a_task(max_budget=str(2**128 - 1)))
    failed = await world.until(created.correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_FAILED)
    assert "InsufficientBalance" in failed.last_error
    task = (await world.orchestrator.GetTask(pb.GetTaskRequest(task_id=created.task.task_id))).task
    assert task.status == TaskStatus.TASK_STATUS_REJECTED
    assert "InsufficientBalance" in task.last_error


async def test_a_second_action_waits_for_the_first(world: World) -> None:
    registered = await world.orchestrator.RegisterAgent(an_agent("did:ex:ann"))
    await world.until(registered.correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED)
    world.chain.sealing_paused = True
    change = pb.UpdateAgentRequest(
        agent=Agent(agent_id="did:ex:ann", label="Ann", metadata="new"),
        update_mask=FieldMask(paths=["label", "metadata"]),
    )
    updating = await world.orchestrator.UpdateAgent(change)
    assert (updating.agent.label, updating.agent.metadata) == ("Ann", "")
    with refused(
        StatusCode.FAILED_PRECONDITION,
        "ACTION_PENDING",
        resource="did:ex:ann",
        metadata={"action": "update_agent", "correlation_id": updating.correlation_id},
    ):
        await world.orchestrator.RetireAgent(pb.RetireAgentRequest(agent_id="did:ex:ann"))
    await world.until(updating.correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_SUBMITTED)
    with refused(StatusCode.FAILED_PRECONDITION, "EXTRINSIC_LIVE", metadata={"status": "submitted"}):
        await world.outbox.CancelExtrinsic(
            outbox_pb.CancelExtrinsicRequest(correlation_id=updating.correlation_id)
        )
    world.chain.sealing_paused = False
    await world.until(updating.correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED)
    agent = (await world.orchestrator.GetAgent(pb.GetAgentRequest(agent_id="did:ex:ann"))).agent
    assert (agent.metadata, agent.status) == ("new", AgentStatus.AGENT_STATUS_ACTIVE)


async def test_a_raw_call_goes_to_the_chain_once_and_its_events_name_it(world: World) -> None:
    payload = Struct()
    payload.update({"remark": "0x6869"})
    request = outbox_pb.EnqueueExtrinsicRequest(
        pallet="System", call="remark", payload=payload, request_id="once"
    )
    listed = await world.events.ListChainEvents(chain_pb.ListChainEventsRequest())
    watch = world.events.WatchChainEvents(
        chain_pb.WatchChainEventsRequest(after_cursor=listed.watch_cursor, pallets=["System"])
    )
    assert not (await watch.read()).events

    enqueued = await world.outbox.EnqueueExtrinsic(request)
    assert await world.outbox.EnqueueExtrinsic(request) == enqueued
    extrinsic = enqueued.extrinsic
    assert (extrinsic.action, extrinsic.pallet, extrinsic.call) == (
        Action.ACTION_RAW_CALL,
        "System",
        "remark",
    )
    assert extrinsic.payload == payload
    done = await world.until(enqueued.correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED)

    found = await world.events.ListChainEvents(
        chain_pb.ListChainEventsRequest(correlation_id=enqueued.correlation_id, include_total_size=True)
    )
    assert [(event.pallet, event.event) for event in found.events] == [
        ("System", "ExtrinsicSuccess"),
        ("TransactionPayment", "TransactionFeePaid"),
    ]
    assert found.total_size == 2
    for event in found.events:
        assert (event.block_number, event.extrinsic_index) == (done.block_number, done.extrinsic_index)
    seen: list[Any] = []
    while enqueued.correlation_id not in [event.correlation_id for event in seen]:
        seen += (await watch.read()).events
    positions = [(event.block_number, event.event_index) for event in seen]
    assert positions == sorted(set(positions))
    assert {event.pallet for event in seen} == {"System"}


async def test_chain_events_come_in_pages_the_newest_first(world: World) -> None:
    async def enough() -> bool:
        listed = await world.events.ListChainEvents(chain_pb.ListChainEventsRequest(include_total_size=True))
        return bool(listed.total_size >= 5)

    await eventually(enough)
    request = chain_pb.ListChainEventsRequest(page_size=2, last_block=3)
    positions = []
    while True:
        page = await world.events.ListChainEvents(request)
        positions += [(event.block_number, event.event_index) for event in page.events]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert positions == sorted(set(positions), reverse=True)
    assert {number for number, _ in positions} <= {0, 1, 2, 3}


async def test_a_watch_of_extrinsics_shows_each_as_it_is_now(world: World) -> None:
    watch = world.outbox.WatchExtrinsics(outbox_pb.WatchExtrinsicsRequest())
    start = await watch.read()
    assert not start.extrinsics
    created = [await world.orchestrator.CreateTask(a_task()) for _ in range(3)]
    wanted = {response.correlation_id for response in created}
    for correlation_id in wanted:
        await world.until(correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED)

    late = world.outbox.WatchExtrinsics(
        outbox_pb.WatchExtrinsicsRequest(after_cursor=start.cursor, correlation_ids=sorted(wanted)[:2])
    )
    await late.read()
    message = await late.read()
    assert sorted(extrinsic.correlation_id for extrinsic in message.extrinsics) == sorted(wanted)[:2]
    assert {extrinsic.status for extrinsic in message.extrinsics} == {
        ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED
    }
    finalized: dict[str, int] = {}
    while finalized.keys() != wanted:
        for extrinsic in (await watch.read()).extrinsics:
            if extrinsic.status == ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED:
                finalized[extrinsic.correlation_id] = extrinsic.revision


async def test_an_extrinsic_that_was_not_sent_can_be_cancelled_and_queued_again(silent_world: World) -> None:
    world = silent_world
    created = await world.orchestrator.CreateTask(a_task())
    key = created.correlation_id
    cancelled = await world.outbox.CancelExtrinsic(outbox_pb.CancelExtrinsicRequest(correlation_id=key))
    assert cancelled.extrinsic.status == ExtrinsicStatus.EXTRINSIC_STATUS_CANCELLED
    task = (await world.orchestrator.GetTask(pb.GetTaskRequest(task_id=created.task.task_id))).task
    assert task.pending_action == Action.ACTION_UNSPECIFIED
    assert task.last_error

    requeue = outbox_pb.RequeueExtrinsicRequest(correlation_id=key)
    queued = await world.outbox.RequeueExtrinsic(requeue)
    assert queued.extrinsic.status == ExtrinsicStatus.EXTRINSIC_STATUS_QUEUED
    task = (await world.orchestrator.GetTask(pb.GetTaskRequest(task_id=created.task.task_id))).task
    assert task.pending_correlation_id == key
    with refused(
        StatusCode.FAILED_PRECONDITION, "INVALID_TRANSITION", metadata={"from": "queued", "to": "queued"}
    ):
        await world.outbox.RequeueExtrinsic(requeue)

    listed = await world.outbox.ListExtrinsics(
        outbox_pb.ListExtrinsicsRequest(
            status=ExtrinsicStatus.EXTRINSIC_STATUS_QUEUED, task_id=created.task.task_id
        )
    )
    assert [extrinsic.correlation_id for extrinsic in listed.extrinsics] == [key]


async def test_the_sync_status_tells_how_far_the_chain_is_followed(silent_world: World) -> None:
    world = silent_world
    await world.orchestrator.CreateTask(a_task())

    async def followed() -> Any:
        status = await world.orchestrator.GetSyncStatus(pb.GetSyncStatusRequest())
        known = status.HasField("cursor") and status.HasField("finalized_head")
        return status if known and status.connected else None

    status = await eventually(followed)
    assert status.mode == pb.GetSyncStatusResponse.MODE_CHAIN
    assert status.genesis_hash == f"0x{world.chain.genesis.hash.hex()}"
    assert status.endpoint.startswith("ws://127.0.0.1:")
    assert status.finalized_head.number >= status.cursor.number
    assert {row.status: row.count for row in status.extrinsics} == {
        ExtrinsicStatus.EXTRINSIC_STATUS_QUEUED: 1
    }
    assert status.HasField("oldest_queued_time")
    assert (status.last_error, status.undecodable_blocks) == ("", 0)


async def test_a_database_of_one_chain_is_not_served_on_another(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/market.db"
    async with a_world(database_url=url):
        pass
    with pytest.raises(WrongBinding, match="bound to the chain with genesis"):
        async with a_world(database_url=url):
            pass


async def test_a_server_that_starts_before_its_chain_waits_for_it_and_says_so() -> None:
    chain = DevChain(DevChainConfig(block_time_ms=BLOCK_TIME_MS))
    async with DevNode(chain) as node:
        port = int(node.url.rpartition(":")[2])
    given = settings(chain_ws_url=f"ws://127.0.0.1:{port}", chain_signer="//Alice")
    async with running(App(given)) as app, connected(app) as channel:
        orchestrator: Any = OrchestratorServiceStub(channel)
        for call in (
            orchestrator.CreateTask(a_task()),
            orchestrator.ListTasks(pb.ListTasksRequest()),
            orchestrator.WatchTasks(pb.WatchTasksRequest()).read(),
        ):
            with refused(StatusCode.UNAVAILABLE, "CHAIN_UNAVAILABLE") as told:
                await call
            assert "the chain at CHAIN_WS_URL cannot be reached" in told.message
            assert "RetryInfo" in told.details
        async with DevNode(chain, port=port):

            async def prepared() -> bool:
                return app.storage.prepared

            await eventually(prepared)
            created = await orchestrator.CreateTask(a_task())
            assert created.correlation_id


async def test_a_development_chain_comes_with_the_server() -> None:
    app = App(settings(dev_block_time_ms=BLOCK_TIME_MS), development=True)
    async with running(app), connected(app) as channel:
        outbox: Any = OutboxServiceStub(channel)
        payload = Struct()
        payload.update({"remark": "0x00"})
        request = outbox_pb.EnqueueExtrinsicRequest(pallet="System", call="remark", payload=payload)
        enqueued = await outbox.EnqueueExtrinsic(request)

        async def finalized() -> bool:
            found = await outbox.GetExtrinsic(
                outbox_pb.GetExtrinsicRequest(correlation_id=enqueued.correlation_id)
            )
            return bool(found.extrinsic.status == ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED)

        await eventually(finalized)
