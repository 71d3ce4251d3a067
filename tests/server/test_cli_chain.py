"""`chamberlain chain`, and the calls behind it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from chamberlain.v1 import audit_service_pb2 as audit_pb
from chamberlain.v1 import chain_service_pb2 as chain_pb
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.audit_service_pb2_grpc import AuditServiceStub
from chamberlain.v1.chain_service_pb2_grpc import ChainServiceStub
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from click.testing import CliRunner, Result
from grpc import StatusCode

from server.app import App
from server.cli import main
from tests.server.conftest import connected, running, settings
from tests.server.refusals import refused

BLOCKS_READ = 5


@pytest.fixture
async def app() -> AsyncIterator[App]:
    """A server that has read a few blocks of its development chain."""
    async with running(App(settings(dev_block_time_ms=20, chain_start_block=1), development=True)) as app:
        async with connected(app) as channel:
            orchestrator: Any = OrchestratorServiceStub(channel)
            while (await orchestrator.GetSyncStatus(pb.GetSyncStatusRequest())).cursor.number < BLOCKS_READ:
                await asyncio.sleep(0.01)
        yield app


async def chamberlain(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, arguments)


async def test_a_replay_reports_how_far_it_is_until_it_is_done(app: App) -> None:
    async with connected(app) as channel:
        chain: Any = ChainServiceStub(channel)
        call = chain.ReplayChain(chain_pb.ReplayChainRequest(first_block=BLOCKS_READ))
        progress = [message.replay async for message in call]
    assert [report.done for report in progress] == [False] * (len(progress) - 1) + [True]
    assert {report.first_block for report in progress} == {BLOCKS_READ}
    assert progress[-1].error == ""
    assert progress[-1].next_block > BLOCKS_READ


async def test_a_replay_is_in_the_audit_log_with_who_asked_for_it(app: App) -> None:
    async with connected(app) as channel:
        chain: Any = ChainServiceStub(channel)
        await chain.ReplayChain(chain_pb.ReplayChainRequest(first_block=BLOCKS_READ)).read()
        with refused(StatusCode.FAILED_PRECONDITION, "NOTHING_TO_REPLAY"):
            await chain.RedecodeChainEvents(chain_pb.RedecodeChainEventsRequest()).read()
        filter_ = audit_pb.AuditFilter(actor="anonymous")
        audit: Any = AuditServiceStub(channel)
        listed = await audit.ListAudit(audit_pb.ListAuditRequest(filter=filter_, oldest_first=True))
    done, refusal = listed.entries
    assert (done.method, done.target_type, done.target_id) == (
        "ChainService/ReplayChain",
        "block",
        str(BLOCKS_READ),
    )
    assert done.counts["blocks"] >= 1
    assert (refusal.method, refusal.result) == ("ChainService/RedecodeChainEvents", "NOTHING_TO_REPLAY")


async def test_what_there_is_nothing_to_do_for_is_refused(app: App) -> None:
    async with connected(app) as channel:
        chain: Any = ChainServiceStub(channel)
        with refused(StatusCode.FAILED_PRECONDITION, "NOTHING_TO_REPLAY"):
            await chain.RedecodeChainEvents(chain_pb.RedecodeChainEventsRequest()).read()
        with refused(StatusCode.FAILED_PRECONDITION, "NOTHING_TO_REPLAY"):
            await chain.ReplayChain(chain_pb.ReplayChainRequest(first_block=4_000_000_000)).read()


async def test_without_a_chain_there_is_nothing_to_replay() -> None:
    async with running(App(settings())) as app, connected(app) as channel:
        chain: Any = ChainServiceStub(channel)
        with refused(StatusCode.FAILED_PRECONDITION, "NO_CHAIN"):
            await chain.ReplayChain(chain_pb.ReplayChainRequest(first_block=1)).read()


async def test_the_command_line_asks_the_server_and_says_what_was_done(app: App) -> None:
    address = f"127.0.0.1:{app.port}"
    done = await chamberlain("chain", "replay", "--from", str(BLOCKS_READ), "--address", address)
    assert done.exit_code == 0
    assert f"blocks {BLOCKS_READ} to " in done.output
    nothing = await chamberlain("chain", "redecode", "--address", address)
    assert (nothing.exit_code, nothing.stderr) == (0, "")
    assert nothing.stdout == "nothing to do: all events are decoded and applied\n"


async def test_blocks_that_are_not_kept_cannot_be_replayed(app: App) -> None:
    async with connected(app) as channel:
        chain: Any = ChainServiceStub(channel)
        with refused(StatusCode.FAILED_PRECONDITION, "BLOCKS_NOT_KEPT", metadata={"first_block": "1"}):
            await chain.ReplayChain(chain_pb.ReplayChainRequest(first_block=0)).read()
    told = await chamberlain("chain", "replay", "--from", "0", "--address", f"127.0.0.1:{app.port}")
    assert told.exit_code == 1
    assert told.stderr == "Error: blocks up to 0 are not kept, or were never read (FAILED_PRECONDITION)\n"


async def test_without_a_server_the_command_line_says_how_to_start_one() -> None:
    failed = await chamberlain("chain", "redecode", "--address", "127.0.0.1:1")
    assert failed.exit_code == 1
    assert "chamberlain serve" in failed.output
