"""What the bridge promises when the chain, its runtime or other clients are not what it expects."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain.devnet import Sealing
from chain.devnet.config import wall_clock_ms
from chain.keyring import Keyring
from chain.node import Node
from chain.runtimes import Runtimes
from chain.scale.errors import EncodeError, UnsupportedExtension
from chain.submitter import ERA_PERIOD_BLOCKS, Submitter
from storage import dashboard, facts
from storage.chain import lists as chain_lists
from storage.chain import log as chain_log
from storage.chain import outbox, projection
from storage.lifecycle import BidStatus, ExtrinsicStatus, TaskStatus
from storage.market import agents, lists
from storage.pages import PageRequest
from storage.records import Action, AgentUpdate
from storage.store import Storage
from tests.support.world import World, eventually

BOB = "did:dev:bob"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr("chain.submitter.LEASE_SECONDS", 0.5)
    async with World.open() as world:
        yield world


async def cursor_of(world: World) -> int:
    found = await world.storage.read(chain_log.cursor)
    return -1 if found is None else found.block_number


async def test_nothing_is_signed_before_the_database_knows_from_which_block_on_it_reads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Storage.read
    executed_before: list[int] = []

    async def slow(storage: Storage, function: Any, *arguments: Any) -> Any:
        if function is chain_log.cursor and not executed_before:
            await asyncio.sleep(0.7)  # a database that pauses, while blocks go by
            executed_before.append(world.calls_executed("TaskMarket", "TaskCreated"))
        return await read(storage, function, *arguments)

    receipt = await world.create_task()
    monkeypatch.setattr(Storage, "read", slow)
    async with world.bridged(start_block=None):
        await world.finished(receipt)
        world.chain.seal(ERA_PERIOD_BLOCKS + 5)
        await world.succeeded(await world.create_task())
    assert executed_before == [0]
    assert world.calls_executed("TaskMarket", "TaskCreated") == 2


async def test_a_start_block_that_is_not_final_is_refused_in_words(world: World) -> None:
    async with world.bridged(start_block=1_000_000) as bridge:

        async def refused() -> bool:
            return "CHAIN_START_BLOCK is 1000000" in bridge.status().last_error

        await eventually(refused, "the refusal")
    assert await cursor_of(world) == -1


async def test_a_fact_that_cannot_be_reflected_is_left_out_and_its_event_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = projection.project

    def broken(fact: facts.Fact, work: Any, own: Any) -> str:
        if isinstance(fact, facts.EscrowFunded):
            raise OverflowError("something nobody thought of")
        return project(fact, work, own)

    async with world.bridged() as bridge:
        with monkeypatch.context() as defect:
            defect.setattr(projection, "project", broken)
            receipt = await world.create_task()
            [extrinsic] = await world.finished(receipt)
        assert extrinsic.status == ExtrinsicStatus.FINALIZED
        await world.succeeded(await world.create_task())
        assert bridge.status().last_error == ""
    wanted = chain_lists.ChainEventFilter(page=PageRequest(size=200))
    found = (await world.storage.read(chain_lists.chain_events, wanted)).records
    assert {event.anomaly for event in found if event.anomaly} == {"not reflected: OverflowError"}


async def test_other_clients_cannot_put_values_into_events_that_stop_the_bridge(world: World) -> None:
    absent = {"metadata": "\0" * 1000, "attestation": None, "verification_level": "tee"}
    hostile = {"did": b"\xff\xfe\0", "capabilities": [b"\xff", b"", b"\0", b"ok"]} | absent
    async with world.bridged() as bridge:
        await world.foreign_call("AgentRegistry", "register_agent", hostile, "//Eve")
        await world.foreign_call("System", "remark", {"remark": b"\0" * 4000})
        await world.succeeded(await world.create_task(budget=10**17))
        assert bridge.status().last_error == ""
        page = PageRequest(size=10)
        [agent] = (await world.storage.read(lists.agents, lists.AgentFilter(page=page))).records
    assert (agent.agent_id, agent.capabilities) == ("chain:agent:1", ("ok",))


async def test_what_was_executed_in_a_block_that_cannot_be_read_has_ended_and_is_not_called_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(raw: Any, runtime: Any, pallets: Any) -> Any:
        from chain.block_reader import _undecodable, read_block

        return (
            _undecodable(raw, runtime, "what is this")
            if len(raw.extrinsics) > 1
            else read_block(raw, runtime, pallets)
        )

    monkeypatch.setattr("chain.fetcher.read_block", unreadable)
    async with world.bridged():
        receipt = await world.create_task()
        [extrinsic] = await world.finished(receipt)
    assert extrinsic.status == ExtrinsicStatus.FAILED
    assert "could not be decoded" in extrinsic.last_error
    task = await world.task(receipt.record)
    assert (task.status, task.pending_action) == (TaskStatus.PENDING, Action.NONE)
    assert task.last_error == extrinsic.last_error
    assert (await world.storage.read(dashboard.counts)).undecodable_blocks == 1


async def test_a_chain_that_cannot_be_signed_for_is_read_all_the_same_and_the_status_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(runtime: Any) -> None:
        raise UnsupportedExtension("StorageWeightReclaim")

    monkeypatch.setattr("chain.submitter.check_extensions", refuse)
    world.chain.seal(50)
    async with world.bridged() as bridge:

        async def read() -> bool:
            return await cursor_of(world) > 40 and "StorageWeightReclaim" in bridge.status().last_error

        await eventually(read, "the reading")
        assert bridge.status().connected


async def test_an_extrinsic_that_its_key_cannot_sign_is_dead_and_its_neighbours_are_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = Submitter._signed

    def refuse_registrations(submitter: Submitter, *arguments: Any) -> Any:
        if arguments[-2].extrinsic.action == Action.REGISTER_AGENT:
            raise EncodeError("a signature of this kind", "signature")
        return signed(submitter, *arguments)

    monkeypatch.setattr(Submitter, "_signed", refuse_registrations)
    doomed, created = await world.register("did:ex:no-key"), await world.create_task()
    async with world.bridged():
        [extrinsic] = await world.finished(doomed)
        await world.succeeded(created)
    assert extrinsic.status == ExtrinsicStatus.DEAD
    assert "signature" in extrinsic.last_error


async def test_a_file_of_metadata_is_used_only_for_the_runtime_it_is_of(world: World, tmp_path: Path) -> None:
    file = tmp_path / "metadata.scale"
    file.write_bytes(world.chain.runtime.metadata[14])
    runtimes, codec = Runtimes(file), world.chain.runtime.codec
    asked: list[str] = []

    class UpgradedNode:
        async def call(self, method: str, *params: Any, timeout_seconds: float | None = None) -> Any:
            asked.append(method)
            if method == "state_getMetadata":
                return f"0x{world.chain.runtime.metadata[14].hex()}"
            newer = codec.spec_version + (len(asked) > 1)
            return {"specVersion": newer, "transactionVersion": codec.transaction_version}

    node: Any = UpgradedNode()
    assert (await runtimes.at(node, "0x")).spec_version == codec.spec_version
    assert asked == ["state_getRuntimeVersion"]
    assert (await runtimes.at(node, "0x")).spec_version == codec.spec_version + 1
    assert asked[-1] == "state_getMetadata"


async def test_an_update_that_was_withdrawn_keeps_its_content_for_a_requeue(world: World) -> None:
    async with world.bridged():
        await world.succeeded(await world.register(BOB))
    change = agents.AgentChange(agent_id=BOB, update=AgentUpdate(capabilities=("gpu",)))
    receipt = await world.storage.commit(agents.change, change)
    await world.storage.commit(outbox.cancel, receipt.correlation_id)
    await world.storage.commit(outbox.requeue, receipt.correlation_id)
    async with world.bridged():
        await world.succeeded(receipt)
    assert (await world.storage.fetch(agents.get, BOB)).capabilities == ("gpu",)


async def test_a_node_that_is_far_behind_is_not_signed_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_us = Node.time_us

    async def an_hour_ago(node: Node, *arguments: Any) -> int | None:
        return (await time_us(node, *arguments) or 0) - 3_600_000_000

    async def one_of_many(node: Node) -> bool:
        return True

    async with world.bridged():
        with monkeypatch.context() as behind:
            behind.setattr(Node, "time_us", an_hour_ago)
            behind.setattr(Node, "has_network", one_of_many)
            receipt = await world.create_task()

            async def waits() -> bool:
                return "the node is behind" in (await world.extrinsic(receipt)).last_error

            await eventually(waits, "the waiting")
            assert (await world.extrinsic(receipt)).extrinsic_hash == b""


async def test_a_node_that_is_behind_what_was_read_of_another_is_not_asked_for_nonces(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would give those once more that were used since."""
    early = world.chain.genesis.hash

    async def left_behind(node: Node) -> bytes:
        return early

    async with world.bridged():
        await world.succeeded(await world.create_task())
        with monkeypatch.context() as behind:
            behind.setattr(Node, "best_hash", left_behind)
            receipt = await world.create_task()

            async def waits() -> bool:
                return "the node is behind" in (await world.extrinsic(receipt)).last_error

            await eventually(waits, "the waiting")
            assert (await world.extrinsic(receipt)).extrinsic_hash == b""


async def test_a_chain_that_makes_blocks_on_demand_is_signed_for_after_a_long_silence() -> None:
    def an_hour_ago() -> int:
        return wall_clock_ms() - 3_600_000

    on_demand = World.open(sealing=Sealing.INSTANT, finality_lag_blocks=0, clock=an_hour_ago)
    async with on_demand as world, world.bridged():
        await world.succeeded(await world.create_task())
        await world.succeeded(await world.create_task())


async def test_an_account_with_many_extrinsics_under_way_does_not_hold_up_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.submitter.LIVE_PER_ACCOUNT_MAX", 2)
    monkeypatch.setattr("chain.submitter.WAIT_SECONDS", 0.05)
    receipts = [await world.create_task() for _ in range(6)]
    receipts_of_bob = [await world.register(BOB)]
    async with world.bridged(keyring=Keyring.development()):
        await world.succeeded(*receipts_of_bob, *receipts)
    assert world.calls_executed("TaskMarket", "TaskCreated") == 6


async def test_an_agent_its_task_and_its_bid_that_are_read_in_one_batch_are_all_reflected(
    world: World,
) -> None:
    register = {"did": "did:ex:quick", "capabilities": [], "verification_level": "tee"}
    absent = {"metadata": None, "attestation": None}
    await world.foreign_call("AgentRegistry", "register_agent", register | absent, "//Dave")
    create = {"spec_hash": b"s" * 32, "budget": 7, "deadline": 50_000, "verification_level": "tee"}
    await world.foreign_call("TaskMarket", "create_task", create)
    bid = {"task_id": 1, "agent_id": 1, "commitment": b"c" * 32, "estimated_duration": 9}
    await world.foreign_call("TaskMarket", "submit_bid", bid, "//Dave")
    async with world.bridged():

        async def reflected() -> bool:
            wanted = lists.BidFilter(page=PageRequest(size=10), agent_id="did:ex:quick")
            found = (await world.storage.read(lists.bids, wanted)).records
            return [bid.status for bid in found] == [BidStatus.COMMITTED]

        await eventually(reflected, "the bid")


async def test_a_nonce_that_was_used_while_its_signer_waited_is_not_given_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = Submitter._sign
    world.chain.pause_sealing()
    async with world.bridged():
        first = await world.create_task()

        async def submitted() -> bool:
            return (await world.extrinsic(first)).status == ExtrinsicStatus.SUBMITTED

        await eventually(submitted, "the submission")

        async def late(submitter: Submitter, *arguments: Any) -> None:
            world.chain.resume_sealing()
            await world.succeeded(first)
            await sign(submitter, *arguments)

        monkeypatch.setattr(Submitter, "_sign", late)
        second = await world.create_task()
        await world.succeeded(second)
    assert [(await world.extrinsic(each)).nonce for each in (first, second)] == [0, 1]
    assert (await world.extrinsic(second)).attempt_count == 1
