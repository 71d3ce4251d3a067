"""What is stored, as typed immutable records; the names of the fields are those of the columns.

Times are integers, microseconds since the epoch in UTC. Amounts are Python integers, 0 to 2**128-1.
An absent text is empty, an absent number or time is None.
"""

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from storage.lifecycle import (
    AgentStatus,
    BidStatus,
    EscrowStatus,
    ExtrinsicStatus,
    ResultStatus,
    TaskStatus,
)


class Action(StrEnum):
    """What a mutation asks of the chain; one action is one extrinsic."""

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


class VerificationLevel(StrEnum):
    BEST_EFFORT = "best_effort"
    OPTIMISTIC = "optimistic"
    TEE = "tee"
    ZKSNARK = "zksnark"
    REDUNDANT = "redundant"


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The base of all records. The garbage collector passes over them: none can be part of a cycle."""


class Entity(Record, frozen=True, kw_only=True):
    """An entity that mutations act on and watchers follow."""

    pending_action: Action = Action.NONE
    pending_correlation_id: str = ""
    last_error: str = ""
    revision: int = 1
    create_time_us: int = 0
    update_time_us: int = 0


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
    lease_token: str = ""
    lease_end_us: int = 0
    next_attempt_us: int = 0
    revision: int = 1
    create_time_us: int = 0
    update_time_us: int = 0
    finalize_time_us: int | None = None


class Signature(Record, frozen=True, kw_only=True):
    """Signed bytes of an extrinsic, stored before they are sent, and kept for ever."""

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


class EventBody(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What a watcher learns of a change beside the ids."""

    status: str = ""
    escrow_status: str = ""
    agent_id: str = ""
    pending_action: str = ""
    correlation_id: str = ""
    error: str = ""
    role: str = ""


class Event(Record, frozen=True, kw_only=True):
    """An entry of the event log. Numbers are dense, and their order is the order of commits."""

    number: int
    event_time_us: int
    entity: str  # agent, task, bid, result, extrinsic, session, transcript, approval
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
