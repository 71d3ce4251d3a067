"""Requests with sensible contents, and the steps of a task's life."""

import hashlib
import itertools
import time
from typing import Any

from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.bid_pb2 import Bid
from chamberlain.v1.task_pb2 import Task
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

NONCE = b"n" * 32
_numbers = itertools.count(1)


def in_seconds(seconds: float) -> Timestamp:
    """A time from now."""
    moment = Timestamp()
    moment.FromNanoseconds(time.time_ns() + int(seconds * 1e9))
    return moment


def an_agent(agent_id: str = "", **fields: Any) -> pb.RegisterAgentRequest:
    return pb.RegisterAgentRequest(agent_id=agent_id or f"did:ex:{next(_numbers)}", **fields)


def a_task(**fields: Any) -> pb.CreateTaskRequest:
    given: dict[str, Any] = {
        "requester_id": "did:ex:requester",
        "description": "Sum the numbers.",
        "task_type": "compute",
        "input": b"1 2 3",
        "max_budget": "1000",
        "deadline": in_seconds(3600),
    }
    return pb.CreateTaskRequest(**(given | fields))


def commitment(task: Task, agent_id: str, value: int, nonce: bytes = NONCE) -> bytes:
    """The commitment of a bid, as the contract defines it."""
    preimage = value.to_bytes(16, "little") + nonce + task.spec_hash + agent_id.encode()
    return hashlib.blake2b(preimage, digest_size=32).digest()


def a_bid(task: Task, agent_id: str, value: int = 100, **fields: Any) -> pb.SubmitBidRequest:
    given: dict[str, Any] = {
        "task_id": task.task_id,
        "agent_id": agent_id,
        "commitment": commitment(task, agent_id, value),
        "quality_score": 90,
        "estimated_duration": Duration(seconds=60),
    }
    return pb.SubmitBidRequest(**(given | fields))


def a_reveal(task: Task, agent_id: str, value: int = 100, **fields: Any) -> pb.RevealBidRequest:
    given: dict[str, Any] = {
        "task_id": task.task_id,
        "agent_id": agent_id,
        "value": str(value),
        "nonce": NONCE,
    }
    return pb.RevealBidRequest(**(given | fields))


class Market:
    """Takes a task to where a test begins."""

    def __init__(self, orchestrator: Any) -> None:
        self._calls = orchestrator

    async def agent(self, agent_id: str = "", **fields: Any) -> str:
        """Register an agent; its id."""
        response = await self._calls.RegisterAgent(an_agent(agent_id, **fields))
        registered: str = response.agent.agent_id
        return registered

    async def task(self, **fields: Any) -> Task:
        """Create a task, which takes bids."""
        created: Task = (await self._calls.CreateTask(a_task(**fields))).task
        return created

    async def bid(self, task: Task, agent_id: str, value: int = 100) -> Bid:
        submitted: Bid = (await self._calls.SubmitBid(a_bid(task, agent_id, value))).bid
        return submitted

    async def revealing_task(self, *bids: tuple[str, int]) -> Task:
        """A task that takes reveals, with bids on it."""
        task = await self.task()
        for agent_id, value in bids:
            await self.bid(task, agent_id, value)
        closed: Task = (await self._calls.CloseBidding(pb.CloseBiddingRequest(task_id=task.task_id))).task
        return closed

    async def assigned_task(self, agent_id: str, value: int = 100) -> Task:
        """A task that was allocated to an agent."""
        task = await self.revealing_task((agent_id, value))
        await self._calls.RevealBid(a_reveal(task, agent_id, value))
        allocated: Task = (await self._calls.AllocateTask(pb.AllocateTaskRequest(task_id=task.task_id))).task
        return allocated

    async def everything(self) -> bytes:
        """All that the API shows of the market, to prove that nothing changed."""
        listed = (
            await self._calls.ListAgents(pb.ListAgentsRequest(page_size=200)),
            await self._calls.ListTasks(pb.ListTasksRequest(page_size=200)),
            await self._calls.ListResults(pb.ListResultsRequest(page_size=200)),
            *[
                await self._calls.ListBids(pb.ListBidsRequest(task_id=task.task_id, page_size=200))
                for task in (await self._calls.ListTasks(pb.ListTasksRequest(page_size=200))).tasks
            ],
        )
        return b"".join(response.SerializeToString(deterministic=True) for response in listed)
