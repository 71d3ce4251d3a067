"""Agreements on tasks and milestones of their escrows: as the chain tells of them."""

from typing import Any

import pytest

from storage.errors import AgreementNotFound, TaskNotFound
from storage.facts import (
    AgentRegistered,
    AgreementMoved,
    AgreementProposed,
    Fact,
    MilestoneAdded,
    MilestoneApproved,
    MilestoneCompleted,
    MilestonePaid,
    TaskCreated,
)
from storage.lifecycle import AgreementStatus, MilestoneStatus
from storage.market import agreements, tasks
from storage.market.tasks import TaskDetail
from storage.records import Task
from tests.storage.blocks import Step, hash_of
from tests.storage.looking import dump
from tests.storage.world import World, ids

TERMS = b"t" * 32


async def assigned(world: World) -> Task:
    await world.market.agents()
    return await world.market.assigned_task()


async def proposal(world: World, task: Task, number: int = 1) -> AgreementProposed:
    bob = await world.market.see_agent("bob")
    return AgreementProposed(
        **ids(task, bob), chain_agreement_id=number, account_address="5R", terms_hash=TERMS
    )


async def see(world: World, task: Task) -> TaskDetail:
    return await world.storage.fetch(tasks.get, task.task_id)


class TestAgreements:
    async def test_one_is_proposed_signed_and_finalized(self, world: World) -> None:
        task = await assigned(world)
        await world.reported(await proposal(world, task))
        found = (await see(world, task)).agreement
        assert found is not None
        assert (found.task_id, found.agent_id, found.chain_agreement_id) == (task.task_id, "bob", 1)
        assert (found.proposer, found.terms_hash, found.status) == ("5R", TERMS, "proposed")
        for status in (AgreementStatus.SIGNED, AgreementStatus.FINALIZED):
            await world.reported(AgreementMoved(chain_agreement_id=1, status=status))
            found = await world.storage.fetch(agreements.get_of_task, task.task_id)
            assert found.status == status
        assert found.revision == 3
        assert await world.anomalies() == []

    async def test_the_newest_counts_unless_another_is_open(self, world: World) -> None:
        task = await assigned(world)
        for number in (1, 2):
            await world.reported(await proposal(world, task, number))
            await world.reported(AgreementMoved(chain_agreement_id=number, status=AgreementStatus.CANCELLED))
            found = await world.storage.fetch(agreements.get_of_task, task.task_id)
            assert found.chain_agreement_id == number
        await world.reported(AgreementMoved(chain_agreement_id=1, status=AgreementStatus.SIGNED))
        assert (await world.storage.fetch(agreements.get_of_task, task.task_id)).chain_agreement_id == 1
        assert await world.anomalies() == ["agreement moved from cancelled to signed"]

    async def test_all_in_one_ingest_with_the_task_and_the_agent(self, world: World) -> None:
        both: dict[str, Any] = {"chain_task_id": 5, "chain_agent_id": 1}
        steps: list[tuple[Fact, ...]] = [
            (AgentRegistered(chain_agent_id=1, account_address="5A", agent_id="ada"),),
            (TaskCreated(chain_task_id=5, budget=9),),
            (
                AgreementProposed(**both, chain_agreement_id=3, account_address="5R", terms_hash=TERMS),
                MilestoneAdded(chain_task_id=5, number=1, amount=4, required_approvals=1),
            ),
            (
                AgreementMoved(chain_agreement_id=3, status=AgreementStatus.DISPUTED),
                MilestoneCompleted(chain_task_id=5, number=1),
            ),
        ]
        await world.chain.blocks(*((Step(hash_of(facts), facts),) for facts in steps))
        detail = await see(world, await world.only_task())
        assert detail.agreement is not None
        assert (detail.agreement.agent_id, detail.agreement.status) == ("ada", AgreementStatus.DISPUTED)
        assert [milestone.status for milestone in detail.milestones] == [MilestoneStatus.COMPLETED]
        assert await world.anomalies() == []

    async def test_without_any_there_is_none(self, world: World) -> None:
        task = await world.market.task()
        assert (await see(world, task)).agreement is None
        with pytest.raises(AgreementNotFound):
            await world.storage.fetch(agreements.get_of_task, task.task_id)
        with pytest.raises(TaskNotFound):
            await world.storage.fetch(agreements.get_of_task, "nothing")


class TestMilestones:
    async def test_one_is_added_completed_approved_and_paid(self, world: World) -> None:
        task = await assigned(world)
        number = task.chain_task_id or 0
        of_first: dict[str, Any] = {"chain_task_id": number, "number": 1}
        await world.reported(
            MilestoneAdded(**of_first, amount=40, required_approvals=2, description="half"),
            MilestoneAdded(chain_task_id=number, number=2, amount=50, required_approvals=1),
        )
        await world.reported(MilestoneCompleted(**of_first))
        await world.reported(MilestoneApproved(**of_first, account_address="5R"))
        first, second = (await see(world, task)).milestones
        assert (first.number, first.amount, first.description) == (1, 40, "half")
        assert (first.status, first.approved_by, first.required_approvals) == ("completed", ("5R",), 2)
        assert (second.number, second.amount, second.status, second.description) == (2, 50, "open", "")
        await world.reported(
            MilestoneApproved(**of_first, account_address="5Arbiter"),
            MilestonePaid(**of_first, amount=38, account_address="5bob"),
        )
        first = (await see(world, task)).milestones[0]
        assert (first.status, first.paid_amount, first.recipient) == (MilestoneStatus.PAID, 38, "5bob")
        assert first.approved_by == ("5R", "5Arbiter")
        assert await world.anomalies() == []


async def test_facts_applied_twice_change_nothing(world: World) -> None:
    task = await assigned(world)
    of_first: dict[str, Any] = {"chain_task_id": task.chain_task_id or 0, "number": 1}
    facts: list[Fact] = [
        await proposal(world, task),
        AgreementMoved(chain_agreement_id=1, status=AgreementStatus.SIGNED),
        MilestoneAdded(**of_first, amount=40, required_approvals=1),
        MilestoneCompleted(**of_first),
        MilestoneApproved(**of_first, account_address="5R"),
        MilestonePaid(**of_first, amount=40, account_address="5bob"),
    ]
    await world.reported(*facts)
    tables = ("agreements", "milestones", "events")
    before = await dump(world.storage)
    await world.reported(*facts)
    after = await dump(world.storage)
    assert [after[table] for table in tables] == [before[table] for table in tables]
    assert await world.anomalies() == []


@pytest.mark.parametrize(
    ("fact", "anomaly"),
    [
        (AgreementMoved(chain_agreement_id=9, status=AgreementStatus.SIGNED), "unknown agreement 9"),
        (
            AgreementProposed(
                chain_task_id=99,
                chain_agent_id=1,
                chain_agreement_id=9,
                account_address="5",
                terms_hash=TERMS,
            ),
            "unknown task 99",
        ),
        (MilestoneAdded(chain_task_id=99, number=1, amount=1, required_approvals=1), "unknown task 99"),
        (MilestoneCompleted(chain_task_id=99, number=1), "unknown task 99"),
    ],
)
async def test_what_refers_to_something_unknown_is_kept_as_an_anomaly(
    world: World, fact: Fact, anomaly: str
) -> None:
    assert (await world.reported(fact)).anomaly == anomaly


async def test_an_unknown_milestone_and_an_unknown_agent_are_anomalies_too(world: World) -> None:
    task = await assigned(world)
    number = task.chain_task_id or 0
    event = await world.reported(MilestoneApproved(chain_task_id=number, number=4, account_address="5R"))
    assert event.anomaly == f"unknown milestone 4 of task {number}"
    unknown = AgreementProposed(
        chain_task_id=number, chain_agent_id=77, chain_agreement_id=1, account_address="5R", terms_hash=TERMS
    )
    assert (await world.reported(unknown)).anomaly == "unknown agent 77"
    agreement = (await see(world, task)).agreement
    assert agreement is not None
    assert agreement.agent_id == "chain:agent:77"


async def test_a_jump_is_taken_and_told(world: World) -> None:
    task = await assigned(world)
    of_first: dict[str, Any] = {"chain_task_id": task.chain_task_id or 0, "number": 1}
    await world.reported(MilestoneAdded(**of_first, amount=40, required_approvals=1))
    await world.reported(MilestonePaid(**of_first, amount=40, account_address="5bob"))
    assert (await see(world, task)).milestones[0].status == MilestoneStatus.PAID
    assert await world.anomalies() == ["milestone moved from open to paid"]
