"""Approvals between the contract and storage."""

from chamberlain.v1 import approval_pb2
from chamberlain.v1 import approval_service_pb2 as pb

from server.convert.values import optional_timestamp, timestamp
from server.enums import APPROVAL_STATUS
from server.paging import Tokens, page_request
from server.structs import canonical_json, struct_of
from server.validation import Checked, Fields
from storage import limits
from storage.events import Filter
from storage.lifecycle import ApprovalStatus
from storage.records import DELETED, Event
from storage.sessions.approval_records import Approval
from storage.sessions.approvals import ApprovalFilter, Ending, NewApproval

WATCHED_BY_APPROVAL = frozenset({"approval"})
_DECISIONS = {
    pb.APPROVAL_DECISION_APPROVED: ApprovalStatus.APPROVED,
    pb.APPROVAL_DECISION_REJECTED: ApprovalStatus.REJECTED,
}
_DAY_SECONDS = 86_400


def new_approval(request: pb.RequestApprovalRequest) -> NewApproval:
    with Checked(request) as fields:
        return NewApproval(
            session_id=fields.optional_identifier("session_id", request.session_id),
            task_id=fields.optional_identifier("task_id", request.task_id),
            approval_kind=fields.text("kind", request.kind, limits.APPROVAL_KIND_BYTES_MAX, required=True),
            title=fields.text("title", request.title, limits.APPROVAL_TITLE_BYTES_MAX, required=True),
            details=canonical_json(
                fields, "details", request.details, bytes_max=limits.APPROVAL_DETAILS_BYTES_MAX
            ),
            requested_by=fields.identifier("requested_by", request.requested_by),
            approver_role=fields.optional_identifier("approver_role", request.approver_role),
            time_to_live_us=_time_to_live_seconds(fields, request) * 1_000_000,
        )


def _time_to_live_seconds(fields: Fields, request: pb.RequestApprovalRequest) -> int:
    if not request.HasField("time_to_live"):
        return limits.APPROVAL_SECONDS_DEFAULT
    seconds = fields.whole_seconds("time_to_live", request.time_to_live)
    if not request.time_to_live.nanos and not 0 < seconds <= limits.APPROVAL_SECONDS_MAX:
        days = limits.APPROVAL_SECONDS_MAX // _DAY_SECONDS
        fields.refuse("time_to_live", f"must be from one second to {days} days")
        return limits.APPROVAL_SECONDS_DEFAULT
    return seconds


def decision(request: pb.DecideApprovalRequest) -> Ending:
    with Checked(request) as fields:
        status = _DECISIONS.get(request.decision)
        if status is None:
            fields.refuse("decision", "must be approved or rejected")
        return Ending(
            approval_id=fields.identifier("approval_id", request.approval_id),
            status=status or ApprovalStatus.REJECTED,
            decided_by=fields.identifier("decided_by", request.decided_by),
            notes=fields.text("notes", request.notes, limits.APPROVAL_NOTES_BYTES_MAX),
        )


def cancellation(request: pb.CancelApprovalRequest) -> Ending:
    with Checked(request) as fields:
        return Ending(
            approval_id=fields.identifier("approval_id", request.approval_id),
            status=ApprovalStatus.CANCELLED,
            decided_by=fields.identifier("cancelled_by", request.cancelled_by),
            notes=fields.text("notes", request.notes, limits.APPROVAL_NOTES_BYTES_MAX),
        )


def approvals(request: pb.ListApprovalsRequest, tokens: Tokens) -> ApprovalFilter:
    with Checked(request) as fields:
        return ApprovalFilter(
            status=fields.filter("status", request.status, APPROVAL_STATUS),
            session_id=fields.optional_identifier("session_id", request.session_id),
            task_id=fields.optional_identifier("task_id", request.task_id),
            approver_role=fields.optional_identifier("approver_role", request.approver_role),
            page=page_request(fields, request, tokens, at_most=limits.APPROVAL_PAGE_SIZE_MAX),
        )


def watched(request: pb.WatchApprovalsRequest) -> Filter:
    with Checked(request) as fields:
        return Filter(
            entities=WATCHED_BY_APPROVAL,
            entity_ids=fields.identifiers("approval_ids", request.approval_ids, limits.WATCHED_IDS_MAX),
            task_ids=fields.identifiers("task_ids", request.task_ids, limits.WATCHED_IDS_MAX),
            session_ids=fields.identifiers("session_ids", request.session_ids, limits.WATCHED_IDS_MAX),
            roles=fields.identifiers("approver_roles", request.approver_roles, limits.WATCHED_IDS_MAX),
        )


def approval(record: Approval) -> approval_pb2.Approval:
    return approval_pb2.Approval(
        approval_id=record.approval_id,
        session_id=record.session_id,
        task_id=record.task_id,
        kind=record.approval_kind,
        title=record.title,
        details=struct_of(record.details),
        requested_by=record.requested_by,
        approver_role=record.approver_role,
        status=APPROVAL_STATUS.to_wire[record.status],
        decided_by=record.decided_by,
        notes=record.notes,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
        expire_time=timestamp(record.expire_time_us),
        end_time=optional_timestamp(record.end_time_us),
    )


def approval_event(event: Event) -> approval_pb2.ApprovalEvent:
    deleted = event.body.status == DELETED
    if deleted:
        kind = approval_pb2.APPROVAL_EVENT_TYPE_APPROVAL_DELETED
    elif event.created:
        kind = approval_pb2.APPROVAL_EVENT_TYPE_APPROVAL_REQUESTED
    else:
        kind = approval_pb2.APPROVAL_EVENT_TYPE_APPROVAL_ENDED
    return approval_pb2.ApprovalEvent(
        type=kind,
        event_time=timestamp(event.event_time_us),
        approval_id=event.entity_id,
        session_id=event.body.session_id,
        task_id=event.task_id,
        approver_role=event.body.role,
        status=None if deleted else APPROVAL_STATUS.to_wire[event.body.status],
        revision=event.revision,
    )
