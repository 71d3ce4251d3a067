"""Whether a raw call fits is asked of the runtime that the chain has now."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chain.bridge import Bridge
from chain.node import Node
from chain.rpc import RpcTimeout
from chain.scale.runtime import Runtime
from tests.support.world import World, eventually

RIGHT = ("System", "remark", '{"remark":"0x00"}')
WRONG = ("System", "remark", "{}")


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    """One that has found out what fits."""
    async with World.open() as world, world.bridged() as bridge:

        async def found() -> bool:
            return await bridge.misfit(*WRONG) is not None

        await eventually(found, "the runtime")
        yield bridge


async def test_what_the_runtime_seen_last_did_not_have_may_have_come_with_an_upgrade(bridge: Bridge) -> None:
    seen = bridge._runtime
    assert seen is not None
    emptied = dataclasses.replace(seen.metadata, pallets={})
    bridge._runtime = Runtime(emptied, seen.spec_version - 1, seen.transaction_version)
    assert await bridge.misfit(*RIGHT) is None
    assert bridge._runtime is seen


@pytest.mark.parametrize("silent", [False, True], ids=["fails", "is silent"])
async def test_nothing_is_found_wrong_while_the_node_does_not_say_which_runtime_it_has(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    async def answer(*_: Any) -> Runtime:
        if silent:
            await asyncio.Event().wait()
        raise RpcTimeout("it did not answer")

    monkeypatch.setattr("chain.bridge.RUNTIME_SECONDS_MAX", 0.01)
    monkeypatch.setattr(Node, "runtime_at", answer)
    assert await bridge.misfit(*WRONG) is None
