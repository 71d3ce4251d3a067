"""The same request id with the same body has one effect and one answer."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
from chamberlain.v1 import (
    approval_service_pb2,
    handoff_service_pb2,
    outbox_service_pb2,
    session_service_pb2,
    transcript_service_pb2,
)
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

from server.app import App
from tests.server.conftest import connected, running, settings
from tests.server.conversation import a_session, an_append
from tests.server.market import Market, a_bid, a_reveal, a_task, an_agent, in_seconds
from tests.server.refusals import refused

MUTATIONS: list[MethodDescriptor] = [
    method
    for file in (
        approval_service_pb2,
        handoff_service_pb2,
        outbox_service_pb2,
        pb,
        session_service_pb2,
        transcript_service_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if "request_id" in method.input_type.fields_by_name
]


async def test_a_request_id_that_is_too_long_is_refused_after_all_else_that_is_wrong(channel: Any) -> None:
    for method in MUTATIONS:
        path = f"/{method.containing_service.full_name}/{method.name}"
        request = GetMessageClass(method.input_type)(request_id="r" * 129).SerializeToString()
        with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD") as refusal:
            if method.client_streaming:
                await channel.stream_unary(path)(iter([request]))
            else:
                await channel.unary_unary(path)(request)
        assert refusal.fields[-1] == "request_id", method.name


async def test_a_call_that_is_repeated_gets_its_first_answer(orchestrator: Any, market: Market) -> None:
    request = a_task(request_id="once")
    first = await orchestrator.CreateTask(request)
    await orchestrator.CancelTask(pb.CancelTaskRequest(task_id=first.task.task_id))
    again = await orchestrator.CreateTask(request)
    assert again == first
    listed = await orchestrator.ListTasks(pb.ListTasksRequest())
    assert len(listed.tasks) == 1


async def test_a_repeated_creation_gets_its_first_answer_even_after_its_deadline(orchestrator: Any) -> None:
    request = a_task(request_id="once", deadline=in_seconds(0.3))
    first = await orchestrator.CreateTask(request)
    await asyncio.sleep(0.4)
    assert await orchestrator.CreateTask(request) == first


async def test_every_mutation_takes_a_request_id(orchestrator: Any, market: Market) -> None:
    agent = an_agent(request_id="agent")
    assert await orchestrator.RegisterAgent(agent) == await orchestrator.RegisterAgent(agent)
    task = await market.task()
    agent_id = agent.agent_id
    for method, request in (
        ("SubmitBid", a_bid(task, agent_id, request_id="bid")),
        ("CloseBidding", pb.CloseBiddingRequest(task_id=task.task_id, request_id="close")),
        ("RevealBid", a_reveal(task, agent_id, request_id="reveal")),
        ("AllocateTask", pb.AllocateTaskRequest(task_id=task.task_id, request_id="allocate")),
        (
            "SubmitResult",
            pb.SubmitResultRequest(task_id=task.task_id, agent_id=agent_id, request_id="result"),
        ),
        ("SettleTask", pb.SettleTaskRequest(task_id=task.task_id, request_id="settle")),
        ("RetireAgent", pb.RetireAgentRequest(agent_id=agent_id, request_id="retire")),
    ):
        first = await getattr(orchestrator, method)(request)
        assert await getattr(orchestrator, method)(request) == first, method


async def test_what_is_output_only_is_not_stored_but_belongs_to_the_body(
    sessions: Any, transcripts: Any
) -> None:
    request = an_append((await a_session(sessions)).session_id, "a", request_id="once")
    request.entries[0].position = 7
    first = await transcripts.AppendTranscript(request)
    assert first.first_position == 1
    assert await transcripts.AppendTranscript(request) == first
    request.entries[0].position = 8
    with refused(StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED"):
        await transcripts.AppendTranscript(request)


async def test_the_same_id_with_another_body_is_refused_and_changes_nothing(
    orchestrator: Any, market: Market
) -> None:
    request = a_task(request_id="once")
    await orchestrator.CreateTask(request)
    before = await market.everything()
    request.description += "!"
    with refused(StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED", metadata={"request_id": "once"}):
        await orchestrator.CreateTask(request)
    assert await market.everything() == before


async def test_methods_do_not_share_request_ids(orchestrator: Any) -> None:
    await orchestrator.RegisterAgent(an_agent(request_id="same"))
    await orchestrator.CreateTask(a_task(request_id="same"))


async def test_a_refused_call_is_not_remembered(orchestrator: Any, market: Market) -> None:
    agent_id, task = "did:ex:late", await market.task()
    bid = a_bid(task, agent_id, request_id="bid")
    with refused(StatusCode.NOT_FOUND, "AGENT_NOT_FOUND"):
        await orchestrator.SubmitBid(bid)
    await market.agent(agent_id)
    await orchestrator.SubmitBid(bid)


async def test_callers_that_repeat_each_other_at_the_same_time_get_one_answer(orchestrator: Any) -> None:
    request = a_task(request_id="race")
    answers = await asyncio.gather(*(orchestrator.CreateTask(request) for _ in range(32)))
    assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1
    listed = await orchestrator.ListTasks(pb.ListTasksRequest())
    assert len(listed.tasks) == 1


async def test_of_two_bodies_racing_for_an_id_one_wins(orchestrator: Any) -> None:
    bodies = [a_task(request_id="race", client_task_id=str(place % 2)) for place in range(16)]
    for body in bodies:
        body.deadline.CopyFrom(bodies[0].deadline)
    outcomes = await asyncio.gather(
        *(orchestrator.CreateTask(body) for body in bodies), return_exceptions=True
    )
    created = {outcome.task.task_id for outcome in outcomes if isinstance(outcome, pb.CreateTaskResponse)}
    codes = {outcome.code() for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)}
    assert len(created) == 1
    assert codes == {StatusCode.FAILED_PRECONDITION}


async def test_an_answer_outlives_the_process(tmp_path: Path) -> None:
    request = a_task(request_id="once")
    stored = settings(database_url=f"sqlite:///{tmp_path}/market.db")
    answers = []
    for _ in range(2):
        async with running(App(stored)) as app, connected(app) as channel:
            answers.append(await OrchestratorServiceStub(channel).CreateTask(request))
    assert answers[0] == answers[1]
