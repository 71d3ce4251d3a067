"""The clients that people use take the development chain for a Substrate node, unchanged.

Each of them tells the same story: it connects, reads the metadata and an account, sends a call that becomes
final and one that fails, and lives through a reorganization.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from chain.devnet import DevChain, DevChainConfig, DevNode, Sealing
from tests.chain.clients.environments import environ, node_command, own_python_command, python_command

BLOCK_TIME_MS = 150
STORY_TIMEOUT_SECONDS = 90

HEADS_OF_A_REORGANIZATION = [0, 1, 1, 2, 3]
"""The block that is left, the two of the branch in its place, and one more; counted from the best block."""


async def story_of(make_command: Callable[[str], Sequence[str]], name: str) -> dict[str, Any]:
    """Run a client's script against a chain of its own and return what it tells."""
    command = await asyncio.to_thread(make_command, name)
    chain = DevChain(DevChainConfig(sealing=Sealing.INTERVAL, block_time_ms=BLOCK_TIME_MS))
    async with DevNode(chain) as node, asyncio.timeout(STORY_TIMEOUT_SECONDS):
        client = await asyncio.create_subprocess_exec(
            *command, node.url, env=environ(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            told, complaints = await client.communicate()
        finally:
            if client.returncode is None:
                client.kill()
                await client.wait()
    assert client.returncode == 0, complaints.decode()
    story: dict[str, Any] = json.loads(told)
    return story


def assert_it_went_well(story: dict[str, Any]) -> None:
    assert story["chain"] == "Development"
    assert {"System", "Balances", "TaskMarket"} <= set(story["pallets"])
    assert {"balances.transfer", "system.extrinsicsuccess"} <= {event.lower() for event in story["paid"]}
    assert story["finalized"] is True
    assert int(story["freeAfter"]) - int(story["freeBefore"]) == 7
    assert story["error"] == "TaskNotFound"
    assert int(story["freeAtLast"]) - int(story["freeAfter"]) == 5


async def test_py_substrate_interface() -> None:
    story = await story_of(own_python_command, "substrate_interface")
    assert_it_went_well(story)
    assert story["moved"] == HEADS_OF_A_REORGANIZATION


async def test_async_substrate_interface() -> None:
    story = await story_of(python_command, "async_substrate_interface")
    assert_it_went_well(story)
    assert story["moved"] == HEADS_OF_A_REORGANIZATION


async def test_polkadot_js() -> None:
    story = await story_of(node_command, "polkadot_js")
    assert_it_went_well(story)
    assert story["moved"] == ["Ready", "InBlock", "Retracted", "Ready", "InBlock", "Finalized"]


async def test_polkadot_api() -> None:
    story = await story_of(node_command, "polkadot_api")
    assert_it_went_well(story)
    found = ["found true", "found false", "found true"]
    assert story["moved"] == ["signed", "broadcasted", *found, "finalized"]
