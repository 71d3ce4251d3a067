"""What the bridge promises when nodes, connections and processes fail: every event once, every call once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from chain.devnet import DevNode
from chain.node import Node
from chain.reader import Reader
from chain.rpc import ConnectionLost, RpcError
from chain.scale.errors import DecodeError
from chain.scale.runtime import Runtime
from chain.submitter import ERA_PERIOD_BLOCKS
from storage import dashboard, schema
from storage.chain import lists as chain_lists
from storage.chain import log as chain_log
from storage.chain import outbox
from storage.chain.log import CHAIN_BLOCKS
from storage.errors import WrongBinding
from storage.lifecycle import ExtrinsicStatus, TaskStatus
from storage.pages import PageRequest
from storage.records import Receipt, Task
from storage.store import Storage
from storage.transaction import Transaction
from tests.support.world import WAIT_SECONDS, World, eventually


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr("chain.submitter.LEASE_SECONDS", 0.5)
    async with World.open() as world:
        yield world


async def assert_chain_is_reflected(world: World) -> None:
    """The database holds every finalized block, in one unbroken line, with every event of it."""
    world.chain.pause_sealing()

    async def caught_up() -> bool:
        cursor = await world.storage.read(chain_log.cursor)
        return cursor is not None and cursor.block_number == world.chain.finalized.number

    await eventually(caught_up, "catching up")

    def read(tx: Transaction) -> tuple[list[bytes], int]:
        rows = tx.connection.execute(schema.chain_blocks.select().order_by("block_number"))
        blocks = [CHAIN_BLOCKS.from_row(row) for row in rows]
        return [block.block_hash for block in blocks], sum(block.event_count for block in blocks)

    hashes, event_count = await world.storage.read(read)
    expected = [world.chain.block_at(number) for number in range(1, world.chain.finalized.number + 1)]
    assert hashes == [block.hash for block in expected if block]
    assert event_count == sum(len(world.chain.events(block)) for block in expected if block)
    world.chain.resume_sealing()


async def assert_executed_once(world: World, *receipts: Receipt[Task]) -> None:
    assert world.calls_executed("TaskMarket", "TaskCreated") == len(receipts)
    for receipt in receipts:
        task = await world.task(receipt.record)
        assert task.status == TaskStatus.BIDDING
        extrinsic = await world.extrinsic(receipt)
        assert world.times_executed(extrinsic.extrinsic_hash) == 1


async def test_blocks_that_pass_while_the_bridge_is_away_are_all_read(world: World) -> None:
    async with world.bridged():
        await world.succeeded(await world.create_task())
    for _ in range(100):
        world.chain.seal()
        await asyncio.sleep(0)
    async with world.bridged():
        await world.succeeded(await world.create_task())
        await assert_chain_is_reflected(world)


async def test_a_bridge_that_fails_while_it_is_stopped_stops(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = asyncio.Event()

    async def fail_when_stopped(reader: Reader) -> None:
        reading.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionLost("the node went away at the same time")

    monkeypatch.setattr(Reader, "run", fail_when_stopped)
    work = asyncio.create_task(world.bridge().run())
    await reading.wait()
    work.cancel()
    await asyncio.wait({work}, timeout=WAIT_SECONDS)
    assert work.cancelled()


async def test_several_blocks_finalized_at_once_are_all_read(world: World) -> None:
    async with world.bridged():
        world.chain.set_finality_lag(1000)
        receipts = [await world.create_task() for _ in range(3)]
        await asyncio.sleep(0.5)
        world.chain.set_finality_lag(2)
        await world.succeeded(*receipts)
        await assert_chain_is_reflected(world)


async def test_dropped_connections_lose_nothing_and_repeat_nothing(world: World) -> None:
    async with world.bridged():
        receipts = []
        for _ in range(5):
            receipts += [await world.create_task() for _ in range(5)]
            await asyncio.sleep(0.1)
            world.node.drop_connections()
        await world.succeeded(*receipts)
        await assert_executed_once(world, *receipts)
        await assert_chain_is_reflected(world)


async def test_a_bridge_that_dies_again_and_again_executes_everything_once(world: World) -> None:
    receipts = []
    for round_number in range(12):
        async with world.bridged():
            receipts += [await world.create_task() for _ in range(4)]
            await asyncio.sleep(0.02 * (round_number % 6))
    async with world.bridged():
        await world.succeeded(*receipts)
        await assert_executed_once(world, *receipts)
        await assert_chain_is_reflected(world)


async def test_bytes_that_were_stored_but_never_sent_are_sent_after_a_crash(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(node: Node, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
        raise ConnectionLost("the process died here")

    receipt = await world.create_task()
    with monkeypatch.context() as broken:
        broken.setattr(Node, "submit", crash)
        async with world.bridged():

            async def signed() -> bool:
                return (await world.extrinsic(receipt)).status == ExtrinsicStatus.SIGNED

            await eventually(signed, "the signature")
    stored = await world.extrinsic(receipt)
    async with world.bridged():
        await world.succeeded(receipt)
    assert (await world.extrinsic(receipt)).extrinsic_hash == stored.extrinsic_hash
    await assert_executed_once(world, receipt)


async def test_a_lost_pool_is_filled_again_with_the_same_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.sender.RESEND_SECONDS", 0.1)
    world.chain.pause_sealing()
    async with world.bridged():
        receipt = await world.create_task()

        async def submitted() -> bool:
            return (await world.extrinsic(receipt)).status == ExtrinsicStatus.SUBMITTED

        await eventually(submitted, "the submission")
        first = await world.extrinsic(receipt)
        assert world.chain.clear_pool() == 1
        world.chain.resume_sealing()
        await world.succeeded(receipt)
        assert (await world.extrinsic(receipt)).extrinsic_hash == first.extrinsic_hash
        await assert_executed_once(world, receipt)


async def test_what_no_block_took_until_its_era_was_over_is_signed_anew_and_executed_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    swallowed: list[bytes] = []

    async def swallow(node: Node, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
        swallowed.extend(extrinsics)
        return [None] * len(extrinsics)

    async with world.bridged():
        with monkeypatch.context() as black_hole:
            black_hole.setattr(Node, "submit", swallow)
            receipt = await world.create_task()

            async def sent() -> bool:
                return bool(swallowed)

            await eventually(sent, "the sending")
            for _ in range(ERA_PERIOD_BLOCKS + 5):
                world.chain.seal()
                await asyncio.sleep(0)

            async def queued_again() -> bool:
                return "no block before" in (await world.extrinsic(receipt)).last_error

            await eventually(queued_again, "the end of the era")
        await world.succeeded(receipt)
        extrinsic = await world.extrinsic(receipt)
        assert extrinsic.attempt_count >= 2
        assert extrinsic.nonce == 0
        await assert_executed_once(world, receipt)


async def test_an_extrinsic_that_never_gets_through_is_dead_after_its_attempts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def swallow(node: Node, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
        return [None] * len(extrinsics)

    monkeypatch.setattr(Node, "submit", swallow)
    monkeypatch.setattr("chain.reader.RETRY_DELAY_SECONDS", 0.0)
    async with world.bridged(attempts_max=2):
        receipt = await world.create_task()

        async def dead() -> bool:
            world.chain.seal(10)
            return (await world.extrinsic(receipt)).status == ExtrinsicStatus.DEAD

        await eventually(dead, "giving up")
    task = await world.task(receipt.record)
    assert task.status == TaskStatus.PENDING
    assert task.pending_correlation_id == ""
    assert task.last_error.startswith("given up after 2 attempts")


async def test_a_gap_in_the_nonces_is_filled_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chain.sender.RESEND_SECONDS", 0.1)
    send = Node.submit
    lost: list[bytes] = []

    async def lose_the_first(node: Node, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
        if not lost:
            lost.append(extrinsics[0])
        kept = [raw for raw in extrinsics if raw not in lost]
        if kept:
            await send(node, kept)
        return [None] * len(extrinsics)

    monkeypatch.setattr(Node, "submit", lose_the_first)
    async with world.bridged():
        receipts = [await world.create_task() for _ in range(3)]

        async def sent() -> bool:
            return bool(lost)

        await eventually(sent, "the sending")
        world.chain.seal(ERA_PERIOD_BLOCKS + 5)
        await world.succeeded(*receipts)
        await assert_executed_once(world, *receipts)


async def test_a_block_that_cannot_be_decoded_is_kept_raw_and_counted_and_the_bridge_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = Runtime.decode_events
    refused: list[bytes] = []

    def refuse_one(runtime: Runtime, raw: bytes) -> object:
        if len(raw) > 100 and (not refused or raw in refused):
            refused.append(raw)
            raise DecodeError("a type from the future", 7)
        return decode(runtime, raw)

    async with world.bridged():
        await world.succeeded(await world.register("did:dev:bob"))
        monkeypatch.setattr(Runtime, "decode_events", refuse_one)
        receipt = await world.create_task()
        [extrinsic] = await world.finished(receipt)
        assert extrinsic.status == ExtrinsicStatus.FAILED
        assert "could not be decoded" in extrinsic.last_error
        counts = await world.storage.read(dashboard.counts)
        assert counts.undecodable_blocks == 1
        await world.succeeded(await world.create_task())


async def test_a_node_of_another_chain_is_refused_in_words_and_nothing_is_written(world: World) -> None:
    async with World.open() as other:
        bridge = other.bridge()
        bridge_to_the_wrong_node = world.bridge()
        assert await bridge.genesis_hash() != await bridge_to_the_wrong_node.genesis_hash()
        async with other.bridged(url=world.node.url) as wrong:

            async def refused() -> bool:
                return "is bound to" in wrong.status().last_error

            await eventually(refused, "the refusal")
            assert not wrong.status().connected
        assert await other.storage.read(chain_log.cursor) is None


async def test_a_database_is_bound_to_its_chain_for_ever(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/market.db"
    async with World.open(url) as world:
        genesis = world.storage.binding
    storage = Storage.open(url)
    with pytest.raises(WrongBinding, match=genesis):
        await storage.prepare("local")
    await storage.close()


async def test_a_node_that_is_not_there_is_reported_and_found_when_it_comes_back(world: World) -> None:
    async with DevNode(world.chain) as gone:
        url = gone.url
    receipt = await world.create_task()
    async with world.bridged(url=url) as bridge:

        async def noticed() -> bool:
            return not bridge.status().connected and "cannot connect" in bridge.status().last_error

        await eventually(noticed, "noticing")
        async with DevNode(world.chain, port=int(url.rpartition(":")[2])):
            await world.succeeded(receipt)
            assert bridge.status().connected
            assert bridge.status().last_error == ""


async def test_two_bridges_on_one_database_execute_everything_once(world: World) -> None:
    async with world.bridged(), world.bridged():
        receipts = [await world.create_task() for _ in range(60)]
        await world.succeeded(*receipts)
        await assert_executed_once(world, *receipts)
        await assert_chain_is_reflected(world)


async def test_extrinsics_that_wait_are_listed_as_queued_with_the_reason(world: World) -> None:
    async with world.bridged():
        created = await world.create_task()
        await world.succeeded(created)
        bob = await world.register("did:dev:bob")
        await world.storage.commit(outbox.cancel, bob.correlation_id)
        page = PageRequest(size=10)
        wanted = chain_lists.ExtrinsicFilter(page=page, status=ExtrinsicStatus.QUEUED)
        assert (await world.storage.read(chain_lists.extrinsics, wanted)).records == []
