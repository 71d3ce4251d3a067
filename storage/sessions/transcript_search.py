"""Full-text search through transcripts, on both engines.

A search is for words (`storage.sessions.words`); there is no query language. Every entry that is found has
all of them. The index says which entries these are; their ranks and snippets are made here.
"""

import math
from collections.abc import Sequence

from storage import limits
from storage.engines.dialect import Matching
from storage.engines.driver import Row, fetch
from storage.records import EntryRole, Record
from storage.sessions.records import Entry
from storage.sessions.transcript_index import role_label, session_label
from storage.sessions.transcripts import ENTRIES
from storage.sessions.words import WORD_CHARS_MAX, chunks_of, runs_in, words_in
from storage.transaction import Transaction


class Search(Record, frozen=True, kw_only=True):
    """A search for entries with all `words`, of which there is at least one, as `words_of` gives them.

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

    @property
    def of_sessions(self) -> bool:
        """Whether only sessions of a role or about a task are searched."""
        return bool(self.session_role or self.task_id)


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


def search(tx: Transaction, wanted: Search) -> Matches:
    """The best of the newest SEARCH_MATCHES_MAX matches."""
    matching = _matching(tx, wanted)
    if matching is None:
        return Matches(matches=[], more=False)
    beginning = f"substr(content, 1, {limits.RANKED_CHARS:d}), indexed_chars"
    rows = tx.dialect.newest_matches(tx.connection, matching, beginning, limits.SEARCH_MATCHES_MAX)
    ranks = tx.dialect.aside(lambda: _ranks(rows, wanted.words))
    best = sorted(ranks, key=lambda number: (ranks[number], number), reverse=True)
    page = best[wanted.after : wanted.after + wanted.size]
    entries = _load(tx, page)
    snippets = tx.dialect.aside(
        lambda: {number: snippet(entries[number].content, wanted.words) for number in page}
    )
    matches = [Match(entry=entries[number], rank=ranks[number], snippet=snippets[number]) for number in page]
    return Matches(matches=matches, more=len(best) > wanted.after + wanted.size)


def _load(tx: Transaction, numbers: Sequence[int]) -> dict[int, Entry]:
    """Entries as search sees them: without their tool calls and the end of a long content."""
    if not numbers:
        return {}
    seen = {"content": "substr(content, 1, indexed_chars)", "tool_calls": "'[]'"}
    columns = ", ".join(seen.get(column, column) for column in ENTRIES.columns)
    condition = tx.dialect.any_of(ENTRIES.table.c.entry_number)
    statement = f"SELECT {columns} FROM transcript_entries WHERE {condition}"
    rows = fetch(tx.connection, statement, tx.dialect.keys(numbers))
    return {entry.entry_number: entry for entry in map(ENTRIES.from_row, rows)}


def _ranks(rows: Sequence[Row], words: Sequence[str]) -> dict[int, float]:
    """How well entries match: how often they have the words near their beginning, for their length."""
    wanted = frozenset(words)
    return {
        number: sum(word in wanted for word in words_in(beginning)) / math.log(indexed_chars + math.e)
        for number, beginning, indexed_chars in rows
    }


def _matching(tx: Transaction, wanted: Search) -> Matching | None:
    """What to ask the index for; None if no session is as it is wanted."""
    compared = {
        "transcript_entries.session_id =": wanted.session_id or None,
        "sessions.role =": wanted.session_role or None,
        "sessions.task_id =": wanted.task_id or None,
        "transcript_entries.role =": wanted.role,
        "transcript_entries.create_time_us >=": wanted.begin_time_us,
        "transcript_entries.create_time_us <": wanted.end_time_us,
    }
    given = {condition: value for condition, value in compared.items() if value is not None}
    # The first parameter is what the index is asked for.
    places = range(2, 2 + len(given))
    text = "".join(
        f" AND {condition} {tx.dialect.parameter(place)}"
        for condition, place in zip(given, places, strict=True)
    )
    sessions = _sessions(tx, wanted)
    if sessions is not None and not sessions:
        return None
    return Matching(
        terms=[*wanted.words, *([role_label(wanted.role)] if wanted.role else [])],
        sessions=[session_label(session_id) for session_id in sessions or ()],
        candidates_max=limits.SEARCH_CANDIDATES_MAX if sessions is None and wanted.of_sessions else None,
        conditions=text,
        values=list(given.values()),
        in_one_session=bool(wanted.session_id),
    )


def _sessions(tx: Transaction, wanted: Search) -> list[str] | None:
    """The sessions whose entries are wanted; None if these are all, or too many to name."""
    if wanted.session_id:
        return [wanted.session_id]
    if not wanted.of_sessions:
        return None
    compared = {"role": wanted.session_role, "task_id": wanted.task_id}
    given = {column: value for column, value in compared.items() if value}
    conditions = " AND ".join(
        f"{column} = {tx.dialect.parameter(place)}" for place, column in enumerate(given, start=1)
    )
    # A task has to be named for its index to be used: it leaves out the sessions without one.
    if wanted.task_id:
        conditions += " AND task_id <> ''"
    statement = f"SELECT session_id FROM sessions WHERE {conditions} LIMIT {limits.SEARCH_SESSIONS_MAX + 1:d}"
    rows = fetch(tx.connection, statement, list(given.values()))
    return [row[0] for row in rows] if len(rows) <= limits.SEARCH_SESSIONS_MAX else None


def snippet(content: str, words: Sequence[str]) -> list[SnippetPart]:
    """About SNIPPET_CHARS of a content around the first match, with all matches in it."""
    wanted = frozenset(words)
    first = _first_match(content, wanted)
    begin = max(0, first - limits.SNIPPET_CHARS // 4)
    end = min(len(content), begin + limits.SNIPPET_CHARS)
    parts: list[SnippetPart] = []
    position = begin
    # A word that goes on beyond the end counts as a whole, or as much as counts of any word.
    for run in runs_in(content[first : end + WORD_CHARS_MAX]):
        run_begin, run_end = first + run.begin, min(first + run.end, end)
        if run_begin < end and not wanted.isdisjoint(run.words):
            parts += [
                SnippetPart(text=content[position:run_begin], matched=False),
                SnippetPart(text=content[run_begin:run_end], matched=True),
            ]
            position = run_end
    parts.append(SnippetPart(text=content[position:end], matched=False))
    return [part for part in parts if part.text]


def _first_match(content: str, wanted: frozenset[str]) -> int:
    """Where the first of the words is, 0 if there is none."""
    for begin, end in chunks_of(content):
        chunk = content[begin:end]
        if not wanted.isdisjoint(words_in(chunk)):
            return begin + next(run.begin for run in runs_in(chunk) if not wanted.isdisjoint(run.words))
    return 0
