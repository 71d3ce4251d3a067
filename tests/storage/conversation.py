"""Items about sessions with sensible contents, and what is seen of them."""

from typing import Any

from sqlalchemy import update

from storage import schema_sessions as schema
from storage.lifecycle import SessionStatus
from storage.records import EntryRole
from storage.sessions import sessions
from storage.sessions.records import Entry, NewEntry, SessionDetail
from storage.sessions.sessions import NewSession, SessionUpdate
from storage.sessions.transcripts import Append, EntryRange, page
from storage.store import Storage

HOUR_US = 3_600_000_000


def a_session(**fields: Any) -> NewSession:
    return NewSession(**{"role": "planner", "metadata": '{"mood":"calm"}'} | fields)


def an_entry(content: str = "hello", **fields: Any) -> NewEntry:
    return NewEntry(**{"role": EntryRole.USER, "content": content} | fields)


def an_append(detail: SessionDetail, *contents: str) -> Append:
    return Append(
        session_id=detail.session.session_id, entries=tuple(an_entry(content) for content in contents)
    )


def a_move(detail: SessionDetail, status: SessionStatus, **fields: Any) -> SessionUpdate:
    return SessionUpdate(session_id=detail.session.session_id, status=status, **fields)


async def opened_session(storage: Storage, **fields: Any) -> SessionDetail:
    return await storage.commit(sessions.create, a_session(**fields))


async def see(storage: Storage, detail: SessionDetail) -> SessionDetail:
    return await storage.fetch(sessions.get, detail.session.session_id)


async def transcript(storage: Storage, session_id: str, *, size: int = 100, **extent: Any) -> list[Entry]:
    """A whole transcript, page by page."""
    found: list[Entry] = []
    while True:
        wanted = EntryRange(session_id=session_id, size=size, **extent)
        part = await storage.read(page, wanted)
        found += part.entries
        if not part.more:
            return found
        extent["position"] = part.entries[-1].position


async def contents(storage: Storage, detail: SessionDetail) -> list[str]:
    return [entry.content for entry in await transcript(storage, detail.session.session_id)]


async def let_it_rest(storage: Storage, *session_ids: str, hours: float) -> None:
    """Make it as if nobody had touched sessions for so long, and as if they had ended so long ago."""
    for table, column in ((schema.session_heads, "last_activity_us"), (schema.sessions, "end_time_us")):
        time_us = table.c[column]
        change = update(table).where(table.c.session_id.in_(session_ids))
        await storage._engine.write(
            lambda c, change=change, time_us=time_us: c.execute(  # type: ignore[misc]
                change.values({time_us: time_us - int(hours * HOUR_US)})
            )
        )
