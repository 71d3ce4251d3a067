"""The first schema.

Revision ID: 0001
Revises:
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("capabilities", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("attestation", sa.LargeBinary(), nullable=False),
        sa.Column("verification_level", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("chain_agent_id", sa.BigInteger(), nullable=True),
        sa.Column("account_address", sa.Text(), nullable=False),
        sa.Column("pending_update", sa.Text(), nullable=True),
        sa.Column("pending_action", sa.Text(), nullable=False),
        sa.Column("pending_correlation_id", sa.Text(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("update_time_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(agent_id) <= 128", name=op.f("agents_agent_id_check")),
        sa.CheckConstraint("length(attestation) <= 4096", name=op.f("agents_attestation_check")),
        sa.CheckConstraint("length(label) <= 256", name=op.f("agents_label_check")),
        sa.CheckConstraint("length(last_error) <= 512", name=op.f("agents_last_error_check")),
        sa.CheckConstraint("length(metadata) <= 1024", name=op.f("agents_metadata_check")),
        sa.CheckConstraint(
            "pending_action = '' OR pending_action = 'raw_call' OR pending_action = 'register_agent' OR pending_action = 'update_agent' OR pending_action = 'retire_agent' OR pending_action = 'create_task' OR pending_action = 'cancel_task' OR pending_action = 'submit_bid' OR pending_action = 'close_bidding' OR pending_action = 'reveal_bid' OR pending_action = 'allocate_task' OR pending_action = 'submit_result' OR pending_action = 'settle_task'",
            name=op.f("agents_pending_action_check"),
        ),
        sa.CheckConstraint(
            "status = 'pending' OR status = 'active' OR status = 'suspended' OR status = 'retired' OR status = 'rejected'",
            name=op.f("agents_status_check"),
        ),
        sa.CheckConstraint(
            "verification_level = 'best_effort' OR verification_level = 'optimistic' OR verification_level = 'tee' OR verification_level = 'zksnark' OR verification_level = 'redundant'",
            name=op.f("agents_verification_level_check"),
        ),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("agents_pkey")),
    )
    op.create_index(
        "agents_chain_agent_id_key",
        "agents",
        ["chain_agent_id"],
        unique=True,
        sqlite_where=sa.text("chain_agent_id IS NOT NULL"),
        postgresql_where=sa.text("chain_agent_id IS NOT NULL"),
    )
    op.create_index("agents_status_idx", "agents", ["status", "agent_id"], unique=False)
    op.create_table(
        "chain_blocks",
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("parent_hash", sa.LargeBinary(), nullable=False),
        sa.Column("spec_version", sa.BigInteger(), nullable=False),
        sa.Column("block_time_us", sa.BigInteger(), nullable=False),
        sa.Column("raw_events", sa.LargeBinary(), nullable=False),
        sa.Column("event_count", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("block_number", name=op.f("chain_blocks_pkey")),
    )
    op.create_index(
        "chain_blocks_error_idx",
        "chain_blocks",
        ["block_number"],
        unique=False,
        sqlite_where=sa.text("error <> ''"),
        postgresql_where=sa.text("error <> ''"),
    )
    op.create_table(
        "chain_cursor",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("chain_cursor_id_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("chain_cursor_pkey")),
    )
    op.create_table(
        "chain_events",
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pallet", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("extrinsic_index", sa.BigInteger(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("anomaly", sa.Text(), nullable=False),
        sa.Column("block_time_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block_number", "event_index", name=op.f("chain_events_pkey")),
    )
    op.create_index(
        "chain_events_correlation_id_idx",
        "chain_events",
        ["correlation_id", "block_number", "event_index"],
        unique=False,
        sqlite_where=sa.text("correlation_id <> ''"),
        postgresql_where=sa.text("correlation_id <> ''"),
    )
    op.create_index(
        "chain_events_pallet_idx",
        "chain_events",
        ["pallet", "block_number", "event_index", "event"],
        unique=False,
    )
    op.create_table(
        "database_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("log_id", sa.Text(), nullable=False),
        sa.Column("event_head", sa.BigInteger(), nullable=False),
        sa.Column("event_tail", sa.BigInteger(), nullable=False),
        sa.Column("binding", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("database_state_id_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("database_state_pkey")),
    )
    op.create_table(
        "events",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_time_us", sa.BigInteger(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("created", sa.Boolean(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("requester_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("events_pkey")),
    )
    op.create_table(
        "extrinsics",
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("pallet", sa.Text(), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("extrinsic_hash", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=True),
        sa.Column("birth_block", sa.BigInteger(), nullable=True),
        sa.Column("death_block", sa.BigInteger(), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("extrinsic_index", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=False),
        sa.Column("lease_end_us", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("update_time_us", sa.BigInteger(), nullable=False),
        sa.Column("finalize_time_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "action = '' OR action = 'raw_call' OR action = 'register_agent' OR action = 'update_agent' OR action = 'retire_agent' OR action = 'create_task' OR action = 'cancel_task' OR action = 'submit_bid' OR action = 'close_bidding' OR action = 'reveal_bid' OR action = 'allocate_task' OR action = 'submit_result' OR action = 'settle_task'",
            name=op.f("extrinsics_action_check"),
        ),
        sa.CheckConstraint("length(last_error) <= 512", name=op.f("extrinsics_last_error_check")),
        sa.CheckConstraint("length(payload) <= 4096", name=op.f("extrinsics_payload_check")),
        sa.CheckConstraint("length(signer) <= 128", name=op.f("extrinsics_signer_check")),
        sa.CheckConstraint(
            "status = 'queued' OR status = 'signed' OR status = 'submitted' OR status = 'in_block' OR status = 'finalized' OR status = 'failed' OR status = 'cancelled' OR status = 'dead'",
            name=op.f("extrinsics_status_check"),
        ),
        sa.PrimaryKeyConstraint("correlation_id", name=op.f("extrinsics_pkey")),
    )
    op.create_index(
        "extrinsics_agent_id_idx",
        "extrinsics",
        ["agent_id", "correlation_id"],
        unique=False,
        sqlite_where=sa.text("agent_id <> ''"),
        postgresql_where=sa.text("agent_id <> ''"),
    )
    op.create_index(
        "extrinsics_queued_idx",
        "extrinsics",
        ["status", "next_attempt_us", "correlation_id"],
        unique=False,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index("extrinsics_status_idx", "extrinsics", ["status", "correlation_id"], unique=False)
    op.create_index(
        "extrinsics_task_id_idx",
        "extrinsics",
        ["task_id", "correlation_id"],
        unique=False,
        sqlite_where=sa.text("task_id <> ''"),
        postgresql_where=sa.text("task_id <> ''"),
    )
    op.create_table(
        "requests",
        sa.Column("request_key", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("request_key", name=op.f("requests_pkey")),
    )
    op.create_index("requests_create_time_us_idx", "requests", ["create_time_us"], unique=False)
    op.create_table(
        "signers",
        sa.Column("account_address", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_address", name=op.f("signers_pkey")),
    )
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("client_task_id", sa.Text(), nullable=False),
        sa.Column("requester_id", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("task_type", sa.Text(), nullable=False),
        sa.Column("max_budget", sa.LargeBinary(), nullable=True),
        sa.Column("deadline_us", sa.BigInteger(), nullable=True),
        sa.Column("verification_level", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("escrow_status", sa.Text(), nullable=False),
        sa.Column("spec_hash", sa.LargeBinary(), nullable=False),
        sa.Column("chain_task_id", sa.BigInteger(), nullable=True),
        sa.Column("deadline_block", sa.BigInteger(), nullable=True),
        sa.Column("bidding_end_us", sa.BigInteger(), nullable=True),
        sa.Column("assigned_agent_id", sa.Text(), nullable=False),
        sa.Column("cost", sa.LargeBinary(), nullable=True),
        sa.Column("paid_amount", sa.LargeBinary(), nullable=True),
        sa.Column("fee_amount", sa.LargeBinary(), nullable=True),
        sa.Column("pending_action", sa.Text(), nullable=False),
        sa.Column("pending_correlation_id", sa.Text(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("update_time_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(client_task_id) <= 128", name=op.f("tasks_client_task_id_check")),
        sa.CheckConstraint("length(cost) = 16", name=op.f("tasks_cost_check")),
        sa.CheckConstraint("length(description) <= 10240", name=op.f("tasks_description_check")),
        sa.CheckConstraint(
            "escrow_status = 'none' OR escrow_status = 'funded' OR escrow_status = 'released' OR escrow_status = 'refunded' OR escrow_status = 'disputed'",
            name=op.f("tasks_escrow_status_check"),
        ),
        sa.CheckConstraint("length(fee_amount) = 16", name=op.f("tasks_fee_amount_check")),
        sa.CheckConstraint("length(last_error) <= 512", name=op.f("tasks_last_error_check")),
        sa.CheckConstraint("length(max_budget) = 16", name=op.f("tasks_max_budget_check")),
        sa.CheckConstraint("length(paid_amount) = 16", name=op.f("tasks_paid_amount_check")),
        sa.CheckConstraint(
            "pending_action = '' OR pending_action = 'raw_call' OR pending_action = 'register_agent' OR pending_action = 'update_agent' OR pending_action = 'retire_agent' OR pending_action = 'create_task' OR pending_action = 'cancel_task' OR pending_action = 'submit_bid' OR pending_action = 'close_bidding' OR pending_action = 'reveal_bid' OR pending_action = 'allocate_task' OR pending_action = 'submit_result' OR pending_action = 'settle_task'",
            name=op.f("tasks_pending_action_check"),
        ),
        sa.CheckConstraint("length(requester_id) <= 128", name=op.f("tasks_requester_id_check")),
        sa.CheckConstraint(
            "status = 'pending' OR status = 'bidding' OR status = 'revealing' OR status = 'assigned' OR status = 'completed' OR status = 'rejected' OR status = 'cancelled' OR status = 'expired' OR status = 'failed'",
            name=op.f("tasks_status_check"),
        ),
        sa.CheckConstraint("length(task_type) <= 64", name=op.f("tasks_task_type_check")),
        sa.CheckConstraint(
            "verification_level = 'best_effort' OR verification_level = 'optimistic' OR verification_level = 'tee' OR verification_level = 'zksnark' OR verification_level = 'redundant'",
            name=op.f("tasks_verification_level_check"),
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("tasks_pkey")),
    )
    op.create_index(
        "tasks_assigned_agent_id_idx",
        "tasks",
        ["assigned_agent_id", "task_id"],
        unique=False,
        sqlite_where=sa.text("assigned_agent_id <> ''"),
        postgresql_where=sa.text("assigned_agent_id <> ''"),
    )
    op.create_index(
        "tasks_bidding_end_idx",
        "tasks",
        ["status", "bidding_end_us"],
        unique=False,
        sqlite_where=sa.text("status = 'bidding'"),
        postgresql_where=sa.text("status = 'bidding'"),
    )
    op.create_index(
        "tasks_chain_task_id_key",
        "tasks",
        ["chain_task_id"],
        unique=True,
        sqlite_where=sa.text("chain_task_id IS NOT NULL"),
        postgresql_where=sa.text("chain_task_id IS NOT NULL"),
    )
    op.create_index(
        "tasks_client_task_id_idx",
        "tasks",
        ["client_task_id", "task_id"],
        unique=False,
        sqlite_where=sa.text("client_task_id <> ''"),
        postgresql_where=sa.text("client_task_id <> ''"),
    )
    op.create_index(
        "tasks_deadline_idx",
        "tasks",
        ["status", "deadline_us"],
        unique=False,
        sqlite_where=sa.text("(status = 'bidding' OR status = 'revealing' OR status = 'assigned')"),
        postgresql_where=sa.text("(status = 'bidding' OR status = 'revealing' OR status = 'assigned')"),
    )
    op.create_index("tasks_requester_id_idx", "tasks", ["requester_id", "task_id"], unique=False)
    op.create_index("tasks_status_idx", "tasks", ["status", "task_id"], unique=False)
    op.create_table(
        "bids",
        sa.Column("bid_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("quality_score", sa.Integer(), nullable=False),
        sa.Column("estimated_duration_seconds", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("pending_action", sa.Text(), nullable=False),
        sa.Column("pending_correlation_id", sa.Text(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("update_time_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.agent_id"], name=op.f("bids_agent_id_fkey")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.task_id"], name=op.f("bids_task_id_fkey")),
        sa.CheckConstraint("length(commitment) <= 32", name=op.f("bids_commitment_check")),
        sa.CheckConstraint("length(last_error) <= 512", name=op.f("bids_last_error_check")),
        sa.CheckConstraint("length(nonce) <= 32", name=op.f("bids_nonce_check")),
        sa.CheckConstraint(
            "pending_action = '' OR pending_action = 'raw_call' OR pending_action = 'register_agent' OR pending_action = 'update_agent' OR pending_action = 'retire_agent' OR pending_action = 'create_task' OR pending_action = 'cancel_task' OR pending_action = 'submit_bid' OR pending_action = 'close_bidding' OR pending_action = 'reveal_bid' OR pending_action = 'allocate_task' OR pending_action = 'submit_result' OR pending_action = 'settle_task'",
            name=op.f("bids_pending_action_check"),
        ),
        sa.CheckConstraint("quality_score BETWEEN 0 AND 100", name=op.f("bids_quality_score_check")),
        sa.CheckConstraint(
            "status = 'pending' OR status = 'committed' OR status = 'revealed' OR status = 'won' OR status = 'lost' OR status = 'rejected'",
            name=op.f("bids_status_check"),
        ),
        sa.CheckConstraint("length(value) = 16", name=op.f("bids_value_check")),
        sa.PrimaryKeyConstraint("bid_id", name=op.f("bids_pkey")),
    )
    op.create_index("bids_agent_id_idx", "bids", ["agent_id", "bid_id"], unique=False)
    op.create_index(
        "bids_task_id_agent_id_key",
        "bids",
        ["task_id", "agent_id"],
        unique=True,
        sqlite_where=sa.text("status <> 'rejected'"),
        postgresql_where=sa.text("status <> 'rejected'"),
    )
    op.create_index("bids_task_id_idx", "bids", ["task_id", "bid_id"], unique=False)
    op.create_table(
        "results",
        sa.Column("result_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("result_hash", sa.LargeBinary(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("resource_usage", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("pending_action", sa.Text(), nullable=False),
        sa.Column("pending_correlation_id", sa.Text(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("update_time_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.agent_id"], name=op.f("results_agent_id_fkey")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.task_id"], name=op.f("results_task_id_fkey")),
        sa.CheckConstraint("length(last_error) <= 512", name=op.f("results_last_error_check")),
        sa.CheckConstraint(
            "pending_action = '' OR pending_action = 'raw_call' OR pending_action = 'register_agent' OR pending_action = 'update_agent' OR pending_action = 'retire_agent' OR pending_action = 'create_task' OR pending_action = 'cancel_task' OR pending_action = 'submit_bid' OR pending_action = 'close_bidding' OR pending_action = 'reveal_bid' OR pending_action = 'allocate_task' OR pending_action = 'submit_result' OR pending_action = 'settle_task'",
            name=op.f("results_pending_action_check"),
        ),
        sa.CheckConstraint("length(proof) <= 4096", name=op.f("results_proof_check")),
        sa.CheckConstraint("length(result_hash) <= 32", name=op.f("results_result_hash_check")),
        sa.CheckConstraint(
            "status = 'pending' OR status = 'recorded' OR status = 'rejected'",
            name=op.f("results_status_check"),
        ),
        sa.PrimaryKeyConstraint("result_id", name=op.f("results_pkey")),
    )
    op.create_index("results_agent_id_idx", "results", ["agent_id", "result_id"], unique=False)
    op.create_index(
        "results_task_id_agent_id_key",
        "results",
        ["task_id", "agent_id"],
        unique=True,
        sqlite_where=sa.text("status <> 'rejected'"),
        postgresql_where=sa.text("status <> 'rejected'"),
    )
    op.create_index("results_task_id_idx", "results", ["task_id", "result_id"], unique=False)
    op.create_table(
        "signatures",
        sa.Column("extrinsic_hash", sa.LargeBinary(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("account_address", sa.Text(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("birth_block", sa.BigInteger(), nullable=False),
        sa.Column("death_block", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correlation_id"], ["extrinsics.correlation_id"], name=op.f("signatures_correlation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("extrinsic_hash", name=op.f("signatures_pkey")),
    )
    op.create_index("signatures_correlation_id_idx", "signatures", ["correlation_id"], unique=False)
    op.create_table(
        "task_inputs",
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("input", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.task_id"], name=op.f("task_inputs_task_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("task_inputs_pkey")),
    )
    op.create_table(
        "result_outputs",
        sa.Column("result_id", sa.Text(), nullable=False),
        sa.Column("output", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["result_id"],
            ["results.result_id"],
            name=op.f("result_outputs_result_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("result_id", name=op.f("result_outputs_pkey")),
    )
    state = sa.table(
        "database_state",
        *(sa.column(name) for name in ("id", "log_id", "event_head", "event_tail", "binding")),
    )
    op.execute(
        state.insert().values(id=1, log_id=secrets.token_hex(16), event_head=0, event_tail=0, binding="")
    )
