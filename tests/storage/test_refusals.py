"""Every refusal: it says why, changes nothing, and fails no neighbour in its batch."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from storage import errors
from storage.chain import outbox
from storage.market import agents, bids, disputes, results, tasks
from storage.outcome import Mutation
from storage.records import AgentUpdate
from tests.storage.items import HOUR_US, a_bid, a_result, a_reveal, a_task, an_agent, now_us
from tests.storage.looking import all_of, dump, let_the_deadline_pass, together
from tests.storage.market import Market


class Attempt(NamedTuple):
    """An item that is refused, and one of the same mutation that is not."""

    mutation: Mutation[Any, Any]
    refused: Any
    accepted: Any


Situation = Callable[[Market], Awaitable[Attempt]]
SITUATIONS: list[tuple[type[errors.Refusal], Situation]] = []


def refused_as(error: type[errors.Refusal]) -> Callable[[Situation], Situation]:
    def collect(situation: Situation) -> Situation:
        SITUATIONS.append((error, situation))
        return situation

    return collect


@refused_as(errors.AgentExists)
async def registering_a_taken_id(market: Market) -> Attempt:
    await market.agent("ada")
    return Attempt(agents.register, an_agent("ada", label="Eve"), an_agent("bob"))


@refused_as(errors.AgentNotFound)
async def changing_an_unknown_agent(market: Market) -> Attempt:
    await market.agent("ada")
    update = AgentUpdate(metadata="{}")
    return Attempt(agents.change, _change("nobody", update), _change("ada", update))


@refused_as(errors.StaleRevision)
async def changing_an_agent_that_changed_meanwhile(market: Market) -> Attempt:
    ada = await market.agent("ada")
    update = AgentUpdate(label="Countess")
    stale = _change("ada", update, revision=ada.revision + 1)
    return Attempt(agents.change, stale, _change("ada", update, revision=ada.revision))


@refused_as(errors.AgentNotActive)
async def changing_a_retired_agent(market: Market) -> Attempt:
    await market.agents()
    await market.retire(await market.see_agent("ada"))
    update = AgentUpdate(label="Countess")
    return Attempt(agents.change, _change("ada", update), _change("bob", update))


@refused_as(errors.AgentNotFound)
async def retiring_an_unknown_agent(market: Market) -> Attempt:
    await market.agent("ada")
    return Attempt(agents.retire, "nobody", "ada")


@refused_as(errors.DeadlinePassed)
async def creating_a_task_whose_deadline_has_passed(market: Market) -> Attempt:
    return Attempt(tasks.create, a_task(deadline_us=now_us() - HOUR_US), a_task())


@refused_as(errors.TaskNotFound)
async def cancelling_an_unknown_task(market: Market) -> Attempt:
    return Attempt(tasks.cancel, "nothing", (await market.task()).task_id)


@refused_as(errors.InvalidTransition)
async def cancelling_an_assigned_task(market: Market) -> Attempt:
    await market.agents()
    return Attempt(tasks.cancel, (await market.assigned_task()).task_id, (await market.task()).task_id)


@refused_as(errors.TaskNotFound)
async def closing_the_bidding_of_an_unknown_task(market: Market) -> Attempt:
    return Attempt(tasks.close_bidding, "nothing", (await market.task()).task_id)


@refused_as(errors.InvalidTransition)
async def closing_the_bidding_of_a_cancelled_task(market: Market) -> Attempt:
    cancelled = await market.cancel(await market.task())
    return Attempt(tasks.close_bidding, cancelled.task_id, (await market.task()).task_id)


@refused_as(errors.TaskNotFound)
async def allocating_an_unknown_task(market: Market) -> Attempt:
    await market.agents()
    return Attempt(tasks.allocate, "nothing", (await market.revealed_task()).task_id)


@refused_as(errors.TaskNotRevealing)
async def allocating_a_task_that_is_bidding(market: Market) -> Attempt:
    await market.agents()
    return Attempt(tasks.allocate, (await market.task()).task_id, (await market.revealed_task()).task_id)


@refused_as(errors.NoRevealedBid)
async def allocating_a_task_without_a_revealed_bid(market: Market) -> Attempt:
    await market.agents()
    unrevealed, revealed = await market.revealing_task(), await market.revealed_task()
    return Attempt(tasks.allocate, unrevealed.task_id, revealed.task_id)


@refused_as(errors.TaskNotFound)
async def settling_an_unknown_task(market: Market) -> Attempt:
    await market.agents()
    return Attempt(tasks.settle, "nothing", (await market.completed_task()).task_id)


@refused_as(errors.InvalidTransition)
async def settling_a_task_that_is_assigned_but_has_no_result(market: Market) -> Attempt:
    await market.agents()
    return Attempt(
        tasks.settle, (await market.assigned_task()).task_id, (await market.completed_task()).task_id
    )


@refused_as(errors.InvalidTransition)
async def settling_a_cancelled_task(market: Market) -> Attempt:
    await market.agents()
    cancelled = await market.cancel(await market.task())
    return Attempt(tasks.settle, cancelled.task_id, (await market.completed_task()).task_id)


@refused_as(errors.InvalidTransition)
async def settling_a_task_whose_escrow_is_disputed(market: Market) -> Attempt:
    await market.agents()
    disputed = await market.dispute(await market.completed_task())
    return Attempt(tasks.settle, disputed.task_id, (await market.completed_task()).task_id)


@refused_as(errors.TaskNotFound)
async def disputing_an_unknown_task(market: Market) -> Attempt:
    await market.agents()
    return Attempt(disputes.raise_, _dispute("nothing"), _dispute((await market.assigned_task()).task_id))


@refused_as(errors.InvalidTransition)
async def disputing_a_task_that_nobody_works_on(market: Market) -> Attempt:
    await market.agents()
    early, assigned = await market.task(), await market.assigned_task()
    return Attempt(disputes.raise_, _dispute(early.task_id), _dispute(assigned.task_id))


@refused_as(errors.TaskNotAssigned)
async def disputing_by_an_agent_that_is_not_the_winner(market: Market) -> Attempt:
    await market.agents()
    task = await market.assigned_task()
    return Attempt(disputes.raise_, _dispute(task.task_id, "ada"), _dispute(task.task_id, "bob"))


@refused_as(errors.InvalidTransition)
async def disputing_what_was_paid(market: Market) -> Attempt:
    await market.agents()
    paid, unpaid = await market.settle(await market.completed_task()), await market.completed_task()
    return Attempt(disputes.raise_, _dispute(paid.task_id), _dispute(unpaid.task_id))


@refused_as(errors.TaskNotFound)
async def bidding_on_an_unknown_task(market: Market) -> Attempt:
    await market.agent("ada")
    task = await market.task()
    nowhere = bids.NewBid(task_id="nothing", agent_id="ada", commitment=b"c" * 32)
    return Attempt(bids.submit, nowhere, a_bid(task))


@refused_as(errors.AgentNotFound)
async def bidding_for_an_unknown_agent(market: Market) -> Attempt:
    await market.agent("ada")
    task = await market.task()
    return Attempt(bids.submit, a_bid(task, "nobody"), a_bid(task, "ada"))


@refused_as(errors.AgentNotActive)
async def bidding_for_a_retired_agent(market: Market) -> Attempt:
    await market.agents()
    await market.retire(await market.see_agent("ada"))
    task = await market.task()
    return Attempt(bids.submit, a_bid(task, "ada"), a_bid(task, "bob"))


@refused_as(errors.TaskNotBidding)
async def bidding_on_a_cancelled_task(market: Market) -> Attempt:
    await market.agent("ada")
    cancelled = await market.cancel(await market.task())
    return Attempt(bids.submit, a_bid(cancelled), a_bid(await market.task()))


@refused_as(errors.TaskNotBidding)
async def bidding_on_a_task_that_is_revealing(market: Market) -> Attempt:
    await market.agents()
    await market.agent("eve")
    return Attempt(bids.submit, a_bid(await market.revealing_task(), "eve"), a_bid(await market.task()))


@refused_as(errors.DeadlinePassed)
async def bidding_after_the_deadline(market: Market) -> Attempt:
    await market.agent("ada")
    late = await market.task()
    await let_the_deadline_pass(market.storage, late.task_id)
    return Attempt(bids.submit, a_bid(late), a_bid(await market.task()))


@refused_as(errors.DuplicateBid)
async def bidding_twice(market: Market) -> Attempt:
    await market.agents()
    task = await market.task()
    await market.bid(task, "ada", 100)
    return Attempt(bids.submit, a_bid(task, "ada", 7), a_bid(task, "bob"))


@refused_as(errors.TaskNotFound)
async def revealing_on_an_unknown_task(market: Market) -> Attempt:
    await market.agents()
    task = await market.revealing_task()
    nowhere = bids.Reveal(task_id="nothing", agent_id="ada", value=100, nonce=b"n" * 32)
    return Attempt(bids.reveal, nowhere, a_reveal(task))


@refused_as(errors.BidNotFound)
async def revealing_a_bid_that_was_never_made(market: Market) -> Attempt:
    await market.agents()
    task = await market.revealing_task()
    return Attempt(bids.reveal, a_reveal(task, "nobody"), a_reveal(task, "ada"))


@refused_as(errors.TaskNotRevealing)
async def revealing_while_the_task_is_bidding(market: Market) -> Attempt:
    await market.agents()
    early = await market.task()
    await market.bid(early)
    return Attempt(bids.reveal, a_reveal(early), a_reveal(await market.revealing_task()))


@refused_as(errors.CommitmentMismatch)
async def revealing_another_value_than_the_committed_one(market: Market) -> Attempt:
    await market.agents()
    task = await market.revealing_task()
    return Attempt(bids.reveal, a_reveal(task, "ada", 99), a_reveal(task, "bob", 90))


@refused_as(errors.CommitmentMismatch)
async def revealing_with_another_nonce(market: Market) -> Attempt:
    await market.agents()
    task = await market.revealing_task()
    return Attempt(bids.reveal, a_reveal(task, "ada", 100, b"x" * 32), a_reveal(task, "bob", 90))


@refused_as(errors.ValueAboveBudget)
async def revealing_a_value_above_the_budget(market: Market) -> Attempt:
    await market.agents()
    task = await market.task(max_budget=99)
    await market.bid(task, "ada", 100)
    await market.bid(task, "bob", 99)
    task = await market.close(task)
    return Attempt(bids.reveal, a_reveal(task, "ada", 100), a_reveal(task, "bob", 99))


@refused_as(errors.TaskNotFound)
async def submitting_a_result_of_an_unknown_task(market: Market) -> Attempt:
    await market.agents()
    nowhere = results.NewResult(task_id="nothing", agent_id="bob")
    return Attempt(results.submit, nowhere, a_result(await market.assigned_task(), "bob"))


@refused_as(errors.AgentNotFound)
async def submitting_a_result_of_an_unknown_agent(market: Market) -> Attempt:
    await market.agents()
    task = await market.assigned_task()
    return Attempt(results.submit, a_result(task, "nobody"), a_result(task, "bob"))


@refused_as(errors.TaskNotAssigned)
async def submitting_the_result_of_somebody_elses_task(market: Market) -> Attempt:
    await market.agents()
    task = await market.assigned_task()
    return Attempt(results.submit, a_result(task, "ada"), a_result(task, "bob"))


@refused_as(errors.DeadlinePassed)
async def submitting_a_result_after_the_deadline(market: Market) -> Attempt:
    await market.agents()
    late, in_time = await market.assigned_task(), await market.assigned_task()
    await let_the_deadline_pass(market.storage, late.task_id)
    return Attempt(results.submit, a_result(late, "bob"), a_result(in_time, "bob"))


@refused_as(errors.DuplicateResult)
async def submitting_a_second_result(market: Market) -> Attempt:
    await market.agents()
    done = await market.completed_task()
    return Attempt(results.submit, a_result(done, "bob"), a_result(await market.assigned_task(), "bob"))


@refused_as(errors.ExtrinsicNotFound)
async def cancelling_an_unknown_extrinsic(market: Market) -> Attempt:
    return Attempt(outbox.cancel, "nothing", None)


@refused_as(errors.ExtrinsicNotFound)
async def requeueing_an_unknown_extrinsic(market: Market) -> Attempt:
    return Attempt(outbox.requeue, "nothing", None)


def _dispute(task_id: str, agent_id: str = "") -> disputes.Dispute:
    return disputes.Dispute(task_id=task_id, agent_id=agent_id, reason="it is late")


def _change(agent_id: str, update: AgentUpdate, revision: int = 0) -> agents.AgentChange:
    return agents.AgentChange(agent_id=agent_id, update=update, revision=revision)


@pytest.mark.parametrize(
    ("error", "situation"), SITUATIONS, ids=[situation.__name__ for _, situation in SITUATIONS]
)
async def test_a_refusal_says_why_and_changes_nothing_and_fails_no_neighbour_in_its_batch(
    market: Market, error: type[errors.Refusal], situation: Situation
) -> None:
    attempt = await situation(market)
    commit = market.storage.commit
    before = await dump(market.storage)
    with pytest.raises(error) as refusal:
        await commit(attempt.mutation, attempt.refused)
    assert refusal.value.message
    assert refusal.value.resource or refusal.value.field
    assert await dump(market.storage) == before

    neighbours = [commit(tasks.create, a_task()), commit(agents.register, an_agent("neighbour"))]
    if attempt.accepted is not None:
        neighbours.append(commit(attempt.mutation, attempt.accepted))
    again, *answers = await together(market.storage, commit(attempt.mutation, attempt.refused), *neighbours)
    assert type(again) is error
    assert not [answer for answer in answers if isinstance(answer, BaseException)]


async def test_in_a_batch_of_only_refusals_each_gets_its_own(market: Market) -> None:
    answers = await all_of(market.storage, tasks.cancel, "one", "two", "one")
    assert [answer.resource for answer in answers] == [("task", "one"), ("task", "two"), ("task", "one")]
    assert len({id(answer) for answer in answers}) == 3
