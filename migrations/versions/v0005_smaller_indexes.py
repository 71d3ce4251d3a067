"""What a write costs. On SQLite a number that is a key is the row id itself, without an index beside the rows.
Indexes leave out what others lead to: anonymous actors and methods in the audit log, queued extrinsics by status;
that of queued extrinsics tells their signers instead, so that those of a paused one are passed over without a
look at their rows. Answers and the keys of their requests are texts.

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER_KEYS = {
    "events": "number",
    "audit_log": "number",
    "chain_blocks": "block_number",
    "counted_events": "position",
}
PAGE = 1000


def upgrade() -> None:
    op.drop_index("audit_log_actor_idx", table_name="audit_log")
    op.drop_index("audit_log_method_idx", table_name="audit_log")
    op.drop_index("extrinsics_status_idx", table_name="extrinsics")
    op.drop_index("extrinsics_queued_idx", table_name="extrinsics")
    if op.get_bind().dialect.name == "sqlite":
        for table, key in NUMBER_KEYS.items():
            with op.batch_alter_table(table, recreate="always") as batch:
                batch.alter_column(key, type_=sa.Integer(), existing_nullable=False)
    _create_index("audit_log_actor_idx", "audit_log", ["actor", "number"], where="actor <> 'anonymous'")
    _create_index(
        "extrinsics_status_idx", "extrinsics", ["status", "correlation_id"], where="status <> 'queued'"
    )
    _create_index(
        "extrinsics_queued_idx",
        "extrinsics",
        ["status", "correlation_id", "next_attempt_us", "signer"],
        where="status = 'queued'",
    )
    _make_requests_anew()


def _create_index(name: str, table: str, columns: list[str], *, where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _make_requests_anew() -> None:
    op.drop_index("requests_create_time_us_idx", table_name="requests")
    op.rename_table("requests", "requests_0004")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX requests_pkey RENAME TO requests_0004_pkey")
    new = op.create_table(
        "requests",
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("request_key", name=op.f("requests_pkey")),
    )
    op.create_index("requests_create_time_us_idx", "requests", ["create_time_us"], unique=False)
    old = sa.table(
        "requests_0004",
        sa.column("request_key", sa.LargeBinary()),
        sa.column("fingerprint", sa.LargeBinary()),
        sa.column("answer", sa.LargeBinary()),
        sa.column("create_time_us", sa.BigInteger()),
    )
    last = b""
    while page := _page(old, last):
        kept = [row for old_row in page if (row := _with_texts(old_row))]
        if kept:
            op.bulk_insert(new, kept)
        last = page[-1].request_key
    op.drop_table("requests_0004")


def _page(old: sa.TableClause, after: bytes) -> Sequence[sa.Row[Any]]:
    key = old.c.request_key
    return op.get_bind().execute(sa.select(old).where(key > after).order_by(key).limit(PAGE)).all()


def _with_texts(row: sa.Row[Any]) -> dict[str, Any] | None:
    """A row as it is from now on; None for the hash that was a key before revision 0002."""
    try:
        principal, method, request_id = row.request_key.decode().split("\0")
    except ValueError:
        return None
    key = msgspec.json.encode((principal, method, request_id)).decode()
    return {**row._mapping, "request_key": key, "answer": row.answer.decode()}
