"""Reads of single rows, many callers sharing a query."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from storage import limits
from storage.chain import outbox
from storage.errors import (
    AgentNotFound,
    ExtrinsicNotFound,
    Overloaded,
    Refusal,
    ResultNotFound,
    TaskNotFound,
)
from storage.fetcher import query
from storage.lifecycle import ResultStatus
from storage.market import agents, results, tasks
from storage.market.results import NewResult
from storage.outcome import Outcome
from storage.store import Storage
from storage.transaction import Transaction
from tests.storage.items import a_result, a_task, an_agent
from tests.storage.looking import all_of
from tests.storage.market import Market, chain_of


async def test_a_caller_reads_what_it_has_written(market: Market) -> None:
    async def write_and_read(number: int) -> None:
        receipt = await market.storage.commit(tasks.create, a_task(input=bytes([number])))
        detail = await market.storage.fetch(tasks.get, receipt.record.task_id)
        assert (detail.task, detail.input) == (receipt.record, bytes([number]))

    await asyncio.gather(*(write_and_read(number) for number in range(50)))


async def test_each_caller_gets_its_own_answer_or_refusal(local: Storage) -> None:
    await all_of(local, agents.register, an_agent("ada"), an_agent("bob"))
    answers = await asyncio.gather(
        *(local.fetch(agents.get, name) for name in ("ada", "nobody", "bob", "nobody", "ada")),
        return_exceptions=True,
    )
    names = [getattr(answer, "agent_id", None) for answer in answers]
    assert names == ["ada", None, "bob", None, "ada"]
    first, second = answers[1], answers[3]
    assert isinstance(first, AgentNotFound)
    assert isinstance(second, AgentNotFound)
    assert (first.resource, second.resource) == (("agent", "nobody"), ("agent", "nobody"))
    assert first is not second


async def test_what_is_unknown_is_named(local: Storage) -> None:
    queries: list[tuple[Any, type[Refusal]]] = [
        (agents.get, AgentNotFound),
        (tasks.get, TaskNotFound),
        (results.get, ResultNotFound),
        (results.get_of_task, ResultNotFound),
        (outbox.get, ExtrinsicNotFound),
    ]
    for wanted, error in queries:
        with pytest.raises(error, match="nothing"):
            await local.fetch(wanted, "nothing")


async def test_reads_that_wait_share_one_query(local: Storage) -> None:
    batches: list[Sequence[str]] = []

    @query
    def echo(tx: Transaction, keys: Sequence[str]) -> list[Outcome[str]]:
        batches.append(keys)
        return list(keys)

    answers = await asyncio.gather(*(local.fetch(echo, key) for key in ("a", "b", "a", "c")))
    assert answers == ["a", "b", "a", "c"]
    assert batches == [["a", "b", "c"]]


async def test_a_read_joins_only_a_fetch_that_has_not_started(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[Sequence[str]] = []
    loop = asyncio.get_running_loop()
    waiting: list[asyncio.Future[str]] = []

    @query
    def echo(tx: Transaction, keys: Sequence[str]) -> list[Outcome[str]]:
        batches.append(keys)
        return list(keys)

    read = local._engine.read

    async def read_and_ask_meanwhile(work: Any) -> Any:
        if not waiting:
            waiting.append(loop.create_task(local.fetch(echo, "late")))
            await asyncio.sleep(0)
        return await read(work)

    monkeypatch.setattr(local._engine, "read", read_and_ask_meanwhile)
    assert await local.fetch(echo, "early") == "early"
    assert await waiting[0] == "late"
    assert batches == [["early"], ["late"]]


async def test_a_query_reads_a_limited_number_of_keys_at_once(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FETCH_BATCH_MAX", 10)
    await all_of(local, agents.register, *(an_agent(f"{number}") for number in range(25)))
    found = await asyncio.gather(*(local.fetch(agents.get, f"{number}") for number in range(25)))
    assert [agent.agent_id for agent in found] == [f"{number}" for number in range(25)]


async def test_a_bounded_number_of_reads_may_wait(local: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COMMIT_QUEUE_ITEMS_MAX", 2)
    answers = await asyncio.gather(
        *(local.fetch(agents.get, f"{number}") for number in range(3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [AgentNotFound, AgentNotFound, Overloaded]


async def test_a_batch_of_reads_runs_once_as_many_wait_as_the_last_one_served(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.linger.LINGER_MAX_SECONDS", 3600.0)
    batches: list[Sequence[str]] = []

    @query
    def echo(tx: Transaction, keys: Sequence[str]) -> list[Outcome[str]]:
        batches.append(keys)
        return list(keys)

    await asyncio.gather(local.fetch(echo, "a"), local.fetch(echo, "b"))
    first = asyncio.create_task(local.fetch(echo, "c"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert batches == [["a", "b"]]
    await local.fetch(echo, "d")
    assert await first == "c"
    assert batches == [["a", "b"], ["c", "d"]]


async def test_a_lone_reader_after_a_larger_batch_is_served_soon(local: Storage) -> None:
    await asyncio.gather(*(local.fetch(tasks.get, "x") for _ in range(2)), return_exceptions=True)
    with pytest.raises(TaskNotFound):
        await local.fetch(tasks.get, "y")


async def test_a_reader_that_leaves_disturbs_nobody(local: Storage) -> None:
    await local.commit(agents.register, an_agent("ada"))
    leaving = asyncio.create_task(local.fetch(agents.get, "ada"))
    staying = asyncio.create_task(local.fetch(agents.get, "ada"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).agent_id == "ada"


@pytest.mark.parametrize("answer", ["too few", "an error"])
async def test_a_defect_of_a_query_reaches_its_callers_and_leaves_it_usable(
    local: Storage, answer: str
) -> None:
    broken = True

    @query
    def sometimes(tx: Transaction, keys: Sequence[str]) -> list[Outcome[str]]:
        if not broken:
            return list(keys)
        if answer == "too few":
            return []
        raise ZeroDivisionError

    with pytest.raises((ValueError, ZeroDivisionError)):
        await local.fetch(sometimes, "a")
    broken = False
    assert await local.fetch(sometimes, "a") == "a"


async def test_the_result_of_a_task_is_the_recorded_one(chained: Storage) -> None:
    """Whatever the same agent had rejected before."""
    market = await Market.opened(chained)
    await market.agents()
    task = await market.assigned_task()
    rejected = await chained.commit(results.submit, a_result(task, "bob", b"wrong"))
    await chain_of(market).finalize(rejected.correlation_id, error="TaskMarket.BadProof")
    found = await chained.fetch(results.get_of_task, task.task_id)
    assert (found.result.status, found.output) == (ResultStatus.REJECTED, b"wrong")
    await market.result(task, "bob", b"right")
    late = NewResult(task_id=task.task_id, agent_id="bob", output=b"late")
    (refusal,) = await all_of(chained, results.submit, late)
    assert isinstance(refusal, Exception)
    found = await chained.fetch(results.get_of_task, task.task_id)
    assert (found.result.status, found.output) == (ResultStatus.RECORDED, b"right")
    assert (await chained.fetch(results.get, rejected.record.result_id)).output == b"wrong"
