"""The facts of a mutation for the audit log: who did it, to what, and the counts.

AuditFacts are ids, states and counts, never contents, prompts, values or secrets.
"""

import operator
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from storage.batches import Rows
from storage.records import Receipt, Record

SYSTEM = "system"
"""The actor of what the server does by itself."""
ANONYMOUS = "anonymous"
"""The actor of every call, until authentication stands."""


class SystemMethod(StrEnum):
    """The methods of what the server does by itself, as its audit entries tell them.

    Entries are hashed and kept for years, and people filter by these names: add some, never change one. The
    comment of `AuditEntry.method` lists them.
    """

    SWEEP_DEADLINES = "System/SweepDeadlines"
    EXPIRE_APPROVALS = "System/ExpireApprovals"
    SWEEP_SESSIONS = "System/SweepSessions"
    PURGE_TRANSCRIPTS = "System/PurgeTranscripts"
    PURGE_HANDOFFS = "System/PurgeHandoffs"
    PURGE_APPROVALS = "System/PurgeApprovals"
    PRUNE_REQUESTS = "System/PruneRequests"
    PRUNE_EVENTS = "System/PruneEvents"
    PRUNE_SIGNATURES = "System/PruneSignatures"
    PRUNE_BLOCKS = "System/PruneBlocks"
    PRUNE_AUDIT = "System/PruneAudit"


class Deed(Record, frozen=True, kw_only=True):
    """The actor of a mutation, and its method."""

    actor: str
    method: str
    trace_id: str = ""  # 32 hexadecimal digits, or empty


def system_deed(method: SystemMethod) -> Deed:
    """What the server does by itself."""
    return Deed(actor=SYSTEM, method=method.value)


class AuditFacts(NamedTuple):
    """What a mutation did, by its answer."""

    target_type: str = ""
    target_id: str = ""
    correlation_id: str = ""
    status: str = ""  # that the target is in then
    counts: Mapping[str, int] = {}


Describe: TypeAlias = Callable[[Any], AuditFacts | list[AuditFacts] | None]
"""The facts of an answer, one for each entry; None if nothing was done that is worth an entry."""


def describing(answer: Any) -> Describe:
    """How answers of a type are described, unless their mutation says it otherwise."""
    if typing.get_origin(answer) is Rows:
        return _rows
    if typing.get_origin(answer) is Receipt:
        (record,) = typing.get_args(answer)
        return _receipt(record)
    if isinstance(answer, type) and issubclass(answer, Record):
        return _entity(answer)
    return _nothing_known


def _rows(batch: Rows[Any]) -> AuditFacts | None:
    return AuditFacts(counts={"rows": batch.count}) if batch.count else None


def _nothing_known(answer: object) -> AuditFacts:
    return AuditFacts()


def _receipt(record: type[Record]) -> Describe:
    kind, id_field = _kind(record)
    entity_id = operator.attrgetter(f"record.{id_field}")
    status = _status(record, "record.status")
    return lambda receipt: AuditFacts(kind, entity_id(receipt), receipt.correlation_id, status(receipt))


def _entity(record: type[Record]) -> Describe:
    kind, id_field = _kind(record)
    if not id_field:
        return _nothing_known
    entity_id = operator.attrgetter(id_field)
    status = _status(record, "status")
    return lambda entity: AuditFacts(kind, entity_id(entity), status=status(entity))


def _status(record: type[Record], path: str) -> Callable[[Any], str]:
    return operator.attrgetter(path) if "status" in record.__struct_fields__ else lambda _: ""


def _kind(record: type[Record]) -> tuple[str, str]:
    """The kind of an entity, and the field of its id; empty if it has none."""
    kind = record.__name__.lower()
    named = (field for field in (f"{kind}_id", "correlation_id") if field in record.__struct_fields__)
    return kind, next(named, "")
