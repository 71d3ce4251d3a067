"""Two servers on one Postgres: one reads the chain, and when it is killed the other one goes on."""

import grpc
from chamberlain.v1 import orchestrator_service_pb2 as api
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub

from tests.support.postgres import PostgresServer
from tests.support.processes import Server, development_chain
from tests.support.world import eventually

FAILOVER_SECONDS = 15.0
TAKEOVERS = 3


async def cursor(server: Server) -> int:
    """How far the database has come, as a server sees it."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        status = await OrchestratorServiceStub(channel).GetSyncStatus(api.GetSyncStatusRequest())
        return status.cursor.number


async def moved_on(server: Server) -> None:
    """Wait until the cursor moves, several times over."""
    seen = {await cursor(server)}

    async def look() -> bool:
        seen.add(await cursor(server))
        return len(seen) > 5

    await eventually(look, "reading on", within_seconds=FAILOVER_SECONDS)


async def test_when_the_server_that_reads_is_killed_the_other_one_reads_on_within_seconds(
    postgres_server: PostgresServer,
) -> None:
    postgres_server.create_database("two_servers")
    url = postgres_server.url("two_servers")
    async with (
        development_chain(block_time_ms=50, finality_lag=1) as node,
        Server.running(DATABASE_URL=url, CHAIN_WS_URL=node, CHAIN_SIGNER="//Alice") as one,
        Server.running(DATABASE_URL=url, CHAIN_WS_URL=node, CHAIN_SIGNER="//Alice") as other,
    ):
        servers = [one, other]
        for _ in range(TAKEOVERS):
            await moved_on(servers[1])
            await servers[0].kill()  # the one that has run for longer, and so reads
            await moved_on(servers[1])
            await servers[0].start()
            servers.reverse()
