"""The steps of a task's life, which end the same whether this database or its chain decides."""

import pytest

from storage.errors import Refusal
from storage.lifecycle import AgentStatus, BidStatus, EscrowStatus, TaskStatus
from storage.records import Action
from tests.storage.looking import dump
from tests.storage.market import FEE, Market


async def test_a_task_goes_from_registration_to_settlement(market: Market) -> None:
    await market.agents()
    task = await market.task()
    assert (task.status, task.escrow_status) == (TaskStatus.BIDDING, EscrowStatus.FUNDED)
    assert (await market.bid(task, "ada", 100)).status == BidStatus.COMMITTED
    assert (await market.bid(task, "bob", 90)).status == BidStatus.COMMITTED
    assert (await market.close(task)).status == TaskStatus.REVEALING
    revealed = await market.reveal(task, "ada", 100)
    assert (revealed.status, revealed.value) == (BidStatus.REVEALED, 100)
    await market.reveal(task, "bob", 90)

    task = await market.allocate(task, "bob", 90)
    assert (task.status, task.assigned_agent_id, task.cost) == (TaskStatus.ASSIGNED, "bob", 90)
    assert {name: bid.status for name, bid in (await market.see_bids(task)).items()} == {
        "ada": BidStatus.LOST,
        "bob": BidStatus.WON,
    }
    task = await market.result(task, "bob")
    assert (task.status, task.escrow_status) == (TaskStatus.COMPLETED, EscrowStatus.FUNDED)
    task = await market.settle(task)
    assert (task.status, task.escrow_status) == (TaskStatus.COMPLETED, EscrowStatus.RELEASED)
    fee = 0 if market.chain is None else FEE
    assert (task.paid_amount, task.fee_amount) == (90 - fee, fee)


async def test_whoever_watches_sees_each_revision_of_each_entity_once_and_in_order(market: Market) -> None:
    await market.agents()
    await market.settle(await market.completed_task())
    tables = await dump(market.storage)
    log = tables["events"]
    assert [row[0] for row in log] == list(range(1, len(log) + 1))
    revisions: dict[tuple[str, str], list[int]] = {}
    for _, _, entity, entity_id, created, _, _, revision, _ in log:
        seen = revisions.setdefault((entity, entity_id), [])
        assert created == (not seen)
        seen.append(revision)
    assert all(seen == list(range(1, len(seen) + 1)) for seen in revisions.values())
    stored = sum(len(tables[name]) for name in ("agents", "tasks", "bids", "results", "extrinsics"))
    assert len(revisions) == stored


async def test_nothing_waits_for_the_chain_when_all_is_done(market: Market) -> None:
    await market.agents()
    task = await market.settle(await market.completed_task())
    entities = [task, *(await market.see_bids(task)).values(), await market.see_agent("ada")]
    assert {entity.pending_action for entity in entities} == {Action.NONE}
    assert {entity.last_error for entity in entities} == {""}


async def test_a_cancelled_task_is_refunded_and_takes_no_more_steps(market: Market) -> None:
    await market.agents()
    task = await market.cancel(await market.revealing_task())
    assert (task.status, task.escrow_status) == (TaskStatus.CANCELLED, EscrowStatus.REFUNDED)
    for step in (market.close, market.reveal, market.allocate, market.result, market.settle):
        with pytest.raises(Refusal):
            await step(task)


async def test_a_retired_agent_bids_no_more(market: Market) -> None:
    agent = await market.retire(await market.agent("ada"))
    assert agent.status == AgentStatus.RETIRED
    with pytest.raises(Refusal, match="is retired, not active"):
        await market.bid(await market.task(), "ada")
