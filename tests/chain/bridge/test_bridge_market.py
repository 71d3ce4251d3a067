"""What happens to entities when the chain decides."""

from collections.abc import AsyncIterator

import pytest

from storage.chain import lists as chain_lists
from storage.chain import outbox
from storage.lifecycle import (
    AgentStatus,
    BidStatus,
    EscrowStatus,
    ExtrinsicStatus,
    TaskStatus,
)
from storage.market import agents, lists, tasks
from storage.pages import PageRequest
from storage.records import Action, Agent, AgentUpdate, Bid, ChainEvent, Extrinsic, Task
from tests.support.world import BUDGET, World, eventually

BOB, CHARLIE = "did:dev:bob", "did:dev:charlie"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World.open() as world, world.bridged():
        yield world


async def bids_on(world: World, task: Task) -> dict[str, Bid]:
    wanted = lists.BidFilter(page=PageRequest(size=100), task_id=task.task_id)
    return {bid.agent_id: bid for bid in (await world.storage.read(lists.bids, wanted)).records}


async def events_of(world: World, pallet: str) -> list[ChainEvent]:
    wanted = chain_lists.ChainEventFilter(page=PageRequest(size=200), pallet=pallet)
    return (await world.storage.read(chain_lists.chain_events, wanted)).records


async def an_open_task(world: World, *agent_ids: str) -> Task:
    receipts = [await world.register(agent_id) for agent_id in agent_ids]
    created = await world.create_task()
    await world.succeeded(*receipts, created)
    return created.record


async def test_a_task_goes_from_registration_to_settlement_as_the_chain_confirms_each_step(
    world: World,
) -> None:
    task = await an_open_task(world, BOB, CHARLIE)
    opened = await world.task(task)
    assert (opened.status, opened.escrow_status) == (TaskStatus.BIDDING, EscrowStatus.FUNDED)
    assert opened.chain_task_id is not None
    assert opened.pending_action == Action.NONE

    await world.succeeded(await world.bid(task, BOB, 700), await world.bid(task, CHARLIE, 500))
    await world.succeeded(await world.storage.commit(tasks.close_bidding, task.task_id))
    await world.succeeded(await world.reveal(task, BOB, 700), await world.reveal(task, CHARLIE, 500))
    await world.succeeded(await world.storage.commit(tasks.allocate, task.task_id))
    found = await bids_on(world, task)
    assert (found[BOB].status, found[CHARLIE].status) == (BidStatus.LOST, BidStatus.WON)

    await world.succeeded(await world.submit_result(task, CHARLIE))
    await world.succeeded(await world.storage.commit(tasks.settle, task.task_id))
    settled = await world.task(task)
    assert (settled.status, settled.escrow_status) == (TaskStatus.COMPLETED, EscrowStatus.RELEASED)
    assert (settled.cost, settled.paid_amount, settled.fee_amount) == (500, 475, 25)
    assert all(event.anomaly == "" for event in await events_of(world, "TaskMarket"))


async def test_bids_made_before_their_task_and_agent_are_on_the_chain_wait_and_arrive(world: World) -> None:
    registered = await world.register(BOB)
    created = await world.create_task()
    bid = await world.bid(created.record, BOB, 10)
    await world.succeeded(registered, created, bid)
    assert (await bids_on(world, created.record))[BOB].status == BidStatus.COMMITTED


async def test_a_task_whose_creation_the_chain_refuses_is_rejected_with_the_reason_and_so_are_its_bids(
    world: World,
) -> None:
    await world.succeeded(await world.register(BOB))
    created = await world.create_task(budget=10**30)
    bid = await world.bid(created.record, BOB, 10)
    [extrinsic] = await world.finished(created)
    assert extrinsic.status == ExtrinsicStatus.FAILED
    assert extrinsic.last_error.startswith("Escrow.InsufficientBalance: ")

    task = await world.task(created.record)
    assert (task.status, task.escrow_status) == (TaskStatus.REJECTED, EscrowStatus.NONE)
    assert task.last_error == extrinsic.last_error
    assert (task.pending_action, task.pending_correlation_id) == (Action.NONE, "")
    assert (await bids_on(world, task))[BOB].status == BidStatus.REJECTED
    assert (await world.extrinsic(bid)).status == ExtrinsicStatus.CANCELLED


async def test_an_agent_whose_did_is_taken_by_another_account_shows_whose_it_is(world: World) -> None:
    arguments = {"did": BOB, "capabilities": ["gpu"], "verification_level": "tee"}
    absent = {"metadata": None, "attestation": None}
    await world.foreign_call("AgentRegistry", "register_agent", arguments | absent, "//Eve")

    async def look() -> list[Agent]:
        page = PageRequest(size=10)
        return (await world.storage.read(lists.agents, lists.AgentFilter(page=page))).records

    [agent] = await eventually(look)
    assert (agent.agent_id, agent.status, agent.capabilities) == (BOB, AgentStatus.ACTIVE, ("gpu",))


async def test_a_step_that_another_client_did_first_is_taken_and_our_own_fails_with_the_reason(
    world: World,
) -> None:
    task = await an_open_task(world, BOB)
    chain_task_id = (await world.task(task)).chain_task_id
    await world.foreign_call("TaskMarket", "cancel_task", {"task_id": chain_task_id})

    async def cancelled() -> Task | None:
        found = await world.task(task)
        return found if found.escrow_status == EscrowStatus.REFUNDED else None

    assert (await eventually(cancelled)).status == TaskStatus.CANCELLED


async def test_our_own_step_that_comes_too_late_clears_its_intent_and_keeps_the_chains_truth() -> None:
    async with World.open() as world:
        async with world.bridged():
            task = await an_open_task(world, BOB)
        chain_task_id = (await world.task(task)).chain_task_id
        closing = await world.storage.commit(tasks.close_bidding, task.task_id)
        await world.foreign_call("TaskMarket", "cancel_task", {"task_id": chain_task_id})
        async with world.bridged():
            [extrinsic] = await world.finished(closing)
        assert extrinsic.status == ExtrinsicStatus.FAILED
        found = await world.task(task)
        assert (found.status, found.escrow_status) == (TaskStatus.CANCELLED, EscrowStatus.REFUNDED)
        assert found.pending_action == Action.NONE
        assert found.last_error.startswith("TaskMarket.TaskNotBidding")


async def test_what_other_clients_make_on_the_chain_appears_once_here(world: World) -> None:
    register = {"did": "did:ex:foreign", "capabilities": [], "verification_level": "best_effort"}
    absent = {"metadata": None, "attestation": None}
    await world.foreign_call("AgentRegistry", "register_agent", register | absent, "//Dave")
    create = {"budget": 77, "deadline": 5000, "verification_level": "optimistic"}
    await world.foreign_call("TaskMarket", "create_task", {"spec_hash": b"s" * 32} | create)
    bid = {"task_id": 1, "agent_id": 1, "commitment": b"c" * 32, "estimated_duration": 9}
    await world.foreign_call("TaskMarket", "submit_bid", bid, "//Dave")

    async def look() -> list[Task] | None:
        page = PageRequest(size=10)
        found = (await world.storage.read(lists.tasks, lists.TaskFilter(page=page))).records
        return found if found and found[0].escrow_status == EscrowStatus.FUNDED else None

    [task] = await eventually(look)
    assert (task.max_budget, task.spec_hash, task.deadline_block) == (77, b"s" * 32, 5000)
    assert task.requester_id == ""

    async def look_for_bid() -> dict[str, Bid]:
        return await bids_on(world, task)

    found = await eventually(look_for_bid)
    assert found["did:ex:foreign"].commitment == b"c" * 32
    assert found["did:ex:foreign"].status == BidStatus.COMMITTED


async def test_a_deadline_that_passes_on_the_chain_expires_the_task_and_refunds_it(world: World) -> None:
    await world.succeeded(await world.register(BOB))
    created = await world.create_task(seconds=0.4)
    await world.finished(created)

    async def expired() -> Task | None:
        found = await world.task(created.record)
        return found if found.escrow_status == EscrowStatus.REFUNDED else None

    assert (await eventually(expired)).status == TaskStatus.EXPIRED


async def test_an_agent_is_changed_and_retired_when_the_chain_confirms_it(world: World) -> None:
    await world.succeeded(await world.register(BOB))
    update = AgentUpdate(capabilities=("gpu", "tee"), metadata="new", label="Bob")
    change = agents.AgentChange(agent_id=BOB, update=update)
    changing = await world.storage.commit(agents.change, change)
    assert (changing.record.label, changing.record.capabilities) == ("Bob", ())
    await world.succeeded(changing)
    agent = await world.storage.fetch(agents.get, BOB)
    assert (agent.capabilities, agent.metadata, agent.pending_update) == (("gpu", "tee"), "new", None)

    await world.succeeded(await world.storage.commit(agents.retire, BOB))
    assert (await world.storage.fetch(agents.get, BOB)).status == AgentStatus.RETIRED


async def test_a_raw_call_is_executed_as_given(world: World) -> None:
    eve = "5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw"
    call = outbox.NewCall(
        pallet="Balances",
        call="transfer_keep_alive",
        payload=f'{{"dest":"{eve}","value":"12345678901"}}',
    )
    await world.succeeded(await world.storage.commit(outbox.enqueue_call, call))
    assert world.calls_executed("Balances", "Transfer") == 1


async def test_a_raw_call_that_does_not_fit_is_dead_with_the_path_of_the_fault_and_sends_nothing(
    world: World,
) -> None:
    call = outbox.NewCall(
        pallet="Balances", call="transfer_keep_alive", payload='{"dest":"nobody","value":1}'
    )
    [extrinsic] = await world.finished(await world.storage.commit(outbox.enqueue_call, call))
    assert extrinsic.status == ExtrinsicStatus.DEAD
    assert "dest" in extrinsic.last_error
    assert extrinsic.extrinsic_hash == b""


async def test_many_intents_of_one_account_are_in_flight_at_once_and_each_is_executed_once(
    world: World,
) -> None:
    receipts = [await world.create_task(budget=index + 1) for index in range(250)]
    await world.succeeded(*receipts)
    extrinsics = [await world.extrinsic(receipt) for receipt in receipts]
    assert sorted(row.nonce or 0 for row in extrinsics) == list(range(250))
    assert world.calls_executed("TaskMarket", "TaskCreated") == 250


async def test_a_cancelled_creation_leaves_the_task_pending_and_a_requeue_brings_it_to_the_chain() -> None:
    async with World.open() as quiet:
        created = await quiet.create_task()
        cancelled = await quiet.storage.commit(outbox.cancel, created.correlation_id)
        assert cancelled.status == ExtrinsicStatus.CANCELLED
        task = await quiet.task(created.record)
        assert (task.status, task.pending_action) == (TaskStatus.PENDING, Action.NONE)
        assert task.last_error == "the extrinsic was cancelled"

        requeued: Extrinsic = await quiet.storage.commit(outbox.requeue, created.correlation_id)
        assert requeued.status == ExtrinsicStatus.QUEUED
        async with quiet.bridged():
            await quiet.succeeded(created)
        assert (await quiet.task(created.record)).max_budget == BUDGET
        assert (await quiet.task(created.record)).status == TaskStatus.BIDDING
