"""When a batch stops waiting for more callers."""

import asyncio

import pytest

from storage.linger import BatchLinger

FOREVER_SECONDS = 3600.0


@pytest.fixture
def linger(monkeypatch: pytest.MonkeyPatch) -> BatchLinger:
    """One whose times do not run out within a test, unless the test says otherwise."""
    monkeypatch.setattr("storage.linger.LINGER_MAX_SECONDS", FOREVER_SECONDS)
    monkeypatch.setattr("storage.linger.LINGER_IDLE_SECONDS", FOREVER_SECONDS)
    return BatchLinger(batch_max=100)


async def test_a_lone_caller_does_not_wait(linger: BatchLinger) -> None:
    await linger.wait(1)
    linger.finished(1, 0)
    await linger.wait(1)


async def test_a_batch_waits_for_as_many_as_the_last_served_and_those_that_queued_meanwhile(
    linger: BatchLinger,
) -> None:
    linger.finished(2, 1)
    waiting = asyncio.create_task(linger.wait(1))
    await asyncio.sleep(0)
    linger.arrived(2)
    await asyncio.sleep(0)
    assert not waiting.done()
    linger.arrived(3)
    await waiting


async def test_a_batch_does_not_wait_for_more_than_it_can_take(linger: BatchLinger) -> None:
    linger.finished(100, 60)
    await linger.wait(100)
    full = asyncio.create_task(linger.wait(2))
    await asyncio.sleep(0)
    linger.arrived(3, full=True)
    await full


async def test_a_batch_runs_once_no_caller_arrives_any_more(
    linger: BatchLinger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.linger.LINGER_IDLE_SECONDS", 0.001)
    linger.finished(3, 0)
    await linger.wait(1)


async def test_a_batch_does_not_wait_for_ever_for_callers_that_arrive_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("storage.linger.LINGER_IDLE_SECONDS", 0.001)
    monkeypatch.setattr("storage.linger.LINGER_MAX_SECONDS", 0.01)
    linger = BatchLinger(batch_max=1_000_000_000)
    linger.finished(1_000_000_000, 0)
    waiting = asyncio.create_task(linger.wait(0))
    queued = 0
    while not waiting.done():
        queued += 1
        linger.arrived(queued)
        await asyncio.sleep(0)
    assert queued < 1_000_000_000


async def test_a_wait_that_is_over_does_not_end_the_next_one(
    linger: BatchLinger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.linger.LINGER_IDLE_SECONDS", 0.001)
    linger.finished(2, 0)
    first = asyncio.create_task(linger.wait(1))
    await asyncio.sleep(0)
    linger.arrived(2)
    await first
    monkeypatch.setattr("storage.linger.LINGER_IDLE_SECONDS", FOREVER_SECONDS)
    second = asyncio.create_task(linger.wait(1))
    await asyncio.sleep(0.02)
    assert not second.done()
    linger.arrived(2)
    await second
