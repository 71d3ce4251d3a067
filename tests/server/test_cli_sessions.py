"""`chamberlain sessions`: what people see of sessions."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from chamberlain.v1 import session_service_pb2 as pb
from chamberlain.v1.session_pb2 import SessionStatus
from click.testing import CliRunner, Result
from grpc.aio import AioRpcError

from server.app import App
from server.cli import main
from tests.server.conversation import a_session, a_struct, an_append, an_update
from tests.server.test_command_line import chamberlain
from tests.storage.conversation import let_it_rest


class Shell:
    def __init__(self, address: str) -> None:
        self._address = address

    async def run(self, *arguments: str) -> Result:
        command = ["sessions", *arguments, "--address", self._address]
        return await asyncio.to_thread(CliRunner().invoke, main, command)

    async def said(self, *arguments: str) -> str:
        result = await self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.output

    async def json(self, *arguments: str) -> Any:
        return json.loads(await self.said(*arguments, "--json"))


@pytest.fixture
def shell(app: App) -> Shell:
    return Shell(f"127.0.0.1:{app.port}")


async def test_sessions_are_listed_for_people_and_for_programs(shell: Shell, sessions: Any) -> None:
    a = await a_session(sessions, role="planner", task_id="task-7")
    b = await a_session(sessions, role="coder")
    await sessions.UpdateSession(an_update(b.session_id, status=SessionStatus.SESSION_STATUS_ACTIVE))
    lines = (await shell.said("list")).splitlines()
    assert lines[0].split()[:4] == ["session", "role", "status", "task"]
    assert lines[1].split()[:3] == [b.session_id, "coder", "active"]
    assert lines[2].split()[:4] == [a.session_id, "planner", "pending", "task-7"]
    for arguments, expected in (
        (["--status", "active"], [b.session_id]),
        (["--role", "planner"], [a.session_id]),
        (["--task", "task-7"], [a.session_id]),
        (["--metadata-key", "mood", "--open"], [b.session_id, a.session_id]),
        (["--metadata-key", "none"], []),
        (["--limit", "1"], [b.session_id]),
    ):
        listed = await shell.json("list", *arguments)
        assert [session["session_id"] for session in listed] == expected


async def test_a_long_list_takes_several_pages(shell: Shell, sessions: Any) -> None:
    made = await asyncio.gather(*(a_session(sessions) for _ in range(120)))
    listed = await shell.json("list", "--limit", "1000")
    assert {session["session_id"] for session in listed} == {session.session_id for session in made}


async def test_a_session_is_shown_with_the_end_of_its_transcript(
    shell: Shell, sessions: Any, transcripts: Any
) -> None:
    created = await a_session(sessions, metadata=a_struct({"seats": 2, "price": 0.5, "days": [3, 5]}))
    await transcripts.AppendTranscript(
        an_append(created.session_id, *(f"entry {n}" for n in range(20)), "[red]\x1b[31mnot red " + "x" * 300)
    )
    request = pb.AppendCommandRequest(session_id=created.session_id, command="look around")
    await sessions.AppendCommand(request)
    shown = await shell.said("show", created.session_id, "--entries", "3")
    assert "entry 18" in shown
    assert "entry 17" not in shown
    assert "look around" in shown
    assert '{"days": [3, 5], "price": 0.5, "seats": 2}' in shown
    assert "[red]�[31mnot red" in shown
    assert "\x1b" not in shown
    plain = await shell.json("show", created.session_id)
    assert plain["session"]["entry_count"] == "21"
    assert len(plain["entries"]) == 10


async def test_an_export_has_everything(
    shell: Shell, sessions: Any, transcripts: Any, tmp_path: Path
) -> None:
    created = await a_session(sessions)
    await transcripts.AppendTranscript(an_append(created.session_id, *(f"Grüße {n}\n" for n in range(450))))
    for place in range(3):
        request = pb.AppendCommandRequest(session_id=created.session_id, command=str(place))
        await sessions.AppendCommand(request)
    file = tmp_path / "session.ndjson"
    await shell.said("export", created.session_id, "--output", str(file))
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert [next(iter(line)) for line in lines] == ["session"] + ["command"] * 3 + ["entry"] * 450
    assert [line["entry"]["content"] for line in lines[4:]] == [f"Grüße {n}\n" for n in range(450)]
    assert await shell.said("export", created.session_id) == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["sessions", "audit"])
async def test_an_export_is_utf_8_whatever_the_locale(
    app: App, sessions: Any, transcripts: Any, tmp_path: Path, command: str
) -> None:
    created = await a_session(sessions, role="Prüferin")
    await transcripts.AppendTranscript(an_append(created.session_id, "Grüße 👋"))
    with pytest.raises(AioRpcError):
        await sessions.DeleteSession(pb.DeleteSessionRequest(session_id="Grüße 👋"))
    ascii_locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    wanted = [created.session_id] if command == "sessions" else []
    told = []
    for options in ([], ["--output", "exported.ndjson"]):
        arguments = [command, "export", *wanted, "--address", f"127.0.0.1:{app.port}", *options]
        process = await chamberlain(*arguments, cwd=tmp_path, **ascii_locale)
        output, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")
        told.append(output or (tmp_path / "exported.ndjson").read_bytes())
    assert told[0] == told[1]
    assert "Grüße 👋" in told[0].decode()


async def test_a_sweep_is_tried_before_it_is_done(shell: Shell, app: App, sessions: Any) -> None:
    idle, old = await a_session(sessions), await a_session(sessions)
    await sessions.UpdateSession(an_update(old.session_id, status=SessionStatus.SESSION_STATUS_EXPIRED))
    await let_it_rest(app.storage, idle.session_id, hours=8 * 24)
    await let_it_rest(app.storage, old.session_id, hours=91 * 24)
    shown = await shell.said("sweep", "--dry-run")
    assert [line.split() for line in shown.splitlines()] == [
        ["session", "would", "be"],
        [idle.session_id, "expired"],
        [old.session_id, "deleted"],
    ]
    expected = {
        "expired_session_ids": [idle.session_id],
        "deleted_session_ids": [old.session_id],
        "more": False,
    }
    assert await shell.json("sweep", "--dry-run") == expected
    assert await shell.json("sweep") == expected
    assert await shell.json("sweep") == {
        "expired_session_ids": [],
        "deleted_session_ids": [],
        "more": False,
    }
    assert await shell.said("sweep") == "nothing is due\n"


async def test_a_sweep_goes_on_until_nothing_is_due(
    shell: Shell, app: App, sessions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await asyncio.gather(*(a_session(sessions) for _ in range(1001)))
    await let_it_rest(app.storage, *(session.session_id for session in made), hours=8 * 24)
    would = await shell.said("sweep", "--dry-run")
    assert would.endswith("… and possibly more\n")
    swept = await shell.json("sweep")
    assert sorted(swept["expired_session_ids"]) == sorted(session.session_id for session in made)


async def test_what_the_server_refuses_ends_the_command_with_its_words(shell: Shell) -> None:
    result = await shell.run("show", "none")
    assert (result.exit_code, result.output) == (1, "Error: no session 'none' (NOT_FOUND)\n")


async def test_without_a_server_it_says_so() -> None:
    result = await Shell("127.0.0.1:1").run("list")
    assert result.exit_code == 1
    assert result.output.startswith("Error: no server responds at 127.0.0.1:1: start one with")
