"""The tables, as they stand after the last migration. A test proves that the migrations add up to this.

Columns carry the names of the record fields they store (`storage.records`). The tables of sessions are in
`storage.schema_sessions`.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    and_,
    text,
)

from storage import limits
from storage.columns import FIXED
from storage.columns import amount as _amount
from storage.columns import blob as _blob
from storage.columns import number as _number
from storage.columns import number_key as _number_key
from storage.columns import one_of as _one_of
from storage.columns import partial_index as _partial_index
from storage.columns import text as _text
from storage.lifecycle import (
    LIVE_EXTRINSIC,
    AgentStatus,
    AgreementStatus,
    BidStatus,
    EscrowStatus,
    ExtrinsicStatus,
    MilestoneStatus,
    ResultStatus,
    TaskStatus,
)
from storage.records import Action, VerificationLevel

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

# Alternatives, not `IN`, for the reason that `storage.columns.one_of` gives.
OPEN_TASK = "(status = 'bidding' OR status = 'revealing' OR status = 'assigned')"
BIDDING_TASK = "status = 'bidding'"
QUEUED_EXTRINSIC = "status = 'queued'"
LEFT_QUEUE = "status <> 'queued'"
AUDIT_NO_HASH = "0" * 64


def _entity_columns() -> tuple[Column[Any], ...]:
    return (
        _one_of("pending_action", Action),
        _text("pending_correlation_id"),
        _text("last_error", longest=limits.LAST_ERROR_CHARS_MAX),
        *_version_columns(),
    )


def _version_columns() -> tuple[Column[int], ...]:
    return _number("revision"), _number("create_time_us", fixed=True), _number("update_time_us")


# One row: whom this database belongs to, and where its logs begin and end.
database = Table(
    "database_state",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="id"), primary_key=True, autoincrement=False),
    _text("log_id"),  # random; cursors carry it, so that one of another database is noticed
    _number("event_head"),  # the number of the newest event
    _number("event_tail"),  # the number of the newest event that retention has deleted
    _text("binding"),  # empty until bound, then `local` or the genesis hash in hexadecimal
    # The last entry of the audit log, and the newest that retention has deleted, see `storage.audit.log`.
    Column("audit_head", BigInteger, nullable=False, server_default="0"),
    Column("audit_hash", Text, nullable=False, server_default=AUDIT_NO_HASH),
    Column("audit_time_us", BigInteger, nullable=False, server_default="0"),
    Column("audit_tail", BigInteger, nullable=False, server_default="0"),
    Column("audit_tail_hash", Text, nullable=False, server_default=AUDIT_NO_HASH),
)

# The last block that is reflected; no row before the first. Apart from `database_state`, whose row every
# transaction locks last of all: the reader locks this one first.
chain_cursor = Table(
    "chain_cursor",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="id"), primary_key=True, autoincrement=False),
    _number("block_number"),
    _blob("block_hash"),
    # Blocks up to this one were never read, or their raw data is deleted.
    _number("tail_block"),
    # What is to be rebuilt: from which block on, which is next, and why it was given up.
    _number("replay_first", nullable=True),
    _number("replay_next", nullable=True),
    _text("replay_error"),
)

agents = Table(
    "agents",
    metadata,
    _text("agent_id", longest=limits.IDENTIFIER_BYTES_MAX, primary_key=True),
    _text("label", longest=limits.LABEL_BYTES_MAX),
    _text("capabilities"),
    _text("metadata", longest=limits.METADATA_BYTES_MAX),
    _blob("attestation", longest=limits.ATTESTATION_BYTES_MAX),
    _one_of("verification_level", VerificationLevel),
    _one_of("status", AgentStatus),
    _number("chain_agent_id", nullable=True),
    _text("account_address"),
    Column("pending_update", Text, nullable=True),
    *_entity_columns(),
    _partial_index(
        "agents_chain_agent_id_key", "chain_agent_id", where="chain_agent_id IS NOT NULL", unique=True
    ),
    Index("agents_status_idx", "status", "agent_id"),
)

tasks = Table(
    "tasks",
    metadata,
    _text("task_id", primary_key=True),
    _text("client_task_id", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    _text("requester_id", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    _text("description", longest=limits.DESCRIPTION_BYTES_MAX, fixed=True),
    _text("task_type", longest=limits.TASK_TYPE_BYTES_MAX, fixed=True),
    _amount("max_budget", fixed=True),
    _number("deadline_us", nullable=True, fixed=True),
    _one_of("verification_level", VerificationLevel, fixed=True),
    _one_of("status", TaskStatus),
    _one_of("escrow_status", EscrowStatus),
    _blob("spec_hash", fixed=True),
    _number("chain_task_id", nullable=True),
    _number("deadline_block", nullable=True),
    _number("bidding_end_us", nullable=True),
    _text("assigned_agent_id"),
    _amount("cost"),
    _amount("paid_amount"),
    _amount("fee_amount"),
    _text("dispute_reason", longest=limits.DISPUTE_REASON_BYTES_MAX),
    _text("disputed_by"),
    *_entity_columns(),
    _partial_index(
        "tasks_chain_task_id_key", "chain_task_id", where="chain_task_id IS NOT NULL", unique=True
    ),
    Index("tasks_status_idx", "status", "task_id"),
    Index("tasks_escrow_status_idx", "escrow_status", "task_id"),
    Index("tasks_requester_id_idx", "requester_id", "task_id"),
    _partial_index(
        "tasks_assigned_agent_id_idx", "assigned_agent_id", "task_id", where="assigned_agent_id <> ''"
    ),
    _partial_index("tasks_client_task_id_idx", "client_task_id", "task_id", where="client_task_id <> ''"),
    # What the local sweep looks for.
    _partial_index("tasks_deadline_idx", "status", "deadline_us", where=OPEN_TASK),
    _partial_index("tasks_bidding_end_idx", "status", "bidding_end_us", where=BIDDING_TASK),
)

# Apart, so that neither a list nor a change of a task moves a large input.
task_inputs = Table(
    "task_inputs",
    metadata,
    Column("task_id", Text, ForeignKey("tasks.task_id", ondelete="CASCADE"), primary_key=True, info=FIXED),
    _blob("input", fixed=True),
)

bids = Table(
    "bids",
    metadata,
    _text("bid_id", primary_key=True),
    Column("task_id", Text, ForeignKey("tasks.task_id"), nullable=False, info=FIXED),
    Column("agent_id", Text, ForeignKey("agents.agent_id"), nullable=False, info=FIXED),
    _blob("commitment", longest=limits.COMMITMENT_BYTES),
    Column(
        "quality_score",
        Integer,
        CheckConstraint(f"quality_score BETWEEN 0 AND {limits.QUALITY_SCORE_MAX}", name="quality_score"),
        nullable=False,
        info=FIXED,
    ),
    _number("estimated_duration_seconds"),
    _amount("value"),
    _blob("nonce", longest=limits.NONCE_BYTES),
    _one_of("status", BidStatus),
    *_entity_columns(),
    _partial_index(
        "bids_task_id_agent_id_key", "task_id", "agent_id", where="status <> 'rejected'", unique=True
    ),
    Index("bids_task_id_idx", "task_id", "bid_id"),
    Index("bids_agent_id_idx", "agent_id", "bid_id"),
)

results = Table(
    "results",
    metadata,
    _text("result_id", primary_key=True),
    Column("task_id", Text, ForeignKey("tasks.task_id"), nullable=False, info=FIXED),
    Column("agent_id", Text, ForeignKey("agents.agent_id"), nullable=False, info=FIXED),
    _blob("result_hash", longest=32, fixed=True),
    _blob("proof", longest=limits.PROOF_BYTES_MAX, fixed=True),
    _text("resource_usage", fixed=True),
    _one_of("status", ResultStatus),
    *_entity_columns(),
    _partial_index(
        "results_task_id_agent_id_key", "task_id", "agent_id", where="status <> 'rejected'", unique=True
    ),
    Index("results_task_id_idx", "task_id", "result_id"),
    Index("results_agent_id_idx", "agent_id", "result_id"),
)

result_outputs = Table(
    "result_outputs",
    metadata,
    Column(
        "result_id", Text, ForeignKey("results.result_id", ondelete="CASCADE"), primary_key=True, info=FIXED
    ),
    _blob("output", fixed=True),
)

agreements = Table(
    "agreements",
    metadata,
    _text("agreement_id", primary_key=True),
    Column("task_id", Text, ForeignKey("tasks.task_id"), nullable=False, info=FIXED),
    _text("agent_id", fixed=True),
    _number("chain_agreement_id", fixed=True),
    _text("proposer", fixed=True),
    _blob("terms_hash", longest=32, fixed=True),
    _one_of("status", AgreementStatus),
    *_version_columns(),
    Index("agreements_chain_agreement_id_key", "chain_agreement_id", unique=True),
    Index("agreements_task_id_idx", "task_id", "agreement_id"),
)

milestones = Table(
    "milestones",
    metadata,
    _text("milestone_id", primary_key=True),
    Column("task_id", Text, ForeignKey("tasks.task_id"), nullable=False, info=FIXED),
    _number("number", fixed=True),
    _text("description", longest=limits.MILESTONE_DESCRIPTION_BYTES_MAX, fixed=True),
    _amount("amount", fixed=True),
    _number("required_approvals", fixed=True),
    _text("approved_by"),
    _one_of("status", MilestoneStatus),
    _amount("paid_amount"),
    _text("recipient"),
    *_version_columns(),
    Index("milestones_task_id_idx", "task_id", "number"),
)

reputations = Table(
    "reputations",
    metadata,
    _text("account_address", primary_key=True),
    _number("score", nullable=True),
    _number("score_position"),
    _amount("bonded"),
    _amount("unbonded"),
    _amount("slashed"),
    _number("tasks_completed"),
    _number("tasks_failed"),
    _number("severe_slashes"),
    *_version_columns(),
)

# The events that were added up in `reputations`, so that none counts twice, however often it is read.
counted_events = Table(
    "counted_events",
    metadata,
    _number_key("position"),
    _text("account_address", fixed=True),
)

extrinsics = Table(
    "extrinsics",
    metadata,
    _text("correlation_id", primary_key=True),
    _one_of("action", Action, fixed=True),
    _text("entity_id", fixed=True),
    _text("task_id", fixed=True),
    _text("agent_id", fixed=True),
    _text("pallet", fixed=True),
    _text("call", fixed=True),
    _text("payload", longest=limits.PAYLOAD_BYTES_MAX, fixed=True),
    Column("remembered", Text, nullable=True, info=FIXED),
    _text("signer", longest=limits.IDENTIFIER_BYTES_MAX),
    _one_of("status", ExtrinsicStatus),
    Column("attempt_count", Integer, nullable=False),
    _text("last_error", longest=limits.LAST_ERROR_CHARS_MAX),
    _blob("extrinsic_hash"),
    _number("nonce", nullable=True),
    _number("birth_block", nullable=True),
    _number("death_block", nullable=True),
    _number("block_number", nullable=True),
    _number("extrinsic_index", nullable=True),
    # Whether the newest attempt, should it come to nothing, fails through no fault of its own.
    Column("excused", Boolean, nullable=False),
    _text("lease_token"),
    _number("lease_end_us"),
    _number("next_attempt_us"),
    _number("revision"),
    _number("create_time_us", fixed=True),
    _number("update_time_us"),
    _number("finalize_time_us", nullable=True),
    _partial_index("extrinsics_status_idx", "status", "correlation_id", where=LEFT_QUEUE),
    _partial_index("extrinsics_task_id_idx", "task_id", "correlation_id", where="task_id <> ''"),
    _partial_index("extrinsics_agent_id_idx", "agent_id", "correlation_id", where="agent_id <> ''"),
    # What the submitter looks for; it passes over those of other signers without a look at their rows.
    _partial_index(
        "extrinsics_queued_idx",
        "status",
        "correlation_id",
        "next_attempt_us",
        "signer",
        where=QUEUED_EXTRINSIC,
    ),
)


def live_extrinsics() -> ColumnElement[bool]:
    """The condition that a signature of an extrinsic may still be executed."""
    return and_(text(LEFT_QUEUE), extrinsics.c.status.in_(sorted(LIVE_EXTRINSIC)))


signatures = Table(
    "signatures",
    metadata,
    Column("extrinsic_hash", LargeBinary, primary_key=True, info=FIXED),
    Column("correlation_id", Text, ForeignKey("extrinsics.correlation_id"), nullable=False, info=FIXED),
    _text("account_address", fixed=True),
    _number("nonce", fixed=True),
    _number("birth_block", fixed=True),
    _number("death_block", fixed=True),
    _blob("raw", fixed=True),
    _number("create_time_us", fixed=True),
    Index("signatures_correlation_id_idx", "correlation_id"),
    Index("signatures_create_time_us_idx", "create_time_us"),
)

# Fences submitters: who assigns nonces of an account must name its epoch, and moves it on.
signers = Table(
    "signers",
    metadata,
    Column("account_address", Text, primary_key=True, info=FIXED),
    _number("epoch"),
)

# Whose extrinsics no server signs or sends for now; all if the signer is empty.
submission_pauses = Table(
    "submission_pauses",
    metadata,
    _text("signer", longest=limits.IDENTIFIER_BYTES_MAX, primary_key=True),
    _text("reason", longest=limits.REASON_BYTES_MAX),
    _number("create_time_us"),
)

chain_blocks = Table(
    "chain_blocks",
    metadata,
    _number_key("block_number"),
    _blob("block_hash", fixed=True),
    _blob("parent_hash", fixed=True),
    _number("spec_version", fixed=True),
    _number("block_time_us", fixed=True),
    _blob("raw_events", fixed=True),
    _number("event_count"),
    _text("error"),
    _partial_index("chain_blocks_error_idx", "block_number", where="error <> ''"),
)

chain_events = Table(
    "chain_events",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False, info=FIXED),
    Column("event_index", Integer, primary_key=True, autoincrement=False, info=FIXED),
    _text("pallet", fixed=True),
    _text("event", fixed=True),
    _text("payload", fixed=True),
    _number("extrinsic_index", nullable=True, fixed=True),
    _text("correlation_id"),
    _text("anomaly"),
    _number("block_time_us", fixed=True),
    _partial_index("chain_events_anomaly_idx", "block_number", "event_index", where="anomaly <> ''"),
    Index("chain_events_pallet_idx", "pallet", "block_number", "event_index", "event"),
    _partial_index(
        "chain_events_correlation_id_idx",
        "correlation_id",
        "block_number",
        "event_index",
        where="correlation_id <> ''",
    ),
)

# The event log that the watches read.
events = Table(
    "events",
    metadata,
    _number_key("number"),
    _number("event_time_us", fixed=True),
    _text("entity", fixed=True),
    _text("entity_id", fixed=True),
    Column("created", Boolean, nullable=False, info=FIXED),
    _text("task_id", fixed=True),
    _text("requester_id", fixed=True),
    _number("revision", fixed=True),
    _text("body", fixed=True),
)

# How many entities are in each status; what changes them changes it.
status_counts = Table(
    "status_counts",
    metadata,
    Column("machine", Text, primary_key=True, info=FIXED),
    Column("status", Text, primary_key=True, info=FIXED),
    _number("count"),
)

# The answers of calls that carried a request id.
requests = Table(
    "requests",
    metadata,
    _text("request_key", primary_key=True),
    _blob("fingerprint", fixed=True),
    _text("answer", fixed=True),
    _number("create_time_us", fixed=True),
    Index("requests_create_time_us_idx", "create_time_us"),
)
