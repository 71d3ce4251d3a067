"""Extrinsics that wait, that are withdrawn or given up, and queued again."""

import pytest

from storage.chain import outbox, submission
from storage.chain.submission import Postponed, Unsignable
from storage.errors import ActionPending, ExtrinsicLive, InvalidTransition, Superseded
from storage.facts import AgentUpdated
from storage.lifecycle import ExtrinsicStatus
from storage.market import agents, tasks
from storage.records import Action, Agent, AgentUpdate
from storage.store import Storage
from tests.storage.blocks import TOKEN
from tests.storage.items import MINUTE_US, a_task, an_agent, now_us
from tests.storage.looking import all_of, count, dump
from tests.storage.market import Market, chain_of
from tests.storage.submitter import a_claim, claimed, one_signed, queue_calls, see


class TestWaiting:
    async def test_releases_the_claim_until_later_and_is_no_attempt(self, chained: Storage) -> None:
        (call,) = await queue_calls(chained, 1)
        await claimed(chained, a_claim())
        events = await count(chained, "events")
        assert await chained.commit(submission.postpone, _postponed(call, now_us() + MINUTE_US))
        row = await see(chained, call)
        assert (row.status, row.attempt_count, row.last_error) == ("queued", 0, "the task is not there")
        assert await claimed(chained, a_claim()) == []
        assert await count(chained, "events") == events

    async def test_of_a_lost_lease_changes_nothing(self, chained: Storage) -> None:
        (call,) = await queue_calls(chained, 1)
        before = await dump(chained)
        assert not await chained.commit(submission.postpone, _postponed(call, 0))
        assert await dump(chained) == before


class TestGivingUp:
    async def test_clears_the_intent_and_a_requeue_restores_it(self, chained: Storage) -> None:
        receipt = await chained.commit(tasks.create, a_task())
        await claimed(chained, a_claim())
        await chained.commit(submission.mark_dead, _unsignable(receipt.correlation_id))
        task = (await chained.fetch(tasks.get, receipt.record.task_id)).task
        assert (task.status, task.pending_action, task.last_error) == ("pending", "", "no key")
        row = await see(chained, receipt.correlation_id)
        assert (row.status, row.last_error, row.lease_token) == ("dead", "no key", "")

        row = await chained.commit(outbox.requeue, receipt.correlation_id)
        assert (row.status, row.last_error, row.attempt_count) == ("queued", "", 0)
        task = (await chained.fetch(tasks.get, receipt.record.task_id)).task
        assert (task.pending_action, task.pending_correlation_id, task.last_error) == (
            Action.CREATE_TASK,
            receipt.correlation_id,
            "",
        )
        assert await claimed(chained, a_claim()) == [receipt.correlation_id]

    async def test_an_operator_closes_it_by_a_cancel_and_may_still_requeue_it(self, chained: Storage) -> None:
        receipt = await chained.commit(tasks.create, a_task())
        await claimed(chained, a_claim())
        await chained.commit(submission.mark_dead, _unsignable(receipt.correlation_id))
        row = await chained.commit(outbox.cancel, receipt.correlation_id)
        assert (row.status, row.last_error) == ("cancelled", "no key")
        task = (await chained.fetch(tasks.get, receipt.record.task_id)).task
        assert (task.pending_action, task.last_error) == ("", "no key")
        assert (await chained.commit(outbox.requeue, receipt.correlation_id)).status == "queued"

    async def test_of_a_lost_lease_is_refused(self, chained: Storage) -> None:
        (call,) = await queue_calls(chained, 1)
        before = await dump(chained)
        with pytest.raises(Superseded):
            await chained.commit(submission.mark_dead, _unsignable(call))
        assert await dump(chained) == before

    async def test_by_cancelling_clears_the_intent_and_a_requeue_restores_it(self, chained: Storage) -> None:
        market = await Market.opened(chained)
        task = await market.task()
        receipt = await chained.commit(tasks.cancel, task.task_id)
        await chained.commit(outbox.cancel, receipt.correlation_id)
        seen = await market.see(task)
        assert (seen.status, seen.pending_action) == ("bidding", "")
        assert seen.last_error == "the extrinsic was cancelled"
        assert await claimed(chained, a_claim()) == []
        await chained.commit(outbox.requeue, receipt.correlation_id)
        assert (await market.see(task)).pending_action == Action.CANCEL_TASK

    async def test_of_an_update_hides_its_values_until_a_requeue_shows_them_again(
        self, chained: Storage
    ) -> None:
        market, change = await Market.opened(chained), _update("new")
        ada = await market.agent("ada", metadata="old")
        receipt = await chained.commit(agents.change, change)
        await chained.commit(outbox.cancel, receipt.correlation_id)
        seen = await market.see_agent("ada")
        assert (seen.metadata, seen.pending_update, seen.pending_action) == ("old", None, "")
        await chained.commit(outbox.requeue, receipt.correlation_id)
        assert (await market.see_agent("ada")).pending_update == change.update
        await chain_of(market).finalize(receipt.correlation_id, _updated(ada))
        seen = await market.see_agent("ada")
        assert (seen.metadata, seen.pending_update, seen.pending_action) == ("new", None, "")

    @pytest.mark.parametrize("second_was_executed", [True, False])
    async def test_of_an_update_and_a_requeue_after_another_one_ask_for_its_own_values(
        self, chained: Storage, second_was_executed: bool
    ) -> None:
        market = await Market.opened(chained)
        ada = await market.agent("ada", metadata="old")
        first = await chained.commit(agents.change, _update("first"))
        await chained.commit(outbox.cancel, first.correlation_id)
        second = await chained.commit(agents.change, _update("second"))
        with pytest.raises(ActionPending):
            await chained.commit(outbox.requeue, first.correlation_id)
        if second_was_executed:
            await chain_of(market).finalize(second.correlation_id, _updated(ada))
        else:
            await chained.commit(outbox.cancel, second.correlation_id)
        await chained.commit(outbox.requeue, first.correlation_id)
        assert (await market.see_agent("ada")).pending_update == AgentUpdate(metadata="first")
        await chain_of(market).finalize(first.correlation_id, _updated(ada))
        assert (await market.see_agent("ada")).metadata == "first"

    async def test_by_the_chain_forgets_the_values_of_an_update(self, chained: Storage) -> None:
        market = await Market.opened(chained)
        await market.agent("ada", metadata="old")
        receipt = await chained.commit(agents.change, _update("new"))
        await chain_of(market).finalize(receipt.correlation_id, error="AgentRegistry.NotOwner")
        seen = await market.see_agent("ada")
        assert (seen.metadata, seen.pending_update) == ("old", None)
        assert seen.last_error == "AgentRegistry.NotOwner"

    async def test_cannot_be_undone_while_another_action_waits(self, chained: Storage) -> None:
        market = await Market.opened(chained)
        task = await market.task()
        receipt = await chained.commit(tasks.cancel, task.task_id)
        await chained.commit(outbox.cancel, receipt.correlation_id)
        await chained.commit(tasks.close_bidding, task.task_id)
        before = await dump(chained)
        with pytest.raises(Exception, match="close_bidding on task"):
            await chained.commit(outbox.requeue, receipt.correlation_id)
        assert await dump(chained) == before

    async def test_is_refused_while_a_signature_may_still_be_executed(self, chained: Storage) -> None:
        call, _ = await one_signed(chained)
        before = await dump(chained)
        with pytest.raises(ExtrinsicLive):
            await chained.commit(outbox.cancel, call)
        with pytest.raises(InvalidTransition):
            await chained.commit(outbox.requeue, call)
        assert await dump(chained) == before

    async def test_of_a_registration_by_two_items_of_one_batch_happens_once(self, chained: Storage) -> None:
        receipt = await chained.commit(agents.register, an_agent("ada"))
        first, second = await all_of(chained, outbox.cancel, receipt.correlation_id, receipt.correlation_id)
        assert first == second
        again, refused = await all_of(chained, outbox.requeue, receipt.correlation_id, receipt.correlation_id)
        assert again.status == ExtrinsicStatus.QUEUED
        assert isinstance(refused, InvalidTransition)


def _update(metadata: str) -> agents.AgentChange:
    return agents.AgentChange(agent_id="ada", update=AgentUpdate(metadata=metadata))


def _updated(agent: Agent) -> AgentUpdated:
    return AgentUpdated(chain_agent_id=agent.chain_agent_id or 0)


def _postponed(correlation_id: str, next_attempt_us: int) -> Postponed:
    return Postponed(
        token=TOKEN,
        correlation_id=correlation_id,
        next_attempt_us=next_attempt_us,
        error="the task is not there",
    )


def _unsignable(correlation_id: str) -> Unsignable:
    return Unsignable(token=TOKEN, correlation_id=correlation_id, error="no key")
