"""What reading promises over several nodes, long absences and nodes that have forgotten."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from chain.bridge import Bridge, BridgeSettings
from chain.devnet import DevNode, Sealing
from chain.devnet.faults import Fault
from chain.devnet.rpc import errors, protocol
from chain.devnet.rpc.subscriptions import FinalizedHeads
from chain.fetcher import RANGES_IN_FLIGHT_MAX, Fetcher
from chain.keyring import Keyring
from chain.node import BlockRange, ChainError, Node
from chain.rpc import RpcClient
from storage import schema
from storage.chain import log as chain_log
from storage.store import Storage
from storage.transaction import Transaction
from tests.storage.watching import watching_chain
from tests.support.proxy import Proxy
from tests.support.world import WAIT_SECONDS, World, eventually

BLOCKS = 600
LONG_ABSENCE_BLOCKS = 2000


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world whose blocks are made by the test."""
    async with World.open(sealing=Sealing.MANUAL, finality_lag_blocks=0) as world:
        yield world


@pytest.fixture
def metadata(world: World, tmp_path: Path) -> Path:
    """A file of the chain's metadata, which is longer than the answers that a test allows."""
    file = tmp_path / "metadata.scale"
    file.write_bytes(world.chain.runtime.metadata[14])
    return file


async def seal(world: World, blocks: int) -> None:
    for _ in range(blocks):
        world.chain.seal()
        await asyncio.sleep(0)


async def reached(world: World, number: int) -> None:
    async def look() -> bool:
        found = await world.storage.read(chain_log.cursor)
        return found is not None and found.block_number >= number

    await eventually(look, f"reading block {number}")


async def caught_up(world: World) -> None:
    await reached(world, world.chain.finalized.number)


async def assert_unbroken(world: World) -> None:
    """Every finalized block is stored once, with its hash."""

    def read(tx: Transaction) -> list[bytes]:
        table = schema.chain_blocks
        return list(tx.connection.execute(table.select().order_by("block_number")).scalars(1))

    expected = [world.chain.block_at(number) for number in range(1, world.chain.finalized.number + 1)]
    assert await world.storage.read(read) == [block.hash for block in expected if block]


async def test_what_a_node_has_pruned_is_an_alarm_that_says_what_to_do(world: World) -> None:
    await seal(world, 100)
    world.node.pruning.set_window(40)
    async with world.bridged() as bridge:

        async def named() -> bool:
            return "CHAIN_ARCHIVE_URL" in bridge.status().last_error

        await eventually(named, "the alarm")
        status = bridge.status()
    assert status.pruned_below == 61  # block 60 was encoded by the runtime of the state before it
    assert "has pruned blocks 1 to 60" in status.last_error
    assert not status.cursor_number


async def test_only_what_a_node_has_pruned_is_read_from_the_archive(world: World) -> None:
    await seal(world, 300)
    world.node.pruning.set_window(150)
    async with DevNode(world.chain) as archive, world.bridged(archive_url=archive.url) as bridge:
        await caught_up(world)
        await seal(world, 20)
        await caught_up(world)

        async def back() -> bool:
            return not archive._connections

        await eventually(back, "leaving the archive")
        assert bridge.status().pruned_below is None
        assert bridge.status().endpoint == world.node.url
    await assert_unbroken(world)


async def test_nothing_is_wrong_while_the_archive_is_read(world: World) -> None:
    await seal(world, 100)
    world.node.pruning.set_window(40)
    async with DevNode(world.chain) as archive:
        archive.faults.delay_responses("chain_getBlock", 60.0)
        async with world.bridged(archive_url=archive.url) as bridge:

            async def reading() -> bool:
                return archive.faults.struck[Fault.RESPONSE_DELAYED] > 0

            await eventually(reading, "the archive to be asked")
            assert (bridge.status().pruned_below, bridge.status().last_error) == (None, "")


async def test_an_archive_that_has_pruned_too_is_named(world: World) -> None:
    await seal(world, 100)
    world.node.pruning.set_window(40)
    async with world.bridged(archive_url=world.node.url) as bridge:

        async def named() -> bool:
            return "--state-pruning archive" in bridge.status().last_error

        await eventually(named, "the report")


async def test_when_a_node_is_gone_the_next_one_of_the_list_is_followed(world: World) -> None:
    await seal(world, 20)
    async with DevNode(world.chain) as other, World.open() as stranger:
        async with DevNode(world.chain) as gone:
            nowhere = gone.url
        urls = ",".join([nowhere, stranger.node.url, other.url])
        async with world.bridged(url=urls) as bridge:
            await caught_up(world)
            assert bridge.status().endpoint == other.url
            other.drop_connections()
            await seal(world, 20)
            await caught_up(world)
    await assert_unbroken(world)


async def test_a_node_that_finalizes_nothing_is_left_for_the_next_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.bridge.STALLED_SECONDS", 0.2)
    monkeypatch.setattr("chain.reader.SILENCE_SECONDS", 0.1)
    seen: set[str] = set()
    async with (
        DevNode(world.chain) as other,
        world.bridged(url=f"{world.node.url},{other.url}") as bridge,
    ):

        async def both() -> bool:
            seen.add(bridge.status().endpoint)
            return seen == {world.node.url, other.url}

        await eventually(both, "the change")


async def test_a_subscription_that_has_fallen_silent_is_noticed_and_made_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.reader.SILENCE_SECONDS", 0.1)
    async with world.bridged():

        async def subscribed() -> bool:
            return any(session.subscriptions(FinalizedHeads.family) for session in world.node._connections)

        await eventually(subscribed, "the subscription")
        for session in world.node._connections:
            session._subscriptions.clear()

        async def subscribed_again() -> bool:
            await seal(world, 1)
            return await subscribed()

        await eventually(subscribed_again, "another subscription")
        await caught_up(world)


async def test_those_who_watch_hear_of_a_block_without_waiting_for_a_poll(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.feed.POLL_SECONDS", 3600.0)
    async with world.bridged():
        await seal(world, 3)
        await caught_up(world)
        async with watching_chain(world.storage) as watcher:
            await seal(world, 1)
            async with asyncio.timeout(WAIT_SECONDS):
                assert [event.block_number for event in await watcher.take(1)] == [4]


@pytest.mark.parametrize("limit", ["batch length", "batch answer", "no batches"])
async def test_a_node_that_refuses_large_batches_is_asked_for_less(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: str, metadata: Path
) -> None:
    await seal(world, 100)
    match limit:
        case "batch length":
            monkeypatch.setattr(protocol, "BATCH_CALLS_MAX", 10)
        case "batch answer":
            world.node.faults.response_bytes_max = 9000
        case "no batches":
            refusal = errors.RpcError(-32005, "Batched requests are not supported by this server")
            monkeypatch.setattr(protocol, "BATCH_CALLS_MAX", 0)
            monkeypatch.setattr(protocol, "batch_too_big", lambda limit: refusal)
    async with world.bridged(metadata=metadata) as bridge:
        await caught_up(world)
        assert bridge.status().last_error == ""
    await assert_unbroken(world)


async def test_an_answer_that_is_too_large_for_us_makes_the_next_question_smaller(
    world: World, monkeypatch: pytest.MonkeyPatch, metadata: Path
) -> None:
    monkeypatch.setattr("chain.bridge.RpcClient", partial(RpcClient, response_bytes_max=9000))
    monkeypatch.setattr("chain.bridge.PAUSE_SECONDS_MIN", 0.01)
    await seal(world, 100)
    async with world.bridged(metadata=metadata):
        await caught_up(world)
    await assert_unbroken(world)


async def test_a_long_absence_is_caught_up_with_in_bounded_memory_and_interrupted_ten_times(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.chain.fill(LONG_ABSENCE_BLOCKS)
    ahead: list[int] = []
    has_room = Fetcher._has_room

    def watched(fetcher: Fetcher, ranges: Any) -> bool:
        ahead.append(sum(other.blocks for other in ranges))
        return has_room(fetcher, ranges)

    monkeypatch.setattr(Fetcher, "_has_room", watched)
    monkeypatch.setattr("chain.fetcher.BLOCKS_AHEAD_MAX", 64)
    monkeypatch.setattr("chain.pace.RANGE_BLOCKS_MAX", 16)
    monkeypatch.setattr("chain.reader.STRETCH_BLOCKS", 300)
    for interruption in range(1, 11):
        async with world.bridged() as bridge:
            await reached(world, interruption * LONG_ABSENCE_BLOCKS // 12)
            status = bridge.status()
            assert status.is_reader
            assert status.finalized_number == LONG_ABSENCE_BLOCKS
            assert status.cursor_number
    async with world.bridged():
        await caught_up(world)
    assert 0 < max(ahead) <= 64
    await assert_unbroken(world)


async def test_over_a_long_line_several_ranges_are_in_flight_and_arrive_in_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_flight: list[int] = []
    blocks = Node.blocks
    now = 0

    async def counted(node: Node, first: int, last: int) -> BlockRange:
        nonlocal now
        now += 1
        in_flight.append(now)
        try:
            return await blocks(node, first, last)
        finally:
            now -= 1

    monkeypatch.setattr(Node, "blocks", counted)
    await seal(world, BLOCKS)
    port = int(world.node.url.rpartition(":")[2])
    async with (
        Proxy.before(port, delay_seconds=0.02) as proxy,
        world.bridged(url=f"ws://127.0.0.1:{proxy.port}"),
    ):
        await caught_up(world)
    await assert_unbroken(world)
    assert 1 < max(in_flight) <= RANGES_IN_FLIGHT_MAX


async def test_blocks_before_and_after_a_runtime_upgrade_are_each_read_with_their_own_runtime(
    world: World,
) -> None:
    world.chain.fill(37)
    upgraded = world.chain.upgrade_runtime()
    world.chain.fill(45)
    older = world.chain.runtime_at(world.chain.genesis).codec.spec_version
    async with world.bridged():
        await caught_up(world)

    def read(tx: Transaction) -> list[tuple[int, int, str]]:
        table = schema.chain_blocks
        wanted = select(table.c.block_number, table.c.spec_version, table.c.error)
        return [tuple(row) for row in tx.connection.execute(wanted.order_by(table.c.block_number))]

    # The block that upgrades is itself still made by the runtime before.
    expected = [(number, older + (number > upgraded), "") for number in range(1, 83)]
    assert await world.storage.read(read) == expected


async def test_a_catch_up_is_stored_in_transactions_of_bounded_size(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.portions.PORTION_EVENTS_MAX", 100)
    commit = Storage.commit
    sizes: list[tuple[int, int]] = []

    async def measured(storage: Storage, mutation: Any, item: Any, **more: Any) -> Any:
        if mutation is chain_log.ingest:
            sizes.append((len(item.blocks), sum(len(block.events) for block in item.blocks)))
        return await commit(storage, mutation, item, **more)

    monkeypatch.setattr(Storage, "commit", measured)
    world.chain.fill(40)
    world.chain.fill(1, extrinsics=50)  # more than a transaction should have, and yet one block
    world.chain.fill(10)
    async with world.bridged():
        await caught_up(world)
    assert all(events <= 100 or blocks == 1 for blocks, events in sizes)
    assert max(events for _, events in sizes) > 100
    assert sum(blocks for blocks, _ in sizes) == 51


async def test_the_chain_of_the_database_counts_where_nodes_disagree(world: World) -> None:
    async with World.open() as stranger:
        both = f"{stranger.node.url},{world.node.url}"
        assert await world.bridge(url=both).genesis_hash() == world.storage.binding
        assert await stranger.bridge(url=both).genesis_hash() == stranger.storage.binding
        unbound = Storage.open(":memory:")
        with pytest.raises(ChainError, match="different chains"):
            await Bridge(unbound, BridgeSettings(url=both, keyring=Keyring.development())).genesis_hash()
        await unbound.close()
