"""The tables of sessions, transcripts and handoffs, see `storage.schema`.

Revisions 0003 and 0006 make more than these: the view `active_sessions`, and the search index
`transcript_search`, which has the terms of each entry (`storage.sessions.transcript_index`) by its number.
It is a table of `tsvector` on Postgres and an FTS5 table on SQLite; an entry that is deleted leaves it.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from storage import limits
from storage.columns import FIXED, number, number_key, one_of, partial_index, text
from storage.lifecycle import HandoffStatus, SessionStatus
from storage.records import EntryRole, HeadState
from storage.schema import metadata

OPEN_SESSION = "(status = 'pending' OR status = 'active' OR status = 'paused')"
EXPIRED_SESSION = "status = 'expired'"
OPEN_HEAD = "state = 'open'"
DELETED_HEAD = "state = 'deleted'"

sessions = Table(
    "sessions",
    metadata,
    text("session_id", primary_key=True),
    text("role", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    text("task_id", longest=limits.IDENTIFIER_BYTES_MAX),
    one_of("status", SessionStatus),
    text("status_reason", longest=limits.REASON_BYTES_MAX),
    text("metadata", longest=limits.SESSION_METADATA_BYTES_MAX),
    text("active_task_ids"),
    text("source_session_id", fixed=True),
    number("source_position", fixed=True),
    number("revision"),
    number("create_time_us", fixed=True),
    number("update_time_us"),
    number("transition_time_us"),
    number("start_time_us", nullable=True),
    number("pause_time_us", nullable=True),
    number("end_time_us", nullable=True),
    Index("sessions_status_idx", "status", "session_id"),
    Index("sessions_role_idx", "role", "session_id"),
    partial_index("sessions_task_id_idx", "task_id", "session_id", where="task_id <> ''"),
    partial_index("sessions_open_idx", "session_id", where=OPEN_SESSION),
    # What the sweep deletes.
    partial_index("sessions_expired_idx", "end_time_us", where=EXPIRED_SESSION),
)

# Without a foreign key: the head outlives a deleted session until its transcript is gone.
session_heads = Table(
    "session_heads",
    metadata,
    text("session_id", primary_key=True),
    number("entry_count"),
    number("command_count"),
    number("last_activity_us"),
    one_of("state", HeadState),
    # What the sweep lets expire, and what it clears away.
    partial_index("session_heads_open_idx", "last_activity_us", where=OPEN_HEAD),
    partial_index("session_heads_deleted_idx", "session_id", where=DELETED_HEAD),
)

transcript_entries = Table(
    "transcript_entries",
    metadata,
    number_key("entry_number", generated=True),  # on SQLite FTS5 refers to the row id
    Column("session_id", Text, ForeignKey("session_heads.session_id"), nullable=False, info=FIXED),
    number("position", fixed=True),
    one_of("role", EntryRole, fixed=True),
    Column("indexed_chars", Integer, nullable=False, info=FIXED),
    text("phase", longest=limits.PHASE_BYTES_MAX, fixed=True),
    number("iteration", fixed=True),
    text("model", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    number("input_tokens", fixed=True),
    number("output_tokens", fixed=True),
    number("cache_creation_tokens", fixed=True),
    number("cache_read_tokens", fixed=True),
    number("parent_position", fixed=True),
    Column("size_bytes", Integer, nullable=False, info=FIXED),
    number("create_time_us", fixed=True),
    # Last, so that SQLite reads the size of an entry without its content.
    text("content", longest=limits.CONTENT_BYTES_MAX, fixed=True),
    text("tool_calls", fixed=True),
    Index("transcript_entries_position_key", "session_id", "position", unique=True),
)

session_commands = Table(
    "session_commands",
    metadata,
    Column("session_id", Text, ForeignKey("session_heads.session_id"), primary_key=True, info=FIXED),
    Column("number", BigInteger, primary_key=True, autoincrement=False, info=FIXED),
    text("command", longest=limits.COMMAND_BYTES_MAX, fixed=True),
    number("create_time_us", fixed=True),
)

handoffs = Table(
    "handoffs",
    metadata,
    text("handoff_id", primary_key=True),
    text("from_role", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    text("to_role", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    text("handoff_type", longest=limits.HANDOFF_TYPE_BYTES_MAX, fixed=True),
    text("description", longest=limits.DESCRIPTION_BYTES_MAX, fixed=True),
    text("payload", longest=limits.HANDOFF_PAYLOAD_BYTES_MAX, fixed=True),
    text("trace_id", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    text("session_id", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    one_of("status", HandoffStatus),
    text("status_reason", longest=limits.REASON_BYTES_MAX),
    text("result", longest=limits.HANDOFF_PAYLOAD_BYTES_MAX),
    number("revision"),
    number("create_time_us", fixed=True),
    number("update_time_us"),
    number("start_time_us", nullable=True),
    number("end_time_us", nullable=True),
    Index("handoffs_to_role_idx", "to_role", "status", "handoff_id"),
    Index("handoffs_from_role_idx", "from_role", "handoff_id"),
    Index("handoffs_status_idx", "status", "handoff_id"),
    partial_index("handoffs_trace_id_idx", "trace_id", "handoff_id", where="trace_id <> ''"),
)
