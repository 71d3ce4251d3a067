"""The table of the audit log, see `storage.audit.log`; its head is in `database_state`."""

from sqlalchemy import Index, Table

from storage.columns import number, number_key, partial_index, text
from storage.schema import metadata

# Whoever is anonymous made nearly every entry, and is found as fast by looking through the newest.
KNOWN_ACTOR = "actor <> 'anonymous'"
KNOWN_TRACE_ID = "trace_id <> ''"

# The canonical bytes are in `entry`. What stands beside it is there to find entries by, and VerifyAudit
# compares it with `entry`.
audit_log = Table(
    "audit_log",
    metadata,
    number_key("number"),
    number("time_us", fixed=True),
    text("actor", fixed=True),
    text("method", fixed=True),
    text("target_type", fixed=True),
    text("target_id", fixed=True),
    text("trace_id", fixed=True),
    text("entry", fixed=True),
    text("hash", fixed=True),
    partial_index("audit_log_actor_idx", "actor", "number", where=KNOWN_ACTOR),
    Index("audit_log_target_id_idx", "target_id", "number"),
    partial_index("audit_log_trace_id_idx", "trace_id", "number", where=KNOWN_TRACE_ID),
)
