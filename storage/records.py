"""What is stored, as typed immutable records; the names of the fields are those of the columns.

Times are integers, microseconds since the epoch in UTC. Amounts are Python integers, 0 to 2**128-1.
An absent text is empty, an absent number or time is None.
"""

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from storage.lifecycle import (
    AgentStatus,
    AgreementStatus,
    BidStatus,
    EscrowStatus,
    ExtrinsicStatus,
    MilestoneStatus,
    ResultStatus,
    TaskStatus,
)


class Action(StrEnum):
    """The kinds of requests to the chain; one action is one extrinsic."""

    NONE = ""
    RAW_CALL = "raw_call"
    REGISTER_AGENT = "register_agent"
    UPDATE_AGENT = "update_agent"
    RETIRE_AGENT = "retire_agent"
    CREATE_TASK = "create_task"
    CANCEL_TASK = "cancel_task"
    SUBMIT_BID = "submit_bid"
    CLOSE_BIDDING = "close_bidding"
    REVEAL_BID = "reveal_bid"
    ALLOCATE_TASK = "allocate_task"
    SUBMIT_RESULT = "submit_result"
    SETTLE_TASK = "settle_task"
    DISPUTE_TASK = "dispute_task"


class VerificationLevel(StrEnum):
    BEST_EFFORT = "best_effort"
    OPTIMISTIC = "optimistic"
    TEE = "tee"
    ZKSNARK = "zksnark"
    REDUNDANT = "redundant"


class EntryRole(StrEnum):
    PROMPT = "prompt"
    RESPONSE = "response"
    CHUNK = "chunk"  # a piece of a response, as it came
    COMBINED = "combined"  # chunks put together
    USER = "user"
    AGENT = "agent"
    SYSTEM = "system"
    TOOL = "tool"


class HeadState(StrEnum):
    OPEN = "open"  # the session takes entries
    ENDED = "ended"
    DELETED = "deleted"  # the session is gone; the sweep deletes what is left of it


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The base of all records. The garbage collector passes over them: none can be part of a cycle.

    Their stored JSON omits fields that have their defaults: so a default must never change.
    """


class Versioned(Record, frozen=True, kw_only=True):
    """What watchers follow."""

    revision: int = 1
    create_time_us: int = 0
    update_time_us: int = 0


class Entity(Versioned, frozen=True, kw_only=True):
    """What mutations act on."""

    pending_action: Action = Action.NONE
    pending_correlation_id: str = ""
    last_error: str = ""


class Agent(Entity, frozen=True, kw_only=True):
    agent_id: str
    label: str = ""
    capabilities: tuple[str, ...] = ()
    metadata: str = ""
    attestation: bytes = b""
    verification_level: VerificationLevel = VerificationLevel.BEST_EFFORT
    status: AgentStatus = AgentStatus.PENDING
    chain_agent_id: int | None = None
    account_address: str = ""
    pending_update: "AgentUpdate | None" = None


class AgentUpdate(Record, frozen=True, kw_only=True):
    """New values for an agent; None leaves a field as it is."""

    label: str | None = None
    capabilities: tuple[str, ...] | None = None
    metadata: str | None = None


class Task(Entity, frozen=True, kw_only=True):
    """A task without its input, which has a table of its own."""

    task_id: str
    client_task_id: str = ""
    requester_id: str = ""
    description: str = ""
    task_type: str = ""
    max_budget: int = 0
    deadline_us: int | None = None  # None for a task that another client created on the chain
    verification_level: VerificationLevel = VerificationLevel.BEST_EFFORT
    status: TaskStatus = TaskStatus.PENDING
    escrow_status: EscrowStatus = EscrowStatus.NONE
    spec_hash: bytes = b""
    chain_task_id: int | None = None
    deadline_block: int | None = None
    bidding_end_us: int | None = None  # local mode only
    assigned_agent_id: str = ""
    cost: int | None = None
    paid_amount: int | None = None
    fee_amount: int | None = None
    dispute_reason: str = ""  # in the words of who disputed here; never sent to the chain
    disputed_by: str = ""  # the account, with a chain; in local mode the requester or the agent


class Bid(Entity, frozen=True, kw_only=True):
    """A bid. `value` and `nonce` are secret until its status is revealed, won or lost."""

    bid_id: str
    task_id: str
    agent_id: str
    commitment: bytes = b""
    quality_score: int = 0
    estimated_duration_seconds: int = 0
    value: int | None = None
    nonce: bytes = b""
    status: BidStatus = BidStatus.PENDING


class ResourceUsage(Record, frozen=True, kw_only=True):
    cpu_time_ms: int = 0
    memory_bytes: int = 0
    storage_bytes: int = 0
    bandwidth_bytes: int = 0
    gpu_time_ms: int = 0


class Result(Entity, frozen=True, kw_only=True):
    """A result without its output, which has a table of its own."""

    result_id: str
    task_id: str
    agent_id: str
    result_hash: bytes = b""
    proof: bytes = b""
    resource_usage: ResourceUsage = ResourceUsage()
    status: ResultStatus = ResultStatus.PENDING


class Agreement(Versioned, frozen=True, kw_only=True):
    """What requester and agent agreed on for a task, as far as the chain tells: the terms' hash."""

    agreement_id: str
    task_id: str
    agent_id: str  # `chain:agent:` and its number, if it is unknown here
    chain_agreement_id: int
    proposer: str  # the account
    terms_hash: bytes
    status: AgreementStatus = AgreementStatus.PROPOSED


class Milestone(Versioned, frozen=True, kw_only=True):
    """A part of a task's escrow that is paid by itself."""

    milestone_id: str  # see `milestone_id`
    task_id: str
    number: int  # the chain's, counted from 1 in each task
    description: str = ""
    amount: int
    required_approvals: int
    approved_by: tuple[str, ...] = ()  # accounts
    status: MilestoneStatus = MilestoneStatus.OPEN
    paid_amount: int | None = None
    recipient: str = ""  # the account that was paid


def milestone_id(task_id: str, number: int) -> str:
    """The id of a milestone: the chain counts them in each task."""
    return f"{task_id}/{number}"


def milestone_number(milestone_id: str) -> int:
    """The number in the id of a milestone."""
    return int(milestone_id.rpartition("/")[2])


class Reputation(Versioned, frozen=True, kw_only=True):
    """The standing of an account, which is that of all agents it owns."""

    account_address: str
    score: int | None = None  # as the chain counts it; None until it tells
    score_position: int = 0  # of the event that told the score
    bonded: int = 0  # all that was ever bonded, and so on
    unbonded: int = 0
    slashed: int = 0
    tasks_completed: int = 0
    tasks_failed: int = 0
    severe_slashes: int = 0

    @property
    def staked(self) -> int:
        """What is at stake now. Never below 0: what was bonded before the chain was followed is unknown."""
        return max(0, self.bonded - self.unbonded - self.slashed)


class CountedEvent(Record, frozen=True, kw_only=True):
    """An event of the chain that was added up in the standing of an account; see `storage.facts`."""

    position: int
    account_address: str


class Remembered(Record, frozen=True, kw_only=True):
    """The pending action that an entity shows, bound to its extrinsic: a requeue shows it again."""

    pending_update: AgentUpdate | None = None
    dispute_reason: str = ""


class Extrinsic(Record, frozen=True, kw_only=True):
    """A row of the outbox. The newest signature is repeated here; `signatures` keeps all of them."""

    correlation_id: str
    action: Action
    entity_id: str = ""  # of the agent, task, bid or result that carries the intent
    task_id: str = ""
    agent_id: str = ""
    pallet: str = ""
    call: str = ""
    payload: str = ""  # canonical JSON of a raw call
    remembered: Remembered | None = None
    signer: str
    status: ExtrinsicStatus = ExtrinsicStatus.QUEUED
    attempt_count: int = 0
    last_error: str = ""
    extrinsic_hash: bytes = b""
    nonce: int | None = None
    birth_block: int | None = None
    death_block: int | None = None
    block_number: int | None = None
    extrinsic_index: int | None = None
    excused: bool = False  # the newest attempt, should it come to nothing, fails through no fault of its own
    lease_token: str = ""
    lease_end_us: int = 0
    next_attempt_us: int = 0
    revision: int = 1
    create_time_us: int = 0
    update_time_us: int = 0
    finalize_time_us: int | None = None


class Signature(Record, frozen=True, kw_only=True):
    """Signed bytes of an extrinsic, stored before they are sent."""

    extrinsic_hash: bytes
    correlation_id: str
    account_address: str  # whose key signed
    nonce: int
    birth_block: int
    death_block: int  # the first block at which it can no longer be included
    raw: bytes
    create_time_us: int = 0


class ChainBlock(Record, frozen=True, kw_only=True):
    """A finalized block as it was read: its events raw, so that they can be decoded again."""

    block_number: int
    block_hash: bytes
    parent_hash: bytes
    spec_version: int
    block_time_us: int
    raw_events: bytes
    event_count: int
    error: str = ""


class ChainEvent(Record, frozen=True, kw_only=True):
    block_number: int
    event_index: int
    pallet: str
    event: str
    payload: str  # JSON
    extrinsic_index: int | None = None
    correlation_id: str = ""
    anomaly: str = ""
    block_time_us: int = 0


DELETED = "deleted"
"""The status in the event of a session or an approval that was deleted."""


class EventBody(Record, frozen=True, kw_only=True):
    """What a watcher learns of a change beside the ids.

    Sessions told their `status_reason` as `error` once: events are kept across an upgrade, so both are read.
    """

    status: str = ""
    escrow_status: str = ""
    agent_id: str = ""
    pending_action: str = ""
    correlation_id: str = ""
    error: str = ""  # why an action or an extrinsic failed
    session_id: str = ""  # of an approval
    role: str = ""  # of a session, or of who decides an approval
    status_reason: str = ""  # why a session is in its status


class Event(Record, frozen=True, kw_only=True):
    """An entry of the event log. Numbers are dense, and their order is the order of commits."""

    number: int
    event_time_us: int
    entity: str
    """`agent`, `task`, and so on: the kind of entity in lower case; `transcript` for one that has grown."""
    entity_id: str
    created: bool  # False: changed
    task_id: str = ""
    requester_id: str = ""
    revision: int
    body: EventBody


R = TypeVar("R")


class Receipt(Record, Generic[R], frozen=True, kw_only=True):
    """The answer of a mutation: the entity after it, and the extrinsic it waits for (or empty)."""

    record: R
    correlation_id: str = ""
