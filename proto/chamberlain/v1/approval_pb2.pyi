import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ApprovalStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPROVAL_STATUS_UNSPECIFIED: _ClassVar[ApprovalStatus]
    APPROVAL_STATUS_PENDING: _ClassVar[ApprovalStatus]
    APPROVAL_STATUS_APPROVED: _ClassVar[ApprovalStatus]
    APPROVAL_STATUS_REJECTED: _ClassVar[ApprovalStatus]
    APPROVAL_STATUS_CANCELLED: _ClassVar[ApprovalStatus]
    APPROVAL_STATUS_EXPIRED: _ClassVar[ApprovalStatus]

class ApprovalEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPROVAL_EVENT_TYPE_UNSPECIFIED: _ClassVar[ApprovalEventType]
    APPROVAL_EVENT_TYPE_APPROVAL_REQUESTED: _ClassVar[ApprovalEventType]
    APPROVAL_EVENT_TYPE_APPROVAL_ENDED: _ClassVar[ApprovalEventType]
    APPROVAL_EVENT_TYPE_APPROVAL_DELETED: _ClassVar[ApprovalEventType]
APPROVAL_STATUS_UNSPECIFIED: ApprovalStatus
APPROVAL_STATUS_PENDING: ApprovalStatus
APPROVAL_STATUS_APPROVED: ApprovalStatus
APPROVAL_STATUS_REJECTED: ApprovalStatus
APPROVAL_STATUS_CANCELLED: ApprovalStatus
APPROVAL_STATUS_EXPIRED: ApprovalStatus
APPROVAL_EVENT_TYPE_UNSPECIFIED: ApprovalEventType
APPROVAL_EVENT_TYPE_APPROVAL_REQUESTED: ApprovalEventType
APPROVAL_EVENT_TYPE_APPROVAL_ENDED: ApprovalEventType
APPROVAL_EVENT_TYPE_APPROVAL_DELETED: ApprovalEventType

class Approval(_message.Message):
    __slots__ = ("approval_id", "session_id", "task_id", "kind", "title", "details", "requested_by", "approver_role", "status", "decided_by", "notes", "revision", "create_time", "update_time", "expire_time", "end_time")
    APPROVAL_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_BY_FIELD_NUMBER: _ClassVar[int]
    APPROVER_ROLE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    approval_id: str
    session_id: str
    task_id: str
    kind: str
    title: str
    details: _struct_pb2.Struct
    requested_by: str
    approver_role: str
    status: ApprovalStatus
    decided_by: str
    notes: str
    revision: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, approval_id: _Optional[str] = ..., session_id: _Optional[str] = ..., task_id: _Optional[str] = ..., kind: _Optional[str] = ..., title: _Optional[str] = ..., details: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., requested_by: _Optional[str] = ..., approver_role: _Optional[str] = ..., status: _Optional[_Union[ApprovalStatus, str]] = ..., decided_by: _Optional[str] = ..., notes: _Optional[str] = ..., revision: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ApprovalEvent(_message.Message):
    __slots__ = ("type", "event_time", "approval_id", "task_id", "approver_role", "status", "revision", "session_id")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVER_ROLE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    type: ApprovalEventType
    event_time: _timestamp_pb2.Timestamp
    approval_id: str
    task_id: str
    approver_role: str
    status: ApprovalStatus
    revision: int
    session_id: str
    def __init__(self, type: _Optional[_Union[ApprovalEventType, str]] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., approval_id: _Optional[str] = ..., task_id: _Optional[str] = ..., approver_role: _Optional[str] = ..., status: _Optional[_Union[ApprovalStatus, str]] = ..., revision: _Optional[int] = ..., session_id: _Optional[str] = ...) -> None: ...
