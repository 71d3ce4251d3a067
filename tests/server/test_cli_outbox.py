"""`chamberlain outbox`, against a server on a chain."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from chamberlain.v1 import outbox_service_pb2 as pb
from chamberlain.v1.extrinsic_pb2 import ExtrinsicStatus
from click.testing import CliRunner, Result
from google.protobuf.struct_pb2 import Struct
from grpc import StatusCode

from server.cli import main
from tests.server.chain_world import World, a_world
from tests.server.conftest import connected
from tests.server.refusals import refused


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world(outbox_allowed_calls="System.remark") as world:
        yield world


async def outbox(world: World, *arguments: str) -> Result:
    address = f"127.0.0.1:{world.app.port}"
    return await asyncio.to_thread(CliRunner().invoke, main, ["outbox", *arguments, "--address", address])


async def a_remark(world: World, **given: Any) -> str:
    payload = Struct()
    payload.update({"remark": "0x01"})
    request = pb.EnqueueExtrinsicRequest(pallet="System", call="remark", payload=payload, **given)
    correlation_id: str = (await world.outbox.EnqueueExtrinsic(request)).correlation_id
    return correlation_id


async def test_pausing_holds_back_what_is_queued_until_it_is_resumed(world: World) -> None:
    paused = await outbox(world, "pause", "--reason", "the node is being moved")
    assert (paused.exit_code, paused.output) == (0, "paused: all signers: the node is being moved\n")
    correlation_id = await a_remark(world, signer="ada")
    listed = await outbox(world, "list", "--status", "queued")
    headings, line, pause = listed.output.splitlines()
    assert headings.split()[:4] == ["extrinsic", "status", "call", "signer"]
    assert line.split()[:4] == [correlation_id, "queued", "System.remark", "ada"]
    assert pause == "paused: all signers: the node is being moved"
    resumed = await outbox(world, "resume")
    assert (resumed.exit_code, resumed.output) == (0, "nothing is paused\n")
    await world.until(correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED)


async def test_an_extrinsic_is_cancelled_and_requeued(world: World) -> None:
    assert (await outbox(world, "pause", "--signer", "ada")).stdout == "paused: ada\n"
    correlation_id = await a_remark(world, signer="ada")
    assert "cancelled" in (await outbox(world, "cancel", correlation_id)).output
    assert "queued" in (await outbox(world, "requeue", correlation_id)).output
    assert (await outbox(world, "resume", "--signer", "ada")).exit_code == 0
    await world.until(correlation_id, ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED)
    too_late = await outbox(world, "cancel", correlation_id)
    assert too_late.exit_code == 1
    assert "(FAILED_PRECONDITION)" in too_late.output


async def test_what_is_listed_is_limited_and_counted(world: World) -> None:
    await outbox(world, "pause")
    newest = [await a_remark(world) for _ in range(3)][-1]
    lines = (await outbox(world, "list", "--limit", "1")).output.splitlines()
    assert (lines[1].split()[0], lines[2]) == (newest, "1 of 3")


async def test_a_long_list_takes_several_pages_and_is_json_for_programs(world: World) -> None:
    await outbox(world, "pause")
    made = await asyncio.gather(*(a_remark(world, signer="ada") for _ in range(201)))
    listed = json.loads((await outbox(world, "list", "--limit", "1000", "--json")).output)
    assert {extrinsic["correlation_id"] for extrinsic in listed} == set(made)
    assert {extrinsic["status"] for extrinsic in listed} == {"EXTRINSIC_STATUS_QUEUED"}
    assert "201 of" not in (await outbox(world, "list", "--limit", "1000")).output


async def test_what_comes_from_others_cannot_control_the_terminal(world: World) -> None:
    await outbox(world, "pause", "--reason", "\x1b[31m")
    await a_remark(world, signer="\x1b[31mada")
    address = f"127.0.0.1:{world.app.port}"
    page = await asyncio.to_thread(CliRunner().invoke, main, ["status", "--address", address])
    listed = await outbox(world, "list")
    assert "�[31mada" in listed.output
    assert "all signers: �[31m" in page.output
    assert "\x1b" not in listed.output + page.output


async def test_a_pause_of_a_name_that_may_be_a_slip_is_noted(tmp_path: Path) -> None:
    keys = tmp_path / "signers.toml"
    keys.write_text('"did:ex:keyed" = "//Bob"\n')
    async with a_world(outbox_allowed_calls="System.remark", chain_signers_path=keys) as world:
        slip = await outbox(world, "pause", "--signer", "did:ex:slip")
        assert (slip.exit_code, slip.stdout) == (0, "paused: did:ex:slip\n")
        assert slip.stderr == "note: nothing is queued for 'did:ex:slip', and the server has no key for it\n"
        await a_remark(world, signer="did:ex:slip")
        for known in (["--signer", "did:ex:slip"], ["--signer", "did:ex:keyed"], []):
            assert (await outbox(world, "pause", *known)).stderr == ""


async def test_a_server_that_is_not_there_is_told(world: World) -> None:
    gone = CliRunner().invoke(main, ["outbox", "list", "--address", "127.0.0.1:1"])
    assert gone.exit_code == 1
    assert gone.output == (
        "Error: no server responds at 127.0.0.1:1: start one with `chamberlain serve`,"
        " or name another with --address\n"
    )


@pytest.mark.parametrize("address", ["", "localhost", "http://127.0.0.1:50051", "127.0.0.1:65536"])
@pytest.mark.parametrize(
    "command",
    [["status"], ["outbox", "list"], ["chain", "redecode"], ["sessions", "list"], ["audit", "verify"]],
)
def test_an_address_that_is_none_is_refused_by_every_command(command: list[str], address: str) -> None:
    wrong = CliRunner().invoke(main, [*command, "--address", address])
    assert wrong.exit_code == 2
    assert f"expected host:port, [IPv6]:port or unix:/path, not {address!r}" in wrong.output


async def test_pauses_are_told_and_a_repeated_call_pauses_once(world: World) -> None:
    request = pb.PauseSubmissionRequest(signer="ada", reason="first", request_id="r")
    first = await world.outbox.PauseSubmission(request)
    await world.outbox.ResumeSubmission(pb.ResumeSubmissionRequest(signer="ada"))
    assert await world.outbox.PauseSubmission(request) == first
    told = await world.outbox.GetSubmission(pb.GetSubmissionRequest())
    assert (told.paused, list(told.pauses)) == (False, [])
    await world.outbox.PauseSubmission(pb.PauseSubmissionRequest())
    told = await world.outbox.GetSubmission(pb.GetSubmissionRequest())
    assert (told.paused, [pause.signer for pause in told.pauses]) == (True, [""])


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("signer", pb.PauseSubmissionRequest(signer="x" * 129)),
        ("reason", pb.PauseSubmissionRequest(reason="x" * 513)),
        ("request_id", pb.PauseSubmissionRequest(request_id="x" * 129)),
    ],
)
async def test_wrong_fields_of_a_pause_are_refused(world: World, field: str, request_: Any) -> None:
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=[field]):
        await world.outbox.PauseSubmission(request_)


async def test_without_a_chain_there_is_nothing_to_pause(app: Any) -> None:
    async with connected(app) as channel:
        stub: Any = World(app, None, channel).outbox  # type: ignore[arg-type]
        with refused(StatusCode.FAILED_PRECONDITION, "NO_CHAIN"):
            await stub.PauseSubmission(pb.PauseSubmissionRequest())
