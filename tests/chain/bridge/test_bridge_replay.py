"""What a replay of the chain promises: what was right stays as it is, and what was wrong becomes right."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from chain.devnet import DevNode
from chain.scale.errors import DecodeError
from chain.scale.runtime import Runtime
from storage import dashboard, schema
from storage.chain import log as chain_log
from storage.chain import projection, replay
from storage.errors import BlocksNotKept, NothingToReplay
from storage.lifecycle import EscrowStatus, ExtrinsicStatus, TaskStatus
from storage.market import tasks
from storage.records import Task
from tests.storage.looking import Tables, dump
from tests.support.postgres import PostgresServer
from tests.support.world import World, eventually

BOB, CHARLIE = "did:dev:bob", "did:dev:charlie"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr("chain.reader.SILENCE_SECONDS", 0.05)
    async with World.open() as world:
        yield world


@pytest.fixture(params=["memory", "postgres"])
async def either_world(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """A world whose storage is on one engine, and then on the other."""
    url = ":memory:"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = f"replay_{uuid.uuid4().hex}"
        server.create_database(name)
        url = server.url(name)
    monkeypatch.setattr("chain.reader.SILENCE_SECONDS", 0.05)
    async with World.open(url) as world:
        yield world


async def a_settled_task(world: World) -> Task:
    created = await world.create_task()
    await world.succeeded(created)
    task = created.record
    await world.succeeded(await world.bid(task, BOB, 700), await world.bid(task, CHARLIE, 500))
    await world.succeeded(await world.storage.commit(tasks.close_bidding, task.task_id))
    await world.succeeded(await world.reveal(task, BOB, 700), await world.reveal(task, CHARLIE, 500))
    await world.succeeded(await world.storage.commit(tasks.allocate, task.task_id))
    await world.succeeded(await world.submit_result(task, CHARLIE))
    await world.succeeded(await world.storage.commit(tasks.settle, task.task_id))
    return task


async def a_history(world: World) -> Task:
    """A settled task, one that waits for bids, a cancelled one, and an agent of another client."""
    await world.succeeded(await world.register(BOB), await world.register(CHARLIE))
    settled = await a_settled_task(world)
    cancelled, open_task = await world.create_task(), await world.create_task()
    await world.succeeded(cancelled, open_task)
    await world.succeeded(await world.storage.commit(tasks.cancel, cancelled.record.task_id))
    await world.succeeded(await world.bid(open_task.record, BOB, 7))
    await world.foreign_call("AgentRegistry", "register_agent", FOREIGN_AGENT, secret="//Dave")
    await stop_blocks(world)
    return settled


FOREIGN_AGENT = {
    "did": b"did:dev:dave",
    "capabilities": [b"compute"],
    "metadata": None,
    "attestation": None,
    "verification_level": "BestEffort",
}


async def stop_blocks(world: World) -> None:
    world.chain.pause_sealing()

    async def caught_up() -> bool:
        cursor = await world.storage.read(chain_log.cursor)
        return cursor is not None and cursor.block_number == world.chain.finalized.number

    await eventually(caught_up, "catching up")


async def replayed(world: World, first_block: int | None) -> None:
    await world.storage.commit(replay.request, replay.Request(first_block=first_block))

    async def over() -> bool:
        state = await world.storage.read(replay.state)
        return state is not None and state.first_block is None

    await eventually(over, "the replay")
    state = await world.storage.read(replay.state)
    assert state is not None
    assert state.error == ""


async def state_of(world: World) -> Tables:
    """Everything that is stored, but for the note of how far a replay is."""
    tables = await dump(world.storage)
    del tables["chain_cursor"]
    return tables


def without_history(tables: Tables) -> Tables:
    """The same without revisions, times and the log of changes."""
    bookkeeping = {"revision", "update_time_us"}
    kept = {
        table.name: [place for place, column in enumerate(table.columns) if column.name not in bookkeeping]
        for table in schema.metadata.sorted_tables
        if table.name not in ("events", "database_state")
    }
    return {
        name: [tuple(row[place] for place in kept[name]) for row in rows]
        for name, rows in tables.items()
        if name in kept
    }


async def test_a_replay_from_any_height_ends_in_the_same_state_and_nobody_is_told(
    either_world: World,
) -> None:
    world = either_world
    async with world.bridged():
        await a_history(world)
        before = await state_of(world)
        last = world.chain.finalized.number
        for first_block in {1, last} | set(range(2, last, max(1, last // 12))):
            await replayed(world, first_block)
            assert await state_of(world) == before, f"a replay from block {first_block}"


async def test_what_was_damaged_is_as_it_was_after_a_replay(
    either_world: World,
) -> None:
    world = either_world
    async with world.bridged():
        settled = await a_history(world)
        before = await state_of(world)

        def damage(connection: Any) -> None:
            chain_columns = {"status": "bidding", "escrow_status": "none", "assigned_agent_id": ""}
            connection.execute(update(schema.tasks).values(**chain_columns))
            connection.execute(update(schema.agents).values(status="pending"))
            connection.execute(update(schema.chain_events).values(payload="{}", pallet="Wrong"))

        await world.storage._engine.write(damage)
        assert await state_of(world) != before
        await replayed(world, 1)
        assert without_history(await state_of(world)) == without_history(before)
        found = await world.task(settled)
        assert (found.status, found.escrow_status) == (TaskStatus.COMPLETED, EscrowStatus.RELEASED)


async def test_a_block_that_could_not_be_decoded_is_decoded_later_and_its_extrinsics_end_as_they_did(
    either_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = either_world
    decode = Runtime.decode_events

    def refuse(runtime: Runtime, raw: bytes) -> object:
        records = decode(runtime, raw)
        if any(record.pallet == "TaskMarket" for record in records):
            raise DecodeError("a type from the future", 7)
        return records

    async with world.bridged():
        await world.succeeded(await world.register(BOB))
        with monkeypatch.context() as old:
            old.setattr(Runtime, "decode_events", refuse)
            created = await world.create_task()
            [extrinsic] = await world.finished(created)
            assert extrinsic.status == ExtrinsicStatus.FAILED
            await stop_blocks(world)
        await replayed(world, None)
        assert (await world.extrinsic(created)).status == ExtrinsicStatus.FINALIZED
        task = await world.task(created.record)
        assert (task.status, task.escrow_status) == (TaskStatus.BIDDING, EscrowStatus.FUNDED)
        assert task.last_error == ""
        assert (await world.storage.read(dashboard.counts)).undecodable_blocks == 0
        with pytest.raises(NothingToReplay):
            await replayed(world, None)
        world.chain.resume_sealing()
        await world.succeeded(await world.bid(task, BOB, 7))


async def test_facts_that_could_not_be_reflected_are_reflected_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = projection.project

    def broken(fact: Any, work: Any, own: Any) -> str:
        raise OverflowError("something nobody thought of")

    async with world.bridged():
        await world.succeeded(await world.register(BOB))
        with monkeypatch.context() as defect:
            defect.setattr(projection, "project", broken)
            created = await world.create_task()
            await world.finished(created)
            await stop_blocks(world)
        assert projection.project is project
        await replayed(world, None)
        assert (await world.task(created.record)).status == TaskStatus.BIDDING
        with pytest.raises(NothingToReplay):
            await replayed(world, None)


async def test_a_replay_reads_nothing_of_the_state_that_a_node_has_discarded(world: World) -> None:
    async with world.bridged():
        await a_history(world)
        before = await state_of(world)
    async with DevNode(world.chain, author=False) as archive:
        world.node.pruning.set_window(1)
        async with world.bridged(archive_url=archive.url):
            await replayed(world, 1)
            assert await state_of(world) == before


async def test_a_replay_that_cannot_be_done_is_given_up_with_the_reason_and_reading_goes_on(
    world: World,
) -> None:
    async with world.bridged():
        await a_history(world)
        world.chain.seal(500)
        await stop_blocks(world)
        world.node.pruning.set_window(400)
        await world.storage.commit(replay.request, replay.Request(first_block=1))

        async def given_up() -> bool:
            state = await world.storage.read(replay.state)
            return state is not None and "discarded the body of block 1" in state.error

        await eventually(given_up, "giving up")
        world.chain.resume_sealing()
        await world.succeeded(await world.create_task())


async def test_a_replay_asks_a_node_that_refuses_large_answers_for_less(world: World) -> None:
    async with world.bridged():
        await a_history(world)
        before = await state_of(world)
        world.node.faults.limit_responses(largest_body(world) + 1000)
        await replayed(world, 1)
        assert await state_of(world) == before


async def test_a_replay_whose_blocks_a_node_refuses_is_given_up_and_reading_goes_on(world: World) -> None:
    async with world.bridged():
        await world.foreign_call("System", "remark", {"remark": b"a large one" * 1000})
        await stop_blocks(world)
        world.node.faults.limit_responses(largest_body(world) // 2)
        await world.storage.commit(replay.request, replay.Request(first_block=1))

        async def given_up() -> bool:
            state = await world.storage.read(replay.state)
            return state is not None and "too big" in state.error

        await eventually(given_up, "giving up")
        world.node.faults.limit_responses()
        world.chain.resume_sealing()
        await world.succeeded(await world.create_task())


def largest_body(world: World) -> int:
    """About how long the answer is that holds the largest block."""
    blocks = (world.chain.block_at(number) for number in range(1, world.chain.finalized.number + 1))
    return max(2 * sum(map(len, block.extrinsics)) for block in blocks if block)


async def test_a_replay_survives_the_death_of_who_does_it(world: World) -> None:
    async with world.bridged():
        await a_history(world)
        before = await state_of(world)
    await world.storage.commit(replay.request, replay.Request(first_block=1))
    for _ in range(3):
        async with world.bridged():
            pass
    async with world.bridged():
        await replayed(world, 5)
        assert await state_of(world) == before


async def test_a_replay_of_what_was_never_read_is_refused(world: World) -> None:
    with pytest.raises(NothingToReplay):
        await replayed(world, 1)
    async with world.bridged():
        await world.succeeded(await world.register(BOB))
        with pytest.raises(NothingToReplay):
            await replayed(world, 1_000_000)
        with pytest.raises(BlocksNotKept):
            await replayed(world, 0)
