"""The same call twice has one effect and one answer."""

import asyncio
import gc
import weakref
from typing import Any

import msgspec
import pytest

from storage import requests
from storage.chain import outbox
from storage.chain.outbox import NewCall
from storage.errors import AgentExists, AgentNotFound, Invalid, RequestIdReused, TaskNotBidding
from storage.lifecycle import TaskStatus
from storage.limits import AMOUNT_MAX
from storage.market import agents, bids, results, tasks
from storage.records import AgentUpdate, Receipt
from storage.requests import Prune, request_key
from storage.store import LOCAL, Storage
from tests.storage.items import a_bid, a_result, a_reveal, a_task, an_agent, now_us
from tests.storage.looking import a_request, count, dump, opened, together
from tests.storage.market import Market


async def test_a_replay_returns_the_first_answer_and_changes_nothing(market: Market) -> None:
    storage = market.storage
    first = await storage.commit(tasks.create, a_task(), request=a_request("one"))
    before = await dump(storage)
    assert await storage.commit(tasks.create, a_task(), request=a_request("one")) == first
    assert await dump(storage) == before


async def test_a_replay_returns_the_first_answer_after_the_entity_has_moved_on(market: Market) -> None:
    storage = market.storage
    await market.agents()
    task = await market.task()
    first = await storage.commit(bids.submit, a_bid(task), request=a_request("one"))
    if market.chain is not None:
        await market.chain.finalize(first.correlation_id)
    await market.cancel(task)
    assert await storage.commit(bids.submit, a_bid(task), request=a_request("one")) == first
    with pytest.raises(TaskNotBidding):
        await storage.commit(bids.submit, a_bid(task), request=a_request("two"))


async def test_a_replay_of_a_raw_call_returns_the_first_answer_though_it_would_be_refused_by_now(
    chained: Storage,
) -> None:
    call = NewCall(pallet="System", call="remark", payload="{}")
    wrong = msgspec.structs.replace(call, refusal=Invalid("the runtime has no such call"))
    with pytest.raises(Invalid, match="no such call"):
        await chained.commit(outbox.enqueue_call, wrong, request=a_request("one"))
    assert await count(chained, "extrinsics", "requests") == (0, 0)
    first = await chained.commit(outbox.enqueue_call, call, request=a_request("one"))
    assert await chained.commit(outbox.enqueue_call, wrong, request=a_request("one")) == first


async def test_answers_of_every_kind_of_record_are_read_back_as_they_were(local: Storage) -> None:
    market = await Market.opened(local)
    extreme = a_task(max_budget=AMOUNT_MAX, input=bytes(range(256)), description="Ünï\U0001f600\\\"'\n")
    task = (await local.commit(tasks.create, extreme, request=a_request("task"))).record
    agent = an_agent("ada", capabilities=("ä", ""), attestation=b"\x00\xff")
    calls: dict[str, tuple[Any, Any]] = {
        "task": (tasks.create, extreme),
        "agent": (agents.register, agent),
        "change": (agents.change, agents.AgentChange(agent_id="ada", update=AgentUpdate(capabilities=()))),
        "bid": (bids.submit, a_bid(task, "ada", AMOUNT_MAX)),
        "close": (tasks.close_bidding, task.task_id),
        "reveal": (bids.reveal, a_reveal(task, "ada", AMOUNT_MAX)),
        "allocate": (tasks.allocate, task.task_id),
        "result": (results.submit, a_result(task, "ada", b"\x00\xff")),
        "settle": (tasks.settle, task.task_id),
    }
    first, again = [
        {name: await local.commit(*call, request=a_request(name)) for name, call in calls.items()}
        for _ in range(2)
    ]
    assert again == first
    assert again["settle"].record.paid_amount == AMOUNT_MAX
    assert (await market.see(task)).status == TaskStatus.COMPLETED


async def test_a_call_that_is_refused_for_what_it_is_leaves_nothing_behind(chained: Storage) -> None:
    """Python's collector passes over records: a refusal that leads back to its call would stay for ever."""

    class Payload(str):
        pass

    async def refused() -> "weakref.ref[Payload]":
        payload = Payload("{}")
        call = NewCall(pallet="System", call="remark", payload=payload, refusal=Invalid("it does not fit"))
        with pytest.raises(Invalid):
            await chained.commit(outbox.enqueue_call, call)
        return weakref.ref(payload)

    payload = await refused()
    await chained.commit(tasks.create, a_task())  # the batch of the call is over
    gc.collect()
    assert payload() is None


async def test_an_enqueued_call_is_read_back_as_it_was(chained: Storage) -> None:
    call = outbox.NewCall(pallet="System", call="remark", payload="{}")
    first = await chained.commit(outbox.enqueue_call, call, request=a_request("one"))
    assert await chained.commit(outbox.enqueue_call, call, request=a_request("one")) == first
    await chained.commit(outbox.cancel, first.correlation_id, request=a_request("two"))
    cancelled = await chained.commit(outbox.cancel, first.correlation_id, request=a_request("two"))
    assert cancelled == await chained.fetch(outbox.get, first.correlation_id)


async def test_another_body_with_the_same_id_is_refused_and_changes_nothing(market: Market) -> None:
    storage = market.storage
    await storage.commit(tasks.create, a_task(), request=a_request("one"))
    before = await dump(storage)
    with pytest.raises(RequestIdReused):
        await storage.commit(tasks.create, a_task(), request=a_request("one", b"another body"))
    assert await dump(storage) == before


async def test_the_same_id_of_another_caller_or_method_is_another_request() -> None:
    keys = {
        request_key(principal, method, request_id, b"").key
        for principal in ("a", "ab")
        for method in ("c", "bc")
        for request_id in ("d", "cd")
    }
    assert len(keys) == 8


async def test_a_refusal_is_not_stored_so_the_call_may_be_tried_again(market: Market) -> None:
    storage = market.storage
    await market.agent("ada")
    change = agents.AgentChange(agent_id="bob", update=AgentUpdate(label="Bob"))
    with pytest.raises(AgentNotFound):
        await storage.commit(agents.change, change, request=a_request("one"))
    assert await count(storage, "requests") == (0,)
    await market.agent("bob", label="")
    receipt = await storage.commit(agents.change, change, request=a_request("one"))
    assert receipt.record.label == "Bob"


async def test_duplicates_in_one_batch_have_one_effect_and_one_answer(market: Market) -> None:
    storage = market.storage
    create = [storage.commit(tasks.create, a_task(), request=a_request("one")) for _ in range(3)]
    other = storage.commit(tasks.create, a_task(), request=a_request("one", b"another body"))
    unnamed = storage.commit(tasks.create, a_task())
    first, second, third, reused, free = await together(storage, *create, other, unnamed)
    assert first == second == third
    assert isinstance(reused, RequestIdReused)
    assert free.record.task_id != first.record.task_id
    assert await count(storage, "tasks", "requests") == (2, 1)


async def test_after_a_refused_duplicate_in_one_batch_the_next_gets_its_turn(local: Storage) -> None:
    """The first of two retirements of an unknown agent is refused; so is the second, by its own decision."""
    answers = await together(
        local,
        local.commit(agents.retire, "nobody", request=a_request("one")),
        local.commit(agents.retire, "nobody", request=a_request("one")),
    )
    assert [type(answer) for answer in answers] == [AgentNotFound, AgentNotFound]


async def test_answers_are_forgotten_oldest_first_and_at_most_as_many_as_told(local: Storage) -> None:
    for number in range(5):
        await local.commit(agents.register, an_agent(f"{number}"), request=a_request(f"{number}"))
    assert (await local.commit(requests.prune, Prune(before_us=0, at_most=10))).count == 0
    assert (await local.commit(requests.prune, Prune(before_us=now_us() + 1, at_most=2))).count == 2
    assert await count(local, "requests") == (3,)
    # What is forgotten is a new call; what is not is still answered.
    with pytest.raises(AgentExists):
        await local.commit(agents.register, an_agent("0"), request=a_request("0"))
    await local.commit(agents.register, an_agent("4"), request=a_request("4"))
    assert (await local.commit(requests.prune, Prune(before_us=now_us() + 1, at_most=10))).count == 3


class TestTwoServersOnOneDatabase:
    """Clients may send the same call to two servers at once."""

    async def test_have_one_effect_and_one_answer_for_one_request(self, postgres_url: str) -> None:
        async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:
            for number in range(20):
                answers = await asyncio.gather(
                    *(
                        storage.commit(tasks.create, a_task(), request=a_request(f"{number}"))
                        for storage in (here, there, here)
                    )
                )
                assert answers[0] == answers[1] == answers[2]
            assert await count(here, "tasks", "requests") == (20, 20)

    async def test_never_refuse_a_call_because_of_its_own_twin(self, postgres_url: str) -> None:
        """A registration and a bid are refused when they are there already, but not to who made them."""
        async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:
            task = (await here.commit(tasks.create, a_task())).record
            for number in range(20):
                agent_id = f"agent-{number}"
                calls: list[tuple[Any, Any]] = [
                    (agents.register, an_agent(agent_id)),
                    (bids.submit, a_bid(task, agent_id)),
                ]
                for mutation, item in calls:
                    key = a_request(f"{mutation.name}-{number}")
                    first, second = await asyncio.gather(
                        here.commit(mutation, item, request=key),
                        there.commit(mutation, item, request=key),
                    )
                    assert isinstance(first, Receipt)
                    assert first == second
            assert await count(here, "agents", "bids", "requests") == (20, 20, 40)

    async def test_duplicates_in_opposite_order_are_sorted_out(self, postgres_url: str) -> None:
        async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:

            async def create(storage: Storage, number: int) -> str:
                receipt = await storage.commit(tasks.create, a_task(), request=a_request(f"{number}"))
                return receipt.record.task_id

            forward = [create(here, number) for number in range(10)]
            backward = [create(there, number) for number in reversed(range(10))]
            answers = await asyncio.gather(*forward, *backward)
            assert answers[:10] == list(reversed(answers[10:]))
            assert await count(here, "tasks", "requests") == (10, 10)
