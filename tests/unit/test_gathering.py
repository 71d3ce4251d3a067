"""When a batch departs."""

import asyncio

import pytest

from storage.gathering import Gathering

FOREVER_SECONDS = 3600.0


@pytest.fixture
def gathering(monkeypatch: pytest.MonkeyPatch) -> Gathering:
    """One that waits for somebody for as long as a test runs, unless the test says otherwise."""
    monkeypatch.setattr("storage.gathering.GATHER_SECONDS", FOREVER_SECONDS)
    monkeypatch.setattr("storage.gathering.GATHER_PAUSE_SECONDS", FOREVER_SECONDS)
    return Gathering(batch_max=100)


async def test_who_is_alone_does_not_wait(gathering: Gathering) -> None:
    await gathering.wait(1)
    gathering.returned(1, 0)
    await gathering.wait(1)


async def test_those_who_travelled_and_those_who_came_meanwhile_are_waited_for(gathering: Gathering) -> None:
    gathering.returned(2, 1)
    waiting = asyncio.create_task(gathering.wait(1))
    await asyncio.sleep(0)
    gathering.joined(2)
    await asyncio.sleep(0)
    assert not waiting.done()
    gathering.joined(3)
    await waiting


async def test_nobody_waits_for_more_than_a_batch_can_take(gathering: Gathering) -> None:
    gathering.returned(100, 60)
    await gathering.wait(100)
    full = asyncio.create_task(gathering.wait(2))
    await asyncio.sleep(0)
    gathering.joined(3, full=True)
    await full


async def test_if_nobody_comes_any_more_a_batch_departs(
    gathering: Gathering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.gathering.GATHER_PAUSE_SECONDS", 0.001)
    gathering.returned(3, 0)
    await gathering.wait(1)


async def test_a_batch_does_not_wait_for_ever_for_who_comes_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("storage.gathering.GATHER_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("storage.gathering.GATHER_SECONDS", 0.01)
    gathering = Gathering(batch_max=1_000_000_000)
    gathering.returned(1_000_000_000, 0)
    waiting = asyncio.create_task(gathering.wait(0))
    here = 0
    while not waiting.done():
        here += 1
        gathering.joined(here)
        await asyncio.sleep(0)
    assert here < 1_000_000_000


async def test_a_wait_that_is_over_does_not_end_the_next_one(
    gathering: Gathering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.gathering.GATHER_PAUSE_SECONDS", 0.001)
    gathering.returned(2, 0)
    first = asyncio.create_task(gathering.wait(1))
    await asyncio.sleep(0)
    gathering.joined(2)
    await first
    monkeypatch.setattr("storage.gathering.GATHER_PAUSE_SECONDS", FOREVER_SECONDS)
    second = asyncio.create_task(gathering.wait(1))
    await asyncio.sleep(0.02)
    assert not second.done()
    gathering.joined(2)
    await second
