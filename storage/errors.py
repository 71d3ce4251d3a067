"""Every error that this room raises.

StorageError
├── Refusal                 a decision about one item: it changed nothing and does not affect other items
│   ├── NotFound            AgentNotFound, TaskNotFound, BidNotFound, ResultNotFound,
│   │                       AgreementNotFound, ExtrinsicNotFound, SessionNotFound, EntryNotFound,
│   │                       HandoffNotFound, ApprovalNotFound, IdNotFound
│   ├── AlreadyExists       AgentExists, DuplicateBid, DuplicateResult
│   ├── Precondition        InvalidTransition, AgentNotActive, TaskNotBidding, TaskNotRevealing,
│   │                       TaskNotAssigned, DeadlinePassed, ValueAboveBudget, NoRevealedBid,
│   │                       ActionPending, ExtrinsicLive, NoChain, ChainDecides, NothingToReplay,
│   │                       BlocksNotKept, RequestIdReused, SessionEnded, TranscriptTooLong, MetadataTooLarge,
│   │                       ApprovalNotPending
│   ├── Invalid             CommitmentMismatch, InvalidCursor
│   ├── Aborted             StaleRevision
│   ├── Expired             CursorExpired
│   ├── DataLoss            AuditEntryBroken
│   └── Superseded          another bridge was first; never reaches a client
├── Failure                 a technical failure, not a decision
│   ├── DatabaseUnavailable, ChainUnavailable, CommitUnknown, Overloaded, DeadlineExceeded, ShuttingDown
│   └── Retry               (inside the room) run the transaction again
└── Misconfigured           WrongBinding, SchemaOutdated, BadDatabaseUrl

The reason of a refusal is its class name in upper snake case; the contract lists the reasons.
"""

import re
from typing import ClassVar, Self

from storage.limits import RETRY_AFTER_SECONDS


class StorageError(Exception):
    """The base of all errors of storage."""

    reason: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        cls.reason = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).upper()

    def copy(self) -> Self:
        """The same error for another caller: raising an exception changes it, so it must not be shared."""
        copy = type(self).__new__(type(self), *self.args)
        copy.__dict__.update(self.__dict__)
        copy.__cause__ = self.__cause__
        return copy


class Refusal(StorageError):
    """A decision against one item. It changed nothing.

    `resource` is (type, name) of the entity concerned, `metadata` the dynamic parts of the message.
    """

    def __init__(
        self,
        message: str,
        *,
        resource: tuple[str, str] | None = None,
        field: str = "",
        metadata: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.resource = resource
        self.field = field
        self.metadata = metadata or {}


class NotFound(Refusal):
    pass


class _NoSuchId(NotFound):
    """No entity has an id."""

    entity: ClassVar[str] = ""

    def __init__(self, name: str) -> None:
        super().__init__(f"no {self.entity} {name!r}", resource=(self.entity, name))


class AgentNotFound(_NoSuchId):
    entity = "agent"


class TaskNotFound(_NoSuchId):
    entity = "task"


class BidNotFound(NotFound):
    """An agent has no bid on a task."""

    def __init__(self, task_id: str, agent_id: str) -> None:
        super().__init__(
            f"agent {agent_id!r} has no bid on task {task_id!r}",
            resource=("task", task_id),
            metadata={"agent_id": agent_id},
        )


class ResultNotFound(NotFound):
    """No result has an id, or a task has no result."""

    def __init__(self, result_id: str = "", *, task_id: str = "") -> None:
        if task_id:
            super().__init__(f"task {task_id!r} has no result", resource=("task", task_id))
        else:
            super().__init__(f"no result {result_id!r}", resource=("result", result_id))


class AgreementNotFound(NotFound):
    """A task has no agreement."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"task {task_id!r} has no known agreement", resource=("task", task_id))


class ExtrinsicNotFound(_NoSuchId):
    entity = "extrinsic"


class SessionNotFound(_NoSuchId):
    entity = "session"


class HandoffNotFound(_NoSuchId):
    entity = "handoff"


class ApprovalNotFound(_NoSuchId):
    entity = "approval"


class IdNotFound(_NoSuchId):
    entity = "session or handoff"


class EntryNotFound(NotFound):
    """A session has no entry at a position."""

    def __init__(self, session_id: str, position: int, field: str) -> None:
        Refusal.__init__(
            self,
            f"session {session_id!r} has no entry at position {position}",
            resource=("entry", f"{session_id}/{position}"),
            field=field,
            metadata={"session_id": session_id, "position": str(position)},
        )


class AlreadyExists(Refusal):
    pass


class AgentExists(AlreadyExists):
    def __init__(self, agent_id: str) -> None:
        super().__init__(f"agent {agent_id!r} is already registered", resource=("agent", agent_id))


class DuplicateBid(AlreadyExists):
    def __init__(self, task_id: str, agent_id: str, bid_id: str) -> None:
        super().__init__(
            f"agent {agent_id!r} already has a bid on task {task_id!r}",
            resource=("task", task_id),
            metadata={"agent_id": agent_id, "bid_id": bid_id},
        )


class DuplicateResult(AlreadyExists):
    def __init__(self, task_id: str, agent_id: str, result_id: str) -> None:
        super().__init__(
            f"agent {agent_id!r} has already submitted a result for task {task_id!r}",
            resource=("task", task_id),
            metadata={"agent_id": agent_id, "result_id": result_id},
        )


class Precondition(Refusal):
    pass


class InvalidTransition(Precondition):
    """The state machine does not allow this move; with `task_status`, not while the task is in that state."""

    def __init__(
        self, entity: str, entity_id: str, current: str, target: str, *, task_status: str = ""
    ) -> None:
        super().__init__(
            f"{entity} {entity_id!r} is {current} and cannot become {target}"
            + (f" while the task is {task_status}" if task_status else ""),
            resource=(entity, entity_id),
            metadata={"from": str(current), "to": str(target)}
            | ({"task_status": str(task_status)} if task_status else {}),
        )


class _WrongStatus(Precondition):
    """An entity in a status that does not allow the call."""

    entity: ClassVar[str] = "task"
    needed: ClassVar[str] = ""

    def __init__(self, entity_id: str, status: str) -> None:
        super().__init__(
            f"{self.entity} {entity_id!r} is {status}, not {self.needed}",
            resource=(self.entity, entity_id),
            metadata={"status": str(status)},
        )


class AgentNotActive(_WrongStatus):
    entity = "agent"
    needed = "active"


class TaskNotBidding(_WrongStatus):
    needed = "bidding"


class TaskNotRevealing(_WrongStatus):
    needed = "revealing"


class TaskNotAssigned(Precondition):
    """A task is not assigned, or not to this agent."""

    def __init__(self, task_id: str, status: str, agent_id: str) -> None:
        super().__init__(
            f"task {task_id!r} is {status} and not assigned to agent {agent_id!r}",
            resource=("task", task_id),
            metadata={"status": str(status), "agent_id": agent_id},
        )


class DeadlinePassed(Precondition):
    """The deadline of a task has passed, or (without an id) that of a task to be created."""

    def __init__(self, task_id: str = "") -> None:
        if task_id:
            super().__init__(f"the deadline of task {task_id!r} has passed", resource=("task", task_id))
        else:
            super().__init__("the deadline has already passed", field="deadline")


class ValueAboveBudget(Precondition):
    def __init__(self, task_id: str, value: int, budget: int) -> None:
        super().__init__(
            f"value {value} is above the budget {budget} of task {task_id!r}",
            resource=("task", task_id),
            field="value",
            metadata={"value": str(value), "max_budget": str(budget)},
        )


class NoRevealedBid(Precondition):
    def __init__(self, task_id: str) -> None:
        super().__init__(f"no bid on task {task_id!r} has been revealed", resource=("task", task_id))


class ActionPending(Precondition):
    def __init__(self, entity: str, entity_id: str, action: str, correlation_id: str) -> None:
        super().__init__(
            f"{action} on {entity} {entity_id!r} is waiting for the chain",
            resource=(entity, entity_id),
            metadata={"action": str(action), "correlation_id": correlation_id},
        )


class ExtrinsicLive(Precondition):
    def __init__(self, correlation_id: str, status: str) -> None:
        super().__init__(
            f"extrinsic {correlation_id!r} is {status}: one of its signatures may still be executed",
            resource=("extrinsic", correlation_id),
            metadata={"status": str(status)},
        )


class NothingToReplay(Precondition):
    def __init__(self, why: str) -> None:
        super().__init__(why or "no block from there on has been read yet")


class BlocksNotKept(Precondition):
    """Blocks to replay are no longer kept, or were never read."""

    def __init__(self, tail_block: int) -> None:
        super().__init__(
            f"blocks up to {tail_block} are not kept, or were never read",
            metadata={"first_block": str(tail_block + 1)},
        )


class NoChain(Precondition):
    def __init__(self) -> None:
        super().__init__("this database is not bound to a chain")


class ChainDecides(Precondition):
    """The call is available in local mode only."""

    def __init__(self, entity: str, entity_id: str) -> None:
        super().__init__(
            f"this database is bound to a chain, which decides the state of {entity} {entity_id!r}",
            resource=(entity, entity_id),
        )


class RequestIdReused(Precondition):
    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"request id {request_id!r} was already used with another body",
            field="request_id",
            metadata={"request_id": request_id},
        )


class SessionEnded(Precondition):
    """A session that has ended accepts no changes, entries or commands."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"session {session_id!r} has ended", resource=("session", session_id))


class TranscriptTooLong(Precondition):
    """More than one call copies: too many `rows`, which are entries and commands, or too many `bytes`."""

    def __init__(self, session_id: str, unit: str, size: int, size_max: int) -> None:
        what = "entries and commands" if unit == "rows" else unit
        super().__init__(
            f"session {session_id!r} has {size:,} {what} to copy; one call copies at most {size_max:,}",
            resource=("session", session_id),
            metadata={unit: str(size), f"{unit}_max": str(size_max)},
        )


class MetadataTooLarge(Precondition):
    """The metadata of a session would exceed its limit."""

    def __init__(self, session_id: str, size_bytes: int, bytes_max: int) -> None:
        super().__init__(
            f"session {session_id!r} would have {size_bytes:,} bytes of metadata; the limit is {bytes_max:,}",
            resource=("session", session_id),
            field="session.metadata",
            metadata={"bytes": str(size_bytes), "bytes_max": str(bytes_max)},
        )


class Invalid(Refusal):
    pass


class CommitmentMismatch(Invalid):
    def __init__(self, bid_id: str) -> None:
        super().__init__(
            "value and nonce do not hash to the commitment of the bid",
            resource=("bid", bid_id),
            field="nonce",
        )


class InvalidCursor(Invalid):
    """Malformed, or ahead of what is stored."""

    def __init__(self, message: str, *, field: str = "after_cursor") -> None:
        super().__init__(message, field=field)


class Aborted(Refusal):
    pass


class StaleRevision(Aborted):
    def __init__(self, entity: str, entity_id: str, named: int, current: int) -> None:
        super().__init__(
            f"{entity} {entity_id!r} is at revision {current}, not {named}",
            resource=(entity, entity_id),
            metadata={"revision": str(named), "current_revision": str(current)},
        )


class Expired(Refusal):
    pass


class CursorExpired(Expired):
    def __init__(
        self, why: str, *, then: str = "list again, then watch from the cursor of that response"
    ) -> None:
        super().__init__(f"{why}: {then}")


class DataLoss(Refusal):
    pass


class AuditEntryBroken(DataLoss):
    """An entry of the audit log, or (without a number) the row of its bounds, is not what was written."""

    def __init__(self, number: int | None = None) -> None:
        what = "the row of the bounds" if number is None else f"entry {number}"
        super().__init__(
            f"{what} of the audit log is broken: call VerifyAudit for details",
            resource=("audit", "" if number is None else str(number)),
        )


class ApprovalNotPending(Precondition):
    """The approval has already been decided or cancelled, or has expired."""

    def __init__(self, approval_id: str, status: str, by: str = "") -> None:
        super().__init__(
            f"approval {approval_id!r} is {status}{f' by {by!r}' if by else ''}, not pending",
            resource=("approval", approval_id),
            metadata={"status": str(status)} | ({"decided_by": by} if by else {}),
        )


class Superseded(Refusal):
    """Another bridge was first: its lease, epoch or cursor is the valid one. Never reaches a client."""


class Failure(StorageError):
    """A technical failure; `retry_after_seconds` is a hint for the caller."""

    retry_after_seconds: ClassVar[float] = RETRY_AFTER_SECONDS


class DatabaseUnavailable(Failure):
    """The database cannot be reached."""


class ChainUnavailable(Failure):
    """The chain to bind a new database to cannot be reached."""


class CommitUnknown(Failure):
    """The connection was lost during the commit: the change may or may not be stored."""


class Overloaded(Failure):
    """The queue of waiting writes is full."""


class DeadlineExceeded(Failure):
    """The caller's deadline passed before its item was processed."""


class ShuttingDown(Failure):
    """The committer accepts no more items."""


class Retry(Failure):
    """Another process made a concurrent decision, or a stale connection was lost before the commit: the
    transaction must run again."""


class Misconfigured(StorageError):
    """The operator must change something; the message says what."""


class BadDatabaseUrl(Misconfigured):
    """DATABASE_URL cannot be used."""


class WrongBinding(Misconfigured):
    """The database belongs to another chain."""


class SchemaOutdated(Misconfigured):
    """The schema of the database is not the one that this code needs."""
