"""What the search index has of an entry: its words, and labels of what searches are narrowed by.

A label has a colon, which no word has. It holds a hash, so that it is short whatever it is made of; a search
compares what was found with what was asked for.
"""

import functools
import hashlib

from storage import limits
from storage.engines.dialect import LabelledSession
from storage.records import EntryRole
from storage.sessions.words import words_of


def terms_of(content: str, session_label: str, role: EntryRole) -> str:
    """The terms of an entry, each once, with spaces between them; `content` is as much as search sees."""
    return " ".join((session_label, role_label(role), *words_of(content)))


def session_label(session_id: str) -> str:
    return _label("session", session_id)


def labelled(session_id: str) -> LabelledSession:
    return LabelledSession(session_id, session_label(session_id))


@functools.cache
def role_label(role: EntryRole) -> str:
    return _label("role", role)


def indexed_chars(content: str) -> int:
    """How many characters of a content search sees: those in its first CONTENT_INDEXED_BYTES_MAX bytes."""
    if len(content) * 4 <= limits.CONTENT_INDEXED_BYTES_MAX:
        return len(content)
    return len(content.encode()[: limits.CONTENT_INDEXED_BYTES_MAX].decode(errors="ignore"))


def _label(kind: str, value: str) -> str:
    return f"{kind}:{hashlib.blake2b(value.encode(), digest_size=8).hexdigest()}"
