"""The table of approvals, see `storage.schema`. Revision 0004 makes the view `pending_approvals` over it."""

from sqlalchemy import Index, Table

from storage import limits
from storage.columns import number, one_of, partial_index, text
from storage.lifecycle import ApprovalStatus
from storage.schema import metadata

PENDING_APPROVAL = "status = 'pending'"

approvals = Table(
    "approvals",
    metadata,
    text("approval_id", primary_key=True),
    text("session_id", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    text("task_id", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    text("approval_kind", longest=limits.APPROVAL_KIND_BYTES_MAX, fixed=True),
    text("title", longest=limits.APPROVAL_TITLE_BYTES_MAX, fixed=True),
    text("details", longest=limits.APPROVAL_DETAILS_BYTES_MAX, fixed=True),
    text("requested_by", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    text("approver_role", longest=limits.IDENTIFIER_BYTES_MAX, fixed=True),
    one_of("status", ApprovalStatus),
    text("decided_by", longest=limits.IDENTIFIER_BYTES_MAX),
    text("notes", longest=limits.APPROVAL_NOTES_BYTES_MAX),
    number("revision"),
    number("create_time_us", fixed=True),
    number("update_time_us"),
    number("expire_time_us", fixed=True),
    number("end_time_us", nullable=True),
    Index("approvals_status_idx", "status", "approval_id"),
    partial_index("approvals_session_id_idx", "session_id", "approval_id", where="session_id <> ''"),
    partial_index("approvals_approver_role_idx", "approver_role", "approval_id", where="approver_role <> ''"),
    # What the sweep lets expire.
    partial_index("approvals_pending_idx", "expire_time_us", where=PENDING_APPROVAL),
)
