"""The state machines: which status may follow which, one table per entity.

Work and money of a task are two machines, so that neither has to lie about the other. Every move that
a caller asks for goes through `Lifecycle.check`; what the chain reports is taken as it is (a
projection), and a jump that the table does not have is recorded as an anomaly.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from storage.errors import InvalidTransition


class AgentStatus(StrEnum):
    PENDING = "pending"  # stored by RegisterAgent; the chain has not confirmed it
    ACTIVE = "active"  # confirmed (at once in local mode)
    SUSPENDED = "suspended"  # forced by the chain
    RETIRED = "retired"
    REJECTED = "rejected"  # the chain refused the registration; the id may register again


class TaskStatus(StrEnum):
    PENDING = "pending"  # stored by CreateTask; the chain has not confirmed it
    BIDDING = "bidding"
    REVEALING = "revealing"
    ASSIGNED = "assigned"
    COMPLETED = "completed"
    REJECTED = "rejected"  # the chain refused its creation
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # the deadline passed before it was assigned
    FAILED = "failed"  # the deadline passed without a result


class EscrowStatus(StrEnum):
    NONE = "none"
    FUNDED = "funded"
    RELEASED = "released"
    REFUNDED = "refunded"
    DISPUTED = "disputed"


class AgreementStatus(StrEnum):
    PROPOSED = "proposed"  # the requester offers terms to the agent that the task is assigned to
    SIGNED = "signed"  # the agent's owner signed them
    FINALIZED = "finalized"  # the requester confirmed the signature
    DISPUTED = "disputed"
    CANCELLED = "cancelled"  # by the requester, before it was final


class MilestoneStatus(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"  # so says the agent's owner; approvals are awaited
    PAID = "paid"


class BidStatus(StrEnum):
    PENDING = "pending"
    COMMITTED = "committed"
    REVEALED = "revealed"
    WON = "won"
    LOST = "lost"
    REJECTED = "rejected"


class ResultStatus(StrEnum):
    PENDING = "pending"
    RECORDED = "recorded"
    REJECTED = "rejected"


class ExtrinsicStatus(StrEnum):
    QUEUED = "queued"  # waits to be signed; after a crash it is claimed again when its lease is over
    SIGNED = "signed"  # the signed bytes are stored; after a crash the same bytes are sent
    SUBMITTED = "submitted"  # a node took the bytes; after a crash the same bytes are sent again
    IN_BLOCK = "in_block"  # a hint: seen in a block that is not final
    FINALIZED = "finalized"  # executed with success in a finalized block
    FAILED = "failed"  # executed and refused in a finalized block
    CANCELLED = "cancelled"  # withdrawn without a live signature
    DEAD = "dead"  # given up without a live signature


class SessionStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"  # idle for the retention time, or expired by a client


class HandoffStatus(StrEnum):
    PENDING = "pending"  # waits for somebody of its target role
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ApprovalStatus(StrEnum):
    PENDING = "pending"  # waits for a decision
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"  # whoever asked needs it no more
    EXPIRED = "expired"  # nobody decided in time


Status = TypeVar("Status", bound=StrEnum)


class Lifecycle(Generic[Status]):
    """One state machine: its name, its first state, and the moves out of each state."""

    def __init__(self, entity: str, initial: Status, moves: Mapping[Status, frozenset[Status]]) -> None:
        self.entity = entity
        self.initial = initial
        self._moves = moves

    def allows(self, current: Status, target: Status) -> bool:
        """Whether `target` may follow `current`; staying is always allowed."""
        return current == target or target in self._moves.get(current, frozenset())

    def terminal(self, status: Status) -> bool:
        return not self._moves.get(status)

    def check(self, entity_id: str, current: Status, target: Status) -> None:
        """Raise `InvalidTransition` unless `target` may follow `current`."""
        if not self.allows(current, target):
            raise InvalidTransition(self.entity, entity_id, current, target)


def _to(*statuses: Status) -> frozenset[Status]:
    return frozenset(statuses)


AGENT = Lifecycle(
    "agent",
    AgentStatus.PENDING,
    {
        AgentStatus.PENDING: _to(AgentStatus.ACTIVE, AgentStatus.REJECTED),
        AgentStatus.ACTIVE: _to(AgentStatus.SUSPENDED, AgentStatus.RETIRED),
        AgentStatus.SUSPENDED: _to(AgentStatus.ACTIVE),
        # Its owner registers again, or another client registers the same DID.
        AgentStatus.REJECTED: _to(AgentStatus.PENDING, AgentStatus.ACTIVE),
    },
)

TASK = Lifecycle(
    "task",
    TaskStatus.PENDING,
    {
        TaskStatus.PENDING: _to(TaskStatus.BIDDING, TaskStatus.REJECTED),
        TaskStatus.BIDDING: _to(TaskStatus.REVEALING, TaskStatus.CANCELLED, TaskStatus.EXPIRED),
        TaskStatus.REVEALING: _to(TaskStatus.ASSIGNED, TaskStatus.CANCELLED, TaskStatus.EXPIRED),
        TaskStatus.ASSIGNED: _to(TaskStatus.COMPLETED, TaskStatus.FAILED),
    },
)

ESCROW = Lifecycle(
    "escrow",
    EscrowStatus.NONE,
    {
        EscrowStatus.NONE: _to(EscrowStatus.FUNDED),
        EscrowStatus.FUNDED: _to(EscrowStatus.RELEASED, EscrowStatus.REFUNDED, EscrowStatus.DISPUTED),
        EscrowStatus.DISPUTED: _to(EscrowStatus.RELEASED, EscrowStatus.REFUNDED),
    },
)

AGREEMENT = Lifecycle(
    "agreement",
    AgreementStatus.PROPOSED,
    {
        AgreementStatus.PROPOSED: _to(
            AgreementStatus.SIGNED, AgreementStatus.DISPUTED, AgreementStatus.CANCELLED
        ),
        AgreementStatus.SIGNED: _to(
            AgreementStatus.FINALIZED, AgreementStatus.DISPUTED, AgreementStatus.CANCELLED
        ),
        AgreementStatus.FINALIZED: _to(AgreementStatus.DISPUTED),
    },
)

MILESTONE = Lifecycle(
    "milestone",
    MilestoneStatus.OPEN,
    {
        MilestoneStatus.OPEN: _to(MilestoneStatus.COMPLETED),
        MilestoneStatus.COMPLETED: _to(MilestoneStatus.PAID),
    },
)

BID = Lifecycle(
    "bid",
    BidStatus.PENDING,
    {
        BidStatus.PENDING: _to(BidStatus.COMMITTED, BidStatus.REJECTED),
        BidStatus.COMMITTED: _to(BidStatus.REVEALED),
        BidStatus.REVEALED: _to(BidStatus.WON, BidStatus.LOST),
    },
)

RESULT = Lifecycle(
    "result",
    ResultStatus.PENDING,
    {ResultStatus.PENDING: _to(ResultStatus.RECORDED, ResultStatus.REJECTED)},
)

_LIVE = (ExtrinsicStatus.SIGNED, ExtrinsicStatus.SUBMITTED, ExtrinsicStatus.IN_BLOCK)
_EXECUTED = (ExtrinsicStatus.FINALIZED, ExtrinsicStatus.FAILED)

EXTRINSIC = Lifecycle(
    "extrinsic",
    ExtrinsicStatus.QUEUED,
    {
        ExtrinsicStatus.QUEUED: _to(ExtrinsicStatus.SIGNED, ExtrinsicStatus.CANCELLED, ExtrinsicStatus.DEAD),
        # Back to queued only when the era of every signature is over on the finalized chain.
        ExtrinsicStatus.SIGNED: _to(ExtrinsicStatus.SUBMITTED, ExtrinsicStatus.QUEUED, *_EXECUTED),
        ExtrinsicStatus.SUBMITTED: _to(ExtrinsicStatus.IN_BLOCK, ExtrinsicStatus.QUEUED, *_EXECUTED),
        ExtrinsicStatus.IN_BLOCK: _to(ExtrinsicStatus.SUBMITTED, ExtrinsicStatus.QUEUED, *_EXECUTED),
        ExtrinsicStatus.CANCELLED: _to(ExtrinsicStatus.QUEUED),
        ExtrinsicStatus.DEAD: _to(ExtrinsicStatus.QUEUED, ExtrinsicStatus.CANCELLED),
    },
)

LIVE_EXTRINSIC: frozenset[ExtrinsicStatus] = frozenset(_LIVE)
"""The states in which a signature of the extrinsic may still be executed."""

SESSION = Lifecycle(
    "session",
    SessionStatus.PENDING,
    {
        SessionStatus.PENDING: _to(SessionStatus.ACTIVE, SessionStatus.EXPIRED),
        SessionStatus.ACTIVE: _to(
            SessionStatus.PAUSED, SessionStatus.COMPLETED, SessionStatus.FAILED, SessionStatus.EXPIRED
        ),
        SessionStatus.PAUSED: _to(SessionStatus.ACTIVE, SessionStatus.EXPIRED),
    },
)

HANDOFF = Lifecycle(
    "handoff",
    HandoffStatus.PENDING,
    {
        HandoffStatus.PENDING: _to(HandoffStatus.ACTIVE, HandoffStatus.CANCELLED),
        HandoffStatus.ACTIVE: _to(HandoffStatus.COMPLETED, HandoffStatus.FAILED, HandoffStatus.CANCELLED),
    },
)

APPROVAL = Lifecycle(
    "approval",
    ApprovalStatus.PENDING,
    {
        ApprovalStatus.PENDING: _to(
            ApprovalStatus.APPROVED,
            ApprovalStatus.REJECTED,
            ApprovalStatus.CANCELLED,
            ApprovalStatus.EXPIRED,
        )
    },
)
