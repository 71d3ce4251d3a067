"""The story that the demo plays, as a client of the public API: nothing here knows how the server works."""

import asyncio
import contextlib
import hashlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable
from typing import Protocol, TypeVar

import grpc
from chamberlain.v1 import (
    agent_pb2,
    approval_pb2,
    audit_service_pb2,
    bid_pb2,
    extrinsic_pb2,
    result_pb2,
    task_pb2,
    types_pb2,
)
from chamberlain.v1 import orchestrator_service_pb2 as api
from chamberlain.v1 import outbox_service_pb2 as outbox_api
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceStub

from server.demo.conversation import Conversation
from server.demo.screen import Screen, Step

STEP_SECONDS_MAX = 60.0
ALICE, BOB, CHARLIE = "did:dev:alice", "did:dev:bob", "did:dev:charlie"
BUDGET = 1_000_000_000_000
VALUES = {BOB: 700_000_000_000, CHARLIE: 550_000_000_000}


class StepFailed(Exception):
    """A step did not reach finality; the message says which and why."""


class Mutated(Protocol):
    """The response of a mutation."""

    @property
    def correlation_id(self) -> str: ...


Answer = TypeVar("Answer", bound=Mutated)


class Ending:
    """Every entity of the story as the API returns it at the end, and the verification of the audit log."""

    def __init__(
        self,
        agents: list[agent_pb2.Agent],
        task: task_pb2.Task,
        bids: list[bid_pb2.Bid],
        result: result_pb2.Result,
        record: audit_service_pb2.VerifyAuditResponse,
    ) -> None:
        self.agents = agents
        self.task = task
        self.bids = bids
        self.result = result
        self.record = record


class Story:
    """Two agents, one task, two sealed bids, a result, and a payment that a person approves."""

    def __init__(self, channel: grpc.aio.Channel, screen: Screen) -> None:
        self._orchestrator = OrchestratorServiceStub(channel)
        self._outbox = OutboxServiceStub(channel)
        self._conversation = Conversation(channel)
        self._screen = screen
        self._steps: dict[str, Step] = {}
        self._changed = asyncio.Condition()

    async def play(self) -> Ending:
        """Play it to the end; raises `StepFailed`, or `grpc.RpcError` for a call that was refused."""
        async with self._watching():
            await asyncio.gather(*(self._register(agent_id) for agent_id in (BOB, CHARLIE)))
            task = await self._create_task()
            await self._conversation.begin("buyer", task.task_id)
            nonces = {agent_id: os.urandom(32) for agent_id in VALUES}
            await asyncio.gather(*(self._bid(task, agent_id, nonces[agent_id]) for agent_id in VALUES))
            await self._step(
                "close bidding",
                _short(task),
                self._orchestrator.CloseBidding(api.CloseBiddingRequest(task_id=task.task_id)),
            )
            await asyncio.gather(*(self._reveal(task, agent_id, nonces[agent_id]) for agent_id in VALUES))
            await self._step(
                "allocate",
                _short(task),
                self._orchestrator.AllocateTask(api.AllocateTaskRequest(task_id=task.task_id)),
            )
            winner = (await self._task(task)).assigned_agent_id
            await self._step(
                "submit result",
                winner,
                self._orchestrator.SubmitResult(
                    api.SubmitResultRequest(
                        task_id=task.task_id, agent_id=winner, output=b"42", request_id=str(uuid.uuid4())
                    )
                ),
            )
            await self._have_it_approved(task, winner)
            await self._step(
                "settle",
                _short(task),
                self._orchestrator.SettleTask(api.SettleTaskRequest(task_id=task.task_id)),
            )
            return await self._ending(task)

    async def _register(self, agent_id: str) -> None:
        request = api.RegisterAgentRequest(
            agent_id=agent_id,
            label=agent_id.rpartition(":")[2].title(),
            capabilities=["inference"],
            verification_level=types_pb2.VERIFICATION_LEVEL_OPTIMISTIC,
            request_id=str(uuid.uuid4()),
        )
        await self._step("register agent", agent_id, self._orchestrator.RegisterAgent(request))

    async def _create_task(self) -> task_pb2.Task:
        request = api.CreateTaskRequest(
            requester_id=ALICE,
            description="What do you get if you multiply six by nine?",
            task_type="inference",
            input=b"6 * 9",
            max_budget=str(BUDGET),
            request_id=str(uuid.uuid4()),
        )
        request.deadline.FromSeconds(int(time.time()) + 3600)
        answer = await self._step("create task", ALICE, self._orchestrator.CreateTask(request))
        return answer.task

    async def _have_it_approved(self, task: task_pb2.Task, winner: str) -> None:
        approval = await self._conversation.ask(f"Pay {VALUES[winner]:,} to {winner}", task.task_id)
        status = approval_pb2.ApprovalStatus.Name(approval.status).removeprefix("APPROVAL_STATUS_").lower()
        if approval.status != approval_pb2.APPROVAL_STATUS_APPROVED:
            raise StepFailed(f"the approval {approval.title!r}: {status}")
        self._screen.say(
            f"Approval requested: {approval.title}? {status.capitalize()} by {approval.decided_by}."
        )

    async def _bid(self, task: task_pb2.Task, agent_id: str, nonce: bytes) -> None:
        preimage = VALUES[agent_id].to_bytes(16, "little") + nonce + task.spec_hash + agent_id.encode()
        request = api.SubmitBidRequest(
            task_id=task.task_id,
            agent_id=agent_id,
            commitment=hashlib.blake2b(preimage, digest_size=32).digest(),
            quality_score=90,
            request_id=str(uuid.uuid4()),
        )
        request.estimated_duration.FromSeconds(60)
        await self._step("submit bid", agent_id, self._orchestrator.SubmitBid(request))

    async def _reveal(self, task: task_pb2.Task, agent_id: str, nonce: bytes) -> None:
        request = api.RevealBidRequest(
            task_id=task.task_id, agent_id=agent_id, value=str(VALUES[agent_id]), nonce=nonce
        )
        await self._step("reveal bid", agent_id, self._orchestrator.RevealBid(request))

    async def _step(self, name: str, entity: str, call: Awaitable[Answer]) -> Answer:
        """Make a call, and wait until the chain has finalized its extrinsic."""
        answer = await call
        found = await self._outbox.GetExtrinsic(
            outbox_api.GetExtrinsicRequest(correlation_id=answer.correlation_id)
        )
        step = self._screen.add(name, entity, found.extrinsic)
        self._steps[answer.correlation_id] = step
        try:
            async with asyncio.timeout(STEP_SECONDS_MAX), self._changed:
                await self._changed.wait_for(lambda: step.finished)
        except TimeoutError:
            raise StepFailed(
                f"step {step.number}, {name} of {entity}: still {step.status} after"
                f" {STEP_SECONDS_MAX:.0f} s ({step.extrinsic.last_error or 'no error'})"
            ) from None
        if step.extrinsic.status != extrinsic_pb2.EXTRINSIC_STATUS_FINALIZED:
            raise StepFailed(
                f"step {step.number}, {name} of {entity}: {step.status}: {step.extrinsic.last_error}"
            )
        return answer

    @contextlib.asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        """Follow all extrinsics with one watch, started before the first of them."""
        stream = aiter(self._outbox.WatchExtrinsics(outbox_api.WatchExtrinsicsRequest()))
        await anext(stream)  # acknowledges the starting cursor
        following = asyncio.create_task(self._follow(stream))
        try:
            yield
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError, grpc.RpcError):
                await following

    async def _follow(self, stream: AsyncIterator[outbox_api.WatchExtrinsicsResponse]) -> None:
        async for message in stream:
            for extrinsic in message.extrinsics:
                step = self._steps.get(extrinsic.correlation_id)
                if step is not None and extrinsic.revision > step.extrinsic.revision:
                    self._screen.update(step, extrinsic)
            async with self._changed:
                self._changed.notify_all()

    async def _task(self, task: task_pb2.Task) -> task_pb2.Task:
        return (await self._orchestrator.GetTask(api.GetTaskRequest(task_id=task.task_id))).task

    async def _ending(self, task: task_pb2.Task) -> Ending:
        agents = [
            (await self._orchestrator.GetAgent(api.GetAgentRequest(agent_id=agent_id))).agent
            for agent_id in (BOB, CHARLIE)
        ]
        bids = (await self._orchestrator.ListBids(api.ListBidsRequest(task_id=task.task_id))).bids
        result = (await self._orchestrator.GetResult(api.GetResultRequest(task_id=task.task_id))).result
        by_agent = sorted(bids, key=lambda bid: bid.agent_id)
        record = await self._conversation.record()
        return Ending(agents, await self._task(task), by_agent, result, record)


def _short(task: task_pb2.Task) -> str:
    """The task by the end of its id, where ids differ."""
    return f"task …{task.task_id[-8:]}"
