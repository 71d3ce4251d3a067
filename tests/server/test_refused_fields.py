"""Every wrong field of a request is named by its path, and nothing is changed."""

from typing import Any

import pytest
from chamberlain.v1 import chain_service_pb2 as chain_pb
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import outbox_service_pb2 as outbox_pb
from chamberlain.v1.agent_pb2 import Agent
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from tests.server.market import Market, a_task, an_agent
from tests.server.refusals import refused

ABOVE_U128 = str(2**128)
Request = Any


def with_number(request: Request, **numbers: int) -> Request:
    """A request with a number in an enum field that the enum does not have."""
    for field, number in numbers.items():
        setattr(request, field, number)
    return request


@pytest.mark.parametrize(
    ("method", "request_", "fields"),
    [
        ("RegisterAgent", an_agent("x", label="\0"), ["label"]),
        ("RegisterAgent", an_agent("x" * 129), ["agent_id"]),
        ("RegisterAgent", an_agent("ü" * 65), ["agent_id"]),
        ("RegisterAgent", pb.RegisterAgentRequest(), ["agent_id"]),
        ("RegisterAgent", an_agent(capabilities=["ok", ""]), ["capabilities[1]"]),
        ("RegisterAgent", an_agent(capabilities=["c"] * 65), ["capabilities"]),
        ("RegisterAgent", an_agent(metadata="m" * 1025), ["metadata"]),
        ("RegisterAgent", an_agent(attestation=b"a" * 4097), ["attestation"]),
        ("RegisterAgent", an_agent(verification_level=17), ["verification_level"]),
        ("RegisterAgent", an_agent(request_id="r" * 129), ["request_id"]),
        ("UpdateAgent", pb.UpdateAgentRequest(agent=Agent(agent_id="x")), ["update_mask"]),
        (
            "UpdateAgent",
            pb.UpdateAgentRequest(
                agent=Agent(label="l" * 257), update_mask=FieldMask(paths=["label", "*"]), revision=-1
            ),
            ["update_mask", "revision", "agent.agent_id", "agent.label"],
        ),
        ("RetireAgent", pb.RetireAgentRequest(), ["agent_id"]),
        ("GetAgent", pb.GetAgentRequest(agent_id="a\0b"), ["agent_id"]),
        ("ListAgents", with_number(pb.ListAgentsRequest(), status=99), ["status"]),
        ("ListAgents", pb.ListAgentsRequest(page_size=-1), ["page_size"]),
        ("CreateTask", a_task(max_budget="12.5"), ["max_budget"]),
        ("CreateTask", a_task(max_budget=ABOVE_U128), ["max_budget"]),
        ("CreateTask", a_task(max_budget="9" * 100_000), ["max_budget"]),
        ("CreateTask", a_task(max_budget="0"), ["max_budget"]),
        ("CreateTask", a_task(max_budget="-1"), ["max_budget"]),
        ("CreateTask", a_task(max_budget="007"), ["max_budget"]),
        ("CreateTask", a_task(max_budget="١٢"), ["max_budget"]),
        ("CreateTask", a_task(max_budget="1\n"), ["max_budget"]),
        ("CreateTask", a_task(description="d" * 10_241), ["description"]),
        ("CreateTask", a_task(task_type="t" * 65), ["task_type"]),
        ("CreateTask", a_task(client_task_id="c" * 129), ["client_task_id"]),
        ("CreateTask", a_task(deadline=Timestamp(seconds=7_258_118_400)), ["deadline"]),
        ("CreateTask", a_task(deadline=Timestamp(seconds=2**40, nanos=-1)), ["deadline"]),
        ("CreateTask", a_task(deadline=Timestamp(seconds=-(2**63))), ["deadline"]),
        (
            "CreateTask",
            pb.CreateTaskRequest(),
            ["requester_id", "description", "task_type", "max_budget", "deadline"],
        ),
        ("BatchCreateTasks", pb.BatchCreateTasksRequest(), ["requests"]),
        ("BatchCreateTasks", pb.BatchCreateTasksRequest(requests=[a_task()] * 501), ["requests"]),
        ("GetTask", pb.GetTaskRequest(), ["task_id"]),
        (
            "ListTasks",
            with_number(pb.ListTasksRequest(requester_id="\0"), status=-3),
            ["status", "requester_id"],
        ),
        ("CancelTask", pb.CancelTaskRequest(task_id="t", request_id="\0"), ["request_id"]),
        (
            "SubmitBid",
            pb.SubmitBidRequest(task_id="t", agent_id="a", commitment=b"c" * 31, quality_score=101),
            ["commitment", "quality_score"],
        ),
        (
            "SubmitBid",
            pb.SubmitBidRequest(
                task_id="t", agent_id="a", commitment=b"c" * 32, estimated_duration=Duration(seconds=-1)
            ),
            ["estimated_duration"],
        ),
        (
            "SubmitBid",
            pb.SubmitBidRequest(
                task_id="t", agent_id="a", commitment=b"c" * 32, estimated_duration=Duration(nanos=1)
            ),
            ["estimated_duration"],
        ),
        (
            "RevealBid",
            pb.RevealBidRequest(task_id="t", agent_id="a", value=ABOVE_U128, nonce=b"n"),
            ["value", "nonce"],
        ),
        ("ListBids", pb.ListBidsRequest(), ["task_id"]),
        ("SubmitResult", pb.SubmitResultRequest(task_id="t", agent_id="a", proof=b"p" * 4097), ["proof"]),
        ("GetResult", pb.GetResultRequest(), ["result_id"]),
        ("GetResult", pb.GetResultRequest(task_id=""), ["task_id"]),
        ("ListResults", pb.ListResultsRequest(agent_id="x" * 129), ["agent_id"]),
        ("SettleTask", pb.SettleTaskRequest(), ["task_id"]),
        ("DisputeTask", pb.DisputeTaskRequest(agent_id="\0"), ["task_id", "agent_id", "reason"]),
        ("DisputeTask", pb.DisputeTaskRequest(task_id="t", reason="ü" * 513), ["reason"]),
        (
            "DisputeTask",
            pb.DisputeTaskRequest(task_id="t", reason="\0", request_id="\0"),
            ["reason", "request_id"],
        ),
        ("ResolveDispute", pb.ResolveDisputeRequest(request_id="r" * 129), ["task_id", "request_id"]),
        ("GetAgreement", pb.GetAgreementRequest(), ["task_id"]),
        ("GetReputation", pb.GetReputationRequest(agent_id="a\0"), ["agent_id"]),
        ("ListTasks", with_number(pb.ListTasksRequest(), escrow_status=77), ["escrow_status"]),
    ],
)
async def test_every_wrong_field_is_named_by_its_path(
    orchestrator: Any, market: Market, method: str, request_: Request, fields: list[str]
) -> None:
    before = await market.everything()
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=fields, metadata={"field": fields[0]}):
        await getattr(orchestrator, method)(request_)
    assert await market.everything() == before


async def test_a_fraction_of_an_amount_is_refused_in_words(orchestrator: Any) -> None:
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=["max_budget"]) as refusal:
        await orchestrator.CreateTask(a_task(max_budget="12.5"))
    assert "whole number in decimal digits" in refusal.text


@pytest.mark.parametrize(
    ("service", "method", "request_", "fields"),
    [
        ("outbox", "GetExtrinsic", outbox_pb.GetExtrinsicRequest(), ["correlation_id"]),
        ("outbox", "ListExtrinsics", with_number(outbox_pb.ListExtrinsicsRequest(), status=77), ["status"]),
        ("outbox", "RequeueExtrinsic", outbox_pb.RequeueExtrinsicRequest(), ["correlation_id"]),
        ("chain", "ListChainEvents", chain_pb.ListChainEventsRequest(event="TaskCreated"), ["pallet"]),
    ],
)
async def test_the_other_services_refuse_alike(
    outbox: Any, chain: Any, service: str, method: str, request_: Request, fields: list[str]
) -> None:
    stub = {"outbox": outbox, "chain": chain}[service]
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=fields):
        await getattr(stub, method)(request_)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("WatchTasks", pb.WatchTasksRequest(task_ids=["t"] * 101)),
        ("WatchTasks", pb.WatchTasksRequest(task_ids=["t", "\0"])),
    ],
)
async def test_a_watch_with_a_wrong_filter_ends_at_once(
    orchestrator: Any, method: str, request_: Request
) -> None:
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        await getattr(orchestrator, method)(request_).read()
