"""A JSON-RPC client that hides nothing, and a node to speak with."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chain.devnet import DevChain, DevChainConfig, DevNode, Sealing

Json = Any


class Refused(Exception):
    """The node answered with an error."""

    def __init__(self, error: Json) -> None:
        super().__init__(str(error))
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: Json = error.get("data")


class Wire:
    """One connection, used by one test at a time."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.notifications: list[Json] = []
        self._ids = itertools.count(1)

    async def exchange(self, message: str | bytes) -> Json:
        """Send a message as it is, and return the answer; notifications on the way are kept."""
        await self.connection.send(message)
        while True:
            answer = json.loads(await self.connection.recv())
            if isinstance(answer, list) or "params" not in answer:
                return answer
            self.notifications.append(answer)

    async def call(self, method: str, *params: Json) -> Json:
        """Call a method and return its result, or raise Refused."""
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
        answer = await self.exchange(json.dumps(request))
        assert answer["id"] == request["id"]
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    async def next_notification(self, subscription: str) -> Json:
        """Return the result of the subscription's next notification; those of others are kept."""
        while True:
            for index, notification in enumerate(self.notifications):
                if notification["params"]["subscription"] == subscription:
                    return self.notifications.pop(index)["params"]["result"]
            self.notifications.append(json.loads(await self.connection.recv()))


@asynccontextmanager
async def wire_to(node: DevNode) -> AsyncIterator[Wire]:
    """Connect to a node."""
    async with connect(node.url, max_size=None) as connection:
        yield Wire(connection)


def manual_chain(**changes: Any) -> DevChain:
    """Return a chain that makes blocks only when told, and asks for no fees unless told."""
    free: dict[str, Any] = {"base_fee_planck": 0, "byte_fee_planck": 0}
    return DevChain(DevChainConfig(sealing=Sealing.MANUAL, **free | changes))


def hex_of(raw: bytes) -> str:
    """Return bytes as the node writes them."""
    return f"0x{raw.hex()}"


async def refusal_of(wire: Wire, method: str, *params: Json) -> Refused:
    """Return the error that a call is answered with."""
    with pytest.raises(Refused) as refusal:
        await wire.call(method, *params)
    return refusal.value


async def read_to_the_end(wire: Wire) -> ConnectionClosed:
    """Read until the connection is closed, and return how it was."""
    try:
        while True:
            await wire.connection.recv()
    except ConnectionClosed as closed:
        return closed
