"""On SQLite a number that is a key is the row id itself, without an index beside the rows.

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
    if op.get_bind().dialect.name != "sqlite":
        return
    for table, key in KEYS.items():
        with op.batch_alter_table(table, recreate="always") as batch:
            batch.alter_column(key, type_=sa.Integer(), existing_nullable=False)
