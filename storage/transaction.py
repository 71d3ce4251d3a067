"""The argument of repository functions: one open transaction, and its pending events and audit entries."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy.engine import Connection

from storage.deeds import Deed
from storage.dialect import Dialect
from storage.records import EventBody, Record


class NewEvent(Record, frozen=True, kw_only=True):
    """An event that has no number yet, and the states that its entity leaves (empty if it is new)."""

    event_time_us: int
    entity: str
    entity_id: str
    created: bool
    task_id: str
    requester_id: str
    revision: int
    body: EventBody
    status_before: str
    escrow_status_before: str


class AuditNote(NamedTuple):
    """An entry of the audit log that has no number yet."""

    deed: Deed
    target_type: str
    target_id: str
    result: str
    correlation_id: str
    status: str
    counts: Mapping[str, int]
    subject: str


class Transaction:
    """One transaction of the committer.

    `now_us` is its time, the same for all of its items. `local` says who decides: this database (True)
    or the chain it is bound to. Events and audit entries are buffered here and written by the committer, last
    of all.
    """

    __slots__ = ("audit", "connection", "dialect", "events", "local", "now_us")

    def __init__(self, connection: Connection, dialect: Dialect, *, now_us: int, local: bool) -> None:
        self.connection = connection
        self.dialect = dialect
        self.now_us = now_us
        self.local = local
        self.events: list[NewEvent] = []
        self.audit: list[AuditNote] = []
