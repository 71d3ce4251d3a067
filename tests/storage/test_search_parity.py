"""Both engines find the same, and show it alike, whatever was said and whatever is typed."""

from collections.abc import AsyncIterator
from random import Random

import pytest_asyncio
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from storage.sessions.words import words_in, words_of
from storage.store import LOCAL, Storage
from tests.storage.conftest import Shared
from tests.storage.looking import empty
from tests.storage.searching import found, marked, told

SAID = (
    "The quick fox isn't a fox-hole_2; 5e5abc 1e0z 3.14",
    "مرحبا، كيف שלום־עולם नमस्ते। हिन्दी ह न द",
    "ΟΔΟΣ οδος straße STRASSE STRAẞE İSTANBUL ısparta",
    "Ⓐⓐ ½ cup ﬁne ＡＢ１ ﷺ Ꭰ ꭰ a・b ՛c caf\u00e9 CAFE\u0301",
    "'); DROP TABLE sessions; -- \" * AND NOT (a | b) & c:* \\ session:0 role:user",
    "你好，世界 ไทยแลนด์ 한국어 葛\U000e0100城 👍️ 1️⃣ 🏴 =\u0338b",
    "a" * 600 + " " + "é" * 3000,
)
# Characters and words of what was said, and others.
typed = st.one_of(
    st.text(st.sampled_from("".join(SAID)), max_size=6),
    st.lists(st.sampled_from(" ".join(SAID).split()), max_size=3).map(" ".join),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
)
said = st.one_of(
    st.text(st.sampled_from("".join(SAID)), max_size=300),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300),
)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest_asyncio.fixture(loop_scope="session")
async def both(shared: Shared) -> AsyncIterator[tuple[Storage, Storage]]:
    """The same story on SQLite and on Postgres."""
    storages = await shared.borrow("file", LOCAL), await shared.borrow("postgres", LOCAL)
    for storage in storages:
        await told(storage, *SAID)
    yield storages
    for storage in storages:
        await empty(storage)


@settings(unhurried, max_examples=150)
@given(text=typed)
async def test_whatever_is_typed_both_engines_answer_alike(both: tuple[Storage, Storage], text: str) -> None:
    words = set(words_of(text))
    assume(words)
    on_sqlite, on_postgres = [
        [(match.entry.position, match.rank, match.snippet) for match in await found(storage, text)]
        for storage in both
    ]
    assert on_sqlite == on_postgres
    assert all(any(part.matched for part in snippet) for _, _, snippet in on_sqlite)
    assert {position for position, _, _ in on_sqlite} == {
        position for position, content in enumerate(SAID, start=1) if words <= set(words_of(content))
    }


@settings(unhurried, max_examples=40)
@given(text=said, chance=st.randoms())
async def test_whatever_was_said_any_word_of_it_is_found_and_shown(
    local: Storage, text: str, chance: Random
) -> None:
    detail = await told(local, text)
    words = words_of(text)
    for word in chance.sample(words, min(3, len(words))):
        (match,) = await found(local, word, session_id=detail.session.session_id)
        assert match.entry.content == text
        assert marked(match)
        assert all(word in words_in(part) for part in marked(match))
