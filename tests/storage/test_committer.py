"""The heart of the write path: what it takes, what it drops, and what a poisoned item does."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy.engine import Connection

from storage import limits
from storage.committer import Committer
from storage.errors import (
    AgentExists,
    AgentNotFound,
    CommitUnknown,
    DatabaseUnavailable,
    DeadlineExceeded,
    Failure,
    Overloaded,
    Retry,
    ShuttingDown,
)
from storage.market import agents, tasks
from storage.outcome import Outcome, mutation
from storage.records import Receipt
from storage.store import LOCAL, Storage
from storage.transaction import NewEvent, Transaction
from tests.storage.items import a_task, an_agent
from tests.storage.looking import a_request, count, dump, opened, together

POISON = "poison"


@mutation(str)
def register_or_raise(tx: Transaction, items: Sequence[str]) -> list[Outcome[str]]:
    """Registers agents; the poisoned one raises after the others were written."""
    outcomes = agents.register.apply(tx, [an_agent(item) for item in items])
    if any(item.startswith(POISON) for item in items):
        raise ZeroDivisionError(POISON)
    return [out if isinstance(out, AgentExists) else out.record.agent_id for out in outcomes]  # type: ignore[union-attr]


@mutation(str)
def register_or_break_the_transaction(tx: Transaction, items: Sequence[str]) -> list[Outcome[str]]:
    """Registers agents; the poisoned one breaks the SQL transaction."""
    outcomes = agents.register.apply(tx, [an_agent(item) for item in items])
    if any(item.startswith(POISON) for item in items):
        tx.connection.exec_driver_sql("SELECT * FROM no_such_table")
    return [out if isinstance(out, AgentExists) else out.record.agent_id for out in outcomes]  # type: ignore[union-attr]


@mutation(str)
def forget_an_outcome(tx: Transaction, items: Sequence[str]) -> list[Outcome[str]]:
    return [*items[1:]]


@pytest.mark.parametrize("poisoned", [register_or_raise, register_or_break_the_transaction])
async def test_a_poisoned_item_stands_alone(
    local: Storage, poisoned: Any, log_entries: list[dict[str, Any]]
) -> None:
    names = ["a", "b", "c", "poison-1", "d", "e", "poison-2", "f"]
    answers = await together(
        local,
        local.commit(tasks.create, a_task()),
        *(local.commit(poisoned, name) for name in names),
        local.commit(agents.register, an_agent("ada")),
    )
    task, *named, ada = answers
    assert isinstance(task, Receipt)
    assert isinstance(ada, Receipt)
    for name, answer in zip(names, named, strict=True):
        if name.startswith(POISON):
            assert isinstance(answer, Exception)
            assert not isinstance(answer, Failure)
        else:
            assert answer == name
    tables = await dump(local)
    assert [row[0] for row in tables["agents"]] == ["a", "ada", "b", "c", "d", "e", "f"]
    assert [entry["event"] for entry in log_entries].count("a poisoned item") == 2
    # The events of the poisoned were truncated with their savepoint, so the numbers stay dense.
    assert [row[0] for row in tables["events"]] == list(range(1, 9))
    assert {row[3] for row in tables["events"]} == {row[0] for row in tables["agents"]} | {
        task.record.task_id
    }


async def test_a_refusal_and_a_request_id_survive_a_poisoned_neighbour(local: Storage) -> None:
    await local.commit(agents.register, an_agent("ada"))
    refused, first, again, poisoned = await together(
        local,
        local.commit(agents.register, an_agent("ada")),
        local.commit(tasks.create, a_task(), request=a_request("one")),
        local.commit(tasks.create, a_task(), request=a_request("one")),
        local.commit(register_or_raise, POISON),
    )
    assert isinstance(refused, AgentExists)
    assert first == again
    assert isinstance(poisoned, ZeroDivisionError)
    assert await count(local, "tasks", "requests") == (1, 1)


async def test_another_process_in_the_way_is_not_blamed_on_an_item(postgres_url: str) -> None:
    """Also while the batch is searched for a poisoned item: it runs again, and all others succeed."""
    in_the_way = ["40P01", "40001"]

    @mutation(int)
    def meet_others(tx: Transaction, items: Sequence[int]) -> list[Outcome[int]]:
        if runs and in_the_way:
            state = in_the_way.pop()
            tx.connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")
        runs.append(len(items))
        return list(items)

    runs: list[int] = []
    async with opened(postgres_url, LOCAL) as storage:
        one, poisoned = await together(
            storage, storage.commit(meet_others, 1), storage.commit(register_or_raise, POISON)
        )
        assert one == 1
        assert isinstance(poisoned, ZeroDivisionError)
        assert in_the_way == []


async def test_a_mutation_that_forgets_an_outcome_fails_its_callers_and_no_others(local: Storage) -> None:
    lost, other = await together(
        local, local.commit(forget_an_outcome, "a"), local.commit(tasks.create, a_task())
    )
    assert isinstance(lost, RuntimeError)
    assert isinstance(other, Receipt)
    await local.commit(tasks.create, a_task())


async def test_all_that_waits_is_committed_at_once(local: Storage) -> None:
    """The first item finds the committer idle; what comes while it commits is the second batch."""
    first = asyncio.create_task(_create(local))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.gather(first, *(_create(local) for _ in range(100)))
    assert local.committer.items == 101
    assert local.committer.batches <= 3


async def test_events_are_numbered_densely_in_the_order_of_commits(local: Storage) -> None:
    await asyncio.gather(*(_create(local) for _ in range(20)))
    await asyncio.gather(*(local.commit(agents.register, an_agent(f"{n}")) for n in range(20)))
    rows = (await dump(local))["events"]
    assert [row[0] for row in rows] == list(range(1, 41))
    assert [row[2] for row in rows] == ["task"] * 20 + ["agent"] * 20


async def test_a_batch_has_a_limit_of_items(local: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COMMIT_BATCH_ITEMS_MAX", 10)
    await asyncio.gather(*(_create(local) for _ in range(25)))
    assert (local.committer.items, local.committer.batches) == (25, 3)


async def test_a_batch_has_a_limit_of_bytes_but_a_large_item_passes_alone(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COMMIT_BATCH_BYTES_MAX", 10)
    sizes = (4, 4, 4, 100, 4)
    await asyncio.gather(*(local.commit(tasks.create, a_task(), size_bytes=size) for size in sizes))
    assert (local.committer.items, local.committer.batches) == (5, 4)


async def test_an_item_whose_deadline_has_passed_is_dropped(local: Storage) -> None:
    now = asyncio.get_running_loop().time()
    late, in_time = await together(
        local,
        local.commit(tasks.create, a_task(), deadline=now - 1),
        local.commit(tasks.create, a_task(), deadline=now + 60),
    )
    assert isinstance(late, DeadlineExceeded)
    assert isinstance(in_time, Receipt)
    assert await count(local, "tasks") == (1,)


async def test_an_item_whose_caller_has_left_is_dropped(local: Storage) -> None:
    impatient = asyncio.create_task(_create(local))
    await asyncio.sleep(0)
    impatient.cancel()
    await _create(local)
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await count(local, "tasks") == (1,)


async def test_a_caller_that_leaves_while_its_item_is_committed_disturbs_nobody(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, leave = asyncio.Event(), asyncio.Event()

    async def write(work: Any, *, heavy: bool = False) -> Any:
        started.set()
        await leave.wait()
        return await engine_write(work, heavy=heavy)

    engine_write = local._engine.write
    monkeypatch.setattr(local._engine, "write", write)
    leaving, staying = asyncio.create_task(_create(local)), asyncio.create_task(_create(local))
    await started.wait()
    leaving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leaving
    leave.set()
    assert isinstance(await staying, Receipt)
    assert await count(local, "tasks") == (2,)


async def test_beyond_its_bound_the_queue_takes_no_items(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COMMIT_QUEUE_ITEMS_MAX", 2)
    answers = await asyncio.gather(*(_create(local) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Receipt, Receipt, Overloaded]
    assert await count(local, "tasks") == (2,)
    await _create(local)


async def test_beyond_its_bound_the_queue_takes_no_bytes(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COMMIT_QUEUE_BYTES_MAX", 10)
    answers = await asyncio.gather(
        *(local.commit(tasks.create, a_task(), size_bytes=size) for size in (6, 6, 4)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Receipt, Overloaded, Receipt]
    # What is taken up makes room again.
    await local.commit(tasks.create, a_task(), size_bytes=10)


HEAVY_WAIT_SECONDS = 30.0


class Latch(NamedTuple):
    """Heavy work has begun; it may end."""

    begun: threading.Event
    released: threading.Event


@mutation(bool, heavy=True)
def wait_for_the_loop(tx: Transaction, items: Sequence[Latch]) -> list[Outcome[bool]]:
    """Takes long: until the event loop says so."""
    for item in items:
        item.begun.set()
    return [item.released.wait(HEAVY_WAIT_SECONDS) for item in items]


async def test_on_sqlite_heavy_work_does_not_hold_up_reads(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/heavy.db", LOCAL) as storage:
        latch = Latch(threading.Event(), threading.Event())
        heavy = asyncio.create_task(storage.commit(wait_for_the_loop, latch))
        assert await asyncio.to_thread(latch.begun.wait, HEAVY_WAIT_SECONDS)
        with pytest.raises(AgentNotFound):
            await storage.fetch(agents.get, "nobody")
        latch.released.set()
        assert await heavy


async def test_a_heavy_item_has_a_batch_to_itself(local: Storage) -> None:
    latch = Latch(threading.Event(), threading.Event())
    latch.released.set()
    before = local.committer.batches
    await asyncio.gather(
        local.commit(agents.register, an_agent("ada"), size_bytes=1),
        local.commit(wait_for_the_loop, latch),
        local.commit(wait_for_the_loop, latch),
        local.commit(agents.register, an_agent("bob"), size_bytes=1),
    )
    assert local.committer.batches == before + 4


class _Engine:
    """An engine whose writes fail as the test says before they reach the real one."""

    def __init__(self, storage: Storage, *errors: Exception) -> None:
        self._engine = storage._engine
        self._errors = list(errors)
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def write(self, work: Any, *, heavy: bool = False) -> Any:
        self.writes += 1
        if self._errors:
            error = self._errors.pop(0)
            if isinstance(error, CommitUnknown):
                await self._engine.write(work)  # it was committed, but nobody knows
            raise error
        return await self._engine.write(work)


@contextlib.asynccontextmanager
async def failing(storage: Storage, *errors: Exception) -> AsyncIterator[tuple[Committer, _Engine]]:
    """A committer on a failing engine."""
    engine = _Engine(storage, *errors)
    committer = Committer(engine, on_events=lambda head: None)
    committer.start()
    yield committer, engine
    await committer.close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.committer._RETRY_PAUSE_SECONDS", 0.0)


async def test_when_another_process_was_in_the_way_the_batch_runs_again(local: Storage) -> None:
    async with failing(local, Retry(), Retry()) as (committer, engine):
        await committer.commit(tasks.create, a_task())
        assert engine.writes == 3
    assert await count(local, "tasks", "events") == (1, 1)


async def test_it_does_not_try_again_for_ever(local: Storage) -> None:
    retries = [Retry()] * limits.COMMIT_RETRIES_MAX
    async with failing(local, *retries) as (committer, engine):
        with pytest.raises(Overloaded):
            await committer.commit(tasks.create, a_task())
        assert engine.writes == limits.COMMIT_RETRIES_MAX
        await committer.commit(tasks.create, a_task())
    assert await count(local, "tasks") == (1,)


async def test_a_commit_whose_outcome_is_unknown_is_never_run_again(local: Storage) -> None:
    async with failing(local, CommitUnknown("lost")) as (committer, engine):
        with pytest.raises(CommitUnknown):
            await committer.commit(tasks.create, a_task(), request=a_request("one"))
        assert engine.writes == 1
        # The request id tells the truth.
        answer = await committer.commit(tasks.create, a_task(), request=a_request("one"))
    assert await count(local, "tasks") == (1,)
    assert (await local.fetch(tasks.get, answer.record.task_id)).task == answer.record


async def test_when_the_database_is_away_each_caller_gets_an_error_of_its_own(local: Storage) -> None:
    async with failing(local, DatabaseUnavailable("away")) as (committer, _):
        errors = await asyncio.gather(
            *(committer.commit(tasks.create, a_task()) for _ in range(3)), return_exceptions=True
        )
        assert [(type(error), str(error)) for error in errors] == [(DatabaseUnavailable, "away")] * 3
        assert len({id(error) for error in errors}) == 3
        await committer.commit(tasks.create, a_task())


async def test_at_its_close_it_commits_what_waits_and_takes_no_more(local: Storage) -> None:
    async with failing(local) as (committer, _):
        waiting = [asyncio.create_task(committer.commit(tasks.create, a_task())) for _ in range(3)]
        await asyncio.sleep(0)
        await committer.close()
        assert [type(answer) for answer in await asyncio.gather(*waiting)] == [Receipt] * 3
        with pytest.raises(ShuttingDown):
            await committer.commit(tasks.create, a_task())


async def test_after_its_close_a_storage_says_so(database_url: str) -> None:
    async with opened(database_url, LOCAL) as storage:
        pass
    with pytest.raises(ShuttingDown):
        await _create(storage)
    with pytest.raises(ShuttingDown):
        await storage.fetch(agents.get, "ada")
    with pytest.raises(ShuttingDown):
        await storage.read(lambda tx: None)
    await storage.close()


async def test_before_it_is_prepared_a_storage_says_that_the_database_is_not_there(
    database_url: str,
) -> None:
    storage = Storage.open(database_url)
    for attempt in (_create(storage), storage.fetch(agents.get, "ada"), storage.read(_nothing)):
        with pytest.raises(DatabaseUnavailable):
            await attempt
    await storage.close()


async def test_a_refusal_does_not_keep_its_batch_alive(local: Storage) -> None:
    refused = None
    try:
        await local.commit(agents.retire, "nobody")
    except AgentNotFound as refusal:
        refused = refusal
    assert refused is not None
    frames = []
    traceback = refused.__traceback__
    while traceback is not None:
        frames.append(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    assert "decide_each" not in frames


def _nothing(tx: Transaction) -> Connection:
    return tx.connection


async def _create(storage: Storage) -> Any:
    return await storage.commit(tasks.create, a_task())


async def test_who_looks_on_and_fails_does_not_end_the_commits(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(items: int, seconds: float, events: Sequence[NewEvent]) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(local.committer, "on_commit", fail)
    for name in ("ada", "bob"):
        await local.commit(agents.register, an_agent(name))
    assert await count(local, "agents") == (2,)
