"""Two servers decide on the same rows at once, on one Postgres: real processes, real commits."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from storage import limits
from storage.errors import Refusal
from storage.ids import new_id
from storage.market import agents, bids, tasks
from storage.outcome import Mutation
from storage.sessions import approvals, sessions, transcripts
from storage.sessions.approvals import NewApproval
from storage.sessions.sessions import NewCommand, SessionUpdate
from storage.store import LOCAL, Storage
from tests.storage.auditing import walked
from tests.storage.conversation import a_session, an_append
from tests.storage.items import a_bid, a_task, an_agent
from tests.storage.looking import all_of, dump, opened
from tests.storage.worker import Worker

APPROVAL: dict[str, Any] = {
    "approval_kind": "k",
    "title": "t",
    "requested_by": "r",
    "time_to_live_us": 10**12,
}
CALLERS = 24
CHANGES = 10
TASKS = 60
AGENTS = 8


@pytest_asyncio.fixture(loop_scope="session")
async def workers() -> AsyncIterator[tuple[Worker, Worker]]:
    here, there = await asyncio.gather(Worker.start(), Worker.start())
    yield here, there
    await asyncio.gather(here.stop(), there.stop())


async def _at_once(
    workers: tuple[Worker, Worker], url: str, *jobs: tuple[str, object]
) -> tuple[list[str], list[str]]:
    """Let each worker do its job when both are ready."""
    for worker, (job, argument) in zip(workers, jobs, strict=True):
        await worker.get_ready(job, url, LOCAL, argument)
    here, there = await asyncio.gather(*(worker.go() for worker in workers))
    return here, there


async def _create_tasks(storage: Storage) -> list[str]:
    receipts = await all_of(storage, tasks.create, *(a_task() for _ in range(TASKS)))
    return [receipt.record.task_id for receipt in receipts]


async def test_each_row_is_decided_once(postgres_url: str, workers: tuple[Worker, Worker]) -> None:
    names = [f"agent-{number}" for number in range(AGENTS)]
    async with opened(postgres_url, LOCAL) as storage:
        # Duplicate registrations: one of two wins each name, and no innocent fails.
        registered = await _at_once(
            workers,
            postgres_url,
            ("register_agents", [*names, *(f"here-{number}" for number in range(50))]),
            ("register_agents", [*reversed(names), *(f"there-{number}" for number in range(50))]),
        )
        assert Counter(reason for reasons in registered for reason in reasons) == {
            "": AGENTS + 100,
            "AGENT_EXISTS": AGENTS,
        }

        # Duplicate bids, in opposite order: one of two wins each pair.
        task_ids = await _create_tasks(storage)
        pairs = [(task_id, name) for task_id in task_ids for name in names]
        bid = await _at_once(
            workers, postgres_url, ("submit_bids", pairs), ("submit_bids", list(reversed(pairs)))
        )
        assert Counter(reason for reasons in bid for reason in reasons) == {
            "": len(pairs),
            "DUPLICATE_BID": len(pairs),
        }
        stored = await dump(storage)
        assert sorted(row[1:3] for row in stored["bids"]) == sorted(pairs)

        # Bids against cancellations: none is accepted once the cancellation has committed.
        task_ids = await _create_tasks(storage)
        doomed, spared = task_ids[::2], task_ids[1::2]
        pairs = [(task_id, name) for name in names for task_id in task_ids]
        cancelled, decided = await _at_once(
            workers, postgres_url, ("cancel_tasks", doomed), ("submit_bids", pairs)
        )
        assert set(cancelled) == {""}
        outcomes = dict(zip(pairs, decided, strict=True))
        assert {outcomes[task_id, name] for task_id in spared for name in names} == {""}
        assert set(decided) <= {"", "TASK_NOT_BIDDING"}
        _check_events((await dump(storage))["events"])

        # Both wrote one audit log, which has one chain and an entry for each call.
        walk = await walked(storage)
        assert walk.fault is None
        assert walk.position == sum(map(len, (*registered, *bid, cancelled, decided)))


def _check_events(log: list[tuple[Any, ...]]) -> None:
    """Their numbers are dense and in the order of commits: no bid comes after a cancellation."""
    assert [row[0] for row in log] == list(range(1, len(log) + 1))
    cancelled: set[str] = set()
    for _, _, entity, entity_id, created, task_id, _, _, _ in log:
        if entity == "task" and not created:
            cancelled.add(entity_id)
        assert entity != "bid" or task_id not in cancelled
    assert len(cancelled) == TASKS // 2


async def test_both_may_prepare_an_empty_database_at_once(
    unmigrated_postgres_url: str, workers: tuple[Worker, Worker]
) -> None:
    await asyncio.gather(
        *(worker.get_ready("prepare_only", unmigrated_postgres_url, LOCAL) for worker in workers)
    )
    assert await asyncio.gather(*(worker.go() for worker in workers)) == [LOCAL, LOCAL]


async def test_calls_of_many_kinds_never_wait_for_each_other_in_a_circle(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers change the same sessions and tasks. A deadlock would cost a second, and fail here."""
    monkeypatch.setattr(limits, "COMMIT_RETRIES_MAX", 1)
    async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:
        details = await all_of(here, sessions.create, *(a_session() for _ in range(8)))
        await here.commit(agents.register, an_agent(agent_id="a"))
        receipts = await all_of(here, tasks.create, *(a_task() for _ in details))
        open_tasks = [receipt.record for receipt in receipts]

        async def change(storage: Storage, chance: random.Random) -> None:
            for _ in range(CHANGES):
                detail, task = chance.choice(details), chance.choice(open_tasks)
                session_id = detail.session.session_id
                calls: list[tuple[Mutation[Any, Any], object]] = [
                    (transcripts.append, an_append(detail, "said")),
                    (sessions.update, SessionUpdate(session_id=session_id, task_id=new_id())),
                    (sessions.append_command, NewCommand(session_id=session_id, command="go")),
                    (approvals.request, NewApproval(session_id=session_id, **APPROVAL)),
                    (bids.submit, a_bid(task, agent_id="a")),
                    (tasks.close_bidding, task.task_id),
                ]
                with contextlib.suppress(Refusal):
                    await storage.commit(*chance.choice(calls))

        await asyncio.gather(
            *(change((here, there)[place % 2], random.Random(place)) for place in range(CALLERS))
        )
