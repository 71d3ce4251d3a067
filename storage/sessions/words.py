"""Words: what the index of transcripts holds, what is searched for, and what a snippet marks.

A word is a run of letters and digits with the marks (accents, vowel signs) that follow them. Everything else
separates words: the Unicode categories Z, P, S and C, and marks that follow one of these. Circled letters are
symbols by category, but have two cases: here they are letters.

Words are equal if they are equal when folded: upper and lower case, composed and decomposed accents, and
compatibility forms (full-width letters, ligatures) are the same; with an accent and without are not. A
compatibility form may stand for several words, as a fraction does for two numbers.

Only this module defines it: both databases are given words, and split or fold nothing themselves.
Revision 0006 has a copy, which indexed the entries stored before it; a change here needs a new revision.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

WORD_CHARS_MAX = 511
"""Of a longer word only the beginning counts: a lexeme of Postgres has at most 2,046 bytes."""
CHUNK_CHARS = 4096
"""How much of a long text is split at once; it goes on to the end of the last word."""

_SPACE = ord(" ")
_REMEMBERED = 0x20000  # the planes with the living scripts
_CIRCLED = range(0x24B6, 0x24EA)
_MARKS = frozenset(
    character
    for character in map(chr, (*range(0x300, 0x20000), *range(0xE0000, 0xE1000)))  # beyond these are none
    if unicodedata.category(character).startswith("M")
)
_RUN = re.compile("[^ ]+")
_DOTS = re.compile("i\u0307+")
# They select a glyph, not a character.
_VARIATION_SELECTORS = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class _Separating(dict[int, int]):
    """Maps separators to spaces, for `str.translate`, and remembers the characters that were seen so far.

    Rare characters are not kept: a text with all of Unicode in it would cost a hundred megabytes.
    """

    def __missing__(self, code_point: int) -> int:
        in_words = code_point in _CIRCLED or unicodedata.category(chr(code_point))[0] in "LMN"
        mapped = code_point if in_words else _SPACE
        if code_point < _REMEMBERED:
            self[code_point] = mapped
        return mapped


_SEPARATING = _Separating()


class Run(NamedTuple):
    """Letters, digits and marks between separators: where they begin and end in a text, and their words."""

    begin: int
    end: int
    words: list[str]


def words_in(text: str) -> list[str]:
    """The words of a text, folded, in their order."""
    if text.isascii():
        return _cut(text.lower().translate(_SEPARATING).split())
    # Cut before, too: to bring a long run of marks into order takes time with the square of its length.
    return _cut(_split(_folded(" ".join(_cut(_split(text))))))


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, each once."""
    return tuple(dict.fromkeys(words_in(text)))


def runs_in(text: str) -> Iterator[Run]:
    """Where the words of a text are."""
    for found in _RUN.finditer(text.translate(_SEPARATING)):
        begin = found.start() + _leading_marks(found.group())
        if begin < found.end():
            yield Run(begin, found.end(), words_in(text[begin : found.end()]))


def chunks_of(text: str) -> Iterator[tuple[int, int]]:
    """The parts of a long text, from and to, none of which ends within a word."""
    begin = 0
    while begin < len(text):
        end = begin + CHUNK_CHARS
        while end < len(text) and _SEPARATING[ord(text[end])] != _SPACE:
            end += 1
        yield begin, min(end, len(text))
        begin = end


def _split(text: str) -> list[str]:
    """What is between the separators of a text, as it is."""
    parts = text.translate(_SEPARATING).split()
    if _MARKS.isdisjoint(part[0] for part in parts):
        return parts
    return [left for part in parts if (left := part[_leading_marks(part) :])]


def _cut(words: list[str]) -> list[str]:
    if len(max(words, key=len, default="")) > WORD_CHARS_MAX:
        return [word[:WORD_CHARS_MAX] for word in words]
    return words


def _leading_marks(part: str) -> int:
    """How many marks a part of a text begins with."""
    return next((place for place, character in enumerate(part) if character not in _MARKS), len(part))


def _folded(text: str) -> str:
    """The same text for all texts with equal words; see section 3.13 of the Unicode standard.

    The Turkish i without a dot, and I with one, are i: other languages have one upper case for both.
    """
    text = unicodedata.normalize("NFKD", _VARIATION_SELECTORS.sub("", text)).casefold()
    return unicodedata.normalize("NFKC", _DOTS.sub("i", text.replace("\u0131", "i")))
