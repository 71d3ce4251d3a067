"""Tasks and their events, between the contract and storage."""

from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import task_pb2

from server.convert.values import timestamp, verification_level
from server.enums import (
    ACTION,
    AGREEMENT_STATUS,
    BID_STATUS,
    ESCROW_STATUS,
    MILESTONE_STATUS,
    RESULT_STATUS,
    TASK_STATUS,
    VERIFICATION_LEVEL,
)
from server.paging import Tokens, page_request
from server.validation import Checked, Fields
from storage import limits
from storage.events import Filter
from storage.market.lists import TaskFilter
from storage.market.tasks import NewTask
from storage.records import Event, Task, milestone_number

_EVENT_TYPES = {
    ("task", True): task_pb2.TASK_EVENT_TYPE_TASK_CREATED,
    ("task", False): task_pb2.TASK_EVENT_TYPE_TASK_CHANGED,
    ("bid", True): task_pb2.TASK_EVENT_TYPE_BID_CREATED,
    ("bid", False): task_pb2.TASK_EVENT_TYPE_BID_CHANGED,
    ("result", True): task_pb2.TASK_EVENT_TYPE_RESULT_CREATED,
    ("result", False): task_pb2.TASK_EVENT_TYPE_RESULT_CHANGED,
    ("agreement", True): task_pb2.TASK_EVENT_TYPE_AGREEMENT_CREATED,
    ("agreement", False): task_pb2.TASK_EVENT_TYPE_AGREEMENT_CHANGED,
    ("milestone", True): task_pb2.TASK_EVENT_TYPE_MILESTONE_CREATED,
    ("milestone", False): task_pb2.TASK_EVENT_TYPE_MILESTONE_CHANGED,
}
WATCHED_BY_TASK = frozenset(entity for entity, _ in _EVENT_TYPES)


def new_task(request: pb.CreateTaskRequest, *, bidding_window_us: int, path: str = "") -> NewTask:
    with Checked(request, path) as fields:
        return NewTask(
            client_task_id=fields.optional_identifier("client_task_id", request.client_task_id),
            requester_id=fields.identifier("requester_id", request.requester_id),
            description=fields.text(
                "description", request.description, limits.DESCRIPTION_BYTES_MAX, required=True
            ),
            task_type=fields.text("task_type", request.task_type, limits.TASK_TYPE_BYTES_MAX, required=True),
            input=request.input,
            max_budget=fields.amount("max_budget", request.max_budget, at_least=1),
            deadline_us=_deadline_us(fields, request),
            verification_level=verification_level(fields, request.verification_level),
            bidding_window_us=bidding_window_us,
        )


def check_batch(request: pb.BatchCreateTasksRequest) -> None:
    """Refuse a batch that is empty or too large."""
    with Checked(request) as fields:
        if not 1 <= len(request.requests) <= limits.BATCH_CREATE_MAX:
            fields.refuse("requests", f"must have 1 to {limits.BATCH_CREATE_MAX} entries")


def _deadline_us(fields: Fields, request: pb.CreateTaskRequest) -> int:
    if not request.HasField("deadline"):
        fields.refuse("deadline", "is required")
        return 0
    return fields.deadline_us("deadline", request.deadline)


def tasks(request: pb.ListTasksRequest, tokens: Tokens) -> TaskFilter:
    with Checked(request) as fields:
        return TaskFilter(
            status=fields.filter("status", request.status, TASK_STATUS),
            escrow_status=fields.filter("escrow_status", request.escrow_status, ESCROW_STATUS),
            requester_id=fields.optional_identifier("requester_id", request.requester_id),
            assigned_agent_id=fields.optional_identifier("assigned_agent_id", request.assigned_agent_id),
            client_task_id=fields.optional_identifier("client_task_id", request.client_task_id),
            page=page_request(fields, request, tokens),
        )


def watched_tasks(request: pb.WatchTasksRequest) -> Filter:
    with Checked(request) as fields:
        return Filter(
            entities=WATCHED_BY_TASK,
            task_ids=fields.identifiers("task_ids", request.task_ids, limits.WATCHED_IDS_MAX),
            requester_id=fields.optional_identifier("requester_id", request.requester_id),
        )


def task(record: Task, task_input: bytes = b"") -> task_pb2.Task:
    message = task_pb2.Task()
    fill_task(message, record, task_input)
    return message


def fill_task(message: task_pb2.Task, record: Task, task_input: bytes = b"") -> None:
    """Write a task into an empty message: one that stands in another already needs no copy."""
    message.task_id = record.task_id
    message.client_task_id = record.client_task_id
    message.requester_id = record.requester_id
    message.description = record.description
    message.task_type = record.task_type
    message.input = task_input
    message.max_budget = str(record.max_budget)
    message.verification_level = VERIFICATION_LEVEL.to_wire[record.verification_level]
    message.status = TASK_STATUS.to_wire[record.status]
    message.escrow_status = ESCROW_STATUS.to_wire[record.escrow_status]
    message.spec_hash = record.spec_hash
    message.assigned_agent_id = record.assigned_agent_id
    message.disputed_by = record.disputed_by
    message.dispute_reason = record.dispute_reason
    message.pending_action = ACTION.to_wire[record.pending_action]
    message.pending_correlation_id = record.pending_correlation_id
    message.last_error = record.last_error
    message.revision = record.revision
    message.create_time.CopyFrom(timestamp(record.create_time_us))
    message.update_time.CopyFrom(timestamp(record.update_time_us))
    if record.deadline_us is not None:
        message.deadline.CopyFrom(timestamp(record.deadline_us))
    if record.bidding_end_us is not None:
        message.bidding_end_time.CopyFrom(timestamp(record.bidding_end_us))
    if record.chain_task_id is not None:
        message.chain_task_id = record.chain_task_id
    if record.deadline_block is not None:
        message.deadline_block = record.deadline_block
    if record.cost is not None:
        message.cost = str(record.cost)
    if record.paid_amount is not None:
        message.paid_amount = str(record.paid_amount)
    if record.fee_amount is not None:
        message.fee_amount = str(record.fee_amount)


def task_event(event: Event) -> task_pb2.TaskEvent:
    body = event.body
    message = task_pb2.TaskEvent(
        type=_EVENT_TYPES[event.entity, event.created],
        event_time=timestamp(event.event_time_us),
        task_id=event.task_id,
        requester_id=event.requester_id,
        revision=event.revision,
        agent_id=body.agent_id,
        pending_action=ACTION.to_wire[body.pending_action],
        correlation_id=body.correlation_id,
        error=body.error,
    )
    if event.entity == "bid":
        message.bid_id = event.entity_id
        message.bid_status = BID_STATUS.to_wire[body.status]
    elif event.entity == "result":
        message.result_id = event.entity_id
        message.result_status = RESULT_STATUS.to_wire[body.status]
    elif event.entity == "agreement":
        message.agreement_id = event.entity_id
        message.agreement_status = AGREEMENT_STATUS.to_wire[body.status]
    elif event.entity == "milestone":
        message.milestone_id = milestone_number(event.entity_id)
        message.milestone_status = MILESTONE_STATUS.to_wire[body.status]
    else:
        message.status = TASK_STATUS.to_wire[body.status]
        message.escrow_status = ESCROW_STATUS.to_wire[body.escrow_status]
    return message
