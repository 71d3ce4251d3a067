"""The callers of the torture: what they ask for over gRPC, as often as it takes to be acknowledged."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import grpc
from chamberlain.v1 import bid_pb2, extrinsic_pb2, task_pb2
from chamberlain.v1 import orchestrator_service_pb2 as api
from chamberlain.v1 import outbox_service_pb2 as outbox_api
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceStub

from tests.torture.plan import Step

REQUESTERS = ("did:dev:alice", "did:dev:bob", "did:dev:charlie")
AGENTS = ("did:dev:bob", "did:dev:charlie", "did:dev:dave")
SIGNERS = {f"did:dev:{name}": f"//{name.title()}" for name in ("alice", "bob", "charlie", "dave")}
INTENTS_PER_LIFE = 9
"""A task, two bids, their end, two reveals, an allocation, a result, and the pay."""
ALLOWED_CALLS = ("Balances.transfer_allow_death", "System.remark_with_event")
DEADLINE = 4_000_000_000
BUDGET = 1_000_000_000
FIRST_AMOUNT = 1_000_000
TOO_MUCH = 10**30
RETRY_SECONDS = 0.05
LOOK_SECONDS = 0.15
CALL_TIMEOUT_SECONDS = 5.0
ASK_AGAIN_CHANCE = 0.3
"""How often a caller asks again for what was acknowledged, as one does whose answer was lost."""
ENDS = (
    extrinsic_pb2.EXTRINSIC_STATUS_FINALIZED,
    extrinsic_pb2.EXTRINSIC_STATUS_FAILED,
    extrinsic_pb2.EXTRINSIC_STATUS_DEAD,
)
MAY_BE_RETRIED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

Mark = tuple[str, str]
"""What tells an intent from all others on the chain: its call, and a value that no other call has."""


@dataclass(frozen=True)
class Intent:
    """What was acknowledged: its extrinsic, how the chain shows it, and what must become of it.

    `reason` is a part of what must be said of one that fails or dies.
    """

    correlation_id: str
    mark: Mark
    ends: str = "finalized"
    reason: str = ""


class Refused(AssertionError):
    """A call was answered with a status after which nobody asks again."""

    def __init__(self, request: object, error: grpc.aio.AioRpcError) -> None:
        super().__init__(f"refused: {request}: {error.code()} {error.details()}")
        self.code = error.code()


class Mutated(Protocol):
    """The answer of a mutation."""

    @property
    def correlation_id(self) -> str: ...


Answer = TypeVar("Answer")
Mutation = TypeVar("Mutation", bound=Mutated)


class Callers:
    """All callers of a run; what they began goes on by itself.

    `turned_away` is what the others were told who could not go on; `refused_at_once` is how many asked for
    what cannot be, and left nothing behind.
    """

    def __init__(self, channel: grpc.aio.Channel, seed: int) -> None:
        self.intents: list[Intent] = []
        self.turned_away: list[str] = []
        self.refused_at_once = 0
        self._orchestrator = OrchestratorServiceStub(channel)
        self._outbox = OutboxServiceStub(channel)
        self._seed = seed
        self._work: set[asyncio.Task[None]] = set()

    # What the run does with them

    def register(self) -> None:
        """Begin with the agents."""
        for agent_id in AGENTS:
            self._begin(self._register(agent_id))

    def release(self, step: Step) -> None:
        """Begin what callers want at this step."""
        for number in step.lives:
            self._begin(self._life(number))
        for number, single in step.singles:
            self._begin(getattr(self, f"_{single}")(number))

    def asking(self) -> int:
        """How many are not done yet."""
        ended = {task for task in self._work if task.done()}
        self._work -= ended
        self.turned_away += [str(error) for error in map(asyncio.Task.exception, ended) if error is not None]
        return len(self._work)

    async def all_ended(self) -> bool:
        """Whether every extrinsic has come to its end."""
        return sum([await self._count(status) for status in ENDS]) == await self._count() == len(self.intents)

    async def cursor(self) -> int:
        """How far the chain is reflected."""
        return (await self._ask(self._orchestrator.GetSyncStatus, api.GetSyncStatusRequest())).cursor.number

    async def leave(self) -> None:
        """Whoever still waits goes home."""
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    # Intents that stand alone

    async def _register(self, agent_id: str) -> None:
        request = api.RegisterAgentRequest(agent_id=agent_id, request_id=f"register {agent_id}")
        answer = await self._until_acknowledged(self._orchestrator.RegisterAgent, request)
        self._note(answer, "AgentRegistry.register_agent", agent_id)

    async def _transfer(self, number: int) -> None:
        """An amount that nobody else sends, to an account that nobody else sends to."""
        payload = {"dest": f"0x{number + 1:064x}", "value": str(FIRST_AMOUNT + number)}
        answer = await self._raw_call(number, "Balances.transfer_allow_death", payload)
        self._note(answer, "Balances.transfer_allow_death", payload["value"])

    async def _remark(self, number: int) -> None:
        payload = {"remark": f"0x{number:08x}"}
        answer = await self._raw_call(number, "System.remark_with_event", payload)
        self._note(answer, "System.remark_with_event", payload["remark"])

    async def _task(self, number: int) -> None:
        """A task that nobody bids on."""
        await self._create(f"alone {number}", REQUESTERS[number % len(REQUESTERS)], BUDGET + number)

    async def _refused(self, number: int) -> None:
        """A call that the chain executes and refuses: nobody has so much money."""
        payload = {"dest": f"0x{number + 1:064x}", "value": str(TOO_MUCH + number)}
        answer = await self._raw_call(number, "Balances.transfer_allow_death", payload)
        self._note(
            answer,
            "Balances.transfer_allow_death",
            payload["value"],
            ends="failed",
            reason="FundsUnavailable",
        )

    async def _hopeless(self, number: int) -> None:
        """A call that cannot be encoded: refused at once, unless the server does not know the runtime now."""
        call, payload = "System.remark_with_event", {"remark": {"number": str(number)}}
        try:
            answer = await self._raw_call(number, call, payload)
        except Refused as refused:
            if refused.code != grpc.StatusCode.INVALID_ARGUMENT:
                raise
            self.refused_at_once += 1
        else:
            self._note(answer, call, f"hopeless {number}", ends="dead", reason="remark")

    # The life of a task

    async def _life(self, number: int) -> None:
        """A task from its creation to the pay, each step as soon as the state allows it."""
        chance = random.Random(f"{self._seed} {number}")
        budget = 2 * BUDGET + number
        requester = chance.choice(REQUESTERS)
        task = await self._create(f"life {number}", requester, budget)
        bids = {agent_id: (chance.randrange(1, BUDGET), chance.randbytes(32)) for agent_id in AGENTS[:2]}
        for agent_id, (value, nonce) in bids.items():  # at once, the task is not on the chain yet
            await self._bid(task, agent_id, value, nonce)
        await self._until_bids(task, bid_pb2.BID_STATUS_COMMITTED, len(bids))
        close = api.CloseBiddingRequest(task_id=task.task_id, request_id=f"close {number}")
        answer = await self._until_acknowledged(self._orchestrator.CloseBidding, close)
        self._note(answer, "TaskMarket.close_bidding", str(budget))
        await self._until_task(task, "status", task_pb2.TASK_STATUS_REVEALING)
        for agent_id, (value, nonce) in bids.items():
            await self._reveal(task, agent_id, value, nonce)
        await self._until_bids(task, bid_pb2.BID_STATUS_REVEALED, len(bids))
        allocate = api.AllocateTaskRequest(task_id=task.task_id, request_id=f"allocate {number}")
        allocated = await self._until_acknowledged(self._orchestrator.AllocateTask, allocate)
        self._note(allocated, "TaskMarket.allocate_task", str(budget))
        assigned = await self._until_task(task, "status", task_pb2.TASK_STATUS_ASSIGNED)
        result = api.SubmitResultRequest(
            task_id=task.task_id,
            agent_id=assigned.assigned_agent_id,
            output=chance.randbytes(8),
            request_id=f"result {number}",
        )
        recorded = await self._until_acknowledged(self._orchestrator.SubmitResult, result)
        self._note(recorded, "TaskMarket.submit_result", f"0x{recorded.result.result_hash.hex()}")
        await self._until_task(task, "status", task_pb2.TASK_STATUS_COMPLETED)
        settle = api.SettleTaskRequest(task_id=task.task_id, request_id=f"settle {number}")
        settled = await self._until_acknowledged(self._orchestrator.SettleTask, settle)
        self._note(settled, "Escrow.release_payment", str(budget))
        await self._until_task(task, "escrow_status", task_pb2.ESCROW_STATUS_RELEASED)

    async def _create(self, name: str, requester: str, budget: int) -> task_pb2.Task:
        request = api.CreateTaskRequest(
            requester_id=requester,
            client_task_id=name,
            description=name,
            task_type="torture",
            max_budget=str(budget),
            request_id=name,
        )
        request.deadline.FromSeconds(DEADLINE)
        answer = await self._until_acknowledged(self._orchestrator.CreateTask, request)
        self._note(answer, "TaskMarket.create_task", str(budget))
        return answer.task

    async def _bid(self, task: task_pb2.Task, agent_id: str, value: int, nonce: bytes) -> None:
        preimage = value.to_bytes(16, "little") + nonce + task.spec_hash + agent_id.encode()
        request = api.SubmitBidRequest(
            task_id=task.task_id,
            agent_id=agent_id,
            commitment=hashlib.blake2b(preimage, digest_size=32).digest(),
            request_id=f"bid {task.client_task_id} {agent_id}",
        )
        answer = await self._until_acknowledged(self._orchestrator.SubmitBid, request)
        self._note(answer, "TaskMarket.submit_bid", f"0x{request.commitment.hex()}")

    async def _reveal(self, task: task_pb2.Task, agent_id: str, value: int, nonce: bytes) -> None:
        request = api.RevealBidRequest(
            task_id=task.task_id,
            agent_id=agent_id,
            value=str(value),
            nonce=nonce,
            request_id=f"reveal {task.client_task_id} {agent_id}",
        )
        answer = await self._until_acknowledged(self._orchestrator.RevealBid, request)
        self._note(answer, "TaskMarket.reveal_bid", f"0x{nonce.hex()}")

    async def _until_task(self, task: task_pb2.Task, field: str, value: int) -> task_pb2.Task:
        while True:
            found = await self._ask(self._orchestrator.GetTask, api.GetTaskRequest(task_id=task.task_id))
            if getattr(found.task, field) == value:
                return found.task
            await asyncio.sleep(LOOK_SECONDS)

    async def _until_bids(self, task: task_pb2.Task, status: bid_pb2.BidStatus, count: int) -> None:
        request = api.ListBidsRequest(task_id=task.task_id, status=status)
        while len((await self._ask(self._orchestrator.ListBids, request)).bids) < count:
            await asyncio.sleep(LOOK_SECONDS)

    # How they ask

    async def _raw_call(
        self, number: int, name: str, payload: dict[str, Any]
    ) -> outbox_api.EnqueueExtrinsicResponse:
        pallet, call = name.split(".")
        request = outbox_api.EnqueueExtrinsicRequest(
            pallet=pallet,
            call=call,
            signer=list(SIGNERS)[number % len(SIGNERS)],
            request_id=f"raw {number}",
        )
        request.payload.update(payload)
        return await self._until_acknowledged(self._outbox.EnqueueExtrinsic, request)

    async def _until_acknowledged(
        self, call: Callable[..., Awaitable[Mutation]], request: object
    ) -> Mutation:
        """Ask with one request id as often as it takes, and sometimes once more."""
        answer = await self._ask(call, request)
        if random.Random(f"{self._seed} {request}").random() < ASK_AGAIN_CHANCE:
            again = await self._ask(call, request)
            assert again.correlation_id == answer.correlation_id, f"two effects of one request: {request}"
        return answer

    async def _ask(self, call: Callable[..., Awaitable[Answer]], request: object) -> Answer:
        while True:
            try:
                return await call(request, timeout=CALL_TIMEOUT_SECONDS)
            except grpc.aio.AioRpcError as error:
                if error.code() not in MAY_BE_RETRIED:
                    raise Refused(request, error) from error
            await asyncio.sleep(RETRY_SECONDS)

    async def _count(
        self, status: extrinsic_pb2.ExtrinsicStatus = extrinsic_pb2.EXTRINSIC_STATUS_UNSPECIFIED
    ) -> int:
        request = outbox_api.ListExtrinsicsRequest(status=status, page_size=1, include_total_size=True)
        return (await self._ask(self._outbox.ListExtrinsics, request)).total_size

    def _note(
        self, answer: Mutated, call: str, value: object, *, ends: str = "finalized", reason: str = ""
    ) -> None:
        self.intents.append(Intent(answer.correlation_id, (call, str(value)), ends, reason))

    def _begin(self, story: Awaitable[None]) -> None:
        self._work.add(asyncio.ensure_future(story))
