"""A pruned node has no states and bodies of long ago, and says so; an archive of the same chain has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chain.devnet import DevChain, DevChainConfig, DevNode, Sealing
from tests.chain.devnet.wire import Json, Wire, hex_of, manual_chain, refusal_of, wire_to


@asynccontextmanager
async def pruned(chain: DevChain, blocks: int) -> AsyncIterator[Wire]:
    """Serve a chain by a node that prunes, beside others."""
    async with DevNode(chain, pruning_blocks=blocks, author=False) as node, wire_to(node) as wire:
        yield wire


def number_key(chain: DevChain) -> str:
    return hex_of(chain.runtime.codec.storage_key("System", "Number"))


def hash_at(chain: DevChain, number: int) -> str:
    block = chain.block_at(number)
    assert block is not None
    return hex_of(block.hash)


async def test_what_lies_further_behind_the_finalized_block_than_the_window_is_refused(
    chain: DevChain,
) -> None:
    chain.seal(22)
    assert chain.finalized.number == 20
    key = number_key(chain)
    async with pruned(chain, blocks=10) as wire:
        assert await wire.call("state_getStorage", key, hash_at(chain, 10)) == "0x0a000000"
        gone = hash_at(chain, 9)
        calls: list[tuple[str, list[Json], str]] = [
            ("state_getStorage", [key], "UnknownBlock"),
            ("state_queryStorageAt", [[key]], "UnknownBlock"),
            ("state_getKeysPaged", [key, 10, None], "UnknownBlock"),
            ("state_getMetadata", [], "Api called for an unknown Block"),
            ("state_getRuntimeVersion", [], "Api called for an unknown Block"),
            ("state_call", ["Core_version", "0x"], "Api called for an unknown Block"),
        ]
        for method, params, problem in calls:
            refusal = await refusal_of(wire, method, *params, gone)
            assert refusal.code == 4003
            assert refusal.message == f"Client error: {problem}: State already discarded for {gone}"
        assert await wire.call("chain_getBlock", gone) is None
        assert await wire.call("archive_v1_body", gone) is None
        assert (await wire.call("chain_getHeader", gone))["number"] == "0x9"
        assert await wire.call("chain_getBlockHash", 9) == gone


async def test_the_window_moves_with_the_finalized_block_and_not_with_the_best(chain: DevChain) -> None:
    chain.set_finality_lag(1000)
    chain.seal(50)
    key = number_key(chain)
    async with pruned(chain, blocks=1) as wire:
        assert await wire.call("state_getStorage", key, hash_at(chain, 1)) == "0x01000000"
        chain.finalize(3)
        assert (await refusal_of(wire, "state_getStorage", key, hash_at(chain, 1))).code == 4003
        assert await wire.call("state_getStorage", key, hash_at(chain, 2)) == "0x02000000"


async def test_an_archive_of_the_same_chain_has_what_the_pruned_node_refuses(
    wire: Wire, chain: DevChain
) -> None:
    chain.seal(30)
    key, old = number_key(chain), hash_at(chain, 5)
    async with pruned(chain, blocks=10) as other:
        assert (await refusal_of(other, "state_getStorage", key, old)).code == 4003
        assert await wire.call("state_getStorage", key, old) == "0x05000000"
        assert await other.call("chain_getBlockHash") == await wire.call("chain_getBlockHash")
        heads = await other.call("chain_subscribeNewHeads")
        await wire.call("dev_seal")
        assert [(await other.next_notification(heads))["number"] for _ in range(2)] == ["0x1e", "0x1f"]


async def test_a_branch_that_finality_has_cut_off_is_pruned_within_the_window(chain: DevChain) -> None:
    chain.seal(4)
    left = hex_of(chain.best.hash)
    chain.fork(1)
    key = number_key(chain)
    async with pruned(chain, blocks=100) as wire:
        assert await wire.call("state_getStorage", key, left) == "0x04000000"
        chain.finalize()
        assert (await refusal_of(wire, "state_getStorage", key, left)).code == 4003


async def test_pruning_can_begin_and_end_while_the_node_runs(wire: Wire, chain: DevChain) -> None:
    chain.seal(12)
    key, old = number_key(chain), hash_at(chain, 1)
    await wire.call("dev_setPruning", 5)
    assert (await refusal_of(wire, "state_getStorage", key, old)).code == 4003
    await wire.call("dev_setPruning", None)
    assert await wire.call("state_getStorage", key, old) == "0x01000000"
    assert (await refusal_of(wire, "dev_setPruning", 0)).code == -32602


def test_a_window_out_of_range_is_refused() -> None:
    for blocks in (0, 10_000_001):
        with pytest.raises(ValueError, match="the pruning window is"):
            DevNode(manual_chain(), pruning_blocks=blocks)


async def test_of_two_nodes_of_one_chain_only_the_author_makes_blocks() -> None:
    chain = DevChain(DevChainConfig(sealing=Sealing.INTERVAL, block_time_ms=20))
    async with DevNode(chain, author=False) as reader, wire_to(reader) as wire:
        heads = await wire.call("chain_subscribeNewHeads")
        assert (await wire.next_notification(heads))["number"] == "0x0"
        assert chain.best.number == 0
        async with DevNode(chain):
            assert (await wire.next_notification(heads))["number"] == "0x1"
