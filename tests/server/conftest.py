"""A real server on a real channel, and the words that the tests of the server speak in."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# The tests start processes: gRPC's fork handlers, which it reads this for when it is imported, break some.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"

import grpc
import pytest
from chamberlain.v1.approval_service_pb2_grpc import ApprovalServiceStub
from chamberlain.v1.audit_service_pb2_grpc import AuditServiceStub
from chamberlain.v1.chain_service_pb2_grpc import ChainServiceStub
from chamberlain.v1.handoff_service_pb2_grpc import HandoffServiceStub
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceStub
from chamberlain.v1.session_service_pb2_grpc import SessionServiceStub
from chamberlain.v1.transcript_service_pb2_grpc import TranscriptServiceStub

from server.app import App
from server.settings import Settings, environment_name
from server.sweeps import all_sweeps
from tests.server.market import Market


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set where the tests run must not reach the servers that they start."""
    for field in Settings.model_fields:
        monkeypatch.delenv(environment_name(field), raising=False)


def settings(**given: object) -> Settings:
    """A server in memory, on a free port."""
    return Settings.load({"database_url": ":memory:", "bind_addr": "127.0.0.1:0"} | given)


@asynccontextmanager
async def running(app: App) -> AsyncIterator[App]:
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


async def swept(app: App, name: str, **changes: object) -> None:
    """Run the sweep of this name; changes of the settings may be out of their bounds."""
    changed = settings().model_copy(update=changes)
    (sweep,) = [each for each in all_sweeps(app.storage, changed) if each.name == name]
    await sweep.run()


@asynccontextmanager
async def connected(app: App) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{app.port}") as channel:
        yield channel


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with running(App(settings())) as app:
        yield app


@pytest.fixture
async def channel(app: App) -> AsyncIterator[grpc.aio.Channel]:
    async with connected(app) as channel:
        yield channel


@pytest.fixture
def orchestrator(channel: grpc.aio.Channel) -> OrchestratorServiceStub:
    return OrchestratorServiceStub(channel)


@pytest.fixture
def outbox(channel: grpc.aio.Channel) -> OutboxServiceStub:
    return OutboxServiceStub(channel)


@pytest.fixture
def chain(channel: grpc.aio.Channel) -> ChainServiceStub:
    return ChainServiceStub(channel)


@pytest.fixture
def sessions(channel: grpc.aio.Channel) -> SessionServiceStub:
    return SessionServiceStub(channel)


@pytest.fixture
def transcripts(channel: grpc.aio.Channel) -> TranscriptServiceStub:
    return TranscriptServiceStub(channel)


@pytest.fixture
def handoffs(channel: grpc.aio.Channel) -> HandoffServiceStub:
    return HandoffServiceStub(channel)


@pytest.fixture
def approvals(channel: grpc.aio.Channel) -> ApprovalServiceStub:
    return ApprovalServiceStub(channel)


@pytest.fixture
def audit(channel: grpc.aio.Channel) -> AuditServiceStub:
    return AuditServiceStub(channel)


@pytest.fixture
def market(orchestrator: OrchestratorServiceStub) -> Market:
    return Market(orchestrator)
