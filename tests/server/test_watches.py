"""Watches: from a point in the history, without gaps, nothing twice."""

import asyncio
import base64
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.bid_pb2 import BidStatus
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.result_pb2 import ResultStatus
from chamberlain.v1.task_pb2 import TaskEvent, TaskEventType, TaskStatus
from grpc import StatusCode

from server.app import App
from storage import events
from tests.server.conftest import connected, running, settings
from tests.server.market import Market, a_bid, a_reveal, a_task
from tests.server.refusals import refused

WAIT_SECONDS = 10.0
"""After so long without a message a test fails instead of hanging."""


class Watch:
    """A client that watches tasks and remembers its cursor."""

    def __init__(self, orchestrator: Any, **request: Any) -> None:
        self._stream = orchestrator.WatchTasks(pb.WatchTasksRequest(**request))
        self.cursor = ""

    async def next(self) -> list[TaskEvent]:
        async with asyncio.timeout(WAIT_SECONDS):
            message = await self._stream.read()
        self.cursor = message.cursor
        return list(message.events)

    async def events(self, count: int) -> list[TaskEvent]:
        """The next events, exactly so many."""
        seen: list[TaskEvent] = []
        while len(seen) < count:
            seen += await self.next()
        assert len(seen) == count
        return seen

    def leave(self) -> None:
        self._stream.cancel()


@pytest.fixture
async def brisk() -> AsyncIterator[OrchestratorServiceStub]:
    """A server whose watches are never silent for long."""
    async with running(App(settings(watch_heartbeat_seconds=0.02))) as app, connected(app) as channel:
        yield OrchestratorServiceStub(channel)


async def test_the_first_message_acknowledges_the_start(orchestrator: Any, market: Market) -> None:
    await market.task()
    watch = Watch(orchestrator)
    assert await watch.next() == []
    assert watch.cursor
    task = await market.task()
    (event,) = await watch.events(1)
    assert (event.type, event.task_id) == (TaskEventType.TASK_EVENT_TYPE_TASK_CREATED, task.task_id)


async def test_a_watch_tells_the_life_of_a_task_its_bids_and_its_result(
    orchestrator: Any, market: Market
) -> None:
    agent_id = await market.agent()
    watch = Watch(orchestrator)
    await watch.next()
    task = await market.assigned_task(agent_id)
    await orchestrator.SubmitResult(pb.SubmitResultRequest(task_id=task.task_id, agent_id=agent_id))

    seen = await watch.events(8)
    assert {event.task_id for event in seen} == {task.task_id}
    assert {event.requester_id for event in seen} == {task.requester_id}
    tasks = [event for event in seen if event.status]
    assert [event.status for event in tasks] == [
        TaskStatus.TASK_STATUS_BIDDING,
        TaskStatus.TASK_STATUS_REVEALING,
        TaskStatus.TASK_STATUS_ASSIGNED,
        TaskStatus.TASK_STATUS_COMPLETED,
    ]
    assert [event.revision for event in tasks] == [1, 2, 3, 4]
    assert tasks[2].agent_id == agent_id
    bids = [event for event in seen if event.bid_id]
    assert [event.bid_status for event in bids] == [
        BidStatus.BID_STATUS_COMMITTED,
        BidStatus.BID_STATUS_REVEALED,
        BidStatus.BID_STATUS_WON,
    ]
    (result,) = [event for event in seen if event.result_id and event.result_status]
    assert result.result_status == ResultStatus.RESULT_STATUS_RECORDED


async def test_a_client_that_reconnects_misses_nothing_and_sees_nothing_twice(
    orchestrator: Any, market: Market
) -> None:
    watch = Watch(orchestrator)
    await watch.next()
    created: list[str] = []
    seen: list[TaskEvent] = []
    for turn in range(12):
        created.append((await market.task()).task_id)
        if turn % 3 == 0:
            seen += await watch.events(len(created) - len(seen))
            watch.leave()
            created.append((await market.task()).task_id)
            watch = Watch(orchestrator, after_cursor=watch.cursor)
    seen += await watch.events(len(created) - len(seen))
    assert [event.task_id for event in seen] == created


async def test_a_list_hands_over_to_a_watch_without_a_gap(orchestrator: Any, market: Market) -> None:
    before = await market.task()
    listed = await orchestrator.ListTasks(pb.ListTasksRequest())
    after = await market.task()
    watch = Watch(orchestrator, after_cursor=listed.watch_cursor)
    assert [task.task_id for task in listed.tasks] == [before.task_id]
    assert [event.task_id for event in await watch.events(1)] == [after.task_id]


async def test_a_watch_shows_only_what_its_filters_want(orchestrator: Any, market: Market) -> None:
    agent_id, wanted = await market.agent(), await market.task(requester_id="did:ex:wanted")
    by_id = Watch(orchestrator, task_ids=[wanted.task_id])
    by_requester = Watch(orchestrator, requester_id="did:ex:wanted")
    await by_id.next()
    await by_requester.next()
    await market.bid(await market.task(), agent_id)
    other = await market.task(requester_id="did:ex:wanted")
    await market.bid(wanted, agent_id)

    assert [event.task_id for event in await by_id.events(1)] == [wanted.task_id]
    assert [event.task_id for event in await by_requester.events(2)] == [other.task_id, wanted.task_id]


async def test_a_silent_watch_sends_heartbeats_whose_cursor_moves_on(brisk: Any) -> None:
    market = Market(brisk)
    watch = Watch(brisk, requester_id="did:ex:nobody")
    await watch.next()
    start = watch.cursor
    await market.task()
    while watch.cursor == start:
        assert await watch.next() == []
    for _ in range(3):
        assert await watch.next() == []


async def test_a_cursor_older_than_the_retention_is_expired(
    orchestrator: Any, market: Market, app: App
) -> None:
    watch = Watch(orchestrator)
    await watch.next()
    for _ in range(3):
        await market.task()
    await app.storage.commit(events.prune, events.Prune(before_us=2**60, at_most=2))
    with refused(StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"):
        await Watch(orchestrator, after_cursor=watch.cursor).next()


async def test_a_cursor_of_another_database_is_expired(orchestrator: Any) -> None:
    async with running(App(settings())) as other, connected(other) as channel:
        foreign = Watch(OrchestratorServiceStub(channel))
        await foreign.next()
    with refused(StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"):
        await Watch(orchestrator, after_cursor=foreign.cursor).next()


@pytest.mark.parametrize("cursor", ["x", "🌍", "AAAA", "A" * 100_000, "\0"])
async def test_a_malformed_cursor_is_refused(orchestrator: Any, cursor: str) -> None:
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_CURSOR", fields=["after_cursor"]):
        await Watch(orchestrator, after_cursor=cursor).next()


async def test_a_cursor_from_the_future_is_refused(orchestrator: Any) -> None:
    watch = Watch(orchestrator)
    await watch.next()
    log_id, number = struct.unpack(">16sQ", base64.urlsafe_b64decode(watch.cursor))
    ahead = base64.urlsafe_b64encode(struct.pack(">16sQ", log_id, number + 1)).decode()
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_CURSOR"):
        await Watch(orchestrator, after_cursor=ahead).next()


async def test_a_reader_that_is_slow_delays_nobody_and_still_gets_everything(
    orchestrator: Any, market: Market
) -> None:
    slow = Watch(orchestrator)
    await slow.next()
    agent_id, task = await market.agent(), await market.task(description="d" * 5000)
    await orchestrator.SubmitBid(a_bid(task, agent_id))
    batch = pb.BatchCreateTasksRequest()
    for _ in range(6):
        del batch.requests[:]
        batch.requests.extend(a_task() for _ in range(500))
        await orchestrator.BatchCreateTasks(batch)
    created = await slow.events(2 + 6 * 500)
    assert len({event.task_id for event in created}) == 1 + 6 * 500


async def test_watchers_all_see_the_same(orchestrator: Any, market: Market) -> None:
    watches = [Watch(orchestrator) for _ in range(25)]
    await asyncio.gather(*(watch.next() for watch in watches))
    agent_id = await market.agent()
    task = await market.revealing_task((agent_id, 3))
    await orchestrator.RevealBid(a_reveal(task, agent_id, 3))
    seen = await asyncio.gather(*(watch.events(4) for watch in watches))
    assert all(events == seen[0] for events in seen)
