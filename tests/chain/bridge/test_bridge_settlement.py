"""Disputes, milestones, agreements and standings, as the chain decides them and its clients make them."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from storage.chain import lists as chain_lists
from storage.chain import outbox
from storage.lifecycle import AgreementStatus, EscrowStatus, ExtrinsicStatus, MilestoneStatus, TaskStatus
from storage.market import disputes, reputations, tasks
from storage.market.tasks import TaskDetail
from storage.pages import PageRequest
from storage.records import Action, Reputation, Task
from tests.support.world import World, eventually

BOB = "did:dev:bob"
ARBITER = "//Arbiter"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World.open() as world, world.bridged():
        yield world


async def assigned(world: World) -> Task:
    """A task that is assigned to Bob for 500."""
    await world.succeeded(await world.register(BOB))
    created = await world.create_task(budget=1000)
    await world.succeeded(created)
    task = created.record
    await world.succeeded(await world.bid(task, BOB, 500))
    await world.succeeded(await world.storage.commit(tasks.close_bidding, task.task_id))
    await world.succeeded(await world.reveal(task, BOB, 500))
    await world.succeeded(await world.storage.commit(tasks.allocate, task.task_id))
    return await world.task(task)


async def seen(world: World, task: Task, expected: Callable[[TaskDetail], Any]) -> TaskDetail:
    """The task with its terms, as soon as it is as expected."""

    async def look() -> TaskDetail | None:
        detail = await world.storage.fetch(tasks.get, task.task_id)
        return detail if expected(detail) else None

    return await eventually(look)


async def no_anomalies(world: World) -> None:
    wanted = chain_lists.ChainEventFilter(page=PageRequest(size=1000))
    events = (await world.storage.read(chain_lists.chain_events, wanted)).records
    assert [event for event in events if event.anomaly] == []


@pytest.mark.parametrize(("pay_agent", "status"), [(True, "released"), (False, "refunded")])
async def test_a_dispute_is_raised_here_and_resolved_by_the_arbiter(
    world: World, pay_agent: bool, status: str
) -> None:
    task = await assigned(world)
    new = disputes.Dispute(task_id=task.task_id, agent_id=BOB, reason="nobody answers")
    raised = await world.storage.commit(disputes.raise_, new)
    assert raised.record.escrow_status == EscrowStatus.FUNDED
    await world.succeeded(raised)
    disputed = await world.task(task)
    assert (disputed.escrow_status, disputed.dispute_reason) == (EscrowStatus.DISPUTED, "nobody answers")
    assert disputed.disputed_by.startswith("5")
    assert disputed.pending_action == Action.NONE

    arguments = {"task_id": task.chain_task_id, "pay_agent": pay_agent}
    decision = outbox.NewCall(
        pallet="Escrow", call="resolve_dispute", payload=json.dumps(arguments), signer="did:dev:arbiter"
    )
    await world.succeeded(await world.storage.commit(outbox.enqueue_call, decision))
    resolved = (await seen(world, task, lambda detail: detail.task.escrow_status == status)).task
    paid = (475, 25) if pay_agent else (None, None)
    assert (resolved.paid_amount, resolved.fee_amount) == paid
    assert resolved.status == TaskStatus.ASSIGNED
    await no_anomalies(world)


async def test_a_dispute_that_comes_too_late_fails_with_the_chains_reason() -> None:
    async with World.open() as world:
        async with world.bridged():
            task = await assigned(world)
            await world.succeeded(await world.submit_result(task, BOB))
        new = disputes.Dispute(task_id=task.task_id, reason="it is wrong")
        raised = await world.storage.commit(disputes.raise_, new)
        await world.foreign_call("Escrow", "release_payment", {"task_id": task.chain_task_id})
        async with world.bridged():
            [extrinsic] = await world.finished(raised)
        assert extrinsic.status == ExtrinsicStatus.FAILED
        found = await world.task(task)
        assert (found.escrow_status, found.dispute_reason) == (EscrowStatus.RELEASED, "")
        assert found.last_error.startswith("Escrow.NotDisputable")


async def test_milestones_are_paid_apart_from_the_rest(world: World) -> None:
    task = await assigned(world)
    number = task.chain_task_id
    added = {"task_id": number, "description": "half of it", "amount": 200, "required_approvals": 2}
    await world.foreign_call("Escrow", "add_milestone", added)
    of_first = {"task_id": number, "milestone_id": 1}
    await world.foreign_call("Escrow", "complete_milestone", of_first, "//Bob")
    await world.foreign_call("Escrow", "approve_milestone", of_first)
    [milestone] = (
        await seen(world, task, lambda detail: detail.milestones and detail.milestones[0].approved_by)
    ).milestones
    assert (milestone.number, milestone.amount, milestone.description) == (1, 200, "half of it")
    assert (milestone.status, milestone.required_approvals) == (MilestoneStatus.COMPLETED, 2)
    await world.foreign_call("Escrow", "approve_milestone", of_first, ARBITER)
    [milestone] = (
        await seen(world, task, lambda detail: detail.milestones[0].status == MilestoneStatus.PAID)
    ).milestones
    assert (milestone.paid_amount, len(milestone.approved_by)) == (200, 2)
    assert milestone.recipient == (await world.agent(BOB)).account_address

    await world.succeeded(await world.submit_result(task, BOB))
    await world.succeeded(await world.storage.commit(tasks.settle, task.task_id))
    settled = await world.task(task)
    assert (settled.cost, settled.paid_amount, settled.fee_amount) == (500, 285, 15)
    await no_anomalies(world)


async def test_an_agreement_is_followed_to_its_end(world: World) -> None:
    task = await assigned(world)
    agent_id = (await world.agent(BOB)).chain_agent_id
    proposed = {"task_id": task.chain_task_id, "agent_id": agent_id, "terms_hash": b"t" * 32}
    await world.foreign_call("Commitments", "propose_commitment", proposed)
    of_first = {"commitment_id": 1}
    await world.foreign_call("Commitments", "sign_commitment", of_first, "//Bob")
    await world.foreign_call("Commitments", "finalize_commitment", of_first)
    detail = await seen(
        world, task, lambda detail: detail.agreement and detail.agreement.status == "finalized"
    )
    assert detail.agreement is not None
    assert (detail.agreement.agent_id, detail.agreement.terms_hash) == (BOB, b"t" * 32)
    await world.foreign_call("Commitments", "dispute_commitment", of_first, "//Bob")
    await seen(
        world,
        task,
        lambda detail: detail.agreement and detail.agreement.status == AgreementStatus.DISPUTED,
    )
    await no_anomalies(world)


async def test_the_standing_of_an_agent_is_that_of_its_account_on_the_chain(world: World) -> None:
    bond = 10**15
    await world.foreign_call("Reputation", "bond_reputation", {"value": bond}, "//Bob")
    task = await assigned(world)
    await world.succeeded(await world.submit_result(task, BOB))
    await world.succeeded(await world.storage.commit(tasks.settle, task.task_id))
    account = world.account("//Bob")
    report = {"agent": account, "task_id": 1, "success": False}
    await world.foreign_call("Reputation", "report_outcome", report, ARBITER)
    await world.foreign_call("Reputation", "slash_severe", {"agent": account, "offense_code": 3}, ARBITER)
    await world.foreign_call("Reputation", "unbond_reputation", {"value": 10**14}, "//Bob")

    stake = world.stored("Reputation", "Stakes", account)

    async def look() -> Reputation | None:
        found = await world.storage.fetch(reputations.get_of_agent, BOB)
        return found if found.unbonded else None

    found = await eventually(look)
    assert (found.score, found.staked, found.slashed) == (
        stake["reputation"],
        stake["staked"],
        stake["slashed"],
    )
    assert found.staked < bond
    assert (found.tasks_completed, found.tasks_failed, found.severe_slashes) == (1, 1, 1)
    await no_anomalies(world)


class TestBatches:
    """A batch succeeds although one of its calls failed; whoever asked for it is told."""

    @pytest.mark.parametrize(
        ("call", "executed", "error"),
        [
            ("batch", 1, "executed, but item 1 failed: TaskMarket.TaskNotFound: "),
            ("force_batch", 2, "executed, but item 1 failed: TaskMarket.TaskNotFound: "),
            ("batch_all", 0, "TaskMarket.TaskNotFound: "),
        ],
    )
    async def test_with_a_call_that_fails(self, world: World, call: str, executed: int, error: str) -> None:
        dest = world.address("//Eve")
        good = f'{{"Balances": {{"transfer_keep_alive": {{"dest": "{dest}", "value": "1000000000000"}}}}}}'
        bad = '{"TaskMarket": {"cancel_task": {"task_id": 99}}}'
        calls = ", ".join((good, bad, good))
        new = outbox.NewCall(pallet="Utility", call=call, payload=f'{{"calls": [{calls}]}}')
        [extrinsic] = await world.finished(await world.storage.commit(outbox.enqueue_call, new))
        assert (extrinsic.status, extrinsic.last_error[: len(error)]) == (ExtrinsicStatus.FAILED, error)
        assert world.calls_executed("Balances", "Transfer") == executed

    async def test_with_calls_that_all_succeed(self, world: World) -> None:
        remark = '{"System": {"remark": {"remark": "0x00"}}}'
        new = outbox.NewCall(pallet="Utility", call="force_batch", payload=f'{{"calls": [{remark}]}}')
        await world.succeeded(await world.storage.commit(outbox.enqueue_call, new))
