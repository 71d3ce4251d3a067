"""Items of one batch see what the ones before them decided; asking for what is so already changes nothing."""

from typing import Any

from storage.chain import outbox
from storage.errors import (
    AgentExists,
    AgentNotFound,
    DuplicateBid,
    DuplicateResult,
    InvalidTransition,
    StaleRevision,
    TaskNotBidding,
)
from storage.lifecycle import AgentStatus, BidStatus, TaskStatus
from storage.market import agents, bids, results, tasks
from storage.records import AgentUpdate, Receipt
from storage.store import Storage
from tests.storage.items import a_bid, a_result, a_reveal, a_task, an_agent
from tests.storage.looking import all_of, dump, let_the_deadline_pass, together
from tests.storage.market import Market


async def test_of_two_registrations_of_one_id_in_a_batch_the_first_counts(market: Market) -> None:
    first, second, other = await all_of(
        market.storage, agents.register, an_agent("ada"), an_agent("ada", label="Eve"), an_agent("bob")
    )
    assert isinstance(first, Receipt)
    assert isinstance(second, AgentExists)
    assert isinstance(other, Receipt)
    assert (await market.see_agent("ada")).label == "Ada"


async def test_of_two_bids_of_one_agent_in_a_batch_the_first_counts(market: Market) -> None:
    await market.agents()
    task = await market.task()
    first, second, other = await all_of(
        market.storage, bids.submit, a_bid(task, "ada", 100), a_bid(task, "ada", 7), a_bid(task, "bob")
    )
    assert isinstance(second, DuplicateBid)
    assert second.metadata["bid_id"] == first.record.bid_id
    assert isinstance(other, Receipt)
    assert set(await market.see_bids(task)) == {"ada", "bob"}


async def test_of_two_results_of_one_agent_in_a_batch_the_first_counts(market: Market) -> None:
    await market.agents()
    task = await market.assigned_task()
    first, second = await all_of(
        market.storage, results.submit, a_result(task, "bob", b"first"), a_result(task, "bob", b"second")
    )
    assert isinstance(second, DuplicateResult)
    assert (await market.storage.fetch(results.get_of_task, task.task_id)).output == b"first"
    assert second.metadata["result_id"] == first.record.result_id


async def test_groups_run_in_the_order_of_their_first_items(local: Storage) -> None:
    """A bid that arrives after a cancellation of its task in the same batch comes too late."""
    market = await Market.opened(local)
    await market.agents()
    cancelled, open_task = await market.task(), await market.task()
    commit = local.commit
    cancel, late, in_time = await together(
        local,
        commit(tasks.cancel, cancelled.task_id),
        commit(bids.submit, a_bid(cancelled)),
        commit(bids.submit, a_bid(open_task)),
    )
    assert cancel.record.status == TaskStatus.CANCELLED
    assert isinstance(late, TaskNotBidding)
    assert in_time.record.status == BidStatus.COMMITTED


async def test_a_whole_life_can_pass_in_one_batch(local: Storage) -> None:
    market = await Market.opened(local)
    task = await market.task()
    commit = local.commit
    answers = await together(
        local,
        commit(agents.register, an_agent("ada")),
        commit(bids.submit, a_bid(task, "ada", 5)),
        commit(tasks.close_bidding, task.task_id),
        commit(bids.reveal, a_reveal(task, "ada", 5)),
        commit(tasks.allocate, task.task_id),
        commit(results.submit, a_result(task, "ada")),
        commit(tasks.settle, task.task_id),
    )
    assert all(isinstance(answer, Receipt) for answer in answers)
    settled = await market.see(task)
    assert (settled.status, settled.paid_amount) == (TaskStatus.COMPLETED, 5)
    assert settled.revision == 1 + 4


async def test_two_changes_of_one_agent_in_a_batch_build_on_each_other(local: Storage) -> None:
    market = await Market.opened(local)
    ada = await market.agent("ada")
    first = agents.AgentChange(agent_id="ada", update=AgentUpdate(metadata="1"), revision=ada.revision)
    second = agents.AgentChange(agent_id="ada", update=AgentUpdate(capabilities=("x",)))
    stale = agents.AgentChange(agent_id="ada", update=AgentUpdate(label="Eve"), revision=ada.revision)
    *_, refusal = await all_of(local, agents.change, first, second, stale)
    assert isinstance(refusal, StaleRevision)
    ada = await market.see_agent("ada")
    assert (ada.metadata, ada.capabilities, ada.label, ada.revision) == ("1", ("x",), "Ada", 3)


async def test_registration_and_retirement_in_one_batch(local: Storage) -> None:
    register, retire, unknown = await together(
        local,
        local.commit(agents.register, an_agent("ada")),
        local.commit(agents.retire, "ada"),
        local.commit(agents.retire, "nobody"),
    )
    assert register.record.status == AgentStatus.ACTIVE
    assert retire.record.status == AgentStatus.RETIRED
    assert isinstance(unknown, AgentNotFound)


async def test_what_is_so_already_is_answered_and_changes_nothing(local: Storage) -> None:
    market = await Market.opened(local)
    await market.agents()
    cancelled = await market.cancel(await market.task())
    revealed = await market.revealed_task()
    settled = await market.settle(await market.completed_task())
    assigned = await market.assigned_task()
    retired = await market.retire(await market.agent("eve"))
    before = await dump(local)
    same: list[Any] = [
        await local.commit(tasks.cancel, cancelled.task_id),
        await local.commit(tasks.close_bidding, revealed.task_id),
        await local.commit(bids.reveal, a_reveal(revealed, "ada", 100)),
        await local.commit(tasks.allocate, assigned.task_id),
        await local.commit(tasks.settle, settled.task_id),
        await local.commit(agents.retire, "eve"),
        await local.commit(agents.change, agents.AgentChange(agent_id="ada", update=AgentUpdate())),
        await local.commit(
            agents.change, agents.AgentChange(agent_id="ada", update=AgentUpdate(label="Ada"))
        ),
    ]
    assert [receipt.correlation_id for receipt in same] == [""] * len(same)
    assert (same[0].record, same[4].record, same[5].record) == (cancelled, settled, retired)
    assert await dump(local) == before


async def test_a_cancelled_extrinsic_stays_cancelled(chained: Storage) -> None:
    receipt = await chained.commit(tasks.create, a_task())
    first = await chained.commit(outbox.cancel, receipt.correlation_id)
    before = await dump(chained)
    assert await chained.commit(outbox.cancel, receipt.correlation_id) == first
    assert await dump(chained) == before


async def test_the_lowest_revealed_value_wins_and_of_equals_the_first(local: Storage) -> None:
    market = await Market.opened(local)
    for agent_id in ("late", "dear", "cheap", "silent"):
        await market.agent(agent_id)
    task = await market.task()
    for agent_id, value in (("dear", 9), ("cheap", 7), ("late", 7), ("silent", 1)):
        await market.bid(task, agent_id, value)
    await market.close(task)
    for agent_id, value in (("late", 7), ("dear", 9), ("cheap", 7)):
        await market.reveal(task, agent_id, value)
    receipt = await local.commit(tasks.allocate, task.task_id)
    assert (receipt.record.assigned_agent_id, receipt.record.cost) == ("cheap", 7)
    assert {name: bid.status for name, bid in (await market.see_bids(task)).items()} == {
        "cheap": BidStatus.WON,
        "late": BidStatus.LOST,
        "dear": BidStatus.LOST,
        "silent": BidStatus.COMMITTED,
    }


class TestTheSweepOfDeadlines:
    """In local mode, time passes by a sweep."""

    async def test_it_closes_bidding_windows_and_passes_deadlines(self, local: Storage) -> None:
        market = await Market.opened(local)
        await market.agents()
        closing = await market.task(bidding_window_us=0)
        untouched, expiring = await market.task(), await market.task()
        failing, done = await market.assigned_task(), await market.completed_task()
        await let_the_deadline_pass(local, expiring.task_id, failing.task_id, done.task_id)

        assert len((await local.commit(tasks.sweep_deadlines, 100)).statuses) == 3
        assert (await market.see(closing)).status == TaskStatus.REVEALING
        assert (await market.see(untouched)).status == TaskStatus.BIDDING
        assert (await market.see(done)).status == TaskStatus.COMPLETED
        expired, failed = await market.see(expiring), await market.see(failing)
        assert (expired.status, expired.escrow_status, expired.last_error) == ("expired", "refunded", "")
        assert (failed.status, failed.escrow_status) == ("failed", "refunded")
        assert failed.last_error == "the deadline passed without a result"
        assert len((await local.commit(tasks.sweep_deadlines, 100)).statuses) == 0

    async def test_it_changes_at_most_as_many_tasks_as_it_is_told(self, local: Storage) -> None:
        new = [a_task(bidding_window_us=0), a_task(bidding_window_us=0), a_task(bidding_window_us=0)]
        receipts = await all_of(local, tasks.create, *new, a_task(), a_task())
        await let_the_deadline_pass(local, *(receipt.record.task_id for receipt in receipts[3:]))
        assert [len((await local.commit(tasks.sweep_deadlines, 2)).statuses) for _ in range(4)] == [
            2,
            2,
            1,
            0,
        ]

    async def test_two_sweeps_in_one_batch_share_the_work(self, local: Storage) -> None:
        await all_of(local, tasks.create, *(a_task(bidding_window_us=0) for _ in range(3)))
        both = await all_of(local, tasks.sweep_deadlines, 2, 2)
        assert [len(swept.statuses) for swept in both] == [2, 1]

    async def test_with_a_chain_it_does_nothing(self, chained: Storage) -> None:
        market = await Market.opened(chained)
        task = await market.task()
        await let_the_deadline_pass(chained, task.task_id)
        before = await dump(chained)
        assert len((await chained.commit(tasks.sweep_deadlines, 100)).statuses) == 0
        assert await dump(chained) == before

    async def test_after_it_the_task_is_over(self, local: Storage) -> None:
        task = (await local.commit(tasks.create, a_task())).record
        await let_the_deadline_pass(local, task.task_id)
        await local.commit(tasks.sweep_deadlines, 100)
        (refusal,) = await all_of(local, tasks.cancel, task.task_id)
        assert isinstance(refusal, InvalidTransition)
        assert refusal.metadata == {"from": "expired", "to": "cancelled"}
