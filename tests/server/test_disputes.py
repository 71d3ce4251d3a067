"""Disputes in local mode: anyone of the two raises one, and an operator ends it."""

from typing import Any

import pytest
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.task_pb2 import EscrowStatus, Task, TaskEventType, TaskStatus
from grpc import StatusCode

from tests.server.market import Market
from tests.server.refusals import refused

WINNER = "did:ex:winner"
DISPUTED = EscrowStatus.ESCROW_STATUS_DISPUTED


@pytest.fixture
async def assigned(market: Market) -> Task:
    await market.agent(WINNER)
    return await market.assigned_task(WINNER, 70)


def a_dispute(task: Task, **fields: Any) -> pb.DisputeTaskRequest:
    return pb.DisputeTaskRequest(**{"task_id": task.task_id, "reason": "It is late."} | fields)


@pytest.mark.parametrize("agent_id", ["", WINNER])
async def test_a_dispute_holds_the_money_and_says_who_and_why(
    orchestrator: Any, assigned: Task, agent_id: str
) -> None:
    response = await orchestrator.DisputeTask(a_dispute(assigned, agent_id=agent_id, reason="Ünfair."))
    task = (await orchestrator.GetTask(pb.GetTaskRequest(task_id=assigned.task_id))).task
    assert (task.status, task.escrow_status) == (TaskStatus.TASK_STATUS_ASSIGNED, DISPUTED)
    assert (task.disputed_by, task.dispute_reason) == (agent_id or assigned.requester_id, "Ünfair.")
    assert (response.task.revision, response.correlation_id) == (assigned.revision + 1, "")


@pytest.mark.parametrize(
    ("pay_agent", "status", "paid"),
    [
        (True, EscrowStatus.ESCROW_STATUS_RELEASED, "70"),
        (False, EscrowStatus.ESCROW_STATUS_REFUNDED, ""),
    ],
)
async def test_an_operator_ends_it(
    orchestrator: Any, assigned: Task, pay_agent: bool, status: int, paid: str
) -> None:
    await orchestrator.DisputeTask(a_dispute(assigned))
    with refused(
        StatusCode.FAILED_PRECONDITION, "INVALID_TRANSITION", metadata={"from": "disputed", "to": "released"}
    ):
        await orchestrator.SettleTask(pb.SettleTaskRequest(task_id=assigned.task_id))
    request = pb.ResolveDisputeRequest(task_id=assigned.task_id, pay_agent=pay_agent, request_id="once")
    resolved = await orchestrator.ResolveDispute(request)
    assert (resolved.task.escrow_status, resolved.task.paid_amount) == (status, paid)
    assert await orchestrator.ResolveDispute(request) == resolved
    request.request_id = ""
    with refused(StatusCode.FAILED_PRECONDITION, "INVALID_TRANSITION", resource=assigned.task_id):
        await orchestrator.ResolveDispute(request)


async def test_the_same_request_id_disputes_once(orchestrator: Any, assigned: Task) -> None:
    request = a_dispute(assigned, request_id="once")
    first = await orchestrator.DisputeTask(request)
    assert await orchestrator.DisputeTask(request) == first
    with refused(StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED"):
        await orchestrator.DisputeTask(a_dispute(assigned, request_id="once", reason="Another."))


async def test_who_is_not_the_winner_cannot_dispute(
    orchestrator: Any, market: Market, assigned: Task
) -> None:
    other = await market.agent()
    before = await market.everything()
    with refused(StatusCode.FAILED_PRECONDITION, "TASK_NOT_ASSIGNED", resource=assigned.task_id):
        await orchestrator.DisputeTask(a_dispute(assigned, agent_id=other))
    assert await market.everything() == before


async def test_before_anybody_works_there_is_nothing_to_dispute(orchestrator: Any, market: Market) -> None:
    task = await market.task()
    with refused(
        StatusCode.FAILED_PRECONDITION,
        "INVALID_TRANSITION",
        metadata={"from": "funded", "to": "disputed", "task_status": "bidding"},
    ):
        await orchestrator.DisputeTask(a_dispute(task))


async def test_disputed_money_is_listed_and_counted(
    orchestrator: Any, market: Market, assigned: Task
) -> None:
    await market.task()
    await orchestrator.DisputeTask(a_dispute(assigned))
    listed = await orchestrator.ListTasks(pb.ListTasksRequest(escrow_status=DISPUTED))
    assert [task.task_id for task in listed.tasks] == [assigned.task_id]
    counts = (await orchestrator.GetDashboard(pb.GetDashboardRequest())).escrows
    assert {count.status: count.count for count in counts}[DISPUTED] == 1


async def test_watchers_see_the_dispute(orchestrator: Any, assigned: Task) -> None:
    watch = orchestrator.WatchTasks(pb.WatchTasksRequest(task_ids=[assigned.task_id]))
    await watch.read()
    await orchestrator.DisputeTask(a_dispute(assigned))
    (event,) = (await watch.read()).events
    watch.cancel()
    assert (event.type, event.escrow_status) == (TaskEventType.TASK_EVENT_TYPE_TASK_CHANGED, DISPUTED)


async def test_in_local_mode_there_are_no_agreements_and_reputations_are_empty(
    orchestrator: Any, assigned: Task
) -> None:
    with refused(StatusCode.NOT_FOUND, "AGREEMENT_NOT_FOUND"):
        await orchestrator.GetAgreement(pb.GetAgreementRequest(task_id=assigned.task_id))
    got = await orchestrator.GetTask(pb.GetTaskRequest(task_id=assigned.task_id))
    assert (got.HasField("agreement"), list(got.milestones)) == (False, [])
    standing = (await orchestrator.GetReputation(pb.GetReputationRequest(agent_id=WINNER))).reputation
    assert (standing.agent_id, standing.account_address) == (WINNER, "")
    assert (standing.HasField("score"), standing.staked_amount) == (False, "0")
    assert not standing.HasField("update_time")
