"""Searching through transcripts."""

from typing import Any

from storage.sessions import transcripts
from storage.sessions.records import SessionDetail
from storage.sessions.transcript_search import Match, Search, search
from storage.sessions.words import words_of
from storage.store import Storage
from tests.storage.conversation import an_append, opened_session


async def found(storage: Storage, text: str, **fields: Any) -> list[Match]:
    """The matches of a text that a user typed, the best first."""
    wanted = Search(words=words_of(text), size=20, **fields)
    return (await storage.read(search, wanted)).matches


async def contents(storage: Storage, text: str, **fields: Any) -> list[str]:
    return sorted(match.entry.content for match in await found(storage, text, **fields))


def marked(match: Match) -> list[str]:
    """What the snippet marks."""
    return [part.text for part in match.snippet if part.matched]


async def told(storage: Storage, *texts: str, **session: Any) -> SessionDetail:
    """A session in which these were said."""
    detail = await opened_session(storage, **session)
    await storage.commit(transcripts.append, an_append(detail, *texts))
    return detail
