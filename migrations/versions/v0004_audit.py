"""The audit log, and approvals.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NO_HASH = "0" * 64


def upgrade() -> None:
    _create_audit_log()
    _create_approvals()
    # The oldest first, for people; a task is one of the market, or what one role handed to another.
    op.execute(
        "CREATE VIEW pending_approvals AS SELECT approval_id, approvals.session_id, approvals.task_id,"
        " approval_kind, title, requested_by, approver_role, approvals.create_time_us, expire_time_us,"
        " coalesce(tasks.description, handoffs.description, '') AS task_description,"
        " coalesce(handoffs.from_role, '') AS from_role, coalesce(handoffs.to_role, '') AS to_role"
        " FROM approvals LEFT JOIN tasks ON tasks.task_id = approvals.task_id"
        " LEFT JOIN handoffs ON handoffs.handoff_id = approvals.task_id"
        " WHERE approvals.status = 'pending' ORDER BY approval_id"
    )


def _create_audit_log() -> None:
    for name, kind, default in (
        ("audit_head", sa.BigInteger(), "0"),
        ("audit_hash", sa.Text(), NO_HASH),
        ("audit_time_us", sa.BigInteger(), "0"),
        ("audit_tail", sa.BigInteger(), "0"),
        ("audit_tail_hash", sa.Text(), NO_HASH),
    ):
        op.add_column("database_state", sa.Column(name, kind, nullable=False, server_default=default))
    op.create_table(
        "audit_log",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("target_type", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("audit_log_pkey")),
    )
    op.create_index("audit_log_actor_idx", "audit_log", ["actor", "number"], unique=False)
    op.create_index("audit_log_method_idx", "audit_log", ["method", "number"], unique=False)
    op.create_index("audit_log_target_id_idx", "audit_log", ["target_id", "number"], unique=False)
    op.create_index(
        "audit_log_trace_id_idx",
        "audit_log",
        ["trace_id", "number"],
        unique=False,
        sqlite_where=sa.text("trace_id <> ''"),
        postgresql_where=sa.text("trace_id <> ''"),
    )


def _create_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("approval_kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("approver_role", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("update_time_us", sa.BigInteger(), nullable=False),
        sa.Column("expire_time_us", sa.BigInteger(), nullable=False),
        sa.Column("end_time_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("length(approval_kind) <= 64", name=op.f("approvals_approval_kind_check")),
        sa.CheckConstraint("length(approver_role) <= 128", name=op.f("approvals_approver_role_check")),
        sa.CheckConstraint("length(decided_by) <= 128", name=op.f("approvals_decided_by_check")),
        sa.CheckConstraint("length(details) <= 16384", name=op.f("approvals_details_check")),
        sa.CheckConstraint("length(notes) <= 4096", name=op.f("approvals_notes_check")),
        sa.CheckConstraint("length(requested_by) <= 128", name=op.f("approvals_requested_by_check")),
        sa.CheckConstraint("length(session_id) <= 128", name=op.f("approvals_session_id_check")),
        sa.CheckConstraint(
            "status = 'pending' OR status = 'approved' OR status = 'rejected' OR status = 'cancelled' OR status = 'expired'",
            name=op.f("approvals_status_check"),
        ),
        sa.CheckConstraint("length(task_id) <= 128", name=op.f("approvals_task_id_check")),
        sa.CheckConstraint("length(title) <= 256", name=op.f("approvals_title_check")),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("approvals_pkey")),
    )
    op.create_index(
        "approvals_approver_role_idx",
        "approvals",
        ["approver_role", "approval_id"],
        unique=False,
        sqlite_where=sa.text("approver_role <> ''"),
        postgresql_where=sa.text("approver_role <> ''"),
    )
    op.create_index(
        "approvals_pending_idx",
        "approvals",
        ["expire_time_us"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "approvals_session_id_idx",
        "approvals",
        ["session_id", "approval_id"],
        unique=False,
        sqlite_where=sa.text("session_id <> ''"),
        postgresql_where=sa.text("session_id <> ''"),
    )
    op.create_index("approvals_status_idx", "approvals", ["status", "approval_id"], unique=False)
