"""The sessions that a batch works on: loaded once, changed in memory, stored once.

A session and its head are two rows. Appends lock the head; changes lock both, the head first too, since one
transaction may do the one and then the other.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec

from storage import schema_sessions as schema
from storage.audit.deeds import AuditFacts
from storage.engines.driver import execute
from storage.errors import Retry, SessionEnded, SessionNotFound
from storage.outcome import RowLock
from storage.records import DELETED, EventBody, HeadState
from storage.sessions.records import Session, SessionDetail, SessionHead
from storage.table_map import TableMap
from storage.transaction import Transaction

SESSIONS = TableMap(schema.sessions, Session)
SESSION_HEADS = TableMap(schema.session_heads, SessionHead)


def changed_facts(detail: SessionDetail) -> AuditFacts:
    """What the audit log says of a session that was made or changed."""
    return AuditFacts("session", detail.session.session_id, status=detail.session.status)


def head_of(item: Any) -> list[RowLock]:
    """What is locked for an item that has a `session_id`, which may be empty."""
    return [(SESSION_HEADS, item.session_id)] if item.session_id else []


class SessionSet:
    """Sessions and their heads within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self._sessions: dict[str, Session] = {}
        self._heads: dict[str, SessionHead] = {}
        self._new: set[str] = set()
        self._changed: set[str] = set()
        self._moved: set[str] = set()
        self._deleted: set[str] = set()

    @cached_property
    def now_us(self) -> int:
        """The time of everything that concerns sessions, by the database's clock."""
        return self.tx.dialect.clock_us(self.tx.connection)

    def load(self, session_ids: Iterable[str]) -> None:
        """Load, and lock, sessions and their heads."""
        wanted = list(session_ids)
        self.load_heads(wanted)
        self._sessions |= {found.session_id: found for found in SESSIONS.load(self.tx, wanted)}

    def load_heads(self, session_ids: Iterable[str]) -> None:
        """Load, and lock, the heads of sessions."""
        self._heads |= {found.session_id: found for found in SESSION_HEADS.load(self.tx, session_ids)}

    def get(self, session_id: str) -> Session:
        """A loaded session. Raises `SessionNotFound`."""
        session = self._sessions.get(session_id)
        if session is None:
            raise SessionNotFound(session_id)
        return session

    def head(self, session_id: str) -> SessionHead:
        """The head of a session that is not deleted. Raises `SessionNotFound`."""
        head = self._heads.get(session_id)
        if head is None or head.state == HeadState.DELETED:
            raise SessionNotFound(session_id)
        return head

    def open_head(self, session_id: str) -> SessionHead:
        """The head of a session that has not ended. Raises `SessionNotFound` or `SessionEnded`."""
        head = self.head(session_id)
        if head.state != HeadState.OPEN:
            raise SessionEnded(session_id)
        return head

    def detail(self, session_id: str) -> SessionDetail:
        return SessionDetail(session=self.get(session_id), head=self.head(session_id))

    def add(self, session: Session, *, entry_count: int = 0, command_count: int = 0) -> None:
        """Take in a new session; its revision is 1 and its times are now."""
        self._sessions[session.session_id] = msgspec.structs.replace(
            session,
            create_time_us=self.now_us,
            update_time_us=self.now_us,
            transition_time_us=self.now_us,
        )
        self._heads[session.session_id] = SessionHead(
            session_id=session.session_id,
            entry_count=entry_count,
            command_count=command_count,
            last_activity_us=self.now_us,
        )
        self._new.add(session.session_id)
        self._tell(self._sessions[session.session_id], before=None)

    def change(self, session: Session, **fields: Any) -> None:
        """Set fields of a loaded session, with its next revision and its event."""
        changed = msgspec.structs.replace(
            session, revision=session.revision + 1, update_time_us=self.now_us, **fields
        )
        self._sessions[session.session_id] = changed
        self._changed.add(session.session_id)
        self._tell(changed, before=session)

    def move_head(self, head: SessionHead, **fields: Any) -> SessionHead:
        """Set fields of a loaded head. It counts as activity, unless `last_activity_us` is given."""
        moved = msgspec.structs.replace(head, **{"last_activity_us": self.now_us} | fields)
        self._heads[head.session_id] = moved
        self._moved.add(head.session_id)
        return moved

    def has_moved(self, session_id: str) -> bool:
        """Whether the head of a session is another than was loaded."""
        return session_id in self._moved

    def delete(self, session: Session) -> None:
        """Delete a session; the sweep deletes its transcript."""
        del self._sessions[session.session_id]
        self._changed.discard(session.session_id)
        self._deleted.add(session.session_id)
        self.move_head(self._heads[session.session_id], state=HeadState.DELETED)
        self._tell(session, before=session, status=DELETED)

    def tell_appended(self, head: SessionHead) -> None:
        """Buffer the event that says that a transcript has grown to what `head` says."""
        self.tx.tell("transcript", head.session_id, EventBody(), revision=head.entry_count)

    def store(self) -> None:
        """Write what is new and what changed.

        Raises `Retry` if another process took the key of a new session: run again.
        """
        SESSIONS.update(self.tx, [self._sessions[key] for key in sorted(self._changed)])
        SESSION_HEADS.update(self.tx, [self._heads[key] for key in sorted(self._moved - self._new)])
        new = sorted(self._new)
        if SESSION_HEADS.insert(self.tx, [self._heads[key] for key in new]) != self._new:
            raise Retry
        if SESSIONS.insert(self.tx, [self._sessions[key] for key in new]) != self._new:
            raise Retry
        if self._deleted:
            condition = self.tx.dialect.any_of(schema.sessions.c.session_id)
            keys = self.tx.dialect.keys(sorted(self._deleted))
            execute(self.tx.connection, f"DELETE FROM sessions WHERE {condition}", keys)
        for handled in (self._changed, self._moved, self._new, self._deleted):
            handled.clear()

    def _tell(self, session: Session, *, before: Session | None, status: str = "") -> None:
        body = EventBody(
            status=status or session.status, status_reason=session.status_reason, role=session.role
        )
        self.tx.tell(
            "session",
            session.session_id,
            body,
            revision=session.revision,
            task_id=session.task_id,
            created=before is None,
            status_before=before.status if before else "",
        )
