"""A server that follows a development chain of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from chamberlain.v1 import outbox_service_pb2 as outbox_pb
from chamberlain.v1.chain_service_pb2_grpc import ChainServiceStub
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceStub

from chain.devnet import DevChain, DevChainConfig, DevNode
from server.app import App
from tests.server.conftest import connected, running, settings
from tests.server.market import Market

WAIT_SECONDS = 30.0
BLOCK_TIME_MS = 20


class World:
    """A server, the development chain that it follows, and its clients."""

    def __init__(self, app: App, chain: DevChain, channel: Any) -> None:
        self.app = app
        self.chain = chain
        self.orchestrator: Any = OrchestratorServiceStub(channel)
        self.outbox: Any = OutboxServiceStub(channel)
        self.events: Any = ChainServiceStub(channel)
        self.market = Market(self.orchestrator)

    async def extrinsic(self, correlation_id: str) -> Any:
        request = outbox_pb.GetExtrinsicRequest(correlation_id=correlation_id)
        return (await self.outbox.GetExtrinsic(request)).extrinsic

    async def until(self, correlation_id: str, status: int) -> Any:
        """The extrinsic, as soon as it is in a state."""

        async def look() -> Any:
            found = await self.extrinsic(correlation_id)
            return found if found.status == status else None

        return await eventually(look)


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    """What `look` finds, as soon as it finds something."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not (found := await look()):
            await asyncio.sleep(0.01)
        return found


@asynccontextmanager
async def a_world(*, signer: str | None = "//Alice", **given: object) -> AsyncIterator[World]:
    chain = DevChain(DevChainConfig(block_time_ms=BLOCK_TIME_MS))
    async with DevNode(chain) as node:
        given = {"chain_ws_url": node.url, "chain_signer": signer, "outbox_poll_ms": 10} | given
        async with running(App(settings(**given))) as app, connected(app) as channel:
            yield World(app, chain, channel)
