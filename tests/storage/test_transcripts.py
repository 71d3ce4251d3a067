"""Transcripts: dense positions, all or nothing, pages from either end, branches and copies."""

import msgspec
import pytest

from storage import limits
from storage.errors import EntryNotFound, SessionNotFound, TranscriptTooLong
from storage.events import Filter
from storage.lifecycle import SessionStatus
from storage.records import EntryRole
from storage.sessions import sessions, transcripts
from storage.sessions.records import ToolCall
from storage.sessions.sessions import NewCommand
from storage.sessions.transcripts import Append, Copy, EntryRange, page
from storage.store import Storage
from tests.storage.conversation import (
    a_move,
    an_append,
    an_entry,
    contents,
    opened_session,
    see,
    transcript,
)
from tests.storage.looking import a_request, all_of, count, dump


async def test_entries_come_back_as_they_were_appended(local: Storage) -> None:
    detail = await opened_session(local)
    rich = an_entry(
        "Grüße, 世界 🜁",
        role=EntryRole.TOOL,
        phase="implement",
        iteration=3,
        model="model-1",
        input_tokens=1,
        output_tokens=2,
        cache_creation_tokens=3,
        cache_read_tokens=2**62,
        tool_calls=(ToolCall(call_id="1", name="grep", arguments='{"a":"b"}', result="nothing"),),
        parent_position=1,
        size_bytes=1000,
    )
    appended = await local.commit(
        transcripts.append,
        Append(session_id=detail.session.session_id, entries=(an_entry("first"), rich)),
    )
    assert (appended.first_position, appended.last_position) == (1, 2)
    first, second = await transcript(local, detail.session.session_id)
    assert (first.content, first.position, first.parent_position) == ("first", 1, 0)
    for field in rich.__struct_fields__:
        assert getattr(second, field) == getattr(rich, field)
    assert second.create_time_us == appended.create_time_us


async def test_appends_leave_the_revision_alone_and_touch_the_session(local: Storage) -> None:
    detail = await opened_session(local)
    await local.commit(transcripts.append, an_append(detail, "a"))
    now = await see(local, detail)
    assert now.session == detail.session
    assert (now.head.entry_count, now.head.last_activity_us > detail.head.last_activity_us) == (1, True)


async def test_a_batch_is_all_or_nothing(local: Storage) -> None:
    detail = await opened_session(local)
    entries = (an_entry("good"), an_entry("a child of nobody", parent_position=3))
    before = await dump(local)
    with pytest.raises(EntryNotFound) as refusal:
        await local.commit(transcripts.append, Append(session_id=detail.session.session_id, entries=entries))
    assert refusal.value.field == "entries[1].parent_position"
    assert await dump(local) == before


async def test_an_empty_batch_changes_nothing(local: Storage) -> None:
    detail = await opened_session(local)
    before = await dump(local)
    appended = await local.commit(transcripts.append, an_append(detail))
    assert (appended.first_position, appended.last_position) == (0, 0)
    assert await dump(local) == before


async def test_appends_of_one_batch_follow_each_other(local: Storage) -> None:
    a, b = await opened_session(local), await opened_session(local)
    appends = [an_append(a, "1", "2"), an_append(b, "x"), an_append(a, "3"), an_append(b, "y")]
    answers = await all_of(local, transcripts.append, *appends)
    assert [answer.first_position for answer in answers] == [1, 1, 3, 2]
    assert await contents(local, a) == ["1", "2", "3"]
    assert await contents(local, b) == ["x", "y"]


async def test_one_event_tells_of_all_appends_of_a_batch(local: Storage) -> None:
    detail = await opened_session(local)
    watch = local.feed.watch(Filter(entities=frozenset({"transcript"})), None)
    await anext(watch)
    await all_of(local, transcripts.append, an_append(detail, "1"), an_append(detail, "2", "3"))
    (event,) = (await anext(watch)).events
    assert (event.entity_id, event.revision) == (detail.session.session_id, 3)


async def test_the_same_request_appends_once(local: Storage) -> None:
    detail = await opened_session(local)
    new = an_append(detail, "once")
    first = await local.commit(transcripts.append, new, request=a_request("r"))
    assert await local.commit(transcripts.append, new, request=a_request("r")) == first
    assert await contents(local, detail) == ["once"]


async def test_a_transcript_is_read_by_page_from_either_end(local: Storage) -> None:
    detail = await opened_session(local)
    await local.commit(transcripts.append, an_append(detail, *(str(n) for n in range(1, 11))))
    session_id = detail.session.session_id
    forwards = await transcript(local, session_id, size=3)
    backwards = await transcript(local, session_id, size=3, backwards=True)
    assert [entry.position for entry in forwards] == list(range(1, 11))
    assert backwards == forwards[::-1]
    part = await local.read(page, EntryRange(session_id=session_id, size=10))
    assert (part.more, part.entry_count) == (False, 10)
    end = await local.read(page, EntryRange(session_id=session_id, size=10, position=10))
    assert (end.entries, end.more) == ([], False)


async def test_a_page_ends_before_it_is_too_large(local: Storage) -> None:
    detail = await opened_session(local)
    large = "x" * (limits.PAGE_BYTES_MAX * 2 // 5)
    for _ in range(3):
        await local.commit(transcripts.append, an_append(detail, large))
    part = await local.read(page, EntryRange(session_id=detail.session.session_id, size=10))
    assert ([entry.position for entry in part.entries], part.more) == ([1, 2], True)


async def test_an_entry_alone_may_be_larger_than_a_page(local: Storage) -> None:
    detail = await opened_session(local)
    await local.commit(transcripts.append, an_append(detail, "x" * 100, "y" * 100))
    wanted = EntryRange(session_id=detail.session.session_id, size=10, bytes_max=10)
    first = await local.read(page, wanted)
    assert ([entry.content for entry in first.entries], first.more) == (["x" * 100], True)
    second = await local.read(page, msgspec.structs.replace(wanted, position=1))
    assert ([entry.content for entry in second.entries], second.more) == (["y" * 100], False)


async def test_a_branch_begins_with_what_was_said_up_to_an_entry(local: Storage) -> None:
    source = await opened_session(local, task_id="t", metadata='{"a":1}', active_task_ids=("x",))
    await local.commit(sessions.update, a_move(source, SessionStatus.ACTIVE))
    await local.commit(transcripts.append, an_append(source, "1", "2", "3"))
    branch = await local.commit(transcripts.copy, Copy(session_id=source.session.session_id, position=2))
    assert branch.session.status == SessionStatus.PENDING
    assert (branch.session.source_session_id, branch.session.source_position) == (
        source.session.session_id,
        2,
    )
    assert (branch.session.task_id, branch.session.metadata) == ("t", '{"a":1}')
    await local.commit(transcripts.append, an_append(branch, "another 3"))
    assert await contents(local, branch) == ["1", "2", "another 3"]
    assert await contents(local, source) == ["1", "2", "3"]


async def test_a_copy_has_everything(local: Storage) -> None:
    source = await opened_session(local)
    await local.commit(transcripts.append, an_append(source, "1", "2"))
    session_id = source.session.session_id
    await local.commit(sessions.append_command, NewCommand(session_id=session_id, command="go"))
    copy = await local.commit(transcripts.copy, Copy(session_id=session_id, with_commands=True))
    assert await contents(local, copy) == ["1", "2"]
    assert (copy.head.entry_count, copy.head.command_count) == (2, 1)
    assert await count(local, "session_commands") == (2,)
    assert (
        await local.commit(
            sessions.append_command, NewCommand(session_id=copy.session.session_id, command="go on")
        )
    ).number == 2


async def test_what_cannot_be_branched_is_refused(local: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    source = await opened_session(local)
    await local.commit(transcripts.append, an_append(source, "1", "2", "3"))
    session_id = source.session.session_id
    before = await dump(local)
    with pytest.raises(EntryNotFound):
        await local.commit(transcripts.copy, Copy(session_id=session_id, position=4))
    monkeypatch.setattr(limits, "COPY_ENTRIES_MAX", 2)
    with pytest.raises(TranscriptTooLong):
        await local.commit(transcripts.copy, Copy(session_id=session_id))
    assert await dump(local) == before
    await local.commit(transcripts.copy, Copy(session_id=session_id, position=2))
    monkeypatch.setattr(limits, "COPY_BYTES_MAX", 5)
    with pytest.raises(TranscriptTooLong) as refusal:
        await local.commit(transcripts.copy, Copy(session_id=session_id, position=2))
    assert refusal.value.metadata == {"bytes": "6", "bytes_max": "5"}


async def test_the_transcript_of_no_session_is_not_found(local: Storage) -> None:
    with pytest.raises(SessionNotFound):
        await local.read(page, EntryRange(session_id="none", size=1))
