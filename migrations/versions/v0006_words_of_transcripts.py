"""The search index of transcripts is given words, which no database splits or folds, and a label for the session
and the role of each entry. Before, Postgres and FTS5 each had their own idea of a word. An entry is written to it
by the statement that appends the entry, no longer by a trigger; only SQLite has one, for what is deleted.

This has a copy of `storage.sessions.words` and `storage.sessions.transcript_index` as they were at this revision.

Revision ID: 0006
Revises: 0005
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PAGE = 50
"""How many entries are read and indexed by one statement."""

_ON_SQLITE = (
    "DROP TRIGGER transcript_search_add",
    "DROP TRIGGER transcript_search_remove",
    "DROP TABLE transcript_search",
    # The tokenizer `ascii` leaves every character beyond ASCII in the words.
    "CREATE VIRTUAL TABLE transcript_search"
    """ USING fts5(words, tokenize="ascii tokenchars ':'", detail=none, columnsize=0)""",
    # FTS5 skips parts of a word's list by the page; larger pages are read entry by entry.
    "INSERT INTO transcript_search (transcript_search, rank) VALUES ('pgsz', 1000)",
    "CREATE TRIGGER transcript_search_remove AFTER DELETE ON transcript_entries BEGIN"
    " DELETE FROM transcript_search WHERE rowid = old.entry_number;"
    " END",
)
# The index on the words stays: to make it in one go may take too long for one statement.
_ON_POSTGRES = (
    "DROP TRIGGER transcript_search_add ON transcript_entries",
    "DROP FUNCTION transcript_search_add()",
    "TRUNCATE transcript_search",
)
_INDEX_ON_SQLITE = (
    "INSERT INTO transcript_search (rowid, words)"
    " SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)"
)
_INDEX_ON_POSTGRES = (
    "INSERT INTO transcript_search (entry_number, words)"
    " SELECT (value ->> 0)::bigint, array_to_tsvector(string_to_array(value ->> 1, ' '))"
    " FROM json_array_elements($1::json)"
)


def upgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in _ON_POSTGRES if on_postgres else _ON_SQLITE:
        op.get_bind().exec_driver_sql(statement)
    index = _INDEX_ON_POSTGRES if on_postgres else _INDEX_ON_SQLITE
    for page in _pages():
        terms = [(row.entry_number, terms_of(row.content, row.session_id, row.role)) for row in page]
        op.get_bind().exec_driver_sql(index, (json.dumps(terms, ensure_ascii=False),))


def _pages() -> Iterator[Sequence[Any]]:
    """All entries, with as much of their contents as search sees."""
    entries = sa.table(
        "transcript_entries",
        *(sa.column(name) for name in ("entry_number", "session_id", "role", "indexed_chars", "content")),
    )
    number = entries.c.entry_number
    seen = sa.func.substr(entries.c.content, 1, entries.c.indexed_chars).label("content")
    wanted = sa.select(number, entries.c.session_id, entries.c.role, seen).order_by(number).limit(PAGE)
    last = 0
    while page := op.get_bind().execute(wanted.where(number > last)).all():
        yield page
        last = page[-1].entry_number


def terms_of(content: str, session_id: str, role: str) -> str:
    return " ".join((_label("session", session_id), _label("role", role), *dict.fromkeys(words_in(content))))


def _label(kind: str, value: str) -> str:
    return f"{kind}:{hashlib.blake2b(value.encode(), digest_size=8).hexdigest()}"


WORD_CHARS_MAX = 511
_SPACE = ord(" ")
_CIRCLED = range(0x24B6, 0x24EA)
_MARKS = frozenset(
    character
    for character in map(chr, (*range(0x300, 0x20000), *range(0xE0000, 0xE1000)))
    if unicodedata.category(character).startswith("M")
)
_DOTS = re.compile("i\u0307+")
_VARIATION_SELECTORS = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class _Separating(dict[int, int]):
    def __missing__(self, code_point: int) -> int:
        in_words = code_point in _CIRCLED or unicodedata.category(chr(code_point))[0] in "LMN"
        self[code_point] = code_point if in_words else _SPACE
        return self[code_point]


_SEPARATING = _Separating()


def words_in(text: str) -> list[str]:
    if text.isascii():
        return _cut(text.lower().translate(_SEPARATING).split())
    return _cut(_split(_folded(" ".join(_cut(_split(text))))))


def _split(text: str) -> list[str]:
    parts = text.translate(_SEPARATING).split()
    if _MARKS.isdisjoint(part[0] for part in parts):
        return parts
    return [left for part in parts if (left := part[_leading_marks(part) :])]


def _leading_marks(part: str) -> int:
    return next((place for place, character in enumerate(part) if character not in _MARKS), len(part))


def _cut(words: list[str]) -> list[str]:
    if len(max(words, key=len, default="")) > WORD_CHARS_MAX:
        return [word[:WORD_CHARS_MAX] for word in words]
    return words


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFKD", _VARIATION_SELECTORS.sub("", text)).casefold()
    return unicodedata.normalize("NFKC", _DOTS.sub("i", text.replace("\u0131", "i")))
