"""Sessions that nobody touches expire, and what expired long ago is deleted; several servers may sweep."""

import asyncio

import pytest

from storage.errors import SessionEnded
from storage.lifecycle import SessionStatus
from storage.sessions import sessions, transcripts
from storage.sessions import sweep as session_sweep
from storage.sessions.records import SessionDetail
from storage.sessions.sessions import NewCommand, SessionUpdate
from storage.sessions.sweep import Sweep, Swept, due, sweep
from storage.store import LOCAL, Storage
from tests.storage.conversation import HOUR_US, a_move, an_append, let_it_rest, opened_session, see
from tests.storage.looking import count, dump, opened

SWEEP = Sweep(retention_us=HOUR_US, purge_us=10 * HOUR_US, at_most=100)


async def _rested(storage: Storage, hours: float = 2, **fields: object) -> SessionDetail:
    detail = await opened_session(storage, **fields)
    await let_it_rest(storage, detail.session.session_id, hours=hours)
    return detail


async def test_what_nobody_touched_expires_with_a_reason(local: Storage) -> None:
    idle, fresh = await _rested(local), await opened_session(local)
    swept = await local.commit(sweep, SWEEP)
    assert (swept.expired_session_ids, swept.deleted_session_ids) == ([idle.session.session_id], [])
    session = (await see(local, idle)).session
    assert (session.status, session.status_reason) == (SessionStatus.EXPIRED, session_sweep.REASON)
    assert session.end_time_us
    assert await see(local, fresh) == fresh
    with pytest.raises(SessionEnded):
        await local.commit(transcripts.append, an_append(idle, "late"))


@pytest.mark.parametrize("touch", ["update", "append", "command"])
async def test_every_change_and_append_keeps_a_session_alive(local: Storage, touch: str) -> None:
    detail = await _rested(local)
    session_id = detail.session.session_id
    if touch == "update":
        await local.commit(sessions.update, SessionUpdate(session_id=session_id, task_id="t"))
    elif touch == "append":
        await local.commit(transcripts.append, an_append(detail, "still here"))
    else:
        await local.commit(sessions.append_command, NewCommand(session_id=session_id, command="wait"))
    assert (await local.commit(sweep, SWEEP)).expired_session_ids == []


async def test_a_sweep_can_be_asked_what_it_would_do(local: Storage) -> None:
    idle = await _rested(local)
    old = await opened_session(local)
    await local.commit(sessions.update, a_move(old, SessionStatus.EXPIRED))
    await let_it_rest(local, old.session.session_id, hours=11)
    before = await dump(local)
    would = await local.read(due, SWEEP)
    assert would == Swept(
        expired_session_ids=[idle.session.session_id],
        deleted_session_ids=[old.session.session_id],
        more=False,
    )
    assert await dump(local) == before
    assert await local.commit(sweep, SWEEP) == would


async def test_only_what_expired_is_deleted_and_only_when_it_is_old(local: Storage) -> None:
    completed, failed = await opened_session(local), await opened_session(local)
    for detail, end in ((completed, SessionStatus.COMPLETED), (failed, SessionStatus.FAILED)):
        await local.commit(sessions.update, a_move(detail, SessionStatus.ACTIVE))
        await local.commit(sessions.update, a_move(detail, end))
    expired, old = await opened_session(local), await opened_session(local)
    for detail in (expired, old):
        await local.commit(transcripts.append, an_append(detail, "a"))
        await local.commit(sessions.update, a_move(detail, SessionStatus.EXPIRED))
    await let_it_rest(local, completed.session.session_id, failed.session.session_id, hours=1000)
    await let_it_rest(local, expired.session.session_id, hours=9)
    await let_it_rest(local, old.session.session_id, hours=11)
    swept = await local.commit(sweep, SWEEP)
    assert (swept.expired_session_ids, swept.deleted_session_ids) == ([], [old.session.session_id])
    while (await local.commit(session_sweep.collect, 10)).more:
        pass
    assert await count(local, "sessions", "session_heads", "transcript_entries") == (3, 3, 1)


async def test_a_sweep_goes_in_batches_the_longest_untouched_first(local: Storage) -> None:
    rested = [await _rested(local, hours=2 + n) for n in range(5)]
    batch = Sweep(retention_us=HOUR_US, purge_us=HOUR_US, at_most=2)
    seen: list[str] = []
    more = True
    while more:
        swept = await local.commit(sweep, batch)
        assert len(swept.expired_session_ids) <= 2
        seen += swept.expired_session_ids
        more = swept.more
    assert seen == [detail.session.session_id for detail in reversed(rested)]


async def test_two_servers_sweep_side_by_side_and_each_session_expires_once(postgres_url: str) -> None:
    async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:
        made = await asyncio.gather(*(opened_session(here) for _ in range(60)))
        session_ids = [detail.session.session_id for detail in made]
        await let_it_rest(here, *session_ids, hours=2)
        batch = Sweep(retention_us=HOUR_US, purge_us=HOUR_US, at_most=7)

        async def sweep_all(storage: Storage) -> list[str]:
            seen: list[str] = []
            while True:
                swept = await storage.commit(sweep, batch)
                seen += swept.expired_session_ids
                if not swept.expired_session_ids and not (await storage.read(due, batch)).more:
                    return seen

        one, other = await asyncio.gather(sweep_all(here), sweep_all(there))
        while left := (await here.read(due, batch)).expired_session_ids:
            one += (await here.commit(sweep, batch)).expired_session_ids
            assert len(left) <= 7
        assert sorted(one + other) == sorted(session_ids)
        for detail in made:
            assert (await see(here, detail)).session.revision == 2


async def test_two_servers_delete_what_expired_long_ago_once(postgres_url: str) -> None:
    async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:
        made = await asyncio.gather(*(opened_session(here) for _ in range(60)))
        await asyncio.gather(
            *(here.commit(sessions.update, a_move(detail, SessionStatus.EXPIRED)) for detail in made)
        )
        await let_it_rest(here, *(detail.session.session_id for detail in made), hours=20)
        batch = Sweep(retention_us=HOUR_US, purge_us=HOUR_US, at_most=3)
        seen: list[str] = []
        while (await here.read(due, batch)).deleted_session_ids:
            for swept in await asyncio.gather(*(storage.commit(sweep, batch) for storage in (here, there))):
                seen += swept.deleted_session_ids
        assert sorted(seen) == sorted(detail.session.session_id for detail in made)
        more = True
        while more:
            both = await asyncio.gather(*(s.commit(session_sweep.collect, 7) for s in (here, there)))
            more = any(batch.more for batch in both)
        assert await count(here, "sessions", "session_heads") == (0, 0)
