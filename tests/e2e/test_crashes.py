"""What survives when the server is killed at random moments: everything that was acknowledged, once."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import grpc
from chamberlain.v1 import audit_service_pb2 as audit_api
from chamberlain.v1 import chain_service_pb2 as chain_api
from chamberlain.v1 import extrinsic_pb2
from chamberlain.v1 import orchestrator_service_pb2 as api
from chamberlain.v1 import outbox_service_pb2 as outbox_api
from chamberlain.v1.audit_service_pb2_grpc import AuditServiceStub
from chamberlain.v1.chain_service_pb2_grpc import ChainServiceStub
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceStub
from rich.console import Console

from server.demo import report
from server.demo.screen import Screen
from server.demo.story import Story
from tests.support.postgres import PostgresServer
from tests.support.processes import Server, development_chain
from tests.support.world import eventually

T = TypeVar("T")

TASKS, AGENTS, CALLERS, KILLS = 1000, 10, 64, 5
SIGNERS = "".join(f'"did:dev:{name}" = "//{name.title()}"\n' for name in ("alice", "bob", "charlie"))
DEADLINE = 4_000_000_000
MAY_BE_RETRIED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def until_acknowledged(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call, with its request id, as often as it takes."""
    while True:
        try:
            return await call()
        except grpc.aio.AioRpcError as error:
            if error.code() not in MAY_BE_RETRIED:
                raise
            await asyncio.sleep(0.02)


class Crowd:
    """Many clients at once: each creates a task and bids on it until both are acknowledged."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._orchestrator = OrchestratorServiceStub(channel)
        self.tasks: dict[str, str] = {}  # client_task_id -> task_id
        self.bids: dict[str, str] = {}  # task_id -> bid_id
        self.correlation_ids: set[str] = set()

    async def run(self) -> None:
        await asyncio.gather(*(self._register(number) for number in range(AGENTS)))
        turns = asyncio.Semaphore(CALLERS)

        async def one(number: int) -> None:
            async with turns:
                await self._create_and_bid(number)

        await asyncio.gather(*(one(number) for number in range(TASKS)))

    async def _register(self, number: int) -> None:
        request = api.RegisterAgentRequest(agent_id=f"did:ex:{number}", request_id=f"agent-{number}")
        answer = await until_acknowledged(lambda: self._orchestrator.RegisterAgent(request))
        self.correlation_ids.add(answer.correlation_id)

    async def _create_and_bid(self, number: int) -> None:
        creation = api.CreateTaskRequest(
            requester_id="did:dev:alice",
            client_task_id=f"task-{number}",
            description="survive",
            task_type="test",
            max_budget=str(1000 + number),
            request_id=f"task-{number}",
        )
        creation.deadline.FromSeconds(DEADLINE)
        created = await until_acknowledged(lambda: self._orchestrator.CreateTask(creation))
        self.tasks[creation.client_task_id] = created.task.task_id
        bid = api.SubmitBidRequest(
            task_id=created.task.task_id,
            agent_id=f"did:ex:{number % AGENTS}",
            commitment=number.to_bytes(32, "big"),
            request_id=f"bid-{number}",
        )
        answer = await until_acknowledged(lambda: self._orchestrator.SubmitBid(bid))
        self.bids[created.task.task_id] = answer.bid.bid_id
        self.correlation_ids |= {created.correlation_id, answer.correlation_id}


async def kill_again_and_again(server: Server, chance: random.Random) -> None:
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.2, 1.0))
        await server.kill()
        await server.start()


async def everything_is_there_once(channel: grpc.aio.Channel, crowd: Crowd) -> None:
    orchestrator, outbox = OrchestratorServiceStub(channel), OutboxServiceStub(channel)
    listed: dict[str, str] = {}
    token = ""
    while True:
        page = await orchestrator.ListTasks(api.ListTasksRequest(page_size=200, page_token=token))
        for task in page.tasks:
            assert task.client_task_id not in listed, "a task is there twice"
            listed[task.client_task_id] = task.task_id
        token = page.next_page_token
        if not token:
            break
    assert listed == crowd.tasks
    for task_id, bid_id in crowd.bids.items():
        bids = (await orchestrator.ListBids(api.ListBidsRequest(task_id=task_id))).bids
        assert [bid.bid_id for bid in bids] == [bid_id]
    extrinsics = await outbox.ListExtrinsics(
        outbox_api.ListExtrinsicsRequest(page_size=1, include_total_size=True)
    )
    assert extrinsics.total_size == len(crowd.correlation_ids) == 2 * TASKS + AGENTS


async def everything_is_executed_once(channel: grpc.aio.Channel) -> None:
    outbox, chain = OutboxServiceStub(channel), ChainServiceStub(channel)

    async def all_final() -> bool:
        status = extrinsic_pb2.EXTRINSIC_STATUS_FINALIZED
        page = await outbox.ListExtrinsics(
            outbox_api.ListExtrinsicsRequest(status=status, page_size=1, include_total_size=True)
        )
        return page.total_size == 2 * TASKS + AGENTS

    await eventually(all_final, "the execution of everything", within_seconds=120.0)
    for event, expected in (("TaskCreated", TASKS), ("BidSubmitted", TASKS)):
        page = await chain.ListChainEvents(
            chain_api.ListChainEventsRequest(
                pallet="TaskMarket", event=event, page_size=1, include_total_size=True
            )
        )
        assert page.total_size == expected


async def everything_is_on_record_once(channel: grpc.aio.Channel) -> None:
    """Each call that was acknowledged has one entry in the audit log, whose chain no crash has broken."""
    audit: Any = AuditServiceStub(channel)
    async for walk in audit.VerifyAudit(audit_api.VerifyAuditRequest()):
        assert not walk.HasField("fault"), walk.fault
    assert walk.done
    lines = [
        json.loads(line)["entry"]
        async for chunk in audit.ExportAudit(audit_api.ExportAuditRequest())
        for line in chunk.ndjson.splitlines()
    ]
    told = Counter(line["method"] for line in lines if line["result"] == "ok" and line["actor"] != "system")
    assert told == {
        "OrchestratorService/RegisterAgent": AGENTS,
        "OrchestratorService/CreateTask": TASKS,
        "OrchestratorService/SubmitBid": TASKS,
    }
    assert len({line["correlation_id"] for line in lines}) == AGENTS + 2 * TASKS


async def no_secret_is_on_record(channel: grpc.aio.Channel) -> None:
    """What was sealed in the demo's bids is not in the audit log, even now that it is revealed."""
    orchestrator, audit = OrchestratorServiceStub(channel), AuditServiceStub(channel)
    chunks: Any = audit.ExportAudit(audit_api.ExportAuditRequest())
    stored = b"".join([chunk.ndjson async for chunk in chunks])
    assert b"RevealBid" in stored
    newest = (await orchestrator.ListTasks(api.ListTasksRequest(page_size=1))).tasks[0]
    bids = (await orchestrator.ListBids(api.ListBidsRequest(task_id=newest.task_id))).bids
    assert len(bids) == 2
    for bid in bids:
        assert bid.value
        for secret in (bid.value, f"{int(bid.value):,}", "Pay ", "six by nine"):
            assert secret.encode() not in stored


async def crash_and_recover(database_url: str, folder: Path, seed: int) -> None:
    signers = folder / "signers.toml"
    signers.write_text(SIGNERS)
    async with development_chain(block_time_ms=200, finality_lag=1) as chain_url:
        settings = {
            "DATABASE_URL": database_url,
            "CHAIN_WS_URL": chain_url,
            "CHAIN_SIGNER": "//Alice",
            "CHAIN_SIGNERS_PATH": str(signers),
            "CHAIN_START_BLOCK": "1",
            "OUTBOX_POLL_MS": "50",
        }
        async with (
            Server.running(**settings) as server,
            grpc.aio.insecure_channel(
                server.address,
                options=[("grpc.max_reconnect_backoff_ms", 200), ("grpc.initial_reconnect_backoff_ms", 50)],
            ) as channel,
        ):
            crowd = Crowd(channel)
            await asyncio.gather(crowd.run(), kill_again_and_again(server, random.Random(seed)))
            await everything_is_there_once(channel, crowd)
            await everything_is_executed_once(channel)
            await everything_is_on_record_once(channel)
            with Screen(Console(quiet=True)) as screen:
                ending = await Story(channel, screen).play()
            assert not ending.record.HasField("fault")
            await no_secret_is_on_record(channel)
            assert all(ours == theirs for _, ours, theirs in await report.compare(ending, chain_url))


async def test_on_sqlite_every_acknowledged_write_survives_kills_once_and_the_market_goes_on(
    tmp_path: Path,
) -> None:
    await crash_and_recover(f"sqlite:///{tmp_path}/market.db", tmp_path, seed=1)


async def test_on_postgres_every_acknowledged_write_survives_kills_once_and_the_market_goes_on(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    postgres_server.create_database("crashes")
    await crash_and_recover(postgres_server.url("crashes"), tmp_path, seed=2)
    postgres_server.drop_database("crashes")
