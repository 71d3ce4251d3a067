"""With a chain, a mutation is an intent: the entity shows it, the outbox holds it, nothing moves yet."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from storage.chain import outbox
from storage.errors import ActionPending, NoChain
from storage.lifecycle import AgentStatus, BidStatus, ExtrinsicStatus, ResultStatus, TaskStatus
from storage.market import agents, bids, disputes, results, tasks
from storage.outcome import Mutation
from storage.records import Action, AgentUpdate, Extrinsic, Receipt, Task
from storage.store import Storage
from tests.storage.items import a_bid, a_result, a_reveal, a_task, an_agent
from tests.storage.looking import a_request, all_of, count, dump
from tests.storage.market import Market

Attempt = tuple[Mutation[Any, Any], Any]
Situation = Callable[[Market], Awaitable[Attempt]]


async def registering(market: Market) -> Attempt:
    return agents.register, an_agent("eve")


async def updating(market: Market) -> Attempt:
    return agents.change, agents.AgentChange(agent_id="ada", update=AgentUpdate(metadata="{}"))


async def retiring(market: Market) -> Attempt:
    return agents.retire, "ada"


async def creating(market: Market) -> Attempt:
    return tasks.create, a_task()


async def cancelling(market: Market) -> Attempt:
    return tasks.cancel, (await market.task()).task_id


async def closing(market: Market) -> Attempt:
    return tasks.close_bidding, (await market.task()).task_id


async def allocating(market: Market) -> Attempt:
    return tasks.allocate, (await market.revealed_task()).task_id


async def settling(market: Market) -> Attempt:
    return tasks.settle, (await market.completed_task()).task_id


async def disputing(market: Market) -> Attempt:
    task = await market.assigned_task()
    return disputes.raise_, disputes.Dispute(task_id=task.task_id, reason="it is late")


async def disputing_by_the_agent(market: Market) -> Attempt:
    task = await market.completed_task()
    return disputes.raise_, disputes.Dispute(task_id=task.task_id, reason="unpaid", agent_id="bob")


async def bidding(market: Market) -> Attempt:
    return bids.submit, a_bid(await market.task())


async def revealing(market: Market) -> Attempt:
    return bids.reveal, a_reveal(await market.revealing_task())


async def submitting_a_result(market: Market) -> Attempt:
    return results.submit, a_result(await market.assigned_task(), "bob")


# Situation, the action it asks of the chain, who signs for it, and the status of the entity meanwhile.
INTENTS = [
    (registering, Action.REGISTER_AGENT, "eve", AgentStatus.PENDING),
    (updating, Action.UPDATE_AGENT, "ada", AgentStatus.ACTIVE),
    (retiring, Action.RETIRE_AGENT, "ada", AgentStatus.ACTIVE),
    (creating, Action.CREATE_TASK, "requester", TaskStatus.PENDING),
    (cancelling, Action.CANCEL_TASK, "requester", TaskStatus.BIDDING),
    (closing, Action.CLOSE_BIDDING, "requester", TaskStatus.BIDDING),
    (allocating, Action.ALLOCATE_TASK, "requester", TaskStatus.REVEALING),
    (settling, Action.SETTLE_TASK, "requester", TaskStatus.COMPLETED),
    (disputing, Action.DISPUTE_TASK, "requester", TaskStatus.ASSIGNED),
    (disputing_by_the_agent, Action.DISPUTE_TASK, "bob", TaskStatus.COMPLETED),
    (bidding, Action.SUBMIT_BID, "ada", BidStatus.PENDING),
    (revealing, Action.REVEAL_BID, "ada", BidStatus.COMMITTED),
    (submitting_a_result, Action.SUBMIT_RESULT, "bob", ResultStatus.PENDING),
]
each_intent = pytest.mark.parametrize(
    ("situation", "action", "signer", "status"),
    INTENTS,
    ids=[situation.__name__ for situation, _, _, _ in INTENTS],
)


@each_intent
async def test_row_intent_event_and_answer_are_stored_in_one_transaction(
    chained: Storage, situation: Situation, action: Action, signer: str, status: str
) -> None:
    market = await Market.opened(chained)
    await market.agents()
    mutation, item = await situation(market)
    log = await count(chained, "events", "extrinsics", "requests")
    batches = chained.committer.batches

    receipt: Receipt[Any] = await chained.commit(mutation, item, request=a_request("once"))

    assert chained.committer.batches == batches + 1
    assert await count(chained, "events", "extrinsics", "requests") == (log[0] + 2, log[1] + 1, 1)
    entity = receipt.record
    assert (entity.status, entity.pending_action) == (status, action)
    assert entity.pending_correlation_id == receipt.correlation_id
    extrinsic = await chained.fetch(outbox.get, receipt.correlation_id)
    assert (extrinsic.status, extrinsic.action, extrinsic.signer) == (
        ExtrinsicStatus.QUEUED,
        action,
        signer,
    )
    assert extrinsic.task_id == getattr(entity, "task_id", "")
    assert extrinsic.agent_id == ("" if isinstance(entity, Task) else entity.agent_id)
    newest = (await dump(chained))["events"][-2:]
    assert {row[3] for row in newest} == {receipt.correlation_id, extrinsic.entity_id}


@pytest.mark.parametrize(
    ("situation", "action"),
    [
        (updating, Action.UPDATE_AGENT),
        (retiring, Action.RETIRE_AGENT),
        (cancelling, Action.CANCEL_TASK),
        (closing, Action.CLOSE_BIDDING),
        (allocating, Action.ALLOCATE_TASK),
        (settling, Action.SETTLE_TASK),
        (disputing, Action.DISPUTE_TASK),
        (revealing, Action.REVEAL_BID),
    ],
)
async def test_an_entity_has_one_action_pending_at_a_time(
    chained: Storage, situation: Situation, action: Action
) -> None:
    market = await Market.opened(chained)
    await market.agents()
    mutation, item = await situation(market)
    receipt: Receipt[Any] = await chained.commit(mutation, item)
    before = await dump(chained)
    with pytest.raises(ActionPending) as refusal:
        await chained.commit(mutation, item)
    assert refusal.value.metadata == {"action": action, "correlation_id": receipt.correlation_id}
    assert await dump(chained) == before


async def test_of_two_actions_in_one_batch_the_second_sees_that_the_first_is_pending(
    chained: Storage,
) -> None:
    market = await Market.opened(chained)
    task = await market.task()
    first, second = await all_of(chained, tasks.cancel, task.task_id, task.task_id)
    assert first.record.pending_action == Action.CANCEL_TASK
    assert isinstance(second, ActionPending)


async def test_a_label_changes_at_once_and_the_rest_when_the_chain_confirms_it(chained: Storage) -> None:
    market = await Market.opened(chained)
    await market.agent("ada", label="Ada", capabilities=("sum",))
    update = AgentUpdate(label="Countess", capabilities=("sum", "poetry"))
    receipt = await chained.commit(agents.change, agents.AgentChange(agent_id="ada", update=update))
    assert (receipt.record.label, receipt.record.capabilities) == ("Countess", ("sum",))
    assert receipt.record.pending_update == AgentUpdate(capabilities=("sum", "poetry"))


async def test_a_change_of_only_the_label_needs_no_chain(chained: Storage) -> None:
    market = await Market.opened(chained)
    ada = await market.agent("ada")
    change = agents.AgentChange(agent_id="ada", update=AgentUpdate(label="Countess"))
    receipt = await chained.commit(agents.change, change)
    assert (receipt.correlation_id, receipt.record.revision) == ("", ada.revision + 1)


async def test_a_bid_may_be_made_before_its_task_and_its_agent_are_on_the_chain(chained: Storage) -> None:
    await chained.commit(agents.register, an_agent("ada"))
    task = (await chained.commit(tasks.create, a_task())).record
    receipt = await chained.commit(bids.submit, a_bid(task))
    assert (receipt.record.status, receipt.record.pending_action) == (
        BidStatus.PENDING,
        Action.SUBMIT_BID,
    )


async def test_a_raw_call_is_queued_as_it_is(chained: Storage) -> None:
    call = outbox.NewCall(pallet="System", call="remark", payload='{"remark":"0x01"}', signer="ops")
    receipt: Receipt[Extrinsic] = await chained.commit(outbox.enqueue_call, call)
    stored = await chained.fetch(outbox.get, receipt.correlation_id)
    assert stored == receipt.record
    assert (stored.action, stored.pallet, stored.call, stored.payload, stored.signer) == (
        Action.RAW_CALL,
        "System",
        "remark",
        '{"remark":"0x01"}',
        "ops",
    )


async def test_in_local_mode_there_is_no_chain_to_call(local: Storage) -> None:
    before = await dump(local)
    with pytest.raises(NoChain):
        await local.commit(outbox.enqueue_call, outbox.NewCall(pallet="System", call="remark", payload="{}"))
    assert await dump(local) == before


async def test_in_local_mode_nothing_waits_for_a_chain(local: Storage) -> None:
    market = await Market.opened(local)
    await market.agents()
    await market.settle(await market.completed_task())
    tables = await dump(local)
    assert tables["extrinsics"] == []
    assert {row[2] for row in tables["events"]} == {"agent", "task", "bid", "result"}
