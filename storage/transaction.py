"""The argument of repository functions: one open transaction, and its pending events and audit entries."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy.engine import Connection

from storage.audit.deeds import Deed
from storage.engines.dialect import Dialect
from storage.records import EventBody, Record


class NewEvent(Record, frozen=True, kw_only=True):
    """An event that has no number yet, and the states that its entity leaves (empty if it is new)."""

    event_time_us: int
    entity: str
    entity_id: str
    created: bool = False
    task_id: str = ""
    requester_id: str = ""
    revision: int
    body: EventBody
    status_before: str = ""
    escrow_status_before: str = ""


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
    """One transaction of the committer; for a read, see `snapshot`.

    `now_us` is its time by this process's clock, the same for all of its items. Sessions, approvals and
    handoffs have their times by the database's clock instead (`Dialect.clock_us`), since any server may end
    or delete them by their age. `local` says who decides: this database (True) or the chain it is bound to.
    Events and audit entries are buffered here and written by the committer, last of all.
    """

    __slots__ = ("audit", "connection", "dialect", "events", "local", "now_us")

    def __init__(self, connection: Connection, dialect: Dialect, *, now_us: int, local: bool) -> None:
        self.connection = connection
        self.dialect = dialect
        self.now_us = now_us
        self.local = local
        self.events: list[NewEvent] = []
        self.audit: list[AuditNote] = []

    @classmethod
    def snapshot(cls, connection: Connection, dialect: Dialect) -> "Transaction":
        """What a read gets: a connection and its dialect, and nothing to decide by or to write with.

        To ask it for `now_us`, `local`, `events` or `audit` is an AttributeError.
        """
        tx = cls.__new__(cls)
        tx.connection = connection
        tx.dialect = dialect
        return tx

    def tell(
        self,
        entity: str,
        entity_id: str,
        body: EventBody,
        *,
        revision: int,
        task_id: str = "",
        created: bool = False,
        status_before: str = "",
    ) -> None:
        """Buffer the event that says that something appeared, changed or went; see `Event`."""
        self.events.append(
            NewEvent(
                event_time_us=self.now_us,
                entity=entity,
                entity_id=entity_id,
                created=created,
                task_id=task_id,
                revision=revision,
                body=body,
                status_before=status_before,
            )
        )
