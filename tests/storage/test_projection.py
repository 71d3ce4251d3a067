"""The chain's truth is taken as it is: what others did, and what nobody expected."""

from typing import Any

import pytest

from storage.chain import outbox
from storage.errors import AgentExists, CommitmentMismatch, DuplicateBid
from storage.facts import (
    AgentMoved,
    AgentRegistered,
    AgentUpdated,
    BidRevealed,
    BidSubmitted,
    EscrowFunded,
    EscrowRefunded,
    EscrowReleased,
    Fact,
    ResultRecorded,
    TaskAllocated,
    TaskCreated,
    TaskMoved,
)
from storage.lifecycle import AgentStatus, BidStatus, EscrowStatus, ResultStatus, TaskStatus
from storage.limits import AMOUNT_MAX
from storage.market import agents, bids, lists, results, tasks
from storage.market.lists import TaskFilter
from storage.records import Action, AgentUpdate, VerificationLevel
from tests.storage.blocks import Step, hash_of
from tests.storage.items import a_bid, a_result, a_reveal, a_task, an_agent, hash_of_output
from tests.storage.looking import count, dump
from tests.storage.world import PAGE, World, ids


class TestOwnSteps:
    """They are matched by the extrinsic that was sent from here, never by guess."""

    async def test_a_registration(self, world: World) -> None:
        receipt = await world.storage.commit(agents.register, an_agent("ada"))
        fact = AgentRegistered(chain_agent_id=7, account_address="5Ada")
        await world.chain.finalize(receipt.correlation_id, fact)
        ada = await world.market.see_agent("ada")
        assert (ada.status, ada.chain_agent_id, ada.account_address) == (AgentStatus.ACTIVE, 7, "5Ada")
        assert (ada.pending_action, ada.label) == (Action.NONE, "Ada")

    async def test_an_update(self, world: World) -> None:
        ada = await world.market.agent("ada", metadata="old", capabilities=("sum",))
        update = AgentUpdate(capabilities=("sum", "sort"))
        receipt = await world.storage.commit(agents.change, agents.AgentChange(agent_id="ada", update=update))
        await world.chain.finalize(
            receipt.correlation_id, AgentUpdated(chain_agent_id=ada.chain_agent_id or 0)
        )
        ada = await world.market.see_agent("ada")
        assert (ada.capabilities, ada.metadata, ada.pending_update) == (("sum", "sort"), "old", None)

    async def test_a_creation(self, world: World) -> None:
        receipt = await world.storage.commit(tasks.create, a_task())
        await world.chain.finalize(
            receipt.correlation_id, TaskCreated(chain_task_id=3, budget=1), EscrowFunded(chain_task_id=3)
        )
        task = await world.only_task()
        assert (task.task_id, task.chain_task_id) == (receipt.record.task_id, 3)
        assert (task.status, task.escrow_status) == (TaskStatus.BIDDING, EscrowStatus.FUNDED)

    async def test_the_event_of_the_step_names_its_correlation_id(self, world: World) -> None:
        receipt = await world.storage.commit(tasks.create, a_task())
        before = await count(world.storage, "events")
        await world.chain.finalize(receipt.correlation_id, TaskCreated(chain_task_id=3, budget=1))
        rows = (await dump(world.storage))["events"][before[0] :]
        of_task = [row for row in rows if row[2] == "task"]
        assert len(of_task) == 1
        assert receipt.correlation_id in of_task[0][8]


class TestAfterARejection:
    async def test_an_agent_registers_again_under_its_id(self, world: World) -> None:
        first = await world.storage.commit(agents.register, an_agent("ada"))
        await world.chain.finalize(first.correlation_id, error="Balances.InsufficientBalance")
        rejected = await world.market.see_agent("ada")
        assert (rejected.status, rejected.last_error) == ("rejected", "Balances.InsufficientBalance")
        again = an_agent("ada", label="Again", metadata="new", attestation=b"a")
        second = await world.storage.commit(agents.register, again)
        pending = await world.market.see_agent("ada")
        assert (pending.status, pending.last_error, pending.label) == ("pending", "", "Again")
        assert (pending.metadata, pending.attestation) == ("new", b"a")
        assert pending.revision == rejected.revision + 1
        fact = AgentRegistered(chain_agent_id=7, account_address="5Ada")
        await world.chain.finalize(second.correlation_id, fact)
        ada = await world.market.see_agent("ada")
        assert (ada.status, ada.chain_agent_id, ada.metadata) == (AgentStatus.ACTIVE, 7, "new")

    async def test_only_a_rejected_id_is_free_again(self, world: World) -> None:
        await world.storage.commit(agents.register, an_agent("ada"))
        with pytest.raises(AgentExists):
            await world.storage.commit(agents.register, an_agent("ada"))


class TestStepsOfOthers:
    """Somebody else's client does the same things; both kinds end as one row each."""

    async def test_registering_an_agent(self, world: World) -> None:
        fact = AgentRegistered(
            chain_agent_id=7, account_address="5X", agent_id="did:x", capabilities=("a",), metadata="m"
        )
        event = await world.reported(fact)
        agent = await world.market.see_agent("did:x")
        assert (agent.status, agent.chain_agent_id, agent.account_address) == ("active", 7, "5X")
        assert (agent.capabilities, agent.metadata) == (("a",), "m")
        assert (event.correlation_id, event.anomaly) == ("", "")

    async def test_registering_an_agent_without_telling_its_name(self, world: World) -> None:
        await world.reported(AgentRegistered(chain_agent_id=7, account_address="5X"))
        assert (await world.agents())[7].agent_id == "chain:agent:7"

    async def test_registering_a_nameless_agent_whose_name_somebody_took_here(self, world: World) -> None:
        await world.storage.commit(agents.register, an_agent("chain:agent:7"))
        await world.reported(AgentRegistered(chain_agent_id=7, account_address="5X"))
        found = await world.agents()
        assert found[7].agent_id.startswith("chain:agent:7:")
        assert found[None].status == AgentStatus.PENDING

    async def test_registering_an_agent_that_waits_here_under_the_same_did(self, world: World) -> None:
        receipt = await world.storage.commit(agents.register, an_agent("did:x", label="Mine"))
        await world.reported(
            AgentRegistered(
                chain_agent_id=7,
                account_address="5X",
                agent_id="did:x",
                capabilities=("theirs",),
                metadata="theirs",
                verification_level=VerificationLevel.TEE,
            )
        )
        agent = await world.market.see_agent("did:x")
        assert (agent.status, agent.label, agent.chain_agent_id) == (AgentStatus.ACTIVE, "Mine", 7)
        assert (agent.capabilities, agent.metadata) == (("theirs",), "theirs")
        assert (agent.account_address, agent.verification_level) == ("5X", VerificationLevel.TEE)
        assert len(await world.agents()) == 1
        assert agent.pending_action == Action.REGISTER_AGENT
        await world.chain.finalize(receipt.correlation_id, error="AgentRegistry.DidTaken")
        agent = await world.market.see_agent("did:x")
        assert (agent.status, agent.pending_action) == (AgentStatus.ACTIVE, Action.NONE)
        assert agent.last_error == "AgentRegistry.DidTaken"

    async def test_creating_a_task_with_the_same_specification_makes_another_task(self, world: World) -> None:
        mine = (await world.storage.commit(tasks.create, a_task())).record
        theirs = TaskCreated(chain_task_id=5, budget=mine.max_budget, spec_hash=mine.spec_hash)
        await world.reported(theirs, EscrowFunded(chain_task_id=5))
        page = TaskFilter(page=PAGE)
        other, same = (await world.storage.read(lists.tasks, page)).records
        assert same == mine
        assert (other.chain_task_id, other.spec_hash, other.status) == (5, mine.spec_hash, "bidding")
        await world.chain.finalize(
            mine.pending_correlation_id, TaskCreated(chain_task_id=6, budget=mine.max_budget)
        )
        seen = await world.market.see(mine)
        assert (seen.chain_task_id, seen.status) == (6, TaskStatus.BIDDING)
        assert (await world.market.see(other)) == other

    async def test_registering_an_agent_that_the_chain_rejected_here(self, world: World) -> None:
        receipt = await world.storage.commit(agents.register, an_agent("did:x"))
        await world.chain.finalize(receipt.correlation_id, error="AgentRegistry.DidTooLong")
        await world.reported(AgentRegistered(chain_agent_id=7, account_address="5X", agent_id="did:x"))
        agent = await world.market.see_agent("did:x")
        assert (agent.status, agent.account_address) == (AgentStatus.ACTIVE, "5X")
        assert await world.anomalies() == []

    async def test_updating_suspending_and_restoring_an_agent(self, world: World) -> None:
        ada = await world.market.agent("ada")
        number = ada.chain_agent_id or 0
        await world.reported(AgentUpdated(chain_agent_id=number, capabilities=("x",), metadata="new"))
        await world.reported(AgentMoved(chain_agent_id=number, status=AgentStatus.SUSPENDED))
        seen = await world.market.see_agent("ada")
        assert (seen.capabilities, seen.metadata, seen.status) == (("x",), "new", "suspended")
        await world.reported(AgentMoved(chain_agent_id=number, status=AgentStatus.ACTIVE))
        assert (await world.market.see_agent("ada")).status == AgentStatus.ACTIVE
        assert await world.anomalies() == []

    async def test_the_whole_life_of_a_task(self, world: World) -> None:
        for number, name in ((1, "ada"), (2, "bob")):
            await world.reported(
                AgentRegistered(chain_agent_id=number, account_address=f"5{name}", agent_id=name)
            )
        created = TaskCreated(chain_task_id=5, budget=AMOUNT_MAX, spec_hash=b"s" * 32, deadline_block=99)
        await world.reported(created, EscrowFunded(chain_task_id=5))
        task = await world.only_task()
        assert (task.status, task.escrow_status, task.max_budget) == ("bidding", "funded", AMOUNT_MAX)
        assert (task.spec_hash, task.deadline_block, task.deadline_us) == (b"s" * 32, 99, None)
        both: tuple[dict[str, Any], ...] = (
            {"chain_task_id": 5, "chain_agent_id": 1},
            {"chain_task_id": 5, "chain_agent_id": 2},
        )
        await world.reported(BidSubmitted(**both[0], commitment=b"c" * 32, estimated_duration_seconds=9))
        await world.reported(BidSubmitted(**both[1]))
        await world.reported(TaskMoved(chain_task_id=5, status=TaskStatus.REVEALING))
        await world.reported(BidRevealed(**both[0], value=10), BidRevealed(**both[1], value=8))
        await world.reported(TaskAllocated(**both[1], cost=8))
        bids_of = await world.market.see_bids(task)
        assert (bids_of["ada"].status, bids_of["ada"].value) == (BidStatus.LOST, 10)
        assert (bids_of["ada"].commitment, bids_of["ada"].estimated_duration_seconds) == (b"c" * 32, 9)
        assert (bids_of["bob"].status, bids_of["bob"].value) == (BidStatus.WON, 8)
        task = await world.only_task()
        assert (task.status, task.assigned_agent_id, task.cost) == (TaskStatus.ASSIGNED, "bob", 8)
        await world.reported(ResultRecorded(**both[1], result_hash=b"r" * 32))
        (result,) = await world.results(task)
        assert (result.status, result.agent_id, result.result_hash) == ("recorded", "bob", b"r" * 32)
        await world.reported(EscrowReleased(chain_task_id=5, amount=7, fee=1))
        task = await world.only_task()
        assert (task.status, task.escrow_status) == (TaskStatus.COMPLETED, EscrowStatus.RELEASED)
        assert (task.paid_amount, task.fee_amount) == (7, 1)
        assert await world.anomalies() == []

    async def test_the_whole_life_of_a_task_in_one_ingest(self, world: World) -> None:
        both: dict[str, Any] = {"chain_task_id": 5, "chain_agent_id": 1}
        steps: list[tuple[Fact, ...]] = [
            (AgentRegistered(chain_agent_id=1, account_address="5A", agent_id="ada"),),
            (TaskCreated(chain_task_id=5, budget=9), EscrowFunded(chain_task_id=5)),
            (BidSubmitted(**both),),
            (TaskMoved(chain_task_id=5, status=TaskStatus.REVEALING),),
            (BidRevealed(**both, value=8),),
            (TaskAllocated(**both, cost=8),),
            (ResultRecorded(**both, result_hash=b"r" * 32),),
            (EscrowReleased(chain_task_id=5, amount=8, fee=0),),
        ]
        await world.chain.blocks(*((Step(hash_of(facts), facts),) for facts in steps))
        task = await world.only_task()
        assert (task.status, task.escrow_status) == (TaskStatus.COMPLETED, EscrowStatus.RELEASED)
        assert (await world.market.see_bid(task, "ada")).status == BidStatus.WON
        assert len(await world.results(task)) == 1
        assert await world.anomalies() == []

    async def test_ending_a_task(self, world: World) -> None:
        await world.market.agents()
        cancelled, expired = await world.market.task(), await world.market.task()
        failed = await world.market.assigned_task()
        for task, status, error in (
            (cancelled, TaskStatus.CANCELLED, ""),
            (expired, TaskStatus.EXPIRED, ""),
            (failed, TaskStatus.FAILED, "no result: " + "x" * 600 + "\0"),
        ):
            number = task.chain_task_id or 0
            moved = TaskMoved(chain_task_id=number, status=status, error=error)
            await world.reported(moved, EscrowRefunded(chain_task_id=number))
            seen = await world.market.see(task)
            assert (seen.status, seen.escrow_status) == (status, EscrowStatus.REFUNDED)
            assert seen.last_error == error[:512]
        assert await world.anomalies() == []


class TestWhoWasFirst:
    async def test_a_bid_that_another_client_made_first_counts_with_its_commitment(
        self, world: World
    ) -> None:
        market = world.market
        ada, task = await market.agent("ada"), await market.task()
        mine = await world.storage.commit(bids.submit, a_bid(task, "ada", 100))
        theirs = bids.commitment(70, b"t" * 32, task.spec_hash, "ada")
        await world.reported(BidSubmitted(**ids(task, ada), commitment=theirs))
        bid = await market.see_bid(task, "ada")
        assert (bid.bid_id, bid.status, bid.commitment) == (mine.record.bid_id, "committed", theirs)
        await world.chain.finalize(mine.correlation_id, error="TaskMarket.DuplicateBid")
        bid = await market.see_bid(task, "ada")
        assert (bid.status, bid.last_error) == (BidStatus.COMMITTED, "TaskMarket.DuplicateBid")
        await market.close(task)
        with pytest.raises(CommitmentMismatch):
            await world.storage.commit(bids.reveal, a_reveal(task, "ada", 100))
        await world.storage.commit(bids.reveal, a_reveal(task, "ada", 70, b"t" * 32))

    async def test_a_bid_of_another_client_is_the_one_bid_of_its_agent(self, world: World) -> None:
        ada, task = await world.market.agent("ada"), await world.market.task()
        await world.reported(BidSubmitted(**ids(task, ada)))
        with pytest.raises(DuplicateBid):
            await world.storage.commit(bids.submit, a_bid(task, "ada"))

    async def test_a_result_that_another_client_recorded_first_rejects_the_one_from_here(
        self, world: World
    ) -> None:
        market = world.market
        await market.agents()
        task, bob = await market.assigned_task(), await market.see_agent("bob")
        mine = await world.storage.commit(results.submit, a_result(task, "bob", b"mine"))
        await world.reported(ResultRecorded(**ids(task, bob), result_hash=hash_of_output(b"theirs")))
        theirs, rejected = await world.results(task)
        assert (theirs.status, theirs.result_hash) == ("recorded", hash_of_output(b"theirs"))
        assert (rejected.result_id, rejected.status) == (mine.record.result_id, ResultStatus.REJECTED)
        assert rejected.last_error == "the chain recorded another result"
        await world.chain.finalize(mine.correlation_id, error="TaskMarket.NotAssigned")
        (_, rejected) = await world.results(task)
        assert (rejected.status, rejected.pending_action) == (ResultStatus.REJECTED, Action.NONE)
        assert (await market.see(task)).status == TaskStatus.COMPLETED

    async def test_a_second_result_that_the_chain_records_is_taken_and_is_an_anomaly(
        self, world: World
    ) -> None:
        await world.market.agents()
        task, bob = await world.market.assigned_task(), await world.market.see_agent("bob")
        first, second = (hash_of_output(output) for output in (b"first", b"second"))
        assert not (await world.reported(ResultRecorded(**ids(task, bob), result_hash=first))).anomaly
        event = await world.reported(ResultRecorded(**ids(task, bob), result_hash=second))
        assert event.anomaly == "result moved from recorded to rejected"
        found = {result.result_hash: result.status for result in await world.results(task)}
        assert found == {first: ResultStatus.REJECTED, second: ResultStatus.RECORDED}

    async def test_the_same_result_from_another_client_is_the_one_from_here(self, world: World) -> None:
        market = world.market
        await market.agents()
        task, bob = await market.assigned_task(), await market.see_agent("bob")
        await world.storage.commit(results.submit, a_result(task, "bob", b"same"))
        await world.reported(ResultRecorded(**ids(task, bob), result_hash=hash_of_output(b"same")))
        (result,) = await world.results(task)
        assert result.status == ResultStatus.RECORDED

    async def test_a_step_that_another_client_did_first_leaves_ours_to_fail(self, world: World) -> None:
        task = await world.market.task()
        receipt = await world.storage.commit(tasks.close_bidding, task.task_id)
        await world.reported(TaskMoved(chain_task_id=task.chain_task_id or 0, status=TaskStatus.REVEALING))
        seen = await world.market.see(task)
        assert (seen.status, seen.pending_action) == (TaskStatus.REVEALING, Action.CLOSE_BIDDING)
        await world.chain.finalize(receipt.correlation_id, error="TaskMarket.NotBidding")
        seen = await world.market.see(task)
        assert (seen.status, seen.pending_action) == (TaskStatus.REVEALING, Action.NONE)
        assert (await world.storage.fetch(outbox.get, receipt.correlation_id)).status == "failed"


async def test_a_fact_that_says_what_is_so_already_changes_nothing(world: World) -> None:
    market = world.market
    await market.agents()
    task = await market.settle(await market.completed_task())
    bob, ada = await market.see_agent("bob"), await market.see_agent("ada")
    number = task.chain_task_id or 0
    same: list[Any] = [
        AgentRegistered(chain_agent_id=bob.chain_agent_id or 0, account_address=bob.account_address),
        AgentMoved(chain_agent_id=ada.chain_agent_id or 0, status=AgentStatus.ACTIVE),
        AgentUpdated(chain_agent_id=ada.chain_agent_id or 0, metadata=ada.metadata),
        TaskMoved(chain_task_id=number, status=TaskStatus.COMPLETED),
        ResultRecorded(**ids(task, bob), result_hash=hash_of_output(b"6")),
        EscrowReleased(chain_task_id=number, amount=task.paid_amount or 0, fee=task.fee_amount or 0),
    ]
    tables = ("agents", "tasks", "bids", "results", "events")
    before = await dump(world.storage)
    await world.reported(*same)
    after = await dump(world.storage)
    assert [after[table] for table in tables] == [before[table] for table in tables]
    assert await world.anomalies() == []
