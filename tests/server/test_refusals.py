"""What is against the rules of the market is refused with a clear status, and changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import outbox_service_pb2 as outbox_pb
from chamberlain.v1.agent_pb2 import Agent
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode

from server.app import App
from tests.server.conftest import connected, running, settings
from tests.server.market import Market, a_bid, a_reveal, a_task, an_agent, in_seconds
from tests.server.refusals import refused

Request = Any


@pytest.mark.parametrize(
    ("method", "request_", "reason", "resource"),
    [
        ("GetAgent", pb.GetAgentRequest(agent_id="nobody"), "AGENT_NOT_FOUND", "nobody"),
        ("RetireAgent", pb.RetireAgentRequest(agent_id="nobody"), "AGENT_NOT_FOUND", "nobody"),
        ("GetTask", pb.GetTaskRequest(task_id="none"), "TASK_NOT_FOUND", "none"),
        ("CancelTask", pb.CancelTaskRequest(task_id="none"), "TASK_NOT_FOUND", "none"),
        ("CloseBidding", pb.CloseBiddingRequest(task_id="none"), "TASK_NOT_FOUND", "none"),
        ("AllocateTask", pb.AllocateTaskRequest(task_id="none"), "TASK_NOT_FOUND", "none"),
        ("SettleTask", pb.SettleTaskRequest(task_id="none"), "TASK_NOT_FOUND", "none"),
        ("DisputeTask", pb.DisputeTaskRequest(task_id="none", reason="x"), "TASK_NOT_FOUND", "none"),
        ("ResolveDispute", pb.ResolveDisputeRequest(task_id="none"), "TASK_NOT_FOUND", "none"),
        ("GetAgreement", pb.GetAgreementRequest(task_id="none"), "TASK_NOT_FOUND", "none"),
        ("GetReputation", pb.GetReputationRequest(agent_id="nobody"), "AGENT_NOT_FOUND", "nobody"),
        ("GetResult", pb.GetResultRequest(result_id="none"), "RESULT_NOT_FOUND", "none"),
        ("GetResult", pb.GetResultRequest(task_id="none"), "RESULT_NOT_FOUND", "none"),
    ],
)
async def test_an_unknown_id_is_not_found(
    orchestrator: Any, method: str, request_: Request, reason: str, resource: str
) -> None:
    with refused(StatusCode.NOT_FOUND, reason, resource=resource):
        await getattr(orchestrator, method)(request_)


async def test_an_unknown_extrinsic_is_not_found(outbox: Any) -> None:
    for call, request in (
        (outbox.GetExtrinsic, outbox_pb.GetExtrinsicRequest(correlation_id="none")),
        (outbox.CancelExtrinsic, outbox_pb.CancelExtrinsicRequest(correlation_id="none")),
        (outbox.RequeueExtrinsic, outbox_pb.RequeueExtrinsicRequest(correlation_id="none")),
    ):
        with refused(StatusCode.NOT_FOUND, "EXTRINSIC_NOT_FOUND", resource="none"):
            await call(request)


async def test_a_task_with_a_deadline_in_the_past_is_refused_and_not_its_neighbour(orchestrator: Any) -> None:
    late, in_time = a_task(deadline=in_seconds(-1)), a_task()
    with refused(StatusCode.FAILED_PRECONDITION, "DEADLINE_PASSED"):
        await orchestrator.CreateTask(late)
    answer = await orchestrator.BatchCreateTasks(pb.BatchCreateTasksRequest(requests=[late, in_time]))
    assert [result.WhichOneof("outcome") for result in answer.results] == ["error", "created"]
    assert len((await orchestrator.ListTasks(pb.ListTasksRequest())).tasks) == 1


Step = Callable[[Any, Market], Awaitable[None]]


async def agent_exists(orchestrator: Any, market: Market) -> None:
    await market.agent("did:ex:twice")
    before = await market.everything()
    with refused(StatusCode.ALREADY_EXISTS, "AGENT_EXISTS", resource="did:ex:twice"):
        await orchestrator.RegisterAgent(an_agent("did:ex:twice", label="other"))
    assert await market.everything() == before


async def duplicate_bid(orchestrator: Any, market: Market) -> None:
    agent_id, task = await market.agent(), await market.task()
    bid = await market.bid(task, agent_id)
    before = await market.everything()
    with refused(
        StatusCode.ALREADY_EXISTS, "DUPLICATE_BID", resource=task.task_id, metadata={"bid_id": bid.bid_id}
    ):
        await market.bid(task, agent_id, 7)
    assert await market.everything() == before


async def bid_on_a_task_that_is_not_bidding(orchestrator: Any, market: Market) -> None:
    agent_id, task = await market.agent(), await market.revealing_task()
    before = await market.everything()
    with refused(
        StatusCode.FAILED_PRECONDITION,
        "TASK_NOT_BIDDING",
        resource=task.task_id,
        metadata={"status": "revealing"},
    ):
        await orchestrator.SubmitBid(a_bid(task, agent_id))
    assert await market.everything() == before


async def bid_of_a_retired_agent(orchestrator: Any, market: Market) -> None:
    agent_id, task = await market.agent(), await market.task()
    await orchestrator.RetireAgent(pb.RetireAgentRequest(agent_id=agent_id))
    with refused(StatusCode.FAILED_PRECONDITION, "AGENT_NOT_ACTIVE", resource=agent_id):
        await orchestrator.SubmitBid(a_bid(task, agent_id))


async def reveal_that_does_not_match(orchestrator: Any, market: Market) -> None:
    agent_id = await market.agent()
    task = await market.revealing_task((agent_id, 100))
    before = await market.everything()
    for changed in ({"value": "101"}, {"nonce": b"m" * 32}):
        with refused(StatusCode.INVALID_ARGUMENT, "COMMITMENT_MISMATCH", fields=["nonce"]):
            await orchestrator.RevealBid(a_reveal(task, agent_id, **changed))
    assert await market.everything() == before


async def reveal_while_bidding(orchestrator: Any, market: Market) -> None:
    agent_id, task = await market.agent(), await market.task()
    await market.bid(task, agent_id)
    with refused(StatusCode.FAILED_PRECONDITION, "TASK_NOT_REVEALING", resource=task.task_id):
        await orchestrator.RevealBid(a_reveal(task, agent_id))


async def reveal_without_a_bid(orchestrator: Any, market: Market) -> None:
    agent_id, task = await market.agent(), await market.revealing_task()
    with refused(StatusCode.NOT_FOUND, "BID_NOT_FOUND"):
        await orchestrator.RevealBid(a_reveal(task, agent_id))


async def value_above_the_budget(orchestrator: Any, market: Market) -> None:
    agent_id = await market.agent()
    task = await market.revealing_task((agent_id, 1001))
    with refused(
        StatusCode.FAILED_PRECONDITION,
        "VALUE_ABOVE_BUDGET",
        metadata={"value": "1001", "max_budget": "1000"},
    ):
        await orchestrator.RevealBid(a_reveal(task, agent_id, 1001))


async def allocation_without_a_revealed_bid(orchestrator: Any, market: Market) -> None:
    agent_id = await market.agent()
    task = await market.revealing_task((agent_id, 5))
    with refused(StatusCode.FAILED_PRECONDITION, "NO_REVEALED_BID", resource=task.task_id):
        await orchestrator.AllocateTask(pb.AllocateTaskRequest(task_id=task.task_id))


async def status_that_would_go_back(orchestrator: Any, market: Market) -> None:
    task = await market.assigned_task(await market.agent())
    before = await market.everything()
    for call, request, current, target in (
        (orchestrator.CancelTask, pb.CancelTaskRequest(task_id=task.task_id), "assigned", "cancelled"),
        (orchestrator.CloseBidding, pb.CloseBiddingRequest(task_id=task.task_id), "assigned", "revealing"),
        (orchestrator.SettleTask, pb.SettleTaskRequest(task_id=task.task_id), "funded", "released"),
    ):
        with refused(
            StatusCode.FAILED_PRECONDITION,
            "INVALID_TRANSITION",
            resource=task.task_id,
            metadata={"from": current, "to": target},
        ):
            await call(request)
    assert await market.everything() == before


async def result_of_somebody_else(orchestrator: Any, market: Market) -> None:
    winner, other = await market.agent(), await market.agent()
    task = await market.assigned_task(winner)
    with refused(StatusCode.FAILED_PRECONDITION, "TASK_NOT_ASSIGNED", resource=task.task_id):
        await orchestrator.SubmitResult(pb.SubmitResultRequest(task_id=task.task_id, agent_id=other))


async def second_result(orchestrator: Any, market: Market) -> None:
    agent_id = await market.agent()
    task = await market.assigned_task(agent_id)
    request = pb.SubmitResultRequest(task_id=task.task_id, agent_id=agent_id, output=b"1")
    await orchestrator.SubmitResult(request)
    with refused(StatusCode.ALREADY_EXISTS, "DUPLICATE_RESULT", resource=task.task_id):
        await orchestrator.SubmitResult(request)


async def stale_revision(orchestrator: Any, market: Market) -> None:
    agent_id = await market.agent()
    request = pb.UpdateAgentRequest(
        agent=Agent(agent_id=agent_id, label="new"), update_mask=FieldMask(paths=["label"]), revision=1
    )
    await orchestrator.UpdateAgent(request)
    before = await market.everything()
    with refused(
        StatusCode.ABORTED,
        "STALE_REVISION",
        resource=agent_id,
        metadata={"revision": "1", "current_revision": "2"},
    ):
        await orchestrator.UpdateAgent(request)
    assert await market.everything() == before


@pytest.mark.parametrize(
    "step",
    [
        agent_exists,
        duplicate_bid,
        bid_on_a_task_that_is_not_bidding,
        bid_of_a_retired_agent,
        reveal_that_does_not_match,
        reveal_while_bidding,
        reveal_without_a_bid,
        value_above_the_budget,
        allocation_without_a_revealed_bid,
        status_that_would_go_back,
        result_of_somebody_else,
        second_result,
        stale_revision,
    ],
)
async def test_a_step_against_the_rules_is_refused_and_changes_nothing(
    orchestrator: Any, market: Market, step: Step
) -> None:
    await step(orchestrator, market)


async def test_a_raw_call_must_be_on_the_allow_list(outbox: Any) -> None:
    with refused(
        StatusCode.PERMISSION_DENIED,
        "CALL_NOT_ALLOWED",
        metadata={"pallet": "Balances", "call": "transfer_all"},
    ):
        await outbox.EnqueueExtrinsic(
            outbox_pb.EnqueueExtrinsicRequest(pallet="Balances", call="transfer_all")
        )


async def test_without_a_chain_an_allowed_call_has_nowhere_to_go() -> None:
    async with (
        running(App(settings(outbox_allowed_calls="System.remark"))) as app,
        connected(app) as channel,
    ):
        enqueue = channel.unary_unary(
            "/chamberlain.v1.OutboxService/EnqueueExtrinsic",
            outbox_pb.EnqueueExtrinsicRequest.SerializeToString,
            outbox_pb.EnqueueExtrinsicResponse.FromString,
        )
        with refused(StatusCode.FAILED_PRECONDITION, "NO_CHAIN"):
            await enqueue(outbox_pb.EnqueueExtrinsicRequest(pallet="System", call="remark"))


async def test_one_refused_bid_fails_none_of_those_submitted_with_it(
    orchestrator: Any, market: Market
) -> None:

    agents = [await market.agent() for _ in range(20)]
    task, closed = await market.task(), await market.revealing_task()
    bids = [a_bid(task, agent_id) for agent_id in agents]
    bids[7] = a_bid(closed, agents[7])
    bids[13] = a_bid(task, "did:ex:unknown")
    outcomes = await asyncio.gather(*(orchestrator.SubmitBid(bid) for bid in bids), return_exceptions=True)
    codes = [
        outcome.code() if isinstance(outcome, grpc.aio.AioRpcError) else StatusCode.OK for outcome in outcomes
    ]
    assert codes[7] == StatusCode.FAILED_PRECONDITION
    assert codes[13] == StatusCode.NOT_FOUND
    assert codes.count(StatusCode.OK) == 18
    listed = await orchestrator.ListBids(pb.ListBidsRequest(task_id=task.task_id))
    assert len(listed.bids) == 18
