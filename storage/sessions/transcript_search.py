"""Full-text search through transcripts, on both engines.

A search is for plain words; there is no query language. Words are parted as the index parts them (revision
0003); every entry that is found has all of them. The case of letters does not matter.
"""

import math
import re
from collections.abc import Sequence

from storage import limits
from storage.engines.dialect import Matching
from storage.engines.driver import Row, fetch
from storage.records import EntryRole, Record
from storage.sessions.records import Entry
from storage.sessions.transcripts import ENTRIES
from storage.transaction import Transaction

SEPARATORS = (
    r"""!"#$%&'()*+,./:;<=>?@\[\\\]\^_`{|}~\-"""
    "\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7"
    "\u2000-\u206f\u20a0-\u20cf\u2190-\u23ff\u2500-\u2bff"
    "\u3000-\u3004\u3008-\u3020\u3030\ufe00-\ufe0f"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
    "\U0001f000-\U0001faff"
)
"""What parts words beside white space, as the inside of a regular expression's brackets: punctuation, symbols
and emoji. The index has the same (revision 0003)."""

_WORDS = re.compile(f"[^{SEPARATORS}\\s\\0]+")
_SEPARATOR = re.compile(f"[{SEPARATORS}\\s\\0]")


class Search(Record, frozen=True, kw_only=True):
    """A search for entries with all `words`, of which there is at least one.

    Empty filters let everything through. `after` is how many of the best matches to skip.
    """

    words: tuple[str, ...]
    size: int
    after: int = 0
    session_id: str = ""
    session_role: str = ""
    task_id: str = ""
    role: EntryRole | None = None
    begin_time_us: int | None = None  # created at this time or later
    end_time_us: int | None = None  # created before this time


class SnippetPart(Record, frozen=True, kw_only=True):
    text: str
    matched: bool


class Match(Record, frozen=True, kw_only=True):
    entry: Entry  # without its tool calls, and with as much of its content as search sees
    rank: float  # the better, the higher; only among matches of one search
    snippet: list[SnippetPart]


class Matches(Record, frozen=True, kw_only=True):
    matches: list[Match]
    more: bool


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text that a user wrote, each once."""
    return tuple(dict.fromkeys(_WORDS.findall(text)))


def search(tx: Transaction, wanted: Search) -> Matches:
    """The best of the newest SEARCH_MATCHES_MAX matches."""
    matching = _matching(tx, wanted)
    numbers = tx.dialect.newest_matches(tx.connection, matching, limits.SEARCH_MATCHES_MAX)
    ranks = _ranks(tx, numbers, wanted.words)
    best = sorted(ranks, key=lambda number: (ranks[number], number), reverse=True)
    page = best[wanted.after : wanted.after + wanted.size]
    entries = _load(tx, page)
    matches = [
        Match(
            entry=entries[number], rank=ranks[number], snippet=snippet(entries[number].content, wanted.words)
        )
        for number in page
    ]
    return Matches(matches=matches, more=len(best) > wanted.after + wanted.size)


def _load(tx: Transaction, numbers: Sequence[int]) -> dict[int, Entry]:
    """Entries as search sees them: without their tool calls and the end of a long content."""
    if not numbers:
        return {}
    seen = {"content": "substr(content, 1, indexed_chars)", "tool_calls": "'[]'"}
    columns = ", ".join(seen.get(column, column) for column in ENTRIES.columns)
    rows = _fetch(tx, columns, numbers)
    return {entry.entry_number: entry for entry in map(ENTRIES.from_row, rows)}


def _fetch(tx: Transaction, columns: str, numbers: Sequence[int]) -> list[Row]:
    condition = tx.dialect.any_of(ENTRIES.table.c.entry_number)
    statement = f"SELECT {columns} FROM transcript_entries WHERE {condition}"
    return fetch(tx.connection, statement, tx.dialect.keys(numbers))


def _ranks(tx: Transaction, numbers: Sequence[int], words: Sequence[str]) -> dict[int, float]:
    """How well entries match: how often they have the words near their beginning, for their length."""
    if not numbers:
        return {}
    wanted = frozenset(map(_folded, words))
    columns = f"entry_number, substr(content, 1, {limits.RANKED_CHARS:d}), indexed_chars"
    return {
        number: sum(word in wanted for word in _WORDS.findall(_folded(beginning)))
        / math.log(indexed_chars + math.e)
        for number, beginning, indexed_chars in _fetch(tx, columns, numbers)
    }


def _matching(tx: Transaction, wanted: Search) -> Matching:
    compared = {
        "transcript_entries.session_id =": wanted.session_id or None,
        "sessions.role =": wanted.session_role or None,
        "sessions.task_id =": wanted.task_id or None,
        "transcript_entries.role =": wanted.role,
        "transcript_entries.create_time_us >=": wanted.begin_time_us,
        "transcript_entries.create_time_us <": wanted.end_time_us,
    }
    given = {condition: value for condition, value in compared.items() if value is not None}
    # The first parameter is the words.
    places = range(2, 2 + len(given))
    text = "".join(
        f" AND {condition} {tx.dialect.parameter(place)}"
        for condition, place in zip(given, places, strict=True)
    )
    return Matching(
        words=wanted.words,
        conditions=text,
        values=list(given.values()),
        in_one_session=bool(wanted.session_id),
    )


def snippet(content: str, words: Sequence[str]) -> list[SnippetPart]:
    """About SNIPPET_CHARS of a content around the first match, with all matches in it."""
    folded, wanted = _folded(content), frozenset(map(_folded, words))
    begin = max(0, _first_match(folded, wanted) - limits.SNIPPET_CHARS // 4)
    end = min(len(content), begin + limits.SNIPPET_CHARS)
    parts: list[SnippetPart] = []
    position = begin
    for word in _WORDS.finditer(folded, begin, end):
        if word.group() in wanted and _is_whole(folded, word.start(), word.end()):
            parts += [
                SnippetPart(text=content[position : word.start()], matched=False),
                SnippetPart(text=content[word.start() : word.end()], matched=True),
            ]
            position = word.end()
    parts.append(SnippetPart(text=content[position:end], matched=False))
    return [part for part in parts if part.text]


def _first_match(folded: str, wanted: frozenset[str]) -> int:
    """Where the first of the words stands, 0 if there is none.

    A content may be large: what looks like one of the words is looked for first, at the speed of `str.find`.
    """
    looks_like = re.compile("|".join(map(re.escape, sorted(wanted))))
    position = 0
    while found := looks_like.search(folded, position):
        end = _SEPARATOR.search(folded, found.start())
        position = end.start() if end else len(folded)
        if folded[found.start() : position] in wanted and _is_whole(folded, found.start(), position):
            return found.start()
    return 0


def _is_whole(text: str, begin: int, end: int) -> bool:
    """Whether separators stand, or nothing, on both sides of a part of a text."""
    before = begin == 0 or _SEPARATOR.match(text, begin - 1)
    return bool(before and (end == len(text) or _SEPARATOR.match(text, end)))


def _folded(text: str) -> str:
    """The text in small letters, each at its place: only this one would become two."""
    return text.replace("\u0130", "i").lower()
