"""Handoffs, between the contract and storage."""

from chamberlain.v1 import handoff_pb2
from chamberlain.v1 import handoff_service_pb2 as pb
from google.protobuf.struct_pb2 import Struct

from server.convert.values import optional_timestamp, timestamp
from server.enums import HANDOFF_STATUS
from server.paging import Tokens, page_request
from server.structs import canonical_json, struct_of
from server.validation import Checked, Fields
from storage import limits
from storage.lifecycle import HandoffStatus
from storage.sessions.handoffs import HandoffUpdate, NewHandoff
from storage.sessions.lists import HandoffFilter
from storage.sessions.records import Handoff


def new_handoff(request: pb.RouteTaskRequest) -> NewHandoff:
    with Checked(request) as fields:
        return NewHandoff(
            from_role=fields.identifier("from_role", request.from_role),
            to_role=fields.identifier("to_role", request.to_role),
            handoff_type=fields.text("type", request.type, limits.HANDOFF_TYPE_BYTES_MAX, required=True),
            description=fields.text("description", request.description, limits.DESCRIPTION_BYTES_MAX),
            payload=_payload(fields, "data", request.data),
            trace_id=fields.optional_identifier("trace_id", request.trace_id),
            session_id=fields.optional_identifier("session_id", request.session_id),
        )


def handoff_update(request: pb.UpdateHandoffRequest) -> HandoffUpdate:
    with Checked(request) as fields:
        if request.revision < 0:
            fields.refuse("revision", "must not be negative")
        return HandoffUpdate(
            handoff_id=fields.identifier("handoff_id", request.handoff_id),
            status=fields.required_choice("status", request.status, HANDOFF_STATUS, HandoffStatus.PENDING),
            revision=request.revision,
            reason=fields.text("reason", request.reason, limits.REASON_BYTES_MAX),
            result=_payload(fields, "result", request.result) if request.HasField("result") else "",
        )


def handoffs(request: pb.ListHandoffsRequest, tokens: Tokens) -> HandoffFilter:
    with Checked(request) as fields:
        return HandoffFilter(
            to_role=fields.optional_identifier("to_role", request.to_role),
            status=fields.filter("status", request.status, HANDOFF_STATUS),
            from_role=fields.optional_identifier("from_role", request.from_role),
            trace_id=fields.optional_identifier("trace_id", request.trace_id),
            page=page_request(
                fields,
                request,
                tokens,
                default=limits.HANDOFF_PAGE_SIZE_DEFAULT,
                at_most=limits.HANDOFF_PAGE_SIZE_MAX,
            ),
        )


def _payload(fields: Fields, field: str, struct: Struct) -> str:
    return canonical_json(fields, field, struct, bytes_max=limits.HANDOFF_PAYLOAD_BYTES_MAX)


def handoff(record: Handoff) -> handoff_pb2.Handoff:
    return handoff_pb2.Handoff(
        handoff_id=record.handoff_id,
        from_role=record.from_role,
        to_role=record.to_role,
        type=record.handoff_type,
        description=record.description,
        data=struct_of(record.payload),
        trace_id=record.trace_id,
        session_id=record.session_id,
        status=HANDOFF_STATUS.to_wire[record.status],
        status_reason=record.status_reason,
        result=struct_of(record.result) if record.result else None,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
        start_time=optional_timestamp(record.start_time_us),
        end_time=optional_timestamp(record.end_time_us),
    )
