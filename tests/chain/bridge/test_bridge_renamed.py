"""Somebody else's chain: the same things under other names, told by a file of the user."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain.pallets import DEFAULT
from chain.pallets_file import load
from storage.chain import lists as chain_lists
from storage.chain import outbox
from storage.lifecycle import AgentStatus, BidStatus, EscrowStatus, TaskStatus
from storage.market import disputes, lists, reputations, tasks
from storage.pages import PageRequest
from storage.records import VerificationLevel
from tests.support.world import World, eventually

BOB, CHARLIE = "did:dev:bob", "did:dev:charlie"

NAMES = {
    "AgentRegistry": "Workers",
    "AgentRegistry.register_agent": "enlist",
    "AgentRegistry.register_agent.did": "name",
    "AgentRegistry.AgentRegistered": "Enlisted",
    "AgentRegistry.AgentRegistered.agent_id": "worker",
    "AgentRegistry.AgentRegistered.owner": "who",
    "TaskMarket": "Jobs",
    "TaskMarket.create_task": "post",
    "TaskMarket.create_task.spec_hash": "spec",
    "TaskMarket.create_task.budget": "reward",
    "TaskMarket.TaskCreated": "Posted",
    "TaskMarket.TaskCreated.task_id": "job",
    "TaskMarket.TaskCreated.budget": "reward",
    "TaskMarket.BidRevealed.cost": "price",
    "Escrow.release_payment": "pay_out",
    "Escrow.release_payment.task_id": "job",
    "Escrow.PaymentReleased.amount": "net",
    "Reputation": "Standing",
}

FILE = """
[pallets]
AgentRegistry = "Workers"
TaskMarket = "Jobs"
Reputation = "Standing"

[calls.register_agent]
call = "enlist"
[calls.register_agent.arguments]
name = "agent.agent_id"
capabilities = "agent.capabilities"
metadata = "agent.metadata"
attestation = "agent.attestation"
[calls.register_agent.constants]
verification_level = "Optimistic"

[calls.create_task]
call = "post"
[calls.create_task.arguments]
spec = "task.spec_hash"
reward = "task.max_budget"
deadline = "task.deadline_block"
verification_level = "task.verification_level"

[calls.settle_task]
call = "pay_out"
arguments = { job = "task.chain_task_id" }

[events.Workers.Enlisted]
from = "AgentRegistry.AgentRegistered"
fields = { chain_agent_id = "worker", account_address = "who", agent_id = "call.name" }

[events.Jobs.Posted]
from = "TaskMarket.TaskCreated"
fields = { chain_task_id = "job", budget = "reward", spec_hash = "call.spec" }

[events.Jobs.BidRevealed]
fields = { value = "price" }

[events.Escrow.PaymentReleased]
fields = { amount = "net" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pallets.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
async def world(file: Path) -> AsyncIterator[World]:
    async with World.open(names=NAMES) as world, world.bridged(pallets=load(file)) as bridge:
        await eventually(lambda: _connected(bridge))
        assert bridge.status().missing_in_runtime == ()
        yield world


async def _connected(bridge: object) -> bool:
    return bool(bridge.status().finalized_number)  # type: ignore[attr-defined]


async def test_a_task_goes_from_registration_to_settlement_under_other_names(world: World) -> None:
    created = await world.create_task(budget=1000)
    await world.succeeded(await world.register(BOB), await world.register(CHARLIE), created)
    task = created.record
    assert world.stored("AgentRegistry", "Agents", 1)["verification_level"] == "Optimistic"
    opened = await world.task(task)
    assert (opened.status, opened.escrow_status, opened.chain_task_id) == ("bidding", "funded", 1)

    await world.succeeded(await world.bid(task, BOB, 700), await world.bid(task, CHARLIE, 500))
    await world.succeeded(await world.storage.commit(tasks.close_bidding, task.task_id))
    await world.succeeded(await world.reveal(task, BOB, 700), await world.reveal(task, CHARLIE, 500))
    await world.succeeded(await world.storage.commit(tasks.allocate, task.task_id))
    await world.succeeded(await world.submit_result(task, CHARLIE))
    await world.succeeded(await world.storage.commit(tasks.settle, task.task_id))
    settled = await world.task(task)
    assert (settled.status, settled.escrow_status) == (TaskStatus.COMPLETED, EscrowStatus.RELEASED)
    assert (settled.assigned_agent_id, settled.cost, settled.paid_amount) == (CHARLIE, 500, 475)

    wanted = lists.BidFilter(page=PageRequest(size=10), task_id=task.task_id)
    found = {bid.agent_id: bid for bid in (await world.storage.read(lists.bids, wanted)).records}
    assert (found[BOB].value, found[BOB].status) == (700, BidStatus.LOST)
    events = chain_lists.ChainEventFilter(page=PageRequest(size=1000))
    seen = (await world.storage.read(chain_lists.chain_events, events)).records
    assert [event for event in seen if event.anomaly] == []
    assert ("Jobs", "Posted") in {(event.pallet, event.event) for event in seen}
    assert "TaskMarket" not in {event.pallet for event in seen}


async def test_what_other_clients_do_there_and_errors_go_by_those_names_too(world: World) -> None:
    # The chain's own codec keeps the names that the pallets were written with.
    absent = {"metadata": None, "attestation": None}
    arguments = {"did": "did:ex:foreign", "capabilities": ["gpu"], "verification_level": "tee"}
    await world.foreign_call("AgentRegistry", "register_agent", arguments | absent, "//Eve")
    await world.foreign_call("Reputation", "bond_reputation", {"value": 10**15}, "//Eve")

    async def look() -> bool:
        page = PageRequest(size=10)
        listed = (await world.storage.read(lists.agents, lists.AgentFilter(page=page))).records
        if not listed:
            return False
        return (await world.storage.fetch(reputations.get_of_agent, listed[0].agent_id)).bonded == 10**15

    await eventually(look)
    agent = await world.agent("did:ex:foreign")
    assert (agent.status, agent.capabilities) == (AgentStatus.ACTIVE, ("gpu",))
    assert agent.verification_level == VerificationLevel.TEE

    call = outbox.NewCall(pallet="Jobs", call="cancel_task", payload='{"task_id": 99}')
    [extrinsic] = await world.finished(await world.storage.commit(outbox.enqueue_call, call))
    assert extrinsic.last_error.startswith("Jobs.TaskNotFound")


async def test_disputes_keep_their_built_in_names_where_the_chain_does(world: World) -> None:
    created = await world.create_task(budget=1000)
    await world.succeeded(await world.register(BOB), created)
    task = created.record
    await world.succeeded(await world.bid(task, BOB, 5))
    await world.succeeded(await world.storage.commit(tasks.close_bidding, task.task_id))
    await world.succeeded(await world.reveal(task, BOB, 5))
    await world.succeeded(await world.storage.commit(tasks.allocate, task.task_id))
    new = disputes.Dispute(task_id=task.task_id, reason="it is late")
    await world.succeeded(await world.storage.commit(disputes.raise_, new))
    assert (await world.task(task)).escrow_status == EscrowStatus.DISPUTED


async def test_without_the_file_what_is_missing_is_told_and_the_bridge_goes_on() -> None:
    async with World.open(names=NAMES) as world, world.bridged(pallets=DEFAULT) as bridge:
        created = await world.create_task()
        [extrinsic] = await world.finished(created)
        assert "no pallet 'TaskMarket'" in extrinsic.last_error
        status = bridge.status()
        assert status.last_error == ""
    assert "create_task: no pallet TaskMarket" in status.missing_in_runtime
    assert "no pallet Reputation" in status.missing_in_runtime
    assert "settle_task: pallet Escrow has no call release_payment" in status.missing_in_runtime
    assert "event Escrow.PaymentReleased has no field amount" in status.missing_in_runtime
