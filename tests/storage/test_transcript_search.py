"""Search: the same words find the same entries on both engines, whatever is typed."""

import string
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import limits
from storage.records import EntryRole
from storage.sessions import sessions, transcripts
from storage.sessions import sweep as session_sweep
from storage.sessions.records import NewEntry, SessionDetail, ToolCall
from storage.sessions.transcript_search import Search, search, snippet
from storage.sessions.transcripts import Append, Copy
from storage.sessions.words import WORD_CHARS_MAX, words_in, words_of
from storage.store import LOCAL, Storage
from tests.storage.conversation import an_entry, opened_session
from tests.storage.looking import opened
from tests.storage.searching import contents, found, marked, told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fox", ["The quick fox.", "fox-hole"]),
        ("FOX", ["The quick fox.", "fox-hole"]),
        ("quick fox", ["The quick fox."]),
        ("fox quick", ["The quick fox."]),
        ("fo", []),
        ("hole", ["fox-hole"]),
        ("fox-hole", ["fox-hole"]),
        ("example", ["ada@example.org", "see https://example.com/a_b?c=d"]),
        ("b c", ["see https://example.com/a_b?c=d"]),
        ("3", ["3.14"]),
        ("naïve", ["naïve"]),
        ("naive", []),
        ("世界", ["你好，世界"]),
        ("ÜBER", ["Über alles"]),
        ("great", ["great🤖👍"]),
        ("cafe quick", []),
    ],
)
async def test_words_find_the_entries_that_have_all_of_them(
    local: Storage, text: str, expected: list[str]
) -> None:
    await told(
        local,
        "The quick fox.",
        "fox-hole",
        "see https://example.com/a_b?c=d",
        "ada@example.org",
        "3.14",
        "naïve",
        "你好，世界",
        "Über alles",
        "great🤖👍",
    )
    assert await contents(local, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'a"',
        '"a',
        "a'",
        "a AND",
        "NOT a",
        "a OR b",
        "NEAR(a b)",
        "content:a",
        "a*",
        "^a",
        "a - b",
        "a & | ! b",
        "(a",
        "a:*",
        "a <-> b",
        "{a b}: c",
        "a\\",
        "-- a",
        "a; DROP TABLE sessions",
        "\x01 a \x1f",
        "\u202e a",
        "% _ a",
    ],
)
async def test_what_is_typed_is_never_a_query_language(local: Storage, text: str) -> None:
    await told(local, "a b and or not near content c drop table sessions", "something else")
    for match in await found(local, text):
        assert match.entry.content.startswith("a b")


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
async def test_any_text_can_be_searched_for(local: Storage, text: str) -> None:
    words = words_of(text)
    if words:
        await local.read(search, Search(words=words, size=5))


def test_words_are_what_separators_leave() -> None:
    assert words_of('one…two👍"three"→four\u00a0four') == ("one", "two", "three", "four")
    assert words_of(string.punctuation + string.whitespace) == ()


async def test_a_snippet_shows_the_match_in_its_surroundings(local: Storage) -> None:
    await told(local, f"{'before ' * 100}The Needle, in a haystack needle{' after' * 100}")
    (match,) = await found(local, "needle")
    assert marked(match) == ["Needle", "needle"]
    text = "".join(part.text for part in match.snippet)
    assert len(text) <= limits.SNIPPET_CHARS
    assert text in match.entry.content


@pytest.mark.parametrize(
    ("content", "matched"),
    [
        ("sword swordword wordy word, words WORD", ["word", "WORD"]),
        ("İİİİ word", ["word"]),  # its small letter has two code points
        ("o" * 200_000 + " word", ["word"]),
        ("wor" * 60_000 + " word", ["word"]),
        ("word" * 60_000, []),
    ],
    ids=["whole", "letters", "far", "nearly", "long"],
)
def test_a_snippet_marks_whole_words_wherever_they_stand(content: str, matched: list[str]) -> None:
    parts = snippet(content, ("word", "wor"))
    assert [part.text for part in parts if part.matched] == matched
    assert len("".join(part.text for part in parts)) <= limits.SNIPPET_CHARS
    assert "".join(part.text for part in parts) in content


async def test_a_search_reads_no_more_of_an_entry_than_it_looks_at(local: Storage) -> None:
    calls = (ToolCall(name="read", result="secret " * 1000),)
    entry = NewEntry(
        role=EntryRole.TOOL, content="needle " + "x" * limits.CONTENT_INDEXED_BYTES_MAX, tool_calls=calls
    )
    detail = await opened_session(local)
    await local.commit(transcripts.append, Append(session_id=detail.session.session_id, entries=(entry,)))
    (match,) = await found(local, "needle")
    assert match.entry.tool_calls == ()
    assert len(match.entry.content) == match.entry.indexed_chars < len(entry.content)


async def test_better_matches_come_first(local: Storage) -> None:
    await told(local, "word " + "filler " * 50, "word word word", "none")
    assert [match.entry.content[:9] for match in await found(local, "word")] == ["word word", "word fill"]
    ranks = [match.rank for match in await found(local, "word")]
    assert ranks == sorted(ranks, reverse=True)


async def test_filters_narrow_a_search(local: Storage) -> None:
    a = await opened_session(local, role="a", task_id="t")
    b = await opened_session(local, role="b")
    for detail, roles in ((a, (EntryRole.USER, EntryRole.AGENT)), (b, (EntryRole.USER,))):
        entries = tuple(an_entry(f"word {detail.session.role} {role}", role=role) for role in roles)
        await local.commit(transcripts.append, Append(session_id=detail.session.session_id, entries=entries))
    assert await contents(local, "word") == ["word a agent", "word a user", "word b user"]
    assert await contents(local, "word", session_id=b.session.session_id) == ["word b user"]
    assert await contents(local, "word", session_role="a") == ["word a agent", "word a user"]
    assert await contents(local, "word", task_id="t") == ["word a agent", "word a user"]
    assert await contents(local, "word", role=EntryRole.AGENT) == ["word a agent"]
    assert await contents(local, "word", role=EntryRole.USER, session_role="a") == ["word a user"]
    (last,) = await found(local, "word", session_id=b.session.session_id)
    time_us = last.entry.create_time_us
    assert await contents(local, "word", begin_time_us=time_us) == ["word b user"]
    assert await contents(local, "word", end_time_us=time_us) == ["word a agent", "word a user"]


async def test_pages_of_matches_have_each_once(local: Storage) -> None:
    await told(local, *(f"word number{n}" for n in range(7)))
    seen: list[str] = []
    after, more = 0, True
    while more:
        part = await local.read(search, Search(words=("word",), size=3, after=after))
        seen += [match.entry.content for match in part.matches]
        after, more = after + 3, part.more
    assert len(seen) == len(set(seen)) == 7


def _distinct_words(letters: str, length: int, size_bytes: int) -> str:
    """As many different words as fit."""
    words, size, number = [], 0, 0
    while size < size_bytes:
        digits, rest = [], number
        for _ in range(length):
            rest, digit = divmod(rest, len(letters))
            digits.append(letters[digit])
        words.append("".join(digits))
        size += len(words[-1].encode()) + 1
        number += 1
    return " ".join(words)


@pytest.mark.parametrize(
    ("letters", "length"), [(string.ascii_lowercase, 4), ("αβγδεζηθικλμ", 5), ("𐐨𐐩𐐪𐐫𐐬", 8), ("0123456789", 6)]
)
async def test_a_megabyte_of_distinct_words_is_stored_and_its_beginning_found(
    local: Storage, letters: str, length: int
) -> None:
    content = _distinct_words(letters, length, limits.CONTENT_BYTES_MAX - 40)
    detail = await told(local, content)
    words = content.split()
    (match,) = await found(local, words[0])
    assert match.entry.content == content[: match.entry.indexed_chars]
    assert len(content.encode()[: limits.CONTENT_INDEXED_BYTES_MAX].decode(errors="ignore")) == (
        match.entry.indexed_chars
    )
    inside = content[: match.entry.indexed_chars].split()[-2]
    assert len(await found(local, inside)) == 1
    assert await found(local, words[-2]) == []
    await _forget(local, detail)
    assert await found(local, words[0]) == []


@pytest.mark.parametrize("unit", ["a-", "é", "1.2.", "\u0130 ", "🜁", " ", "a@b.", "<b>", "&amp;", "ﬀ "])
async def test_contents_without_plain_words_are_stored(local: Storage, unit: str) -> None:
    content = (unit * limits.CONTENT_BYTES_MAX)[: limits.CONTENT_BYTES_MAX // 4]
    detail = await told(local, content)
    await _forget(local, detail)


async def test_a_deleted_session_is_not_found_at_once(local: Storage) -> None:
    detail = await told(local, "secret plans")
    await local.commit(sessions.delete, detail.session.session_id)
    assert await found(local, "secret") == []


async def test_a_copy_is_found_as_what_it_is(local: Storage) -> None:
    original = await told(local, "naïve first", "naïve second", "naïve third")
    copy = Copy(session_id=original.session.session_id, position=2)
    copied = await local.commit(transcripts.copy, copy)
    both = (original.session.session_id, copied.session.session_id)
    expected = [["naïve first", "naïve second", "naïve third"], ["naïve first", "naïve second"]]
    assert [await contents(local, "NAÏVE", session_id=session_id) for session_id in both] == expected
    assert await contents(local, "third naïve") == ["naïve third"]
    await _forget(local, original)
    assert await contents(local, "naïve", role=EntryRole.USER) == expected[1]
    again = await local.commit(transcripts.copy, Copy(session_id=copied.session.session_id))
    assert await contents(local, "naïve", session_id=again.session.session_id) == expected[1]


async def test_the_longest_words_are_told_apart_by_their_beginning(local: Storage) -> None:
    longest = "𐐨" * WORD_CHARS_MAX
    await told(local, longest, f"{longest}𐐩", f"𐐩{longest}", "𐐨")
    assert await contents(local, longest) == [longest, f"{longest}𐐩"]


async def test_the_event_loop_does_not_wait_for_snippets_and_ranks(
    lasting_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()

    def noted(text: str) -> list[str]:
        threads.add(threading.current_thread())
        return words_in(text)

    async with opened(lasting_url, LOCAL) as storage:
        await told(storage, "word")
        monkeypatch.setattr("storage.sessions.transcript_search.words_in", noted)
        assert await contents(storage, "word") == ["word"]
    assert threads
    assert threading.current_thread() not in threads


async def _forget(storage: Storage, detail: SessionDetail) -> None:
    await storage.commit(sessions.delete, detail.session.session_id)
    while (await storage.commit(session_sweep.collect, 100)).more:
        pass


async def test_of_a_word_that_is_everywhere_the_newest_entries_are_found(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEARCH_MATCHES_MAX", 3)
    monkeypatch.setattr("storage.engines.dialect_postgres.NEWEST_ENTRIES", 4)
    a = await told(local, *(f"word {n}" for n in range(6)))
    b = await told(local, *(f"word {n}" for n in range(6, 12)))
    assert await contents(local, "word") == ["word 10", "word 11", "word 9"]
    assert await contents(local, "word", session_id=a.session.session_id) == ["word 3", "word 4", "word 5"]
    assert await contents(local, "word", session_role="nobody") == []
    # Not among the newest, so only the index finds it.
    assert await contents(local, "0") == ["word 0"]
    assert await contents(local, "6", session_id=b.session.session_id) == ["word 6"]
    assert await contents(local, "6", session_id=a.session.session_id) == []


async def test_of_a_word_that_is_frequent_the_newest_entries_are_found(
    local: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEARCH_MATCHES_MAX", 3)
    monkeypatch.setattr("storage.engines.dialect_postgres.NEWEST_ENTRIES", 4)
    a = await told(local, *(f"{'even' if n % 2 == 0 else 'odd'} {n}" for n in range(12)))
    b = await told(local, *(f"odd {n}" for n in range(3)))
    assert await contents(local, "even", session_id=a.session.session_id) == ["even 10", "even 6", "even 8"]
    assert await contents(local, "even", session_id=b.session.session_id) == []
    assert await contents(local, "odd") == ["odd 0", "odd 1", "odd 2"]
    assert await contents(local, "odd", session_id=a.session.session_id) == ["odd 11", "odd 7", "odd 9"]
