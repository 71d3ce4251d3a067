"""Handoffs and approvals that ended long ago are deleted; several servers may do it at once."""

import asyncio
from typing import Any

import msgspec
import pytest

from storage.audit.deeds import SystemMethod, system_deed
from storage.events import Filter
from storage.ids import first_id
from storage.lifecycle import ApprovalStatus, HandoffStatus, SessionStatus
from storage.market import tasks
from storage.outcome import Mutation
from storage.sessions import approvals, handoffs, sessions
from storage.sessions.approvals import Ending
from storage.sessions.handoffs import HandoffUpdate
from storage.sessions.purge import Purge, Purged
from storage.store import LOCAL, Storage
from tests.storage.auditing import audited, meddle
from tests.storage.conversation import HOUR_US, a_move, opened_session
from tests.storage.items import a_task, now_us
from tests.storage.looking import check_counts, count, dump, opened
from tests.storage.test_approval_model import an_approval
from tests.storage.test_handoffs import a_handoff

TEN_HOURS = Purge(purge_us=10 * HOUR_US, at_most=100)
MADE_DIGITS = len("018f0000-0000")


async def aged(
    storage: Storage, table: str, entity_id: str, *, made: float, ended: float | None = None
) -> str:
    """Make it as if an entity had been made, and had ended, so many hours ago; the id that it has then."""
    key = f"{table.removesuffix('s')}_id"
    old_id = first_id(now_us() - int(made * HOUR_US))[:MADE_DIGITS] + entity_id[MADE_DIGITS:]
    await meddle(storage, f"UPDATE {table} SET {key} = :old WHERE {key} = :new", old=old_id, new=entity_id)
    if ended is not None:
        end_us = now_us() - int(ended * HOUR_US)
        await meddle(
            storage, f"UPDATE {table} SET end_time_us = :end WHERE {key} = :old", end=end_us, old=old_id
        )
    return old_id


async def a_handoff_that_ended(
    storage: Storage, status: HandoffStatus, *, made: float, ended: float, **fields: Any
) -> str:
    handoff_id = (await storage.commit(handoffs.route, a_handoff(**fields))).handoff_id
    for target in (HandoffStatus.ACTIVE, status):
        await storage.commit(handoffs.update, HandoffUpdate(handoff_id=handoff_id, status=target))
    return await aged(storage, "handoffs", handoff_id, made=made, ended=ended)


async def an_approval_that_ended(
    storage: Storage,
    status: ApprovalStatus = ApprovalStatus.APPROVED,
    *,
    made: float,
    ended: float,
    **fields: Any,
) -> str:
    if status == ApprovalStatus.EXPIRED:
        asked = await storage.commit(approvals.request, an_approval(time_to_live_us=0, **fields))
        await storage.commit(approvals.sweep, 10)
    else:
        asked = await storage.commit(approvals.request, an_approval(**fields))
        ending = Ending(approval_id=asked.approval_id, status=status, decided_by="grace")
        await storage.commit(approvals.end, ending)
    return await aged(storage, "approvals", asked.approval_id, made=made, ended=ended)


async def purged(storage: Storage, purge: Mutation[Purge, Purged], batch: Purge = TEN_HOURS) -> list[int]:
    """How many each batch of a whole purge deletes."""
    method = SystemMethod.PURGE_HANDOFFS if purge is handoffs.purge else SystemMethod.PURGE_APPROVALS
    counts = []
    following: Purge | None = batch
    while following is not None:
        done = await storage.commit(purge, following, deed=system_deed(method))
        counts.append(done.count)
        following = done.next(following)
    return counts


async def ids_of(storage: Storage, table: str) -> list[str]:
    return [row[0] for row in (await dump(storage))[table]]


@pytest.mark.parametrize(
    "status", [HandoffStatus.COMPLETED, HandoffStatus.FAILED, HandoffStatus.CANCELLED], ids=str
)
async def test_handoffs_go_so_long_after_they_ended(local: Storage, status: HandoffStatus) -> None:
    lately = await a_handoff_that_ended(local, status, made=20, ended=9)
    await a_handoff_that_ended(local, status, made=20, ended=11)
    await a_handoff_that_ended(local, status, made=12, ended=11)
    waiting = (await local.commit(handoffs.route, a_handoff())).handoff_id
    waiting = await aged(local, "handoffs", waiting, made=100)
    assert await purged(local, handoffs.purge) == [2]
    assert await ids_of(local, "handoffs") == [waiting, lately]


@pytest.mark.parametrize(
    "status", [status for status in ApprovalStatus if status != ApprovalStatus.PENDING], ids=str
)
async def test_approvals_go_so_long_after_they_ended(local: Storage, status: ApprovalStatus) -> None:
    lately = await an_approval_that_ended(local, status, made=20, ended=9)
    await an_approval_that_ended(local, status, made=20, ended=11)
    waiting = (await local.commit(approvals.request, an_approval())).approval_id
    waiting = await aged(local, "approvals", waiting, made=100)
    assert await purged(local, approvals.purge) == [1]
    assert await ids_of(local, "approvals") == [waiting, lately]


async def test_approvals_of_a_session_stay_as_long_as_it_is_open(local: Storage) -> None:
    ended, open_ = await opened_session(local), await opened_session(local)
    kept = [
        await an_approval_that_ended(local, made=20, ended=11, session_id=detail.session.session_id)
        for detail in (open_, ended)
    ]
    assert await purged(local, approvals.purge) == [0]
    assert await ids_of(local, "approvals") == sorted(kept)
    await local.commit(sessions.update, a_move(ended, SessionStatus.EXPIRED))
    assert await purged(local, approvals.purge) == [1]
    assert await ids_of(local, "approvals") == kept[:1]
    await local.commit(sessions.delete, open_.session.session_id)
    assert await purged(local, approvals.purge) == [1]


async def test_approvals_of_a_task_stay_as_long_as_it_is_open(local: Storage) -> None:
    task_id = (await local.commit(tasks.create, a_task())).record.task_id
    approval_id = await an_approval_that_ended(local, made=20, ended=11, task_id=task_id)
    assert await purged(local, approvals.purge) == [0]
    assert await ids_of(local, "approvals") == [approval_id]
    await local.commit(tasks.cancel, task_id)
    assert await purged(local, approvals.purge) == [1]


async def test_approvals_of_a_handoff_stay_as_long_as_it_is_open(local: Storage) -> None:
    handoff_id = (await local.commit(handoffs.route, a_handoff())).handoff_id
    approval_id = await an_approval_that_ended(local, made=20, ended=11, task_id=handoff_id)
    assert await purged(local, approvals.purge) == [0]
    for status in (HandoffStatus.ACTIVE, HandoffStatus.COMPLETED):
        assert await ids_of(local, "approvals") == [approval_id]
        await local.commit(handoffs.update, HandoffUpdate(handoff_id=handoff_id, status=status))
        assert await purged(local, approvals.purge) == [int(status == HandoffStatus.COMPLETED)]


async def test_handoffs_of_a_session_stay_as_long_as_it_is_open(local: Storage) -> None:
    session_id = (await opened_session(local)).session.session_id
    handoff_id = await a_handoff_that_ended(
        local, HandoffStatus.COMPLETED, made=20, ended=11, session_id=session_id
    )
    assert await purged(local, handoffs.purge) == [0]
    assert await ids_of(local, "handoffs") == [handoff_id]
    await local.commit(sessions.delete, session_id)
    assert await purged(local, handoffs.purge) == [1]


async def test_a_batch_looks_at_so_many_and_the_next_goes_on_behind_what_stays(local: Storage) -> None:
    for made in range(30, 20, -1):
        ended = 11 if made in (30, 24, 23, 21) else 9
        await a_handoff_that_ended(local, HandoffStatus.FAILED, made=made, ended=ended)
    three = msgspec.structs.replace(TEN_HOURS, at_most=3)
    assert await purged(local, handoffs.purge, three) == [1, 0, 2, 1]
    assert await count(local, "handoffs") == (6,)
    assert await purged(local, handoffs.purge, three) == [0, 0, 0]


async def test_what_has_just_ended_is_not_purged(local: Storage) -> None:
    for made in (0, 11):
        await an_approval_that_ended(local, made=made, ended=0)
    assert await purged(local, approvals.purge) == [0]
    hundred_years = msgspec.structs.replace(TEN_HOURS, purge_us=100 * 365 * 24 * HOUR_US)
    assert await purged(local, approvals.purge, hundred_years) == [0]


async def test_the_audit_log_has_a_count_of_each_batch_that_deleted_something(local: Storage) -> None:
    for made in (14, 13, 12):
        await an_approval_that_ended(local, made=made, ended=11)
    await a_handoff_that_ended(local, HandoffStatus.FAILED, made=20, ended=11)
    two = msgspec.structs.replace(TEN_HOURS, at_most=2)
    for _ in range(2):
        await purged(local, approvals.purge, two)
        await purged(local, handoffs.purge, two)
    found = [stored.entry for stored in await audited(local)]
    assert [(each.method, each.target_type, each.counts) for each in found] == [
        ("System/PurgeApprovals", "approval", {"rows": 2}),
        ("System/PurgeApprovals", "approval", {"rows": 1}),
        ("System/PurgeHandoffs", "handoff", {"rows": 1}),
    ]


async def test_who_watches_approvals_hears_of_it_and_the_counts_hold(local: Storage) -> None:
    approval_id = await an_approval_that_ended(local, made=20, ended=11, task_id="t", approver_role="clerk")
    watch = local.feed.watch(Filter(entities=frozenset({"approval"})), None)
    await anext(watch)
    await purged(local, approvals.purge)
    async with asyncio.timeout(60):
        (event,) = (await anext(watch)).events
    assert (event.entity_id, event.task_id, event.revision) == (approval_id, "t", 2)
    assert (event.body.status, event.body.role) == ("deleted", "clerk")
    await check_counts(local)
    assert (await dump(local))["status_counts"] == [("approval", "approved", 0), ("approval", "pending", 0)]


async def test_two_servers_share_the_purge(postgres_url: str) -> None:
    async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:
        for _ in range(20):
            await an_approval_that_ended(here, made=20, ended=11)
        five = msgspec.structs.replace(TEN_HOURS, at_most=5)
        counts = await asyncio.gather(*(purged(storage, approvals.purge, five) for storage in (here, there)))
        assert sum(map(sum, counts)) == 20
        assert await count(here, "approvals") == (0,)
