"""What every call passes through, whatever its method does."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
import structlog
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import transcript_service_pb2 as transcript_pb
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.transcript_pb2 import ToolCall
from grpc import StatusCode
from sqlalchemy.engine import Connection
from structlog.testing import capture_logs

from server import logs
from server.app import App
from storage import limits
from storage.outcome import Outcome, mutation
from storage.transaction import Transaction
from tests.server.conftest import connected, running, settings
from tests.server.conversation import a_session, an_entry
from tests.server.market import Market, a_task
from tests.server.probe import Probe, raw_call
from tests.server.refusals import refused


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the server logs, as JSON."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    handlers = logging.root.handlers
    logs.configure("json", "info")
    yield stream
    logging.root.handlers = handlers
    structlog.reset_defaults()


@asynccontextmanager
async def probed(**given: object) -> AsyncIterator[tuple[Probe, Any]]:
    """A probe, and how to call its methods."""
    probe = Probe()
    async with running(App(settings(**given), handlers=[probe.handlers()])) as app, connected(app) as channel:

        def call(method: str, request: bytes = b"", **options: Any) -> Any:
            return raw_call(channel, f"/probe.Probe/{method}", stream=method == "Count")(request, **options)

        yield probe, call


async def test_a_defect_becomes_internal_and_its_text_stays_in_the_log() -> None:
    async with probed() as (_, call):
        with capture_logs() as logs, refused(StatusCode.INTERNAL, "INTERNAL") as refusal:
            await call("Fail")
        assert "secret" not in refusal.message
        (entry,) = [entry for entry in logs if entry["event"] == "call failed"]
        assert entry["error_id"] == refusal.info.metadata["error_id"]


async def test_the_log_of_a_call_names_its_method_and_the_request_id_of_its_client(
    logged: io.StringIO,
) -> None:
    async with probed() as (_, call):
        with refused(StatusCode.INTERNAL, "INTERNAL"):
            await call("Fail", metadata=(("x-request-id", "from-the-client"),))
    (entry,) = [entry for line in logged.getvalue().splitlines() if "error_id" in (entry := json.loads(line))]
    assert entry["method"] == "/probe.Probe/Fail"
    assert entry["request_id"] == "from-the-client"
    assert "ValueError: SELECT secret" in entry["exception"]
    assert "Traceback" in entry["exception"]


async def test_a_call_without_a_deadline_gets_that_of_the_server() -> None:
    async with probed(default_deadline_seconds=0.05) as (probe, call):
        with refused(StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"):
            await call("Hang")
        await probe.cancelled.wait()


async def test_a_client_may_set_a_longer_deadline_than_that_of_the_server() -> None:
    async with probed(default_deadline_seconds=0.05) as (probe, call):
        patient = call("Hang", timeout=60)
        await probe.entered.wait()
        with refused(StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"):
            await call("Hang")
        assert not patient.done()
        patient.cancel()


async def test_a_method_knows_when_its_client_stops_waiting() -> None:
    async with probed(default_deadline_seconds=7) as (_, call):
        assert 6 < float(await call("Deadline")) <= 7
        assert 50 < float(await call("Deadline", timeout=60)) < 61


async def test_a_client_that_leaves_ends_its_call() -> None:
    async with probed() as (probe, call):
        leaving = call("Hang")
        await probe.entered.wait()
        leaving.cancel()
        await probe.cancelled.wait()


@mutation(type(None))
def nothing(tx: Transaction, items: Sequence[None]) -> list[Outcome[None]]:
    return [None for _ in items]


def hold_writes(app: App, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Let no write of the server's begin until the event is set."""
    released = asyncio.Event()
    engine = app.storage._engine
    write = engine.write

    async def held(work: Callable[[Connection], Any], *, heavy: bool = False) -> Any:
        await released.wait()
        return await write(work, heavy=heavy)

    monkeypatch.setattr(engine, "write", held)
    return released


async def test_a_change_that_waits_beyond_the_deadline_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(App(settings(default_deadline_seconds=0.05))) as app, connected(app) as channel:
        released = hold_writes(app, monkeypatch)
        blocking = asyncio.create_task(app.storage.commit(nothing, None))
        orchestrator: Any = OrchestratorServiceStub(channel)
        request = a_task(request_id="late")
        batch = pb.BatchCreateTasksRequest(requests=[a_task()])
        calls = [orchestrator.CreateTask(request), orchestrator.BatchCreateTasks(batch)]
        for call in calls:
            with refused(StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"):
                await call
        released.set()
        await blocking
        assert not (await orchestrator.ListTasks(pb.ListTasksRequest())).tasks


async def test_a_change_that_is_being_committed_at_the_deadline_is_not_said_to_be_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(App(settings(default_deadline_seconds=0.05))) as app, connected(app) as channel:
        released = hold_writes(app, monkeypatch)
        orchestrator: Any = OrchestratorServiceStub(channel)
        request = a_task(request_id="late")
        with refused(StatusCode.UNAVAILABLE, "COMMIT_UNKNOWN"):
            await orchestrator.CreateTask(request)
        released.set()
        created = await orchestrator.CreateTask(request)
        assert list((await orchestrator.ListTasks(pb.ListTasksRequest())).tasks) == [created.task]


async def test_a_queue_that_is_full_says_when_to_try_again_and_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "COMMIT_QUEUE_ITEMS_MAX", 3)
    async with running(App(settings())) as app, connected(app) as channel:
        orchestrator: Any = OrchestratorServiceStub(channel)
        released = hold_writes(app, monkeypatch)
        blocking = asyncio.create_task(app.storage.commit(nothing, None))
        calls = [asyncio.ensure_future(orchestrator.CreateTask(a_task())) for _ in range(8)]
        done: set[asyncio.Future[Any]] = set()
        while len(done) < 5:
            finished, _ = await asyncio.wait(set(calls) - done, return_when=asyncio.FIRST_COMPLETED)
            done |= finished
        for call in done:
            with refused(StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED") as refusal:
                await call
            assert "RetryInfo" in refusal.details
        released.set()
        await blocking
        created = await asyncio.gather(*(set(calls) - done))
        listed = await orchestrator.ListTasks(pb.ListTasksRequest())
    assert {task.task_id for task in listed.tasks} == {answer.task.task_id for answer in created}


async def test_a_request_above_the_limit_is_refused_and_one_at_the_limit_is_not() -> None:
    async with probed(request_bytes_max=2048) as (_, call):
        assert len(await call("Echo", b"x" * 2048)) == 2048
        with refused(StatusCode.INVALID_ARGUMENT, "REQUEST_TOO_LARGE") as refusal:
            await call("Echo", b"x" * 2049)
        assert "2,049 bytes" in refusal.text
        with pytest.raises(grpc.aio.AioRpcError) as far_too_large:
            await call("Echo", b"x" * 100_000)
        assert far_too_large.value.code() is StatusCode.RESOURCE_EXHAUSTED


async def test_the_limit_leaves_room_for_a_mebibyte_unless_configured(
    orchestrator: Any, market: Market
) -> None:
    task = await market.task(input=b"i" * (1 << 20))
    found = await orchestrator.GetTask(pb.GetTaskRequest(task_id=task.task_id))
    assert len(found.task.input) == 1 << 20
    with refused(StatusCode.INVALID_ARGUMENT, "REQUEST_TOO_LARGE"):
        await orchestrator.CreateTask(a_task(input=b"i" * ((1 << 20) + (64 << 10))))


async def test_the_largest_content_fits_with_all_that_stands_beside_it(
    sessions: Any, transcripts: Any
) -> None:
    session_id = (await a_session(sessions)).session_id
    largest = an_entry(
        "x" * limits.CONTENT_BYTES_MAX,
        phase="p" * limits.PHASE_BYTES_MAX,
        model="m" * limits.IDENTIFIER_BYTES_MAX,
        iteration=limits.NUMBER_MAX,
        input_tokens=limits.NUMBER_MAX,
        tool_calls=[ToolCall(name="t", result="r" * limits.TOOL_CALL_BYTES_MAX)] * 3,
    )
    append = transcript_pb.AppendTranscriptRequest(
        session_id=session_id, entries=[largest], request_id="r" * limits.IDENTIFIER_BYTES_MAX
    )
    await transcripts.AppendTranscript(append)
    listed = await transcripts.ListTranscript(transcript_pb.ListTranscriptRequest(session_id=session_id))
    assert [len(entry.content) for entry in listed.entries] == [limits.CONTENT_BYTES_MAX]
    largest.content += "x"
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=["entries[0].content"]):
        await transcripts.AppendTranscript(
            transcript_pb.AppendTranscriptRequest(session_id=session_id, entries=[largest])
        )


async def test_bytes_that_are_no_message_are_refused(channel: grpc.aio.Channel) -> None:
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        await raw_call(channel, "/chamberlain.v1.OrchestratorService/GetTask")(b"\xff\xff\xff")
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        await raw_call(channel, "/chamberlain.v1.OrchestratorService/GetTask")(b"\x0a\x01\xff")  # no UTF-8


async def test_a_method_that_is_not_there_is_unimplemented(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as missing:
        await raw_call(channel, "/chamberlain.v1.OrchestratorService/Steal")(b"")
    assert missing.value.code() is StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (b"defect", StatusCode.INTERNAL, "INTERNAL"),
        (b"away", StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"),
    ],
)
async def test_a_stream_that_fails_ends_with_a_status_after_its_messages(
    request_: bytes, code: StatusCode, reason: str
) -> None:
    async with probed() as (_, call):
        stream = call("Count", request_)
        assert [await stream.read() for _ in range(3)] == [b"0", b"1", b"2"]
        with refused(code, reason) as refusal:
            await stream.read()
        assert "secret" not in refusal.message


async def test_a_stream_that_ends_by_itself_is_ok() -> None:
    async with probed() as (_, call):
        stream = call("Count")
        assert [message async for message in stream] == [b"0", b"1", b"2"]
        assert await stream.code() is StatusCode.OK


async def test_a_write_whose_client_has_left_is_whole_or_not_there(
    orchestrator: OrchestratorServiceStub, market: Market
) -> None:
    calls: list[Any] = [orchestrator.CreateTask(a_task()) for _ in range(50)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    listed = await orchestrator.ListTasks(pb.ListTasksRequest(include_total_size=True))  # type: ignore[misc]
    assert 25 <= listed.total_size <= 50
