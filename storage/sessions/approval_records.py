"""Approvals as typed immutable records, in the words of `storage.records`."""

from storage.lifecycle import ApprovalStatus
from storage.records import Record


class Approval(Record, frozen=True, kw_only=True):
    """A decision that a person must make before an agent continues."""

    approval_id: str
    session_id: str = ""  # of who waits for the decision
    task_id: str = ""
    approval_kind: str
    title: str
    details: str = "{}"  # canonical JSON of an object
    requested_by: str
    approver_role: str = ""
    status: ApprovalStatus = ApprovalStatus.PENDING
    decided_by: str = ""  # who approved, rejected or cancelled it
    notes: str = ""
    revision: int = 1
    create_time_us: int
    update_time_us: int
    expire_time_us: int  # by the clock of the database
    end_time_us: int | None = None  # decided, cancelled or expired
