"""`chamberlain audit`: what people see of the audit log."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from chamberlain.v1 import approval_service_pb2 as approval_pb
from chamberlain.v1 import orchestrator_service_pb2 as orchestrator_pb
from click.testing import CliRunner, Result
from grpc.aio import AioRpcError

from server.app import App
from server.cli import main
from storage import limits
from storage.audit import retention as audit_retention
from storage.audit.retention import Prune
from tests.server.market import a_task
from tests.storage.auditing import PRUNING, meddle
from tests.storage.items import now_us


class Shell:
    def __init__(self, address: str) -> None:
        self._address = address

    async def run(self, *arguments: str) -> Result:
        command = ["audit", *arguments, "--address", self._address]
        return await asyncio.to_thread(CliRunner().invoke, main, command)

    async def said(self, *arguments: str) -> str:
        result = await self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.output


@pytest.fixture
def shell(app: App) -> Shell:
    return Shell(f"127.0.0.1:{app.port}")


async def _some_tasks(orchestrator: Any, count: int) -> list[str]:
    created = [await orchestrator.CreateTask(a_task()) for _ in range(count)]
    return [response.task.task_id for response in created]


async def _an_approval(approvals: Any) -> str:
    request = approval_pb.RequestApprovalRequest(kind="payment", title="Pay", requested_by="planner")
    approval_id: str = (await approvals.RequestApproval(request)).approval.approval_id
    return approval_id


async def test_entries_are_listed_for_people_and_for_programs(shell: Shell, orchestrator: Any) -> None:
    first, second = await _some_tasks(orchestrator, 2)
    with pytest.raises(AioRpcError):
        await orchestrator.CancelTask(orchestrator_pb.CancelTaskRequest(task_id="nobody"))
    lines = [line.split() for line in (await shell.said("list")).splitlines()]
    assert lines[0] == ["entry", "time", "actor", "method", "result", "target", "id", "subject", "counts"]
    assert [line[0] for line in lines[1:]] == ["3", "2", "1"]
    assert lines[1][4:] == ["OrchestratorService/CancelTask", "TASK_NOT_FOUND", "task", "nobody"]
    for arguments, numbers in (
        (["--target", first], ["1"]),
        (["--actor", "eve"], []),
        (["--method", "OrchestratorService/CreateTask", "--limit", "1"], ["2"]),
        (["--type", "task", "--oldest-first"], ["1", "2", "3"]),
        (["--since", "2100-01-01"], []),
        (["--until", "2100-01-01", "--target", second], ["2"]),
    ):
        listed = json.loads(await shell.said("list", *arguments, "--json"))
        assert [entry["number"] for entry in listed] == numbers


async def test_who_decided_is_listed(shell: Shell, approvals: Any) -> None:
    approval_id = await _an_approval(approvals)
    decision = approval_pb.DecideApprovalRequest(
        approval_id=approval_id,
        decision=approval_pb.APPROVAL_DECISION_APPROVED,
        decided_by="grace",
        notes="Too much, but well.",
    )
    await approvals.DecideApproval(decision)
    lines = [line.split() for line in (await shell.said("list")).splitlines()[1:]]
    assert [line[-3:] for line in lines] == [
        ["approval", approval_id, "grace"],
        ["approval", approval_id, "planner"],
    ]
    listed = json.loads(await shell.said("list", "--json"))
    assert [entry["subject"] for entry in listed] == ["grace", "planner"]
    assert "Too much" not in await shell.said("export")


async def test_a_long_list_takes_several_pages(shell: Shell, orchestrator: Any) -> None:
    requests = [a_task() for _ in range(250)]
    await orchestrator.BatchCreateTasks(orchestrator_pb.BatchCreateTasksRequest(requests=requests))
    listed = json.loads(await shell.said("list", "--limit", "1000", "--json"))
    assert [int(entry["number"]) for entry in listed] == list(range(250, 0, -1))


async def test_a_list_goes_on_behind_empty_pages(
    shell: Shell, orchestrator: Any, approvals: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUDIT_SCAN_MAX", 2)
    await _an_approval(approvals)
    await _some_tasks(orchestrator, 6)
    listed = json.loads(await shell.said("list", "--type", "approval", "--json"))
    assert [entry["number"] for entry in listed] == ["1"]


async def test_a_whole_chain_is_told_with_its_head_which_anchors_the_next_walk(
    shell: Shell, orchestrator: Any, app: App
) -> None:
    assert (await shell.said("verify")).startswith("0 entries")
    await _some_tasks(orchestrator, 3)
    told = await shell.said("verify")
    assert told.startswith("3 entries up to number 3 are as they were written\nentry 3 has hash ")
    head_hash = told.split()[-1]
    anchor = ["--anchor-number", "3", "--anchor-hash", head_hash]
    assert await shell.said("verify", *anchor) == told
    assert json.loads(await shell.said("verify", "--json"))["head_hash"] == head_hash
    await meddle(app.storage, "UPDATE audit_log SET target_id = 'x' WHERE number = 2")
    result = await shell.run("verify")
    assert result.exit_code == 1
    assert result.output == "broken at entry 2 (changed): the column target_id does not match the entry\n"
    assert (await shell.run("verify", "--json")).exit_code == 1


async def test_an_anchor_that_cannot_be_checked_is_not_passed_over(
    shell: Shell, orchestrator: Any, app: App
) -> None:
    await _some_tasks(orchestrator, 3)
    anchors = [(entry["number"], entry["hash"]) for entry in json.loads(await shell.said("list", "--json"))]
    await app.storage.commit(audit_retention.prune, Prune(before_us=now_us(), at_most=2), deed=PRUNING)
    told = {}
    for number, digest in anchors:
        result = await shell.run("verify", "--anchor-number", number, "--anchor-hash", digest)
        told[number] = result.exit_code, result.output.partition(":")[0].partition("\n")[0]
    assert told == {
        "3": (0, "2 entries up to number 4 are as they were written"),
        "2": (0, "2 entries up to number 4 are as they were written"),
        "1": (1, "the anchor was not checked"),
    }
    arguments = ("--anchor-number", "1", "--anchor-hash", anchors[-1][1], "--json")
    result = await shell.run("verify", *arguments)
    assert (result.exit_code, json.loads(result.output)["anchor_checked"]) == (1, False)


async def test_an_export_is_ndjson(shell: Shell, orchestrator: Any, tmp_path: Path) -> None:
    task_ids = await _some_tasks(orchestrator, 3)
    file = tmp_path / "audit.ndjson"
    await shell.said("export", "--output", str(file))
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert [line["entry"]["target_id"] for line in lines] == task_ids
    exported = await shell.said("export", "--after", "2")
    assert exported.encode() == file.read_bytes().splitlines(keepends=True)[2]


@pytest.mark.parametrize("arguments", [["list"], ["verify"], ["export"]])
async def test_without_a_server_it_says_so(arguments: list[str]) -> None:
    result = await Shell("127.0.0.1:1").run(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("Error: no server responds at 127.0.0.1:1: start one with")


async def test_what_the_server_refuses_ends_the_command_with_its_words(shell: Shell) -> None:
    result = await shell.run("list", "--trace", "XYZ")
    assert result.exit_code == 1
    assert "filter.trace_id" in result.output
