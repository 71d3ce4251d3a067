import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MilestoneStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MILESTONE_STATUS_UNSPECIFIED: _ClassVar[MilestoneStatus]
    MILESTONE_STATUS_OPEN: _ClassVar[MilestoneStatus]
    MILESTONE_STATUS_COMPLETED: _ClassVar[MilestoneStatus]
    MILESTONE_STATUS_PAID: _ClassVar[MilestoneStatus]
MILESTONE_STATUS_UNSPECIFIED: MilestoneStatus
MILESTONE_STATUS_OPEN: MilestoneStatus
MILESTONE_STATUS_COMPLETED: MilestoneStatus
MILESTONE_STATUS_PAID: MilestoneStatus

class Milestone(_message.Message):
    __slots__ = ("milestone_id", "description", "amount", "required_approvals", "approved_by", "status", "paid_amount", "recipient", "revision", "create_time", "update_time")
    MILESTONE_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_APPROVALS_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PAID_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    milestone_id: int
    description: str
    amount: str
    required_approvals: int
    approved_by: _containers.RepeatedScalarFieldContainer[str]
    status: MilestoneStatus
    paid_amount: str
    recipient: str
    revision: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, milestone_id: _Optional[int] = ..., description: _Optional[str] = ..., amount: _Optional[str] = ..., required_approvals: _Optional[int] = ..., approved_by: _Optional[_Iterable[str]] = ..., status: _Optional[_Union[MilestoneStatus, str]] = ..., paid_amount: _Optional[str] = ..., recipient: _Optional[str] = ..., revision: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
