"""Pages of the audit log, on every engine."""

import asyncio
from typing import Any

import pytest

from storage import limits
from storage.audit import retention as audit_retention
from storage.audit.deeds import ANONYMOUS, Deed
from storage.audit.lists import AuditFilter
from storage.audit.lists import page as audit_page
from storage.audit.retention import Prune
from storage.errors import CursorExpired
from storage.market import agents, tasks
from storage.store import Storage
from tests.storage.auditing import ADA, PRUNING, audited, some_entries
from tests.storage.items import HOUR_US, a_task, an_agent, now_us


async def test_entries_are_found_by_all_that_they_are_about(local: Storage) -> None:
    other = Deed(actor="bob", method="Service/Other", trace_id="cd" * 16)
    await local.commit(agents.register, an_agent("a"), deed=ADA)
    begin = (await audited(local))[-1].entry.time_us + 1
    await asyncio.sleep(0.001)
    await local.commit(tasks.create, a_task(), deed=other)
    await local.commit(agents.register, an_agent("b"), deed=other)
    for wanted, numbers in (
        ({}, [1, 2, 3]),
        ({"actor": "ada"}, [1]),
        ({"method": "Service/Other"}, [2, 3]),
        ({"target_type": "agent"}, [1, 3]),
        ({"target_id": "b"}, [3]),
        ({"trace_id": "cd" * 16}, [2, 3]),
        ({"trace_id": "cd" * 16, "target_type": "task"}, [2]),
        ({"begin_time_us": begin}, [2, 3]),
        ({"end_time_us": begin}, [1]),
        ({"begin_time_us": now_us() + HOUR_US}, []),
        ({"end_time_us": 0}, []),
        ({"actor": "eve"}, []),
    ):
        assert [each.entry.number for each in await audited(local, **wanted)] == numbers


@pytest.mark.parametrize("newest_first", [False, True])
async def test_pages_lead_through_all_entries_once(local: Storage, newest_first: bool) -> None:
    await some_entries(local, 10)
    pages = await _pages(local, size=3, newest_first=newest_first)
    numbers = [number for page in pages for number in page]
    assert numbers == sorted(range(1, 11), reverse=newest_first)
    assert len(pages) == 4


async def test_pages_that_go_on_over_a_pruning_are_refused_instead_of_leaving_out_entries(
    local: Storage,
) -> None:
    await some_entries(local, 6)
    first = await local.read(audit_page, AuditFilter(size=2, newest_first=False))
    await local.commit(audit_retention.prune, Prune(before_us=now_us(), at_most=2), deed=PRUNING)
    next_page = AuditFilter(size=2, after=first.next_after, newest_first=False)
    assert [each.number for each in (await local.read(audit_page, next_page)).entries] == [3, 4]
    await local.commit(audit_retention.prune, Prune(before_us=now_us(), at_most=1), deed=PRUNING)
    with pytest.raises(CursorExpired, match="entries 3 to 3 are pruned: start again"):
        await local.read(audit_page, next_page)
    for after in (None, 0):
        anew = await local.read(audit_page, AuditFilter(size=2, after=after, newest_first=False))
        assert [each.number for each in anew.entries] == [4, 5]


async def _pages(storage: Storage, **wanted: Any) -> list[list[int]]:
    """The numbers of the entries of each page."""
    pages = []
    after = None
    while True:
        page = await storage.read(audit_page, AuditFilter(after=after, **wanted))
        assert all(each.previous_hash for each in page.entries)
        pages.append([each.number for each in page.entries])
        if page.next_after is None:
            return pages
        after = page.next_after


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_page_looks_at_so_many_entries_and_the_next_goes_on(
    local: Storage, newest_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUDIT_SCAN_MAX", 4)
    anonymous = Deed(actor=ANONYMOUS, method="Service/Other")
    deeds = {number: anonymous if number in (1, 6, 7) else ADA for number in range(1, 11)}
    for number, deed in deeds.items():
        if number in (2, 9):
            await local.commit(tasks.create, a_task(), deed=deed)
        else:
            await local.commit(agents.register, an_agent(f"agent-{number}"), deed=deed)

    async def pages(**wanted: Any) -> list[list[int]]:
        return await _pages(local, size=2, newest_first=newest_first, **wanted)

    expected: list[tuple[dict[str, str], list[list[int]], list[list[int]]]] = [
        ({"target_type": "task"}, [[2], [], [9]], [[9], [], [2]]),
        ({"target_type": "bid"}, [[], [], []], [[], [], []]),
        ({"actor": ANONYMOUS}, [[1], [6, 7], []], [[7], [6], [1]]),
        ({"actor": "ada", "target_type": "task"}, [[2], [9]], [[9], [2]]),
        ({"method": "Service/Other", "target_type": "agent"}, [[1], [6, 7], []], [[7], [6], [1]]),
        ({"actor": "ada"}, [[2, 3], [4, 5], [8, 9], [10]], [[10, 9], [8, 5], [4, 3], [2]]),
        ({"target_id": "agent-3", "target_type": "agent"}, [[3]], [[3]]),
    ]
    for wanted, oldest, newest in expected:
        assert await pages(**wanted) == (newest if newest_first else oldest), wanted
