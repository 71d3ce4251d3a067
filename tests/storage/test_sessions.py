"""Sessions: created, changed by several writers, remembered, deleted."""

import asyncio
import json
from typing import Any

import pytest

from storage import limits
from storage.errors import (
    InvalidTransition,
    MetadataTooLarge,
    SessionEnded,
    SessionNotFound,
    StaleRevision,
)
from storage.lifecycle import SessionStatus
from storage.market import tasks
from storage.outcome import Mutation
from storage.pages import PageRequest
from storage.records import HeadState
from storage.sessions import sessions, transcripts
from storage.sessions import sweep as session_sweep
from storage.sessions.lists import Resume, SessionFilter, resume
from storage.sessions.lists import sessions as list_sessions
from storage.sessions.sessions import NewCommand, SessionUpdate
from storage.store import LOCAL, Storage
from tests.storage.conversation import a_move, a_session, an_append, opened_session, see, transcript
from tests.storage.items import a_task
from tests.storage.looking import a_request, all_of, count, dump, opened

PENDING, ACTIVE, PAUSED, COMPLETED = (
    SessionStatus.PENDING,
    SessionStatus.ACTIVE,
    SessionStatus.PAUSED,
    SessionStatus.COMPLETED,
)


async def test_a_session_begins_pending_with_what_it_was_given(local: Storage) -> None:
    given = a_session(task_id="task", metadata='{"a":1}', active_task_ids=("t1", "t2"))
    detail = await local.commit(sessions.create, given)
    session, head = detail.session, detail.head
    assert (session.status, session.revision, session.role) == (PENDING, 1, "planner")
    assert (session.task_id, session.metadata, session.active_task_ids) == ("task", '{"a":1}', ("t1", "t2"))
    assert session.create_time_us == session.update_time_us == head.last_activity_us > 0
    assert (head.entry_count, head.command_count, head.state) == (0, 0, HeadState.OPEN)
    assert await see(local, detail) == detail


async def test_a_session_moves_as_the_table_says_with_time_and_reason(local: Storage) -> None:
    detail = await opened_session(local)
    begun = await local.commit(sessions.update, a_move(detail, ACTIVE, reason="the user spoke"))
    assert (begun.session.status_reason, begun.session.revision) == ("the user spoke", 2)
    assert begun.session.start_time_us == begun.session.transition_time_us
    paused = await local.commit(sessions.update, a_move(detail, PAUSED))
    assert (paused.session.pause_time_us, paused.session.status_reason) == (
        paused.session.transition_time_us,
        "",
    )
    resumed = await local.commit(sessions.update, a_move(detail, ACTIVE))
    assert resumed.session.start_time_us == begun.session.start_time_us
    ended = await local.commit(sessions.update, a_move(detail, COMPLETED, reason="done"))
    assert ended.session.end_time_us == ended.session.transition_time_us
    assert ended.head.state == HeadState.ENDED
    assert await see(local, detail) == ended


async def test_a_move_that_the_table_does_not_have_is_refused_and_changes_nothing(local: Storage) -> None:
    detail = await opened_session(local)
    before = await dump(local)
    with pytest.raises(InvalidTransition) as refusal:
        await local.commit(sessions.update, a_move(detail, PAUSED))
    assert refusal.value.metadata == {"from": "pending", "to": "paused"}
    assert await dump(local) == before


async def test_the_same_again_is_no_change(local: Storage) -> None:
    detail = await opened_session(local)
    same = SessionUpdate(
        session_id=detail.session.session_id,
        status=PENDING,
        task_id="",
        metadata='{"mood":"calm","gone":null}',
        active_task_ids=(),
    )
    before = await dump(local)
    assert await local.commit(sessions.update, same) == detail
    assert await dump(local) == before


async def test_metadata_is_merged_key_by_key_and_null_removes(local: Storage) -> None:
    detail = await opened_session(local, metadata='{"a":{"deep":1},"b":2,"c":3}')
    patch = SessionUpdate(session_id=detail.session.session_id, metadata='{"a":{"new":1},"b":null,"d":4}')
    merged = await local.commit(sessions.update, patch)
    assert json.loads(merged.session.metadata) == {"a": {"new": 1}, "c": 3, "d": 4}


async def test_metadata_does_not_grow_without_bound(local: Storage) -> None:
    half = "x" * (limits.SESSION_METADATA_BYTES_MAX // 2)
    detail = await opened_session(local, metadata=json.dumps({"a": half}))
    with pytest.raises(MetadataTooLarge):
        await local.commit(
            sessions.update,
            SessionUpdate(session_id=detail.session.session_id, metadata=json.dumps({"b": half})),
        )
    replaced = SessionUpdate(session_id=detail.session.session_id, metadata=json.dumps({"a": half[1:]}))
    await local.commit(sessions.update, replaced)


async def test_a_stale_revision_is_refused(local: Storage) -> None:
    detail = await opened_session(local)
    change = SessionUpdate(session_id=detail.session.session_id, task_id="a", revision=1)
    await local.commit(sessions.update, change)
    with pytest.raises(StaleRevision):
        await local.commit(
            sessions.update, SessionUpdate(session_id=detail.session.session_id, task_id="b", revision=1)
        )
    assert (await see(local, detail)).session.task_id == "a"


async def test_of_two_that_name_the_same_revision_in_one_batch_one_wins(local: Storage) -> None:
    detail = await opened_session(local)
    first, second = await all_of(
        local,
        sessions.update,
        *(
            SessionUpdate(session_id=detail.session.session_id, task_id=task_id, revision=1)
            for task_id in ("a", "b")
        ),
    )
    assert first.session.task_id == "a"
    assert isinstance(second, StaleRevision)


@pytest.mark.parametrize("end", [SessionStatus.COMPLETED, SessionStatus.FAILED, SessionStatus.EXPIRED])
async def test_what_has_ended_takes_nothing_more(local: Storage, end: SessionStatus) -> None:
    detail = await opened_session(local)
    await local.commit(sessions.update, a_move(detail, ACTIVE))
    await local.commit(sessions.update, a_move(detail, end))
    before = await dump(local)
    session_id = detail.session.session_id
    late: list[tuple[Mutation[Any, Any], Any]] = [
        (sessions.update, SessionUpdate(session_id=session_id, metadata='{"a":1}')),
        (sessions.append_command, NewCommand(session_id=session_id, command="go")),
        (transcripts.append, an_append(detail, "late")),
    ]
    for mutation, item in late:
        with pytest.raises(SessionEnded):
            await local.commit(mutation, item)
    for status in SessionStatus:
        if status != end:
            with pytest.raises(InvalidTransition):
                await local.commit(sessions.update, a_move(detail, status))
    assert await dump(local) == before


async def test_a_session_that_does_not_exist_is_not_found(local: Storage) -> None:
    wanted: list[tuple[Mutation[Any, Any], Any]] = [
        (sessions.update, SessionUpdate(session_id="none", task_id="a")),
        (sessions.append_command, NewCommand(session_id="none", command="go")),
        (sessions.delete, "none"),
        (transcripts.append, transcripts.Append(session_id="none", entries=())),
        (transcripts.copy, transcripts.Copy(session_id="none")),
    ]
    for mutation, item in wanted:
        with pytest.raises(SessionNotFound):
            await local.commit(mutation, item)
    with pytest.raises(SessionNotFound):
        await local.fetch(sessions.get, "none")
    with pytest.raises(SessionNotFound):
        await local.read(resume, Resume(session_id="none", entries_max=1, commands_max=1))


async def test_commands_are_numbered_and_leave_the_revision_alone(local: Storage) -> None:
    detail = await opened_session(local)
    new = [NewCommand(session_id=detail.session.session_id, command=f"step {place}") for place in range(5)]
    commands = await all_of(local, sessions.append_command, *new)
    assert [command.number for command in commands] == [1, 2, 3, 4, 5]
    now = await see(local, detail)
    assert (now.session.revision, now.head.command_count) == (1, 5)
    assert now.head.last_activity_us > detail.head.last_activity_us


async def test_a_session_is_resumed_with_all_that_is_needed_at_once(local: Storage) -> None:
    task = (await local.commit(tasks.create, a_task())).record
    detail = await opened_session(local, active_task_ids=(task.task_id, "of another system"))
    await local.commit(transcripts.append, an_append(detail, *(f"entry {n}" for n in range(30))))
    for place in range(4):
        new = NewCommand(session_id=detail.session.session_id, command=f"step {place}")
        await local.commit(sessions.append_command, new)
    resumed = await local.read(
        resume, Resume(session_id=detail.session.session_id, entries_max=3, commands_max=2)
    )
    assert [entry.content for entry in resumed.entries] == ["entry 27", "entry 28", "entry 29"]
    assert [command.command for command in resumed.commands] == ["step 2", "step 3"]
    assert resumed.active_tasks == [task]
    assert resumed.detail == await see(local, detail)


async def test_a_deleted_session_is_gone_and_the_sweep_clears_what_it_leaves(local: Storage) -> None:
    kept, gone = await opened_session(local), await opened_session(local)
    for detail in (kept, gone):
        await local.commit(transcripts.append, an_append(detail, "a", "b", "c"))
        new = NewCommand(session_id=detail.session.session_id, command="go")
        await local.commit(sessions.append_command, new)
    deleted, again = await all_of(local, sessions.delete, *[gone.session.session_id] * 2)
    assert (deleted, type(again)) == (gone.session.session_id, SessionNotFound)
    with pytest.raises(SessionNotFound):
        await see(local, gone)
    with pytest.raises(SessionNotFound):
        await local.commit(transcripts.append, an_append(gone, "late"))
    # Three entries, a command and the head, in passes of two rows.
    passes = [await local.commit(session_sweep.collect, 2) for _ in range(4)]
    assert [(each.count, each.more) for each in passes] == [(2, True), (2, True), (1, False), (0, False)]
    assert await count(local, "sessions", "session_heads", "session_commands") == (1, 1, 1)
    assert await count(local, "transcript_entries") == (3,)


async def test_the_same_request_creates_one_session(local: Storage) -> None:
    first = await local.commit(sessions.create, a_session(), request=a_request("r"))
    assert await local.commit(sessions.create, a_session(), request=a_request("r")) == first
    assert await count(local, "sessions") == (1,)


async def test_sessions_are_listed_newest_first_by_what_they_are(local: Storage) -> None:
    a = await opened_session(local, role="a", task_id="t", metadata='{"lang":"de"}')
    b = await opened_session(local, role="b", task_id="t", metadata='{"deep":{"lang":"de"}}')
    c = await opened_session(local, role="b", metadata='{"lang":0,"gone":null}')
    await local.commit(sessions.update, a_move(b, ACTIVE))
    await local.commit(sessions.update, a_move(c, SessionStatus.EXPIRED))

    async def listed(**fields: object) -> list[str]:
        wanted = SessionFilter(page=PageRequest(size=10, count=True), **fields)  # type: ignore[arg-type]
        found = await local.read(list_sessions, wanted)
        assert found.total_size == len(found.records)
        names = {a.session.session_id: "a", b.session.session_id: "b", c.session.session_id: "c"}
        return [names[detail.session.session_id] for detail in found.records]

    assert await listed() == ["c", "b", "a"]
    assert await listed(status=ACTIVE) == ["b"]
    assert await listed(role="b") == ["c", "b"]
    assert await listed(task_id="t") == ["b", "a"]
    assert await listed(metadata_key="lang") == ["c", "a"]
    assert await listed(metadata_key="gone") == []
    assert await listed(metadata_key="' OR 1=1 --") == []
    assert await listed(open_only=True) == ["b", "a"]
    assert await listed(open_only=True, role="b", task_id="t") == ["b"]


async def test_pages_of_sessions_have_each_once(local: Storage) -> None:
    made = [(await opened_session(local)).session.session_id for _ in range(7)]
    seen: list[str] = []
    after = ""
    while True:
        found = await local.read(list_sessions, SessionFilter(page=PageRequest(size=3, after=after)))
        seen += [detail.session.session_id for detail in found.records]
        after = found.next_key
        if not after:
            break
    assert seen == made[::-1]


async def test_the_view_shows_active_sessions(local: Storage) -> None:
    await opened_session(local)
    active = await opened_session(local, task_id="t")
    await local.commit(sessions.update, a_move(active, ACTIVE))
    rows = await local.read(lambda tx: tx.connection.exec_driver_sql("SELECT * FROM active_sessions").all())
    assert [row[:3] for row in rows] == [(active.session.session_id, "planner", "t")]


async def test_sessions_outlive_the_process(lasting_url: str) -> None:
    async with opened(lasting_url, LOCAL) as storage:
        detail = await opened_session(storage)
        await storage.commit(transcripts.append, an_append(detail, "before"))
        before = await see(storage, detail)
    async with opened(lasting_url, LOCAL) as storage:
        assert await see(storage, detail) == before
        appended = await storage.commit(transcripts.append, an_append(detail, "after"))
        assert appended.first_position == 2


WRITERS = 50
APPENDS = 4


async def test_fifty_writers_of_one_session_lose_nothing(local: Storage) -> None:
    detail = await opened_session(local, metadata="{}")
    session_id = detail.session.session_id

    async def write(writer: int) -> None:
        for turn in range(APPENDS):
            await local.commit(
                transcripts.append, an_append(detail, *(f"{writer}/{turn}/{part}" for part in range(3)))
            )
            patch = json.dumps({f"w{writer}": turn})
            await local.commit(sessions.update, SessionUpdate(session_id=session_id, metadata=patch))

    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
    await _check_all_is_there(local, session_id)


async def _check_all_is_there(storage: Storage, session_id: str) -> None:
    now = await storage.fetch(sessions.get, session_id)
    assert json.loads(now.session.metadata) == {f"w{writer}": APPENDS - 1 for writer in range(WRITERS)}
    assert now.session.revision == 1 + WRITERS * APPENDS
    entries = await transcript(storage, session_id)
    assert [entry.position for entry in entries] == list(range(1, WRITERS * APPENDS * 3 + 1))
    places = {entry.content: entry.position for entry in entries}
    assert len(places) == len(entries)
    for writer in range(WRITERS):
        own = [places[f"{writer}/{turn}/{part}"] for turn in range(APPENDS) for part in range(3)]
        assert own == sorted(own)  # in the order of its writer
        assert all(own[place + 2] - own[place] == 2 for place in range(0, len(own), 3))  # together
    assert now.head.entry_count == len(entries)


async def test_fifty_writers_on_two_servers_lose_nothing(postgres_url: str) -> None:
    async with opened(postgres_url, LOCAL) as here, opened(postgres_url, LOCAL) as there:
        detail = await opened_session(here, metadata="{}")
        session_id = detail.session.session_id

        async def write(writer: int) -> None:
            storage = (here, there)[writer % 2]
            for turn in range(APPENDS):
                await storage.commit(
                    transcripts.append, an_append(detail, *(f"{writer}/{turn}/{part}" for part in range(3)))
                )
                patch = json.dumps({f"w{writer}": turn})
                await storage.commit(sessions.update, SessionUpdate(session_id=session_id, metadata=patch))

        await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
        await _check_all_is_there(there, session_id)
