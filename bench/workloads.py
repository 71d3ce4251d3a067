"""The calls that are measured, and what must be there before they are made."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import NamedTuple

import grpc
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import session_service_pb2 as session_pb
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.session_pb2 import Session
from chamberlain.v1.session_service_pb2_grpc import SessionServiceStub
from chamberlain.v1.task_pb2 import ESCROW_STATUS_NONE, TASK_STATUS_PENDING, Task
from chamberlain.v1.types_pb2 import ACTION_CREATE_TASK, VERIFICATION_LEVEL_BEST_EFFORT
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

AGENTS = TASKS = 500
"""Each agent bids once on each task: there are a quarter of a million bids to make."""
SESSIONS = 500
DEADLINE_SECONDS = 86_400
DESCRIPTION = "Summarize the attached minutes in five sentences, and name every decision with its owner."
TASK_INPUT = bytes(range(128))

ORCHESTRATOR = "/chamberlain.v1.OrchestratorService"
SESSION_SERVICE = "/chamberlain.v1.SessionService"
NOOP_SERVICE = "chamberlain.bench.Noop"


class Prepared(NamedTuple):
    """The ids of what is there before calls are made."""

    task_ids: tuple[str, ...] = ()
    session_ids: tuple[str, ...] = ()


NOTHING_PREPARED = Prepared()


class Workload(NamedTuple):
    """One benchmark: a method, and the n-th request to it, all of them different."""

    name: str
    method: str
    request: Callable[[int, Prepared], Message]


class NotEnoughWork(Exception):
    """All bids that the agents can make are made."""


def agent_id(number: int) -> str:
    return f"did:bench:agent-{number % AGENTS:04}"


def create_task(number: int, prepared: Prepared = NOTHING_PREPARED) -> pb.CreateTaskRequest:
    return pb.CreateTaskRequest(
        client_task_id=f"bench-{number}",
        requester_id=agent_id(number),
        description=DESCRIPTION,
        task_type="summary",
        input=TASK_INPUT,
        max_budget="1000000000000",
        deadline=Timestamp(seconds=int(time.time()) + DEADLINE_SECONDS),
        request_id=f"01970000-0000-7000-8000-{number:012}",
    )


def get_task(number: int, prepared: Prepared) -> pb.GetTaskRequest:
    return pb.GetTaskRequest(task_id=prepared.task_ids[number % TASKS])


def submit_bid(number: int, prepared: Prepared) -> pb.SubmitBidRequest:
    """Bids that follow each other have different tasks and different agents. Raises `NotEnoughWork`."""
    turn, place = divmod(number, TASKS)
    if turn >= AGENTS:
        raise NotEnoughWork(f"{AGENTS} agents cannot make more than {AGENTS * TASKS} bids on {TASKS} tasks")
    return pb.SubmitBidRequest(
        task_id=prepared.task_ids[place],
        agent_id=agent_id(place + turn),
        commitment=hashlib.blake2b(number.to_bytes(8, "little"), digest_size=32).digest(),
        quality_score=80,
        estimated_duration=Duration(seconds=60),
        request_id=f"01970000-0000-7000-9000-{number:012}",
    )


def update_session(number: int, prepared: Prepared) -> session_pb.UpdateSessionRequest:
    session = Session(session_id=prepared.session_ids[number % SESSIONS])
    session.metadata.update({"turn": number, "mood": "calm"})
    return session_pb.UpdateSessionRequest(
        session=session,
        update_mask=FieldMask(paths=["metadata"]),
        request_id=f"01970000-0000-7000-a000-{number:012}",
    )


BARE = Workload("bare", f"/{NOOP_SERVICE}/Call", create_task)
NOOP = Workload("noop", f"/{NOOP_SERVICE}/Call", create_task)
CREATE_TASK = Workload("create_task", f"{ORCHESTRATOR}/CreateTask", create_task)
GET_TASK = Workload("get_task", f"{ORCHESTRATOR}/GetTask", get_task)
SUBMIT_BID = Workload("submit_bid", f"{ORCHESTRATOR}/SubmitBid", submit_bid)
UPDATE_SESSION = Workload("update_session", f"{SESSION_SERVICE}/UpdateSession", update_session)
WORKLOADS = {
    workload.name: workload for workload in (BARE, NOOP, CREATE_TASK, GET_TASK, SUBMIT_BID, UPDATE_SESSION)
}


async def prepare(channel: grpc.aio.Channel) -> Prepared:
    """Register the agents, and create the tasks and the sessions."""
    orchestrator = OrchestratorServiceStub(channel)
    agents = (pb.RegisterAgentRequest(agent_id=agent_id(number)) for number in range(AGENTS))
    registered = await asyncio.gather(*(orchestrator.RegisterAgent(agent) for agent in agents))
    if not all(response.correlation_id for response in registered):
        raise RuntimeError("the database is not bound to a chain: no outbox rows are written")
    tasks = [create_task(number) for number in range(TASKS)]
    for task in tasks:
        task.request_id = f"prepared-{task.client_task_id}"
    created = await orchestrator.BatchCreateTasks(pb.BatchCreateTasksRequest(requests=tasks))
    sessions = SessionServiceStub(channel)
    new_session = session_pb.CreateSessionRequest(role="bench")
    opened = await asyncio.gather(*(sessions.CreateSession(new_session) for _ in range(SESSIONS)))
    return Prepared(
        task_ids=tuple(result.created.task.task_id for result in created.results),
        session_ids=tuple(response.session.session_id for response in opened),
    )


def noop_response() -> pb.CreateTaskResponse:
    """An answer of the size that `CreateTask` gives."""
    request = create_task(0)
    some_id = request.request_id
    task = Task(
        task_id=some_id,
        client_task_id=request.client_task_id,
        requester_id=request.requester_id,
        description=request.description,
        task_type=request.task_type,
        max_budget=request.max_budget,
        deadline=request.deadline,
        verification_level=VERIFICATION_LEVEL_BEST_EFFORT,
        status=TASK_STATUS_PENDING,
        escrow_status=ESCROW_STATUS_NONE,
        spec_hash=bytes(32),
        pending_action=ACTION_CREATE_TASK,
        pending_correlation_id=some_id,
        revision=1,
        create_time=request.deadline,
        update_time=request.deadline,
    )
    return pb.CreateTaskResponse(task=task, correlation_id=some_id)
