"""With a chain, disputes, agreements, milestones and standings are what the chain says."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import outbox_service_pb2 as outbox_pb
from chamberlain.v1.agreement_pb2 import AgreementStatus
from chamberlain.v1.extrinsic_pb2 import Extrinsic, ExtrinsicStatus
from chamberlain.v1.milestone_pb2 import MilestoneStatus
from chamberlain.v1.task_pb2 import EscrowStatus, Task, TaskEvent, TaskEventType
from chamberlain.v1.types_pb2 import Action
from google.protobuf.struct_pb2 import Struct
from grpc import StatusCode

from chain.devnet import DevChain, DevChainConfig, DevNode
from server.app import App
from server.settings import BadSettings
from tests.server.chain_world import BLOCK_TIME_MS, World, a_world, eventually
from tests.server.conftest import connected, running, settings
from tests.server.market import a_bid, a_reveal, a_task, an_agent
from tests.server.refusals import refused

AGENT = "did:ex:worker"
CALLS = ",".join(
    (
        "Commitments.propose_commitment",
        "Escrow.add_milestone",
        "Escrow.complete_milestone",
        "Escrow.approve_milestone",
        "Reputation.bond_reputation",
    )
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world(outbox_allowed_calls=CALLS) as world:
        yield world


async def done(world: World, response: Any) -> Extrinsic:
    """The extrinsic that a response names, once it was executed."""
    finalized = ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED
    extrinsic: Extrinsic = await world.until(response.correlation_id, finalized)
    return extrinsic


async def call(world: World, pallet: str, name: str, **arguments: Any) -> None:
    payload = Struct()
    payload.update(arguments)
    request = outbox_pb.EnqueueExtrinsicRequest(pallet=pallet, call=name, payload=payload)
    await done(world, await world.outbox.EnqueueExtrinsic(request))


async def get(world: World, task: Task) -> pb.GetTaskResponse:
    found: pb.GetTaskResponse = await world.orchestrator.GetTask(pb.GetTaskRequest(task_id=task.task_id))
    return found


async def assigned(world: World) -> Task:
    """A task that is assigned to the agent, by the chain."""
    calls = world.orchestrator
    await done(world, await calls.RegisterAgent(an_agent(AGENT)))
    created = await calls.CreateTask(a_task())
    await done(world, created)
    task = created.task
    await done(world, await calls.SubmitBid(a_bid(task, AGENT)))
    await done(world, await calls.CloseBidding(pb.CloseBiddingRequest(task_id=task.task_id)))
    await done(world, await calls.RevealBid(a_reveal(task, AGENT)))
    await done(world, await calls.AllocateTask(pb.AllocateTaskRequest(task_id=task.task_id)))
    return (await get(world, task)).task


async def test_a_dispute_is_pending_until_the_chain_has_it_and_is_not_resolved_here(world: World) -> None:
    task = await assigned(world)
    request = pb.DisputeTaskRequest(task_id=task.task_id, agent_id=AGENT, reason="Nobody answers.")
    response = await world.orchestrator.DisputeTask(request)
    assert response.task.escrow_status == EscrowStatus.ESCROW_STATUS_FUNDED
    assert response.task.pending_action == Action.ACTION_DISPUTE_TASK
    extrinsic = await done(world, response)
    assert (extrinsic.pallet, extrinsic.call, extrinsic.signer) == ("Escrow", "dispute_escrow", AGENT)
    disputed = (await get(world, task)).task
    assert disputed.escrow_status == EscrowStatus.ESCROW_STATUS_DISPUTED
    assert (disputed.dispute_reason, disputed.disputed_by[:1]) == ("Nobody answers.", "5")
    with refused(StatusCode.FAILED_PRECONDITION, "CHAIN_DECIDES", resource=task.task_id):
        await world.orchestrator.ResolveDispute(pb.ResolveDisputeRequest(task_id=task.task_id))


async def test_agreements_and_milestones_are_shown_and_watched(world: World) -> None:
    task = await assigned(world)
    watch = world.orchestrator.WatchTasks(pb.WatchTasksRequest(task_ids=[task.task_id]))
    await watch.read()
    number = str(task.chain_task_id)
    terms = "0x" + "74" * 32
    await call(world, "Commitments", "propose_commitment", task_id=number, agent_id="1", terms_hash=terms)
    added = {"description": "half", "amount": "40", "required_approvals": "1"}
    await call(world, "Escrow", "add_milestone", task_id=number, **added)
    await call(world, "Escrow", "complete_milestone", task_id=number, milestone_id="1")
    await call(world, "Escrow", "approve_milestone", task_id=number, milestone_id="1")

    shown = await get(world, task)
    agreement = (
        await world.orchestrator.GetAgreement(pb.GetAgreementRequest(task_id=task.task_id))
    ).agreement
    assert shown.agreement == agreement
    assert (agreement.agent_id, agreement.chain_agreement_id) == (AGENT, 1)
    assert (agreement.status, agreement.terms_hash) == (
        AgreementStatus.AGREEMENT_STATUS_PROPOSED,
        b"t" * 32,
    )
    [milestone] = shown.milestones
    assert (milestone.milestone_id, milestone.amount, milestone.paid_amount) == (1, "40", "40")
    assert (milestone.description, milestone.required_approvals) == ("half", 1)
    assert len(milestone.approved_by) == 1
    assert milestone.status == MilestoneStatus.MILESTONE_STATUS_PAID

    seen: list[TaskEvent] = []
    while not seen or seen[-1].milestone_status != MilestoneStatus.MILESTONE_STATUS_PAID:
        seen += (await watch.read()).events
    watch.cancel()
    assert {event.requester_id for event in seen} == {task.requester_id}
    assert (seen[0].type, seen[0].agreement_id, seen[0].agent_id) == (
        TaskEventType.TASK_EVENT_TYPE_AGREEMENT_CREATED,
        agreement.agreement_id,
        AGENT,
    )
    assert [(event.type, event.milestone_id, event.revision) for event in seen[1:]] == [
        (TaskEventType.TASK_EVENT_TYPE_MILESTONE_CREATED, 1, 1),
        (TaskEventType.TASK_EVENT_TYPE_MILESTONE_CHANGED, 1, 2),
        (TaskEventType.TASK_EVENT_TYPE_MILESTONE_CHANGED, 1, 3),
        (TaskEventType.TASK_EVENT_TYPE_MILESTONE_CHANGED, 1, 4),
    ]


async def test_the_standing_of_an_agent_is_that_of_its_account(world: World) -> None:
    registered = await world.orchestrator.RegisterAgent(an_agent(AGENT))
    await done(world, registered)
    await call(world, "Reputation", "bond_reputation", value=str(10**15))
    standing = (await world.orchestrator.GetReputation(pb.GetReputationRequest(agent_id=AGENT))).reputation
    assert (standing.staked_amount, standing.HasField("score")) == (str(10**15), False)
    assert standing.account_address.startswith("5")
    assert standing.HasField("update_time")


class TestTheUsersTable:
    async def test_is_refused_at_the_start_by_file_table_and_key(self, tmp_path: Path) -> None:
        file = tmp_path / "pallets.toml"
        file.write_text('[calls.fly]\ncall = "x"')
        given = settings(chain_ws_url="ws://127.0.0.1:1", chain_pallets_path=str(file))
        with pytest.raises(
            BadSettings, match=r"^CHAIN_PALLETS_PATH: .*pallets.toml: \[calls\] fly is unknown"
        ):
            await App(given).start()

    async def test_names_the_calls_and_what_the_runtime_lacks_of_it_is_told(self, tmp_path: Path) -> None:
        file = tmp_path / "pallets.toml"
        file.write_text('[pallets]\nAgentRegistry = "Workers"\nCommitments = "Pacts"')
        chain = DevChain(DevChainConfig(block_time_ms=BLOCK_TIME_MS, names={"AgentRegistry": "Workers"}))
        async with DevNode(chain) as node:
            given = settings(
                chain_ws_url=node.url,
                chain_signer="//Alice",
                chain_pallets_path=str(file),
                outbox_poll_ms=10,
            )
            async with running(App(given)) as app, connected(app) as channel:
                world = World(app, chain, channel)
                extrinsic = await done(world, await world.orchestrator.RegisterAgent(an_agent(AGENT)))
                assert (extrinsic.pallet, extrinsic.call) == ("Workers", "register_agent")

                async def look() -> list[str]:
                    status = await world.orchestrator.GetSyncStatus(pb.GetSyncStatusRequest())
                    return list(status.missing_in_runtime)

                assert await eventually(look) == ["no pallet Pacts"]
