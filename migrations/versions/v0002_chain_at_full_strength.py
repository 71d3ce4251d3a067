"""Disputes, agreements, milestones and reputations; submission that can be paused; replays; counts by status.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ACTIONS = (
    "",
    "raw_call",
    "register_agent",
    "update_agent",
    "retire_agent",
    "create_task",
    "cancel_task",
    "submit_bid",
    "close_bidding",
    "reveal_bid",
    "allocate_task",
    "submit_result",
    "settle_task",
    "dispute_task",
)


def upgrade() -> None:
    _create_tables()
    _add_columns()
    _allow_actions()
    _create_indexes()
    _fill_in()


def _create_tables() -> None:
    op.create_table(
        "agreements",
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("chain_agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("terms_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("update_time_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.task_id"], name=op.f("agreements_task_id_fkey")),
        sa.CheckConstraint(
            "status = 'proposed' OR status = 'signed' OR status = 'finalized' OR status = 'disputed' OR status = 'cancelled'",
            name=op.f("agreements_status_check"),
        ),
        sa.CheckConstraint("length(terms_hash) <= 32", name=op.f("agreements_terms_hash_check")),
        sa.PrimaryKeyConstraint("agreement_id", name=op.f("agreements_pkey")),
    )
    op.create_table(
        "milestones",
        sa.Column("milestone_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("amount", sa.LargeBinary(), nullable=True),
        sa.Column("required_approvals", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("paid_amount", sa.LargeBinary(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("update_time_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.task_id"], name=op.f("milestones_task_id_fkey")),
        sa.CheckConstraint("length(amount) = 16", name=op.f("milestones_amount_check")),
        sa.CheckConstraint("length(description) <= 256", name=op.f("milestones_description_check")),
        sa.CheckConstraint("length(paid_amount) = 16", name=op.f("milestones_paid_amount_check")),
        sa.CheckConstraint(
            "status = 'open' OR status = 'completed' OR status = 'paid'", name=op.f("milestones_status_check")
        ),
        sa.PrimaryKeyConstraint("milestone_id", name=op.f("milestones_pkey")),
    )
    op.create_table(
        "reputations",
        sa.Column("account_address", sa.Text(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("score_position", sa.BigInteger(), nullable=False),
        sa.Column("bonded", sa.LargeBinary(), nullable=True),
        sa.Column("unbonded", sa.LargeBinary(), nullable=True),
        sa.Column("slashed", sa.LargeBinary(), nullable=True),
        sa.Column("tasks_completed", sa.BigInteger(), nullable=False),
        sa.Column("tasks_failed", sa.BigInteger(), nullable=False),
        sa.Column("severe_slashes", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("update_time_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(bonded) = 16", name=op.f("reputations_bonded_check")),
        sa.CheckConstraint("length(slashed) = 16", name=op.f("reputations_slashed_check")),
        sa.CheckConstraint("length(unbonded) = 16", name=op.f("reputations_unbonded_check")),
        sa.PrimaryKeyConstraint("account_address", name=op.f("reputations_pkey")),
    )
    op.create_table(
        "counted_events",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("counted_events_pkey")),
    )
    op.create_table(
        "submission_pauses",
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(reason) <= 512", name=op.f("submission_pauses_reason_check")),
        sa.CheckConstraint("length(signer) <= 128", name=op.f("submission_pauses_signer_check")),
        sa.PrimaryKeyConstraint("signer", name=op.f("submission_pauses_pkey")),
    )
    op.create_table(
        "status_counts",
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("machine", "status", name=op.f("status_counts_pkey")),
    )


def _add_columns() -> None:
    """New columns: at first with a default for the rows that are there, and then without."""
    op.add_column("extrinsics", sa.Column("remembered", sa.Text(), nullable=True))
    op.add_column("chain_cursor", sa.Column("replay_first", sa.BigInteger(), nullable=True))
    op.add_column("chain_cursor", sa.Column("replay_next", sa.BigInteger(), nullable=True))
    for table, column, kind, default in (
        ("tasks", "dispute_reason", sa.Text(), ""),
        ("tasks", "disputed_by", sa.Text(), ""),
        ("extrinsics", "excused", sa.Boolean(), sa.false()),
        ("chain_cursor", "tail_block", sa.BigInteger(), "0"),
        ("chain_cursor", "replay_error", sa.Text(), ""),
    ):
        op.add_column(table, sa.Column(column, kind, nullable=False, server_default=default))
    with op.batch_alter_table("chain_cursor") as batch:
        batch.alter_column("tail_block", existing_type=sa.BigInteger(), server_default=None)
        batch.alter_column("replay_error", existing_type=sa.Text(), server_default=None)


def _allow_actions() -> None:
    """The chain can be asked for more than before; SQLite makes a table anew for that."""
    for table in ("agents", "tasks", "bids", "results"):
        with op.batch_alter_table(table) as batch:
            _allow(batch, table, "pending_action")
            if table == "tasks":
                batch.alter_column("dispute_reason", existing_type=sa.Text(), server_default=None)
                batch.alter_column("disputed_by", existing_type=sa.Text(), server_default=None)
                batch.create_check_constraint(
                    op.f("tasks_dispute_reason_check"), sa.text("length(dispute_reason) <= 1024")
                )
    with op.batch_alter_table("extrinsics") as batch:
        _allow(batch, "extrinsics", "action")
        batch.alter_column("excused", existing_type=sa.Boolean(), server_default=None)


def _allow(batch: BatchOperations, table: str, column: str) -> None:
    name = op.f(f"{table}_{column}_check")
    batch.drop_constraint(name, type_="check")
    batch.create_check_constraint(name, sa.text(" OR ".join(f"{column} = '{action}'" for action in ACTIONS)))


def _create_indexes() -> None:
    op.create_index("agreements_chain_agreement_id_key", "agreements", ["chain_agreement_id"], unique=True)
    op.create_index("agreements_task_id_idx", "agreements", ["task_id", "agreement_id"], unique=False)
    op.create_index("milestones_task_id_idx", "milestones", ["task_id", "number"], unique=False)
    op.create_index("tasks_escrow_status_idx", "tasks", ["escrow_status", "task_id"], unique=False)
    op.create_index("signatures_create_time_us_idx", "signatures", ["create_time_us"], unique=False)
    op.create_index(
        "chain_events_anomaly_idx",
        "chain_events",
        ["block_number", "event_index"],
        unique=False,
        sqlite_where=sa.text("anomaly <> ''"),
        postgresql_where=sa.text("anomaly <> ''"),
    )


def _fill_in() -> None:
    op.execute(
        "UPDATE chain_cursor SET tail_block ="
        " COALESCE((SELECT min(block_number) - 1 FROM chain_blocks), block_number)"
    )
    for machine, table, column in (
        ("agent", "agents", "status"),
        ("task", "tasks", "status"),
        ("escrow", "tasks", "escrow_status"),
        ("bid", "bids", "status"),
        ("result", "results", "status"),
        ("extrinsic", "extrinsics", "status"),
    ):
        op.execute(
            f"INSERT INTO status_counts (machine, status, count)"
            f" SELECT '{machine}', {column}, count(*) FROM {table} GROUP BY {column}"
        )
