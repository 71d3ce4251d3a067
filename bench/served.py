"""What is measured: the whole server on a database, and the least that a gRPC server in Python can do."""

import os
import time
from typing import Any, NamedTuple

import grpc
from chamberlain.v1 import orchestrator_service_pb2 as pb

from bench.processes import Line
from bench.workloads import NOOP_SERVICE, noop_response
from chain.devnet import DevChain, DevChainConfig, DevNode, Sealing
from server import logs
from server.app import App
from server.listener import channel_options
from server.serve import calm_garbage_collection
from server.settings import Settings, environment_name


class Usage(NamedTuple):
    """What a server has used and done so far: its CPU (user and system), and what it committed."""

    cpu_ns: int
    batches: int = 0
    items: int = 0


def noop_handler() -> grpc.GenericRpcHandler:
    """A method that takes what CreateTask takes, gives what it gives, and does nothing."""
    response = noop_response()

    async def call(request: pb.CreateTaskRequest, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        return response

    method = grpc.unary_unary_rpc_method_handler(
        call,
        request_deserializer=pb.CreateTaskRequest.FromString,
        response_serializer=pb.CreateTaskResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(NOOP_SERVICE, {"Call": method})


async def serve_bare(line: Line) -> None:
    """A gRPC server with the options of ours, no interceptor, and one method that does nothing."""
    server = grpc.aio.server(options=channel_options(_settings().request_bytes_max))
    server.add_generic_rpc_handlers((noop_handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    calm_garbage_collection()
    line.answer(f"127.0.0.1:{port}")
    async for _ in line.questions():
        line.answer(Usage(time.process_time_ns()))
    await server.stop(None)


async def serve_app(line: Line, database_url: str, chain_url: str) -> None:
    """Our server, whole. It has no key to sign with, so it follows the chain and sends nothing to it."""
    # From the first block on, which may be made before the chain is looked at.
    settings = _settings(database_url=database_url, chain_ws_url=chain_url, chain_start_block=1)
    app = App(settings, handlers=(noop_handler(),))
    await app.start()
    try:
        if not app.storage.prepared:
            raise RuntimeError("the database or the chain could not be reached")
        calm_garbage_collection()
        line.answer(f"127.0.0.1:{app.port}")
        committer = app.storage.committer
        async for _ in line.questions():
            line.answer(Usage(time.process_time_ns(), committer.batches, committer.items))
    finally:
        await app.stop()


async def serve_chain(line: Line) -> None:
    """A chain that makes no blocks, so that the server has nothing to do for it."""
    async with DevNode(DevChain(DevChainConfig(sealing=Sealing.MANUAL))) as node:
        line.answer(node.url)
        async for _ in line.questions():
            pass


def _settings(**given: object) -> Settings:
    """The default settings, whatever the environment says."""
    for name in Settings.model_fields:
        os.environ.pop(environment_name(name), None)
    logs.configure("text", "error")
    return Settings.load({"bind_addr": "127.0.0.1:0", **given})
