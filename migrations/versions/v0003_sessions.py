"""Sessions, their transcripts and the search through them, and handoffs.

Revision ID: 0003
Revises: 0002
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A transcript is searched by its words, which these part: punctuation, symbols and emoji. Postgres would keep
# `a-b`, `a.org` and `a@b.org` whole, and in some locales takes every character beyond ASCII for a letter; FTS5
# knows no emoji since Unicode 6.1. As the inside of a regular expression's brackets.
SEPARATORS = (
    r"""!"#$%&'()*+,./:;<=>?@\[\\\]\^_`{|}~\-"""
    "\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7"
    "\u2000-\u206f\u20a0-\u20cf\u2190-\u23ff\u2500-\u2bff"
    "\u3000-\u3004\u3008-\u3020\u3030\ufe00-\ufe0f"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
    "\U0001f000-\U0001faff"
)
_SEPARATORS_BEYOND_ASCII = "".join(
    character for character in map(chr, range(0x80, 0x1FB00)) if re.match(f"[{SEPARATORS}]", character)
)


def upgrade() -> None:
    _create_sessions()
    _create_transcripts()
    _create_handoffs()
    # The newest first, for people.
    op.execute(
        "CREATE VIEW active_sessions AS SELECT session_id, role, task_id, create_time_us, update_time_us"
        " FROM sessions WHERE status = 'active' ORDER BY session_id DESC"
    )
    statements = _SEARCH_ON_POSTGRES if op.get_bind().dialect.name == "postgresql" else _SEARCH_ON_SQLITE
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


# The index holds no contents: to take an entry out, it must be told again what it was given.
_SEARCH_ON_SQLITE = (
    "CREATE VIRTUAL TABLE transcript_search USING fts5(content, content='',"
    f""" tokenize="unicode61 remove_diacritics 0 separators '{_SEPARATORS_BEYOND_ASCII}'")""",
    "CREATE TRIGGER transcript_search_add AFTER INSERT ON transcript_entries BEGIN"
    " INSERT INTO transcript_search (rowid, content)"
    " VALUES (new.entry_number, substr(new.content, 1, new.indexed_chars));"
    " END",
    "CREATE TRIGGER transcript_search_remove AFTER DELETE ON transcript_entries BEGIN"
    " INSERT INTO transcript_search (transcript_search, rowid, content)"
    " VALUES ('delete', old.entry_number, substr(old.content, 1, old.indexed_chars));"
    " END",
)

_SEARCH_ON_POSTGRES = (
    "CREATE TABLE transcript_search ("
    " entry_number bigint PRIMARY KEY REFERENCES transcript_entries ON DELETE CASCADE,"
    " words tsvector NOT NULL)",
    "CREATE INDEX transcript_search_words_idx ON transcript_search USING gin (words) WITH (gin_pending_list_limit = 128)",
    "CREATE FUNCTION transcript_search_add() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN"
    " INSERT INTO transcript_search (entry_number, words)"
    " SELECT entry_number, to_tsvector('simple',"
    f" regexp_replace(left(content, indexed_chars), $words$[{SEPARATORS}]$words$, ' ', 'g')) FROM added;"
    " RETURN NULL;"
    " END $body$",
    "CREATE TRIGGER transcript_search_add AFTER INSERT ON transcript_entries"
    " REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION transcript_search_add()",
)


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("active_task_ids", sa.Text(), nullable=False),
        sa.Column("source_session_id", sa.Text(), nullable=False),
        sa.Column("source_position", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("update_time_us", sa.BigInteger(), nullable=False),
        sa.Column("transition_time_us", sa.BigInteger(), nullable=False),
        sa.Column("start_time_us", sa.BigInteger(), nullable=True),
        sa.Column("pause_time_us", sa.BigInteger(), nullable=True),
        sa.Column("end_time_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("length(metadata) <= 16384", name=op.f("sessions_metadata_check")),
        sa.CheckConstraint("length(role) <= 128", name=op.f("sessions_role_check")),
        sa.CheckConstraint(
            "status = 'pending' OR status = 'active' OR status = 'paused' OR status = 'completed' OR status = 'failed' OR status = 'expired'",
            name=op.f("sessions_status_check"),
        ),
        sa.CheckConstraint("length(status_reason) <= 512", name=op.f("sessions_status_reason_check")),
        sa.CheckConstraint("length(task_id) <= 128", name=op.f("sessions_task_id_check")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("sessions_pkey")),
    )
    op.create_index(
        "sessions_expired_idx",
        "sessions",
        ["end_time_us"],
        unique=False,
        sqlite_where=sa.text("status = 'expired'"),
        postgresql_where=sa.text("status = 'expired'"),
    )
    op.create_index(
        "sessions_open_idx",
        "sessions",
        ["session_id"],
        unique=False,
        sqlite_where=sa.text("(status = 'pending' OR status = 'active' OR status = 'paused')"),
        postgresql_where=sa.text("(status = 'pending' OR status = 'active' OR status = 'paused')"),
    )
    op.create_index("sessions_role_idx", "sessions", ["role", "session_id"], unique=False)
    op.create_index("sessions_status_idx", "sessions", ["status", "session_id"], unique=False)
    op.create_index(
        "sessions_task_id_idx",
        "sessions",
        ["task_id", "session_id"],
        unique=False,
        sqlite_where=sa.text("task_id <> ''"),
        postgresql_where=sa.text("task_id <> ''"),
    )
    op.create_table(
        "session_heads",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("entry_count", sa.BigInteger(), nullable=False),
        sa.Column("command_count", sa.BigInteger(), nullable=False),
        sa.Column("last_activity_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state = 'open' OR state = 'ended' OR state = 'deleted'", name=op.f("session_heads_state_check")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("session_heads_pkey")),
    )
    op.create_index(
        "session_heads_deleted_idx",
        "session_heads",
        ["session_id"],
        unique=False,
        sqlite_where=sa.text("state = 'deleted'"),
        postgresql_where=sa.text("state = 'deleted'"),
    )
    op.create_index(
        "session_heads_open_idx",
        "session_heads",
        ["last_activity_us"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "session_commands",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session_heads.session_id"], name=op.f("session_commands_session_id_fkey")
        ),
        sa.CheckConstraint("length(command) <= 4096", name=op.f("session_commands_command_check")),
        sa.PrimaryKeyConstraint("session_id", "number", name=op.f("session_commands_pkey")),
    )


def _create_transcripts() -> None:
    op.create_table(
        "transcript_entries",
        sa.Column(
            "entry_number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("indexed_chars", sa.Integer(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("iteration", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_creation_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger(), nullable=False),
        sa.Column("parent_position", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("tool_calls", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session_heads.session_id"], name=op.f("transcript_entries_session_id_fkey")
        ),
        sa.CheckConstraint("length(content) <= 1048576", name=op.f("transcript_entries_content_check")),
        sa.CheckConstraint("length(model) <= 128", name=op.f("transcript_entries_model_check")),
        sa.CheckConstraint("length(phase) <= 64", name=op.f("transcript_entries_phase_check")),
        sa.CheckConstraint(
            "role = 'prompt' OR role = 'response' OR role = 'chunk' OR role = 'combined' OR role = 'user' OR role = 'agent' OR role = 'system' OR role = 'tool'",
            name=op.f("transcript_entries_role_check"),
        ),
        sa.PrimaryKeyConstraint("entry_number", name=op.f("transcript_entries_pkey")),
    )
    op.create_index(
        "transcript_entries_position_key", "transcript_entries", ["session_id", "position"], unique=True
    )


def _create_handoffs() -> None:
    op.create_table(
        "handoffs",
        sa.Column("handoff_id", sa.Text(), nullable=False),
        sa.Column("from_role", sa.Text(), nullable=False),
        sa.Column("to_role", sa.Text(), nullable=False),
        sa.Column("handoff_type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("update_time_us", sa.BigInteger(), nullable=False),
        sa.Column("start_time_us", sa.BigInteger(), nullable=True),
        sa.Column("end_time_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("length(description) <= 10240", name=op.f("handoffs_description_check")),
        sa.CheckConstraint("length(from_role) <= 128", name=op.f("handoffs_from_role_check")),
        sa.CheckConstraint("length(handoff_type) <= 64", name=op.f("handoffs_handoff_type_check")),
        sa.CheckConstraint("length(payload) <= 16384", name=op.f("handoffs_payload_check")),
        sa.CheckConstraint("length(result) <= 16384", name=op.f("handoffs_result_check")),
        sa.CheckConstraint("length(session_id) <= 128", name=op.f("handoffs_session_id_check")),
        sa.CheckConstraint(
            "status = 'pending' OR status = 'active' OR status = 'completed' OR status = 'failed' OR status = 'cancelled'",
            name=op.f("handoffs_status_check"),
        ),
        sa.CheckConstraint("length(status_reason) <= 512", name=op.f("handoffs_status_reason_check")),
        sa.CheckConstraint("length(to_role) <= 128", name=op.f("handoffs_to_role_check")),
        sa.CheckConstraint("length(trace_id) <= 128", name=op.f("handoffs_trace_id_check")),
        sa.PrimaryKeyConstraint("handoff_id", name=op.f("handoffs_pkey")),
    )
    op.create_index("handoffs_from_role_idx", "handoffs", ["from_role", "handoff_id"], unique=False)
    op.create_index("handoffs_status_idx", "handoffs", ["status", "handoff_id"], unique=False)
    op.create_index("handoffs_to_role_idx", "handoffs", ["to_role", "status", "handoff_id"], unique=False)
    op.create_index(
        "handoffs_trace_id_idx",
        "handoffs",
        ["trace_id", "handoff_id"],
        unique=False,
        sqlite_where=sa.text("trace_id <> ''"),
        postgresql_where=sa.text("trace_id <> ''"),
    )
