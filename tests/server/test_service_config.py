"""The service config beside the protos: reads are retried, mutations have a timeout and are not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import chamberlain.v1
import grpc
import pytest
from chamberlain.v1 import (
    approval_service_pb2,
    audit_service_pb2,
    chain_service_pb2,
    handoff_service_pb2,
    outbox_service_pb2,
    session_service_pb2,
    transcript_service_pb2,
)
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from grpc import StatusCode

CONFIG = (Path(chamberlain.v1.__path__[0]) / "service_config.json").read_text()
CONTRACT = [
    method
    for file in (
        pb,
        outbox_service_pb2,
        chain_service_pb2,
        session_service_pb2,
        transcript_service_pb2,
        handoff_service_pb2,
        approval_service_pb2,
        audit_service_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


def test_every_method_but_the_streams_is_configured_once() -> None:
    configured: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in json.loads(CONFIG)["methodConfig"]:
        for name in entry["name"]:
            assert (name["service"], name["method"]) not in configured
            configured[name["service"], name["method"]] = entry
    unary = [method for method in CONTRACT if not (method.server_streaming or method.client_streaming)]
    assert configured.keys() == {(method.containing_service.full_name, method.name) for method in unary}
    for method in unary:
        entry = configured[method.containing_service.full_name, method.name]
        reads = method.name.startswith(("Get", "List", "Search", "ResumeSession"))
        assert ("retryPolicy" in entry) == reads, method.full_name
        assert entry["timeout"]


@pytest.fixture
async def flaky() -> AsyncIterator[tuple[dict[str, int], Any]]:
    """Counts of the calls that reach a server which is unavailable twice, and a client of it."""
    calls = {"GetTask": 0, "CreateTask": 0}

    def method(name: str, response: Any) -> Any:
        async def answer(request: bytes, context: Any) -> Any:
            calls[name] += 1
            if calls[name] <= 2:
                await context.abort(StatusCode.UNAVAILABLE)
            return response

        return grpc.unary_unary_rpc_method_handler(
            answer, response_serializer=type(response).SerializeToString
        )

    methods = {
        "GetTask": method("GetTask", pb.GetTaskResponse()),
        "CreateTask": method("CreateTask", pb.CreateTaskResponse()),
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("chamberlain.v1.OrchestratorService", methods)]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    options = [("grpc.service_config", CONFIG)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        yield calls, OrchestratorServiceStub(channel)
    await server.stop(None)


async def test_a_client_that_uses_it_repeats_reads_until_they_are_answered(flaky: Any) -> None:
    calls, orchestrator = flaky
    await orchestrator.GetTask(pb.GetTaskRequest(task_id="t"))
    assert calls["GetTask"] == 3


async def test_a_client_that_uses_it_makes_a_change_once(flaky: Any) -> None:
    calls, orchestrator = flaky
    with pytest.raises(grpc.aio.AioRpcError):
        await orchestrator.CreateTask(pb.CreateTaskRequest())
    assert calls["CreateTask"] == 1
