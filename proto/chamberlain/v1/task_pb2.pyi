import datetime

from chamberlain.v1 import agreement_pb2 as _agreement_pb2
from chamberlain.v1 import bid_pb2 as _bid_pb2
from chamberlain.v1 import milestone_pb2 as _milestone_pb2
from chamberlain.v1 import result_pb2 as _result_pb2
from chamberlain.v1 import types_pb2 as _types_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TaskStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_STATUS_UNSPECIFIED: _ClassVar[TaskStatus]
    TASK_STATUS_PENDING: _ClassVar[TaskStatus]
    TASK_STATUS_BIDDING: _ClassVar[TaskStatus]
    TASK_STATUS_REVEALING: _ClassVar[TaskStatus]
    TASK_STATUS_ASSIGNED: _ClassVar[TaskStatus]
    TASK_STATUS_COMPLETED: _ClassVar[TaskStatus]
    TASK_STATUS_REJECTED: _ClassVar[TaskStatus]
    TASK_STATUS_CANCELLED: _ClassVar[TaskStatus]
    TASK_STATUS_EXPIRED: _ClassVar[TaskStatus]
    TASK_STATUS_FAILED: _ClassVar[TaskStatus]

class EscrowStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ESCROW_STATUS_UNSPECIFIED: _ClassVar[EscrowStatus]
    ESCROW_STATUS_NONE: _ClassVar[EscrowStatus]
    ESCROW_STATUS_FUNDED: _ClassVar[EscrowStatus]
    ESCROW_STATUS_RELEASED: _ClassVar[EscrowStatus]
    ESCROW_STATUS_REFUNDED: _ClassVar[EscrowStatus]
    ESCROW_STATUS_DISPUTED: _ClassVar[EscrowStatus]

class TaskEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_EVENT_TYPE_UNSPECIFIED: _ClassVar[TaskEventType]
    TASK_EVENT_TYPE_TASK_CREATED: _ClassVar[TaskEventType]
    TASK_EVENT_TYPE_TASK_CHANGED: _ClassVar[TaskEventType]
    TASK_EVENT_TYPE_BID_CREATED: _ClassVar[TaskEventType]
    TASK_EVENT_TYPE_BID_CHANGED: _ClassVar[TaskEventType]
    TASK_EVENT_TYPE_RESULT_CREATED: _ClassVar[TaskEventType]
    TASK_EVENT_TYPE_RESULT_CHANGED: _ClassVar[TaskEventType]
    TASK_EVENT_TYPE_AGREEMENT_CREATED: _ClassVar[TaskEventType]
    TASK_EVENT_TYPE_AGREEMENT_CHANGED: _ClassVar[TaskEventType]
    TASK_EVENT_TYPE_MILESTONE_CREATED: _ClassVar[TaskEventType]
    TASK_EVENT_TYPE_MILESTONE_CHANGED: _ClassVar[TaskEventType]
TASK_STATUS_UNSPECIFIED: TaskStatus
TASK_STATUS_PENDING: TaskStatus
TASK_STATUS_BIDDING: TaskStatus
TASK_STATUS_REVEALING: TaskStatus
TASK_STATUS_ASSIGNED: TaskStatus
TASK_STATUS_COMPLETED: TaskStatus
TASK_STATUS_REJECTED: TaskStatus
TASK_STATUS_CANCELLED: TaskStatus
TASK_STATUS_EXPIRED: TaskStatus
TASK_STATUS_FAILED: TaskStatus
ESCROW_STATUS_UNSPECIFIED: EscrowStatus
ESCROW_STATUS_NONE: EscrowStatus
ESCROW_STATUS_FUNDED: EscrowStatus
ESCROW_STATUS_RELEASED: EscrowStatus
ESCROW_STATUS_REFUNDED: EscrowStatus
ESCROW_STATUS_DISPUTED: EscrowStatus
TASK_EVENT_TYPE_UNSPECIFIED: TaskEventType
TASK_EVENT_TYPE_TASK_CREATED: TaskEventType
TASK_EVENT_TYPE_TASK_CHANGED: TaskEventType
TASK_EVENT_TYPE_BID_CREATED: TaskEventType
TASK_EVENT_TYPE_BID_CHANGED: TaskEventType
TASK_EVENT_TYPE_RESULT_CREATED: TaskEventType
TASK_EVENT_TYPE_RESULT_CHANGED: TaskEventType
TASK_EVENT_TYPE_AGREEMENT_CREATED: TaskEventType
TASK_EVENT_TYPE_AGREEMENT_CHANGED: TaskEventType
TASK_EVENT_TYPE_MILESTONE_CREATED: TaskEventType
TASK_EVENT_TYPE_MILESTONE_CHANGED: TaskEventType

class Task(_message.Message):
    __slots__ = ("task_id", "client_task_id", "requester_id", "description", "task_type", "input", "max_budget", "deadline", "verification_level", "status", "escrow_status", "spec_hash", "chain_task_id", "deadline_block", "bidding_end_time", "assigned_agent_id", "cost", "paid_amount", "fee_amount", "pending_action", "pending_correlation_id", "last_error", "revision", "create_time", "update_time", "disputed_by", "dispute_reason")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    REQUESTER_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    MAX_BUDGET_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_LEVEL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ESCROW_STATUS_FIELD_NUMBER: _ClassVar[int]
    SPEC_HASH_FIELD_NUMBER: _ClassVar[int]
    CHAIN_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_BLOCK_FIELD_NUMBER: _ClassVar[int]
    BIDDING_END_TIME_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    PAID_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FEE_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PENDING_ACTION_FIELD_NUMBER: _ClassVar[int]
    PENDING_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DISPUTED_BY_FIELD_NUMBER: _ClassVar[int]
    DISPUTE_REASON_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    client_task_id: str
    requester_id: str
    description: str
    task_type: str
    input: bytes
    max_budget: str
    deadline: _timestamp_pb2.Timestamp
    verification_level: _types_pb2.VerificationLevel
    status: TaskStatus
    escrow_status: EscrowStatus
    spec_hash: bytes
    chain_task_id: int
    deadline_block: int
    bidding_end_time: _timestamp_pb2.Timestamp
    assigned_agent_id: str
    cost: str
    paid_amount: str
    fee_amount: str
    pending_action: _types_pb2.Action
    pending_correlation_id: str
    last_error: str
    revision: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    disputed_by: str
    dispute_reason: str
    def __init__(self, task_id: _Optional[str] = ..., client_task_id: _Optional[str] = ..., requester_id: _Optional[str] = ..., description: _Optional[str] = ..., task_type: _Optional[str] = ..., input: _Optional[bytes] = ..., max_budget: _Optional[str] = ..., deadline: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., verification_level: _Optional[_Union[_types_pb2.VerificationLevel, str]] = ..., status: _Optional[_Union[TaskStatus, str]] = ..., escrow_status: _Optional[_Union[EscrowStatus, str]] = ..., spec_hash: _Optional[bytes] = ..., chain_task_id: _Optional[int] = ..., deadline_block: _Optional[int] = ..., bidding_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., assigned_agent_id: _Optional[str] = ..., cost: _Optional[str] = ..., paid_amount: _Optional[str] = ..., fee_amount: _Optional[str] = ..., pending_action: _Optional[_Union[_types_pb2.Action, str]] = ..., pending_correlation_id: _Optional[str] = ..., last_error: _Optional[str] = ..., revision: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., disputed_by: _Optional[str] = ..., dispute_reason: _Optional[str] = ...) -> None: ...

class TaskEvent(_message.Message):
    __slots__ = ("type", "event_time", "task_id", "requester_id", "revision", "status", "escrow_status", "agent_id", "bid_id", "bid_status", "result_id", "result_status", "pending_action", "correlation_id", "error", "agreement_id", "agreement_status", "milestone_id", "milestone_status")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    REQUESTER_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ESCROW_STATUS_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    BID_ID_FIELD_NUMBER: _ClassVar[int]
    BID_STATUS_FIELD_NUMBER: _ClassVar[int]
    RESULT_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_STATUS_FIELD_NUMBER: _ClassVar[int]
    PENDING_ACTION_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_STATUS_FIELD_NUMBER: _ClassVar[int]
    MILESTONE_ID_FIELD_NUMBER: _ClassVar[int]
    MILESTONE_STATUS_FIELD_NUMBER: _ClassVar[int]
    type: TaskEventType
    event_time: _timestamp_pb2.Timestamp
    task_id: str
    requester_id: str
    revision: int
    status: TaskStatus
    escrow_status: EscrowStatus
    agent_id: str
    bid_id: str
    bid_status: _bid_pb2.BidStatus
    result_id: str
    result_status: _result_pb2.ResultStatus
    pending_action: _types_pb2.Action
    correlation_id: str
    error: str
    agreement_id: str
    agreement_status: _agreement_pb2.AgreementStatus
    milestone_id: int
    milestone_status: _milestone_pb2.MilestoneStatus
    def __init__(self, type: _Optional[_Union[TaskEventType, str]] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., task_id: _Optional[str] = ..., requester_id: _Optional[str] = ..., revision: _Optional[int] = ..., status: _Optional[_Union[TaskStatus, str]] = ..., escrow_status: _Optional[_Union[EscrowStatus, str]] = ..., agent_id: _Optional[str] = ..., bid_id: _Optional[str] = ..., bid_status: _Optional[_Union[_bid_pb2.BidStatus, str]] = ..., result_id: _Optional[str] = ..., result_status: _Optional[_Union[_result_pb2.ResultStatus, str]] = ..., pending_action: _Optional[_Union[_types_pb2.Action, str]] = ..., correlation_id: _Optional[str] = ..., error: _Optional[str] = ..., agreement_id: _Optional[str] = ..., agreement_status: _Optional[_Union[_agreement_pb2.AgreementStatus, str]] = ..., milestone_id: _Optional[int] = ..., milestone_status: _Optional[_Union[_milestone_pb2.MilestoneStatus, str]] = ...) -> None: ...
