"""Smaller indexes: on SQLite a number that is a key is the row id itself, without an index beside the rows;
and the index of the audit log's actors leaves out who is anonymous. The index of queued extrinsics tells
their signers, so that those of a paused one are passed over without a look at their rows.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEYS = {
    "events": "number",
    "audit_log": "number",
    "chain_blocks": "block_number",
    "counted_events": "position",
}


def upgrade() -> None:
    op.drop_index("audit_log_actor_idx", table_name="audit_log")
    if op.get_bind().dialect.name == "sqlite":
        for table, key in KEYS.items():
            with op.batch_alter_table(table, recreate="always") as batch:
                batch.alter_column(key, type_=sa.Integer(), existing_nullable=False)
    known = sa.text("actor <> 'anonymous'")
    op.create_index(
        "audit_log_actor_idx", "audit_log", ["actor", "number"], sqlite_where=known, postgresql_where=known
    )
    op.drop_index("extrinsics_queued_idx", table_name="extrinsics")
    queued = sa.text("status = 'queued'")
    op.create_index(
        "extrinsics_queued_idx",
        "extrinsics",
        ["status", "next_attempt_us", "correlation_id", "signer"],
        sqlite_where=queued,
        postgresql_where=queued,
    )
