"""Disputes: the money waits until somebody decides who gets it."""

import pytest

from storage.chain import outbox
from storage.errors import ChainDecides, InvalidTransition
from storage.facts import EscrowDisputed, EscrowRefunded, TaskMoved
from storage.lifecycle import EscrowStatus, TaskStatus
from storage.market import disputes, lists, tasks
from storage.pages import PageRequest
from storage.records import Action
from storage.store import LOCAL, Storage
from tests.storage.looking import dump, let_the_deadline_pass
from tests.storage.market import Market, chain_of
from tests.storage.world import World


@pytest.mark.parametrize("pay_agent", [True, False])
@pytest.mark.parametrize("agent_id", ["", "bob"], ids=["by the requester", "by the agent"])
async def test_a_disputed_escrow_is_released_or_refunded_in_the_end(
    market: Market, agent_id: str, pay_agent: bool
) -> None:
    await market.agents()
    disputed = await market.dispute(await market.completed_task(), agent_id, "six is wrong")
    assert (disputed.status, disputed.escrow_status) == (TaskStatus.COMPLETED, EscrowStatus.DISPUTED)
    assert (disputed.dispute_reason, disputed.pending_action) == ("six is wrong", Action.NONE)
    by = agent_id or "requester"
    assert disputed.disputed_by == (by if market.storage.binding == LOCAL else f"5{by}")

    resolved = await market.resolve(disputed, pay_agent=pay_agent)
    assert resolved.escrow_status == (EscrowStatus.RELEASED if pay_agent else EscrowStatus.REFUNDED)
    assert (resolved.paid_amount, resolved.fee_amount) == ((90, 0) if pay_agent else (None, None))
    assert resolved.dispute_reason == "six is wrong"


async def test_a_second_dispute_changes_nothing(market: Market) -> None:
    await market.agents()
    task = await market.dispute(await market.assigned_task(), reason="first")
    before = await dump(market.storage)
    again = disputes.Dispute(task_id=task.task_id, agent_id="bob", reason="second")
    receipt = await market.storage.commit(disputes.raise_, again)
    assert (receipt.record, receipt.correlation_id) == (task, "")
    assert await dump(market.storage) == before


async def test_work_goes_on_while_the_money_is_disputed(market: Market) -> None:
    await market.agents()
    task = await market.dispute(await market.assigned_task())
    task = await market.result(task, "bob")
    assert (task.status, task.escrow_status) == (TaskStatus.COMPLETED, EscrowStatus.DISPUTED)


async def test_disputed_escrows_can_be_listed(market: Market) -> None:
    await market.agents()
    await market.assigned_task()
    task = await market.dispute(await market.assigned_task())
    wanted = lists.TaskFilter(escrow_status=EscrowStatus.DISPUTED, page=PageRequest(size=10))
    assert (await market.storage.read(lists.tasks, wanted)).records == [task]


class TestInLocalMode:
    async def test_a_task_that_fails_leaves_its_disputed_escrow_to_the_resolution(
        self, local: Storage
    ) -> None:
        market = await Market.opened(local)
        await market.agents()
        task = await market.dispute(await market.assigned_task())
        await let_the_deadline_pass(local, task.task_id)
        await local.commit(tasks.sweep_deadlines, 10)
        task = await market.see(task)
        assert (task.status, task.escrow_status) == (TaskStatus.FAILED, EscrowStatus.DISPUTED)
        task = await market.resolve(task, pay_agent=False)
        assert task.escrow_status == EscrowStatus.REFUNDED

    async def test_what_is_not_disputed_cannot_be_resolved(self, local: Storage) -> None:
        market = await Market.opened(local)
        await market.agents()
        task = await market.completed_task()
        with pytest.raises(InvalidTransition):
            await market.resolve(task, pay_agent=True)


class TestWithAChain:
    async def test_the_chain_resolves(self, world: World) -> None:
        await world.market.agents()
        task = await world.market.dispute(await world.market.completed_task())
        before = await dump(world.storage)
        with pytest.raises(ChainDecides):
            await world.storage.commit(
                disputes.resolve, disputes.Resolution(task_id=task.task_id, pay_agent=True)
            )
        assert await dump(world.storage) == before

    async def test_a_dispute_that_the_chain_refuses_leaves_the_money_where_it_was(self, world: World) -> None:
        await world.market.agents()
        task = await world.market.assigned_task()
        new = disputes.Dispute(task_id=task.task_id, reason="late")
        receipt = await world.storage.commit(disputes.raise_, new)
        assert receipt.record.dispute_reason == "late"
        await world.chain.finalize(receipt.correlation_id, error="Escrow.NotDisputable")
        task = await world.market.see(task)
        assert (task.escrow_status, task.dispute_reason) == (EscrowStatus.FUNDED, "")
        assert (task.pending_action, task.last_error) == (Action.NONE, "Escrow.NotDisputable")

    async def test_a_cancelled_dispute_that_is_queued_again_has_its_own_reason(self, world: World) -> None:
        await world.market.agents()
        task = await world.market.assigned_task()
        receipts = []
        for reason in ("first", "second"):
            new = disputes.Dispute(task_id=task.task_id, reason=reason)
            receipts.append(await world.storage.commit(disputes.raise_, new))
            await world.storage.commit(outbox.cancel, receipts[-1].correlation_id)
            assert (await world.market.see(task)).dispute_reason == ""
        await world.storage.commit(outbox.requeue, receipts[0].correlation_id)
        assert (await world.market.see(task)).dispute_reason == "first"

    async def test_somebody_elses_client_disputes(self, world: World) -> None:
        await world.market.agents()
        task = await world.market.assigned_task()
        number = task.chain_task_id or 0
        await world.reported(EscrowDisputed(chain_task_id=number, account_address="5Eve"))
        seen = await world.market.see(task)
        assert (seen.escrow_status, seen.disputed_by) == (EscrowStatus.DISPUTED, "5Eve")
        assert seen.dispute_reason == ""
        await world.reported(TaskMoved(chain_task_id=number, status=TaskStatus.FAILED))
        assert (await world.market.see(task)).escrow_status == EscrowStatus.DISPUTED
        await world.reported(EscrowRefunded(chain_task_id=number))
        assert (await world.market.see(task)).escrow_status == EscrowStatus.REFUNDED
        assert await world.anomalies() == []

    async def test_a_dispute_about_an_unknown_task_is_an_anomaly(self, world: World) -> None:
        event = await world.reported(EscrowDisputed(chain_task_id=99, account_address="5Eve"))
        assert event.anomaly == "unknown task 99"

    async def test_after_the_restart_of_a_dispute_by_hand_the_chain_decides(self, world: World) -> None:
        """A cancelled dispute, requeued and executed."""
        await world.market.agents()
        task = await world.market.assigned_task()
        new = disputes.Dispute(task_id=task.task_id, reason="late")
        receipt = await world.storage.commit(disputes.raise_, new)
        await world.storage.commit(outbox.cancel, receipt.correlation_id)
        await world.storage.commit(outbox.requeue, receipt.correlation_id)
        fact = EscrowDisputed(chain_task_id=task.chain_task_id or 0, account_address="5R")
        await chain_of(world.market).finalize(receipt.correlation_id, fact)
        seen = await world.market.see(task)
        assert (seen.escrow_status, seen.dispute_reason) == (EscrowStatus.DISPUTED, "late")
