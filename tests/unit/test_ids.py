"""Ids are UUIDv7, and their order is that of their creation."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from storage.ids import first_id, new_id


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_front() -> None:
    before = time.time_ns() // 1_000_000
    parsed = uuid.UUID(new_id())
    after = time.time_ns() // 1_000_000
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert str(parsed) == str(uuid.UUID(str(parsed)))
    # Other tests of this process may have run ahead by a few.
    assert before <= parsed.int >> 80 <= after + 1


def test_each_is_greater_than_the_one_before() -> None:
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made))


def test_no_id_of_a_time_is_before_its_first_nor_after_that_of_later() -> None:
    before_us = time.time_ns() // 1000
    made = new_id()
    assert first_id(before_us) <= made < first_id(time.time_ns() // 1000 + 2000)
    parsed = uuid.UUID(first_id(1_700_000_000_123_456))
    assert (parsed.version, parsed.variant, parsed.int >> 80) == (7, uuid.RFC_4122, 1_700_000_000_123)
    assert first_id(-1) == first_id(0) == "00000000-0000-7000-8000-000000000000"


def test_they_grow_although_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    monkeypatch.setattr("time.time_ns", lambda: 1)
    made = [new_id() for _ in range(100)]
    assert [first, *made] == sorted({first, *made})
    assert {uuid.UUID(made_id).version for made_id in made} == {7}


def test_threads_never_make_the_same() -> None:
    start = threading.Barrier(4)

    def make(_: int) -> list[str]:
        start.wait()
        return [new_id() for _ in range(2_000)]

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(make, range(4)))
    assert len({made_id for each in made for made_id in each}) == 8_000
    assert all(each == sorted(each) for each in made)
