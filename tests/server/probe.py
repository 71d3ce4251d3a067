"""Methods that are not in the contract, to see what a call passes through."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from server.interceptor import current_call
from storage.errors import DatabaseUnavailable


def raw_call(channel: Any, method: str, *, stream: bool = False) -> Any:
    """A method that takes and gives bytes."""
    return (channel.unary_stream if stream else channel.unary_unary)(method)


class Probe:
    """Methods that echo, fail, hang, and stream."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def Echo(self, request: bytes, context: Any) -> bytes:
        return request

    async def Fail(self, request: bytes, context: Any) -> bytes:
        raise ValueError("SELECT secret FROM users")

    async def Hang(self, request: bytes, context: Any) -> bytes:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return b""

    async def Deadline(self, request: bytes, context: Any) -> bytes:
        return str(current_call().deadline() - asyncio.get_running_loop().time()).encode()

    async def Count(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        for number in range(3):
            yield str(number).encode()
        if request:
            raise {b"defect": ValueError("secret"), b"away": DatabaseUnavailable("secret")}[request]

    def handlers(self) -> grpc.GenericRpcHandler:
        unary = ("Echo", "Fail", "Hang", "Deadline")
        methods: dict[str, Any] = {
            name: grpc.unary_unary_rpc_method_handler(getattr(self, name)) for name in unary
        }
        methods["Count"] = grpc.unary_stream_rpc_method_handler(self.Count)
        return grpc.method_handlers_generic_handler("probe.Probe", methods)
