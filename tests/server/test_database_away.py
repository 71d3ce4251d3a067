"""A database that is away makes calls unavailable, and the server recovers by itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import session_service_pb2 as session_pb
from chamberlain.v1 import transcript_service_pb2 as transcript_pb
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.session_service_pb2_grpc import SessionServiceStub
from chamberlain.v1.transcript_service_pb2_grpc import TranscriptServiceStub
from grpc import StatusCode
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from server.app import App
from storage.errors import BadDatabaseUrl, WrongBinding
from storage.store import Storage
from tests.server.conftest import connected, running, settings
from tests.server.conversation import a_session, an_append, an_update, contents
from tests.server.market import a_task
from tests.server.refusals import refused
from tests.support.postgres import PostgresServer
from tests.support.proxy import Proxy

DATABASE = "market"
WAIT_SECONDS = 30.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer(in_memory=True) as server:
        yield server


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty database on a server that runs."""
    postgres.create_database(DATABASE)
    yield postgres.url(DATABASE)
    postgres.restart()
    postgres.drop_database(DATABASE)


@pytest.fixture
async def on_postgres(database: str) -> AsyncIterator[grpc.aio.Channel]:
    async with running(App(settings(database_url=database))) as app, connected(app) as channel:
        yield channel


async def until_health_is(channel: grpc.aio.Channel, wanted: int) -> None:
    """Wait for a state of health, of the server and of a service."""
    for service in ("", "chamberlain.v1.OrchestratorService"):
        async with asyncio.timeout(WAIT_SECONDS):
            watch = HealthStub(channel).Watch(HealthCheckRequest(service=service))
            while (await watch.read()).status != wanted:
                pass
            watch.cancel()


async def tried_until_available(call: Any, request: Any) -> Any:
    """The answer to a call that is repeated as long as it is UNAVAILABLE, as a patient client would."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            try:
                return await call(request)
            except grpc.aio.AioRpcError as error:
                if error.code() is not StatusCode.UNAVAILABLE:
                    raise
                await asyncio.sleep(0.02)


async def test_a_server_that_starts_before_its_database_waits_for_it(
    postgres: PostgresServer, database: str
) -> None:
    postgres.kill()
    async with running(App(settings(database_url=database))) as app, connected(app) as channel:
        orchestrator: Any = OrchestratorServiceStub(channel)
        await until_health_is(channel, HealthCheckResponse.NOT_SERVING)
        for call, request in (
            (orchestrator.CreateTask, a_task()),
            (orchestrator.GetTask, pb.GetTaskRequest(task_id="t")),
            (orchestrator.ListTasks, pb.ListTasksRequest()),
        ):
            with refused(StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE") as refusal:
                await call(request)
            assert refusal.details["RetryInfo"].retry_delay.ToNanoseconds() > 0

        await asyncio.to_thread(postgres.restart)
        await until_health_is(channel, HealthCheckResponse.SERVING)
        await orchestrator.CreateTask(a_task())


async def test_a_database_that_dies_and_returns_takes_nothing_with_it(
    postgres: PostgresServer, on_postgres: grpc.aio.Channel
) -> None:
    orchestrator: Any = OrchestratorServiceStub(on_postgres)
    watch = orchestrator.WatchTasks(pb.WatchTasksRequest())
    await watch.read()
    before = (await orchestrator.CreateTask(a_task(request_id="before"))).task
    assert [event.task_id for event in (await watch.read()).events] == [before.task_id]

    postgres.kill()
    await until_health_is(on_postgres, HealthCheckResponse.NOT_SERVING)
    during = a_task(request_id="during")
    with refused(StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"):
        await orchestrator.CreateTask(during)
    with refused(StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"):
        await orchestrator.GetTask(pb.GetTaskRequest(task_id=before.task_id))

    await asyncio.to_thread(postgres.restart)
    await until_health_is(on_postgres, HealthCheckResponse.SERVING)
    after = (await tried_until_available(orchestrator.CreateTask, during)).task
    found = (await orchestrator.GetTask(pb.GetTaskRequest(task_id=before.task_id))).task
    assert found.task_id == before.task_id
    assert [event.task_id for event in (await watch.read()).events] == [after.task_id]


async def test_a_database_that_stands_still_is_away_until_it_goes_on(
    database: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.database.CHECK_TIMEOUT_SECONDS", 1.0)
    async with Proxy.before(postgres.port) as proxy:
        through = database.replace(f":{postgres.port}/", f":{proxy.port}/")
        app = App(settings(database_url=through, db_connect_timeout_secs=1))
        with structlog.testing.capture_logs() as told:
            async with running(app), connected(app) as channel:
                sessions: Any = SessionServiceStub(channel)
                created = await a_session(sessions)
                proxy.freeze()
                await until_health_is(channel, HealthCheckResponse.NOT_SERVING)
                for call, request in (
                    (sessions.GetSession, session_pb.GetSessionRequest(session_id=created.session_id)),
                    (sessions.ListSessions, session_pb.ListSessionsRequest()),
                ):
                    with refused(StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE") as refusal:
                        await call(request)
                    assert "RetryInfo" in refusal.details
                proxy.thaw()
                await until_health_is(channel, HealthCheckResponse.SERVING)
                get = session_pb.GetSessionRequest(session_id=created.session_id)
                assert (await tried_until_available(sessions.GetSession, get)).session == created
    assert [entry["event"] for entry in told if entry["log_level"] == "error"] == []
    health = [entry["event"] for entry in told if entry["event"].startswith("the database is")]
    assert health == ["the database is ready", "the database is away", "the database is back"]


async def test_sessions_go_on_where_they_were_when_the_database_returns(
    postgres: PostgresServer, on_postgres: grpc.aio.Channel
) -> None:
    sessions: Any = SessionServiceStub(on_postgres)
    transcripts: Any = TranscriptServiceStub(on_postgres)
    session_id = (await a_session(sessions)).session_id
    watch = transcripts.WatchTranscript(transcript_pb.WatchTranscriptRequest(session_id=session_id))
    await watch.read()
    await transcripts.AppendTranscript(an_append(session_id, "before"))

    postgres.kill()
    await until_health_is(on_postgres, HealthCheckResponse.NOT_SERVING)
    during = an_append(session_id, "during", request_id="during")
    for call in (
        transcripts.AppendTranscript(during),
        sessions.UpdateSession(an_update(session_id, task_id="t")),
        sessions.ResumeSession(session_pb.ResumeSessionRequest(session_id=session_id)),
        transcripts.SearchTranscripts(transcript_pb.SearchTranscriptsRequest(query="before")),
    ):
        with refused(StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"):
            await call

    await asyncio.to_thread(postgres.restart)
    await tried_until_available(transcripts.AppendTranscript, during)
    assert await contents(transcripts, session_id) == ["before", "during"]
    heard: list[str] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while len(heard) < 2:
            heard += [entry.content for entry in (await watch.read()).entries]
    assert heard == ["before", "during"]


async def test_calls_cut_off_in_the_middle_are_told_apart_by_their_request_ids(
    postgres: PostgresServer, on_postgres: grpc.aio.Channel
) -> None:
    orchestrator: Any = OrchestratorServiceStub(on_postgres)
    requests = [a_task(request_id=f"cut-{number}") for number in range(300)]
    calls = [asyncio.ensure_future(orchestrator.CreateTask(request)) for request in requests]
    await calls[0]
    postgres.kill()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, grpc.aio.AioRpcError):
            assert outcome.code() is StatusCode.UNAVAILABLE

    await asyncio.to_thread(postgres.restart)
    again = await asyncio.gather(
        *(tried_until_available(orchestrator.CreateTask, request) for request in requests)
    )
    for outcome, answer in zip(outcomes, again, strict=True):
        if isinstance(outcome, pb.CreateTaskResponse):
            assert outcome == answer
    request = pb.ListTasksRequest(include_total_size=True)
    listed = await tried_until_available(orchestrator.ListTasks, request)
    assert listed.total_size == len(requests)


async def test_a_database_of_a_chain_is_not_served_locally(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/market.db"
    storage = Storage.open(url)
    await storage.prepare("ab" * 32)
    await storage.close()
    with pytest.raises(WrongBinding, match="0xabab"):
        await App(settings(database_url=url)).start()


async def test_a_file_has_one_server_at_a_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/market.db"
    async with running(App(settings(database_url=url))):
        with pytest.raises(BadDatabaseUrl, match="in use"):
            await App(settings(database_url=url)).start()
    async with running(App(settings(database_url=url))):
        pass
