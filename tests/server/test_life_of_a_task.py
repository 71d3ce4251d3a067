"""In local mode a task goes from registration to settlement, each step taking effect as it returns."""

from typing import Any

from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.agent_pb2 import AgentStatus
from chamberlain.v1.bid_pb2 import Bid, BidStatus
from chamberlain.v1.result_pb2 import ResourceUsage, ResultStatus
from chamberlain.v1.task_pb2 import EscrowStatus, TaskStatus
from chamberlain.v1.types_pb2 import Action, VerificationLevel
from google.protobuf.field_mask_pb2 import FieldMask

from tests.server.market import NONCE, Market, a_bid, a_reveal, a_task, an_agent, in_seconds


async def bids_on(orchestrator: Any, task_id: str) -> dict[str, Bid]:
    listed = await orchestrator.ListBids(pb.ListBidsRequest(task_id=task_id))
    return {bid.agent_id: bid for bid in listed.bids}


async def test_a_task_goes_from_registration_to_settlement(orchestrator: Any, market: Market) -> None:
    cheap, dear = await market.agent("did:ex:cheap"), await market.agent("did:ex:dear")
    task = await market.revealing_task((dear, 900), (cheap, 400))
    assert task.status == TaskStatus.TASK_STATUS_REVEALING
    await orchestrator.RevealBid(a_reveal(task, dear, 900))
    await orchestrator.RevealBid(a_reveal(task, cheap, 400))

    allocated = (await orchestrator.AllocateTask(pb.AllocateTaskRequest(task_id=task.task_id))).task
    assert allocated.status == TaskStatus.TASK_STATUS_ASSIGNED
    assert (allocated.assigned_agent_id, allocated.cost) == (cheap, "400")
    bids = await bids_on(orchestrator, task.task_id)
    assert bids[cheap].status == BidStatus.BID_STATUS_WON
    assert bids[dear].status == BidStatus.BID_STATUS_LOST

    delivered = pb.SubmitResultRequest(
        task_id=task.task_id,
        agent_id=cheap,
        output=b"6",
        proof=b"because",
        resource_usage=ResourceUsage(cpu_time_ms=2**64 - 1, memory_bytes=1),
    )
    result = (await orchestrator.SubmitResult(delivered)).result
    assert result.status == ResultStatus.RESULT_STATUS_RECORDED
    for request in (
        pb.GetResultRequest(result_id=result.result_id),
        pb.GetResultRequest(task_id=task.task_id),
    ):
        found = (await orchestrator.GetResult(request)).result
        assert (found.output, found.proof, found.resource_usage) == (
            b"6",
            b"because",
            delivered.resource_usage,
        )

    settled = (await orchestrator.SettleTask(pb.SettleTaskRequest(task_id=task.task_id))).task
    assert settled.status == TaskStatus.TASK_STATUS_COMPLETED
    assert settled.escrow_status == EscrowStatus.ESCROW_STATUS_RELEASED
    assert (settled.paid_amount, settled.fee_amount) == ("400", "0")
    assert settled.revision > allocated.revision


async def test_a_task_is_shown_as_it_was_given(orchestrator: Any) -> None:
    request = a_task(
        client_task_id="mine",
        description="Überall 🌍",
        max_budget=str(2**128 - 1),
        verification_level=VerificationLevel.VERIFICATION_LEVEL_TEE,
        input=bytes(range(256)),
    )
    created = await orchestrator.CreateTask(request)
    task = (await orchestrator.GetTask(pb.GetTaskRequest(task_id=created.task.task_id))).task

    for field in ("client_task_id", "requester_id", "description", "task_type", "input", "max_budget"):
        assert getattr(task, field) == getattr(request, field)
    assert task.verification_level == request.verification_level
    assert task.deadline.seconds == request.deadline.seconds
    assert task.deadline.nanos == request.deadline.nanos // 1000 * 1000
    assert task.status == TaskStatus.TASK_STATUS_BIDDING
    assert task.escrow_status == EscrowStatus.ESCROW_STATUS_FUNDED
    assert task.HasField("bidding_end_time")
    assert not task.HasField("chain_task_id")
    assert (task.revision, task.pending_action) == (1, Action.ACTION_UNSPECIFIED)
    assert created.correlation_id == ""


async def test_nobody_learns_the_value_of_a_bid_before_it_is_revealed(
    orchestrator: Any, market: Market
) -> None:
    agent_id = await market.agent()
    task = await market.task()
    submitted = (await orchestrator.SubmitBid(a_bid(task, agent_id, 123))).bid
    assert submitted.value == ""
    await orchestrator.CloseBidding(pb.CloseBiddingRequest(task_id=task.task_id))
    assert (await bids_on(orchestrator, task.task_id))[agent_id].value == ""

    revealed = (await orchestrator.RevealBid(a_reveal(task, agent_id, 123))).bid
    assert revealed.value == "123"
    assert revealed.estimated_duration.seconds == 60
    assert NONCE not in revealed.SerializeToString()


async def test_a_bid_of_nothing_is_a_bid(orchestrator: Any, market: Market) -> None:
    agent_id = await market.agent()
    task = await market.assigned_task(agent_id, 0)
    assert task.cost == "0"


async def test_the_deadline_and_the_bidding_window_pass_by_themselves(orchestrator: Any) -> None:
    request = pb.WatchTasksRequest(requester_id="did:ex:hasty")
    watch = orchestrator.WatchTasks(request)
    await watch.read()
    task = (
        await orchestrator.CreateTask(a_task(requester_id="did:ex:hasty", deadline=in_seconds(0.05)))
    ).task
    seen: list[int] = []
    while TaskStatus.TASK_STATUS_EXPIRED not in seen:
        seen += [event.status for event in (await watch.read()).events]
    watch.cancel()
    assert seen == [TaskStatus.TASK_STATUS_BIDDING, TaskStatus.TASK_STATUS_EXPIRED]
    expired = (await orchestrator.GetTask(pb.GetTaskRequest(task_id=task.task_id))).task
    assert expired.escrow_status == EscrowStatus.ESCROW_STATUS_REFUNDED


async def test_an_agent_changes_what_its_mask_names_and_retires(orchestrator: Any) -> None:
    request = an_agent("did:ex:ann", label="Ann", capabilities=["sum"], metadata="m", attestation=b"a")
    registered = (await orchestrator.RegisterAgent(request)).agent
    assert registered.status == AgentStatus.AGENT_STATUS_ACTIVE
    assert registered.verification_level == VerificationLevel.VERIFICATION_LEVEL_BEST_EFFORT

    registered.label, registered.metadata = "Anna", "ignored"
    registered.capabilities.append("sort")
    changed = await orchestrator.UpdateAgent(
        pb.UpdateAgentRequest(
            agent=registered, update_mask=FieldMask(paths=["label", "capabilities"]), revision=1
        )
    )
    assert (changed.agent.label, list(changed.agent.capabilities)) == ("Anna", ["sum", "sort"])
    assert (changed.agent.metadata, changed.agent.attestation) == ("m", b"a")
    assert changed.agent.revision == 2

    await orchestrator.RetireAgent(pb.RetireAgentRequest(agent_id="did:ex:ann"))
    found = (await orchestrator.GetAgent(pb.GetAgentRequest(agent_id="did:ex:ann"))).agent
    assert found.status == AgentStatus.AGENT_STATUS_RETIRED


async def test_the_dashboard_counts_by_state_and_the_sync_status_says_local(
    orchestrator: Any, market: Market
) -> None:
    agent_id = await market.agent()
    await market.assigned_task(agent_id)
    await market.task()
    counts = await orchestrator.GetDashboard(pb.GetDashboardRequest())

    assert {row.status: row.count for row in counts.agents} == {AgentStatus.AGENT_STATUS_ACTIVE: 1}
    assert {row.status: row.count for row in counts.tasks} == {
        TaskStatus.TASK_STATUS_ASSIGNED: 1,
        TaskStatus.TASK_STATUS_BIDDING: 1,
    }
    assert {row.status: row.count for row in counts.escrows} == {EscrowStatus.ESCROW_STATUS_FUNDED: 2}
    assert {row.status: row.count for row in counts.bids} == {BidStatus.BID_STATUS_WON: 1}
    assert not counts.results
    status = await orchestrator.GetSyncStatus(pb.GetSyncStatusRequest())
    assert status == pb.GetSyncStatusResponse(mode=pb.GetSyncStatusResponse.MODE_LOCAL)
