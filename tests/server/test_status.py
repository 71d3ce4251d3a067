"""`chamberlain status` tells a person, and a script, how a server is."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import outbox_service_pb2 as outbox_pb
from chamberlain.v1.extrinsic_pb2 import ExtrinsicStatus
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from click.testing import CliRunner, Result
from rich.console import Console

from chain.bridge import BridgeStatus
from chain.devnet import DevChain, DevChainConfig, DevNode
from chain.keys import load_signer
from server.app import App
from server.catch_up import FAR_BLOCKS
from server.catch_up_bar import show_catch_up
from server.cli import main
from server.observer import Observer
from server.status.page import page
from server.status.report import Report
from storage.chain import log as chain_log
from storage.chain import outbox
from storage.chain.outbox import NewCall
from storage.store import Storage
from tests.server.chain_world import World, a_world, eventually
from tests.server.conftest import connected, running, settings
from tests.server.scrape import scrape
from tests.support.databases import GENESIS
from tests.support.postgres import PostgresServer


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def status(app: App, *options: str) -> Result:
    """Run the command against a server."""
    arguments = ["status", "--address", f"127.0.0.1:{app.port}", *options]
    return await asyncio.to_thread(CliRunner().invoke, main, arguments)


async def synced(world: World) -> pb.GetSyncStatusResponse:
    """The sync status as soon as a block is reflected."""

    async def look() -> pb.GetSyncStatusResponse | None:
        found = await world.orchestrator.GetSyncStatus(pb.GetSyncStatusRequest())
        return found if found.connected and found.HasField("lag") and found.blocks_per_second else None

    found: pb.GetSyncStatusResponse = await eventually(look)
    return found


async def test_a_server_that_decides_by_itself_is_healthy(app: App) -> None:
    shown = await status(app)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"healthy  127.0.0.1:{app.port}\n")
    assert "Local mode" in shown.stdout
    assert "\x1b" not in shown.stdout


async def test_the_sync_status_tells_how_the_chain_is_followed(world: World) -> None:
    found = await synced(world)
    assert found.mode == pb.GetSyncStatusResponse.MODE_CHAIN
    assert found.genesis_hash == f"0x{world.chain.genesis.hash.hex()}"
    assert found.endpoint.startswith("ws://127.0.0.1:")
    assert found.reader
    assert (found.catching_up, found.HasField("catch_up_duration"), found.HasField("pruned_below")) == (
        False,
        False,
        False,
    )
    assert 0 < found.cursor.number <= world.chain.finalized.number
    assert 0 <= found.lag_blocks < 100
    assert 0 <= found.lag.ToTimedelta().total_seconds() < 60
    assert (found.anomalies, found.undecodable_blocks, found.last_error) == (0, 0, "")


async def test_the_page_tells_the_same_in_words(world: World) -> None:
    found = await synced(world)
    shown = await status(world.app)
    assert (shown.exit_code, shown.stderr) == (0, "")
    words = " ".join(shown.stdout.split())
    for told in (
        f"genesis {found.genesis_hash}",
        f"node {found.endpoint}, connected",
        "reader this server",
        "outbox empty",
        "tasks none",
    ):
        assert told in words
    assert re.search(r"reflected block \d+ of \d+ final, \d+ behind, \d+ s old", words)
    assert re.search(r"pace \d+\.\d blocks/s", words)


async def test_a_script_gets_the_messages_as_json(world: World) -> None:
    await synced(world)
    shown = json.loads((await status(world.app, "--json")).stdout)
    assert (shown["healthy"], shown["problems"], shown["serving"]) == (True, [], True)
    assert shown["sync"]["mode"] == "MODE_CHAIN"
    assert shown["sync"]["connected"] is True
    assert shown["dashboard"] == {}


async def test_an_extrinsic_that_was_given_up_is_a_problem(world: World) -> None:
    call = NewCall(pallet="System", call="no_such_call", payload="{}")
    enqueued = await world.app.storage.commit(outbox.enqueue_call, call)
    await world.until(enqueued.correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_DEAD)
    shown = await status(world.app)
    assert shown.exit_code == 1
    assert "not healthy" in shown.stdout
    assert "1 extrinsic was given up" in shown.stdout
    assert "outbox     1 dead" in shown.stdout
    await world.outbox.CancelExtrinsic(
        outbox_pb.CancelExtrinsicRequest(correlation_id=enqueued.correlation_id)
    )
    assert (await status(world.app)).exit_code == 0


async def test_a_node_that_has_gone_is_a_problem() -> None:
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(AsyncExitStack())
        node = await chain.enter_async_context(DevNode(DevChain(DevChainConfig(block_time_ms=20))))
        app = await stack.enter_async_context(running(App(settings(chain_ws_url=node.url))))

        async def healthy() -> bool:
            return (await status(app)).exit_code == 0

        async def told() -> bool:
            shown = await status(app)
            return shown.exit_code == 1 and "no node of the chain is connected" in shown.stdout

        assert await eventually(healthy)
        await chain.aclose()
        assert await eventually(told)


async def test_a_database_that_is_away_is_a_problem() -> None:
    away = settings(database_url="postgresql://nobody@127.0.0.1:1/none", db_connect_timeout_secs=1)
    async with running(App(away)) as app:
        shown = await status(app)
        assert shown.exit_code == 1
        assert "the server is not serving: the database cannot be reached" in shown.stdout
        report = json.loads((await status(app, "--json")).stdout)
        assert (report["healthy"], report["serving"]) == (False, False)


async def test_a_chain_that_a_new_database_waits_for_is_a_problem(tmp_path: Path) -> None:
    away = settings(database_url=f"sqlite:///{tmp_path}/new.db", chain_ws_url="ws://127.0.0.1:1")
    async with running(App(away)) as app:
        shown = await status(app)
        assert shown.exit_code == 1
        assert "the server is not serving: the chain at CHAIN_WS_URL cannot be reached" in shown.stdout


def test_what_is_to_be_looked_at_some_time_is_noted_and_healthy_all_the_same() -> None:
    sync = pb.GetSyncStatusResponse(
        mode=pb.GetSyncStatusResponse.MODE_CHAIN,
        connected=True,
        undecodable_blocks=1,
        anomalies=2,
        missing_in_runtime=["create_task: no pallet TaskMarket"],
    )
    report = Report("127.0.0.1:50051", serving=True, sync=sync)
    assert report.problems == []
    assert report.as_json()["notes"] == report.notes
    page_text = StringIO()
    Console(file=page_text, width=200).print(page(report))
    lines = page_text.getvalue().splitlines()
    assert lines[0].startswith("healthy")
    assert [line.split("note: ")[1].partition(":")[0].rstrip() for line in lines if "note: " in line] == [
        "missing in the runtime of the chain",
        "1 block has events that could not be decoded",
        "2 events could not be applied as expected",
    ]


async def test_nobody_there_is_said_in_a_line() -> None:
    arguments = ["status", "--address", "127.0.0.1:1"]
    shown = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert shown.stderr.startswith("Error: no server responds at 127.0.0.1:1: start one with")
    shown = await asyncio.to_thread(CliRunner().invoke, main, [*arguments, "--json"])
    assert shown.exit_code == 1
    assert json.loads(shown.stdout)["healthy"] is False


async def test_the_bar_is_shown_while_catching_up_on_a_terminal_and_then_gone() -> None:
    final = FAR_BLOCKS
    storage = Storage.open(":memory:")
    await storage.prepare(GENESIS)

    def chain() -> BridgeStatus:
        return BridgeStatus(
            connected=True,
            endpoint="ws://node",
            genesis_hash=GENESIS,
            finalized_number=final,
            finalized_hash=b"f" * 32,
            last_error="",
        )

    terminal, file = StringIO(), StringIO()
    observer = Observer(storage, chain)
    await storage.commit(chain_log.begin, chain_log.Cursor(block_number=0, block_hash=b"c" * 32))
    shown = [
        asyncio.create_task(show_catch_up(observer, Console(file=out, force_terminal=out is terminal)))
        for out in (terminal, file)
    ]
    await observer.look()

    async def bar() -> bool:
        return f"0/{FAR_BLOCKS}" in terminal.getvalue()

    await eventually(bar)
    final = 0
    await observer.look()

    async def gone() -> bool:
        return terminal.getvalue().endswith("\x1b[1A\x1b[2K")

    await eventually(gone)
    for task in shown:
        task.cancel()
    await asyncio.gather(*shown, return_exceptions=True)
    await storage.close()
    assert file.getvalue() == ""


async def test_signers_are_shown_with_what_they_have_and_one_without_funds_is_a_problem(
    tmp_path: Path,
) -> None:
    names = tmp_path / "signers.toml"
    names.write_text('"did:ex:poor" = "//Poor"\n')
    async with a_world(chain_signers_path=names) as world:

        async def look() -> pb.GetSyncStatusResponse | None:
            found = await world.orchestrator.GetSyncStatus(pb.GetSyncStatusRequest())
            return found if found.signers else None

        alice, poor = (await eventually(look)).signers
        account = world.chain.account(load_signer("//Alice").account)
        assert alice.account_address == load_signer("//Alice").address(42)
        assert (int(alice.free_balance), alice.next_nonce, alice.low) == (account.data.free, 0, False)
        assert alice.observe_time.ToSeconds() > 0
        assert (poor.free_balance, poor.low) == ("0", True)
        shown = await status(world.app)
        assert shown.exit_code == 1
        assert f"signer {poor.account_address} is low on funds" in shown.stdout
        assert f"{account.data.free:,}" in shown.stdout


async def test_a_pause_is_a_problem_until_it_ends(world: World) -> None:
    await synced(world)
    await world.outbox.PauseSubmission(
        outbox_pb.PauseSubmissionRequest(signer="did:ex:a", reason="moving to another key")
    )
    shown = await status(world.app)
    assert shown.exit_code == 1
    assert "submission is paused for signer did:ex:a: moving to another key" in shown.stdout
    await world.outbox.ResumeSubmission(outbox_pb.ResumeSubmissionRequest(signer="did:ex:a"))
    await world.outbox.PauseSubmission(outbox_pb.PauseSubmissionRequest())
    assert "submission is paused for all signers\n" in (await status(world.app)).stdout
    await world.outbox.ResumeSubmission(outbox_pb.ResumeSubmissionRequest())
    assert (await status(world.app)).exit_code == 0


async def test_of_two_servers_on_one_database_one_reads_and_both_tell_how_far(
    postgres_server: PostgresServer,
) -> None:
    postgres_server.create_database("seen_by_two")
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(DevNode(DevChain(DevChainConfig(block_time_ms=50))))
        given = {"database_url": postgres_server.url("seen_by_two"), "chain_ws_url": node.url}
        apps = [
            await stack.enter_async_context(running(App(settings(metrics_bind="127.0.0.1:0", **given))))
            for _ in range(2)
        ]
        stubs: list[Any] = [
            OrchestratorServiceStub(await stack.enter_async_context(connected(app))) for app in apps
        ]

        async def told() -> bool:
            found = [await stub.GetSyncStatus(pb.GetSyncStatusRequest()) for stub in stubs]
            return sum(each.reader for each in found) == 1 and all(
                each.connected and each.blocks_per_second > 0 and each.cursor.number for each in found
            )

        async def seen() -> bool:
            scraped = [await scrape(app) for app in apps]
            return sum(each.of("chamberlain_chain_reader") for each in scraped) == 1

        assert await eventually(told)
        assert await eventually(seen)
