"""What a word is, for every character of Unicode, and that it is the same wherever one is looked for."""

import unicodedata
from collections.abc import Iterator
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from migrations.versions import v0006_words_of_transcripts as revision
from storage import limits
from storage.sessions import words
from storage.sessions.words import chunks_of, runs_in, words_in, words_of

ALL = tuple(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
CIRCLED = [chr(code_point) for code_point in range(0x24B6, 0x24EA)]
FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
# What text is made of that is hard to take apart: marks, ligatures, fractions, letters of several cases.
hard = st.lists(
    st.sampled_from(
        [
            *"aZ09_'- .İıIßẞςΣǅⓐꭰﬁﷺ½①ŉᾳ한क़ि",
            "\u0301",
            "\u0307",
            "\u0323",
            "\u0345",
            "\ufe0f",
            "\u200d",
            "=\u0338",
        ]
    ),
    max_size=40,
).map("".join)


def letters_and_digits() -> Iterator[str]:
    return (
        character
        for character in ALL
        if unicodedata.category(character)[0] in "LN" and not is_mark_on_nothing(character)
    )


def is_mark_on_nothing(character: str) -> bool:
    """A few letters are only the compatibility forms of marks."""
    return unicodedata.category(unicodedata.normalize("NFKD", character)[0])[0] in "ZM"


def test_words_are_letters_digits_and_the_marks_that_follow_them() -> None:
    for character in ALL:
        kind = unicodedata.category(character)[0]
        if kind == "M":
            assert len(words_in(f"a{character}b")) == 1, ascii(character)
            assert words_in(f"-{character}b") == ["b"], ascii(character)
        elif kind in "LN" or character in CIRCLED:
            assert words_in(character) or is_mark_on_nothing(character), ascii(character)
        else:
            assert words_in(f"a{character}b") == ["a", "b"], ascii(character)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("don't a_b c-d 3.14", ["don", "t", "a", "b", "c", "d", "3", "14"]),
        ("مرحبا، كيف", ["مرحبا", "كيف"]),
        ("नमस्ते। हिन्दी", ["नमस्ते", "हिन्दी"]),
        ("a・b ՛c \ufeffd", ["a", "b", "c", "d"]),
        ("5e5abc 1e0z", ["5e5abc", "1e0z"]),
        ("great👍️3 Foo™", ["great", "3", "foo"]),
        ("½ cup", ["1", "2", "cup"]),
        ("", []),
        ("_ \u0301 ™ \ufe0f", []),
    ],
)
def test_examples(text: str, expected: list[str]) -> None:
    assert words_in(text) == expected


def test_no_letter_depends_on_its_case_or_its_normal_form() -> None:
    for character in (*letters_and_digits(), *CIRCLED):
        expected = words_in(character)
        for other in (character.lower(), character.upper(), character.title(), character.casefold()):
            assert words_in(other) == expected, ascii(character)
        for form in FORMS:
            assert words_in(unicodedata.normalize(form, character)) == expected, ascii(character)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("ΟΔΟΣ", "οδος"),
        ("İSTANBUL", "istanbul"),
        ("ISPARTA", "ısparta"),
        ("straße", "STRASSE"),
        ("STRAẞE", "straße"),
        ("ꭰ", "Ꭰ"),
        ("Ⓐ", "ⓐ"),
        ("caf\u00e9", "CAFE\u0301"),
        ("ﬁne", "FINE"),
        ("ＡＢ１", "ab1"),
        ("葛\U000e0100城", "葛城"),
    ],
)
def test_words_that_are_the_same(text: str, other: str) -> None:
    assert words_in(text) == words_in(other)


def test_accents_and_vowel_signs_make_another_word() -> None:
    assert len({words_of(text) for text in ("cafe", "café", "naïve", "naive", "हद", "हिद")}) == 6


@given(texts | hard)
@example("\u0131\u0307")  # an i without a dot, and a dot
def test_a_word_is_found_by_itself(text: str) -> None:
    for word in words_in(text):
        assert words_in(word) == [word]


@given(texts | hard)
def test_runs_and_chunks_have_the_words_of_the_text(text: str) -> None:
    assert [word for run in runs_in(text) for word in run.words] == words_in(text)
    for size in (1, 3, 10):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(words, "CHUNK_CHARS", size)
            chunks = list(chunks_of(text))
        assert "".join(text[begin:end] for begin, end in chunks) == text
        assert [word for begin, end in chunks for word in words_in(text[begin:end])] == words_in(text)


@pytest.mark.parametrize("unit", ["a", "é", "e\u0301\u0323", "क़", "ﷲ", "\U00010400", "Ŀ\u0301"])
def test_of_a_long_word_the_beginning_counts(unit: str) -> None:
    (word, *_) = words_in(unit * 100_000)
    assert words_in(unit * 90_000)[0] == word
    assert len(word.encode()) <= 2046


def test_the_words_of_any_content_fit_into_a_tsvector() -> None:
    """A tsvector has less than a mebibyte of words; what search sees grows less than that."""
    room = 1024 * 1024 - 1024
    for character in letters_and_digits():
        text = f"{character}x"
        first, *others = words_in(text)  # those between the first and the last are the same in all texts
        size = len("".join((first, *others[-1:])).encode())
        assert limits.CONTENT_INDEXED_BYTES_MAX * size / len(text.encode()) < room, ascii(character)


@settings(max_examples=200)
@given(texts | hard)
def test_revision_0006_has_the_same_words(text: str) -> None:
    """If this fails, stored entries are to be indexed anew by a new revision, with its own copy."""
    assert revision.words_in(text) == words_in(text)
