"""Approvals on every engine: races, expiry by several servers at once, and the view for people."""

import asyncio

from storage import events
from storage.errors import ApprovalNotPending
from storage.events import Filter
from storage.lifecycle import ApprovalStatus
from storage.market import tasks
from storage.sessions import approvals, handoffs, sessions
from storage.sessions.approvals import Ending
from storage.sessions.handoffs import NewHandoff
from storage.store import LOCAL, Storage
from tests.storage.conversation import HOUR_US, a_session, let_it_rest, opened_session
from tests.storage.items import a_task, now_us
from tests.storage.looking import all_of, opened
from tests.storage.test_approval_model import an_approval
from tests.storage.watching import watching


async def test_watchers_are_told_by_session_and_by_role_from_memory_as_from_the_log(local: Storage) -> None:
    session_id = (await opened_session(local)).session.session_id
    async with watching(local) as everything:
        start = everything.cursor
    for fields in ({}, {"approver_role": "clerk"}, {"session_id": session_id}):
        await local.commit(approvals.request, an_approval(**fields))
    kind = frozenset({"approval"})
    for wanted in (
        Filter(entities=kind, roles=frozenset({"clerk"})),
        Filter(entities=kind, session_ids=frozenset({session_id})),
    ):
        async with watching(local, wanted, after=start) as watcher:
            (found,) = await watcher.take(1)
        _, read = await local.read(events.read_after, start.number, 100, wanted)
        assert read == [found]
        assert (found.body.role or found.body.session_id) in ("clerk", session_id)


def an_ending(
    approval_id: str, status: ApprovalStatus = ApprovalStatus.APPROVED, by: str = "grace"
) -> Ending:
    return Ending(approval_id=approval_id, status=status, decided_by=by)


async def test_of_two_decisions_in_one_batch_the_first_counts(local: Storage) -> None:
    asked = await local.commit(approvals.request, an_approval())
    first, second = await all_of(
        local,
        approvals.end,
        an_ending(asked.approval_id),
        an_ending(asked.approval_id, ApprovalStatus.REJECTED, "hedy"),
    )
    assert first.status == ApprovalStatus.APPROVED
    assert isinstance(second, ApprovalNotPending)
    assert second.metadata == {"status": "approved", "decided_by": "grace"}


async def test_a_request_touches_its_session(local: Storage) -> None:
    session_id = (await local.commit(sessions.create, a_session())).session.session_id
    await let_it_rest(local, session_id, hours=100)
    await local.commit(approvals.request, an_approval(session_id=session_id))
    detail = await local.fetch(sessions.get, session_id)
    assert detail.head.last_activity_us > now_us() - HOUR_US
    assert detail.session.revision == 1


async def test_only_what_is_due_expires_and_only_so_many_at_a_time(local: Storage) -> None:
    due = [await local.commit(approvals.request, an_approval(time_to_live_us=0)) for _ in range(3)]
    lasting = await local.commit(approvals.request, an_approval())
    swept = [await local.commit(approvals.sweep, 2) for _ in range(3)]
    assert [(len(found.approval_ids), found.more) for found in swept] == [(2, True), (1, False), (0, False)]
    for approval in due:
        assert (await local.fetch(approvals.get, approval.approval_id)).status == ApprovalStatus.EXPIRED
    assert await local.fetch(approvals.get, lasting.approval_id) == lasting


async def test_the_view_for_people_has_what_is_pending_oldest_first(local: Storage) -> None:
    asked = [await local.commit(approvals.request, an_approval(title=f"{n}")) for n in range(3)]
    await local.commit(approvals.end, an_ending(asked[1].approval_id))
    view = await local.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT title FROM pending_approvals").scalars().all()
    )
    assert view == ["0", "2"]


async def test_the_view_tells_what_the_task_of_an_approval_is(local: Storage) -> None:
    task = (await local.commit(tasks.create, a_task())).record
    new = NewHandoff(from_role="planner", to_role="buyer", handoff_type="order", description="two chairs")
    handoff = await local.commit(handoffs.route, new)
    for task_id in (task.task_id, handoff.handoff_id, ""):
        await local.commit(approvals.request, an_approval(task_id=task_id))
    columns = "task_description, from_role, to_role"
    view = await local.read(
        lambda tx: tx.connection.exec_driver_sql(f"SELECT {columns} FROM pending_approvals").all()
    )
    assert view == [(task.description, "", ""), ("two chairs", "planner", "buyer"), ("", "", "")]


class TestTwoServers:
    async def test_decide_an_approval_once(self, postgres_url: str) -> None:
        async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:
            for _ in range(20):
                asked = await here.commit(approvals.request, an_approval())
                answers = await asyncio.gather(
                    here.commit(approvals.end, an_ending(asked.approval_id, by="here")),
                    there.commit(approvals.end, an_ending(asked.approval_id, by="there")),
                    return_exceptions=True,
                )
                (lost,) = [answer for answer in answers if isinstance(answer, ApprovalNotPending)]
                (won,) = [answer for answer in answers if answer is not lost]
                assert await here.fetch(approvals.get, asked.approval_id) == won

    async def test_share_the_sweep(self, postgres_url: str) -> None:
        async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:
            for _ in range(20):
                await here.commit(approvals.request, an_approval(time_to_live_us=0))
            swept = 0
            while swept < 20:
                found = await asyncio.gather(*(s.commit(approvals.sweep, 5) for s in (here, there)))
                swept += sum(len(expired.approval_ids) for expired in found)
            assert swept == 20

    async def test_hear_of_each_others_decisions(self, postgres_url: str) -> None:
        async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:
            asked = await here.commit(approvals.request, an_approval())
            wanted = Filter(entities=frozenset({"approval"}), entity_ids=frozenset({asked.approval_id}))
            watch = here.feed.watch(wanted, None)
            assert (await anext(watch)).events == []
            await there.commit(approvals.end, an_ending(asked.approval_id))
            async with asyncio.timeout(60):
                (event,) = (await anext(watch)).events
            assert (event.entity_id, event.body.status) == (asked.approval_id, "approved")
