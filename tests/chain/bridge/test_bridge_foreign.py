"""The same thing made here and by somebody else's client: one row each, matched by extrinsic."""

from storage.lifecycle import AgentStatus, BidStatus, ExtrinsicStatus, TaskStatus
from storage.market import bids, lists
from storage.pages import PageRequest
from storage.records import Action, Bid, Task, VerificationLevel
from tests.support.world import NONCE, World

BOB = "did:dev:bob"


async def listed_tasks(world: World) -> list[Task]:
    wanted = lists.TaskFilter(page=PageRequest(size=10))
    return (await world.storage.read(lists.tasks, wanted)).records


async def bids_of(world: World, task: Task) -> list[Bid]:
    wanted = lists.BidFilter(page=PageRequest(size=10), task_id=task.task_id)
    return (await world.storage.read(lists.bids, wanted)).records


async def test_a_did_that_another_client_registers_while_ours_waits_is_one_agent_of_that_client() -> None:
    async with World.open() as world:
        ours = await world.register(BOB)
        arguments = {"did": BOB, "capabilities": ["theirs"], "verification_level": "tee"}
        absent = {"metadata": None, "attestation": None}
        await world.foreign_call("AgentRegistry", "register_agent", arguments | absent, "//Eve")
        created = await world.create_task()
        ours_to_fail = await world.bid(created.record, BOB, 10)
        async with world.bridged():
            [registration, bid] = await world.finished(ours, ours_to_fail)
        assert registration.status == ExtrinsicStatus.FAILED
        assert registration.last_error.startswith("AgentRegistry.DidTaken")
        agents = await world.storage.read(lists.agents, lists.AgentFilter(page=PageRequest(size=10)))
        [agent] = agents.records
        assert (agent.agent_id, agent.status, agent.capabilities) == (BOB, AgentStatus.ACTIVE, ("theirs",))
        assert agent.account_address == world.address("//Eve")
        assert agent.verification_level == VerificationLevel.TEE
        assert (agent.pending_action, agent.last_error) == (Action.NONE, registration.last_error)
        assert bid.last_error.startswith("TaskMarket.NotAgentOwner")
        assert [bid.status for bid in await bids_of(world, created.record)] == [BidStatus.REJECTED]


async def test_a_task_with_the_same_specification_of_another_client_is_another_task() -> None:
    async with World.open() as world:
        ours = await world.create_task(budget=900)
        same = {"spec_hash": ours.record.spec_hash, "budget": 900, "deadline": 5000}
        level = {"verification_level": "best_effort"}
        await world.foreign_call("TaskMarket", "create_task", same | level)
        async with world.bridged():
            await world.succeeded(ours)
            theirs, mine = sorted(await listed_tasks(world), key=lambda task: task.chain_task_id or 0)
        assert (mine.task_id, mine.chain_task_id) == (ours.record.task_id, 2)
        assert (theirs.requester_id, theirs.chain_task_id) == ("", 1)
        assert theirs.spec_hash == mine.spec_hash
        assert (mine.status, theirs.status) == (TaskStatus.BIDDING, TaskStatus.BIDDING)


async def test_a_bid_that_another_client_makes_for_our_agent_first_is_the_one_bid_of_the_agent() -> None:
    async with World.open() as world:
        async with world.bridged():
            created = await world.create_task()
            await world.succeeded(await world.register(BOB), created)
        task = await world.task(created.record)
        ours = await world.bid(task, BOB, 10)
        theirs = bids.commitment(70, NONCE, task.spec_hash, BOB)
        both = {"task_id": task.chain_task_id, "agent_id": 1}
        call = both | {"commitment": theirs, "estimated_duration": 77}
        await world.foreign_call("TaskMarket", "submit_bid", call, "//Bob")
        async with world.bridged():
            [extrinsic] = await world.finished(ours)
        assert extrinsic.last_error.startswith("TaskMarket.DuplicateBid")
        [bid] = await bids_of(world, task)
        assert (bid.bid_id, bid.status, bid.commitment) == (ours.record.bid_id, BidStatus.COMMITTED, theirs)
        assert (bid.estimated_duration_seconds, bid.pending_action) == (77, Action.NONE)
