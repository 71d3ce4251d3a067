import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HandoffStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HANDOFF_STATUS_UNSPECIFIED: _ClassVar[HandoffStatus]
    HANDOFF_STATUS_PENDING: _ClassVar[HandoffStatus]
    HANDOFF_STATUS_ACTIVE: _ClassVar[HandoffStatus]
    HANDOFF_STATUS_COMPLETED: _ClassVar[HandoffStatus]
    HANDOFF_STATUS_FAILED: _ClassVar[HandoffStatus]
    HANDOFF_STATUS_CANCELLED: _ClassVar[HandoffStatus]
HANDOFF_STATUS_UNSPECIFIED: HandoffStatus
HANDOFF_STATUS_PENDING: HandoffStatus
HANDOFF_STATUS_ACTIVE: HandoffStatus
HANDOFF_STATUS_COMPLETED: HandoffStatus
HANDOFF_STATUS_FAILED: HandoffStatus
HANDOFF_STATUS_CANCELLED: HandoffStatus

class Handoff(_message.Message):
    __slots__ = ("handoff_id", "from_role", "to_role", "type", "description", "data", "trace_id", "session_id", "status", "status_reason", "result", "revision", "create_time", "update_time", "start_time", "end_time")
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_ROLE_FIELD_NUMBER: _ClassVar[int]
    TO_ROLE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STATUS_REASON_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    handoff_id: str
    from_role: str
    to_role: str
    type: str
    description: str
    data: _struct_pb2.Struct
    trace_id: str
    session_id: str
    status: HandoffStatus
    status_reason: str
    result: _struct_pb2.Struct
    revision: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, handoff_id: _Optional[str] = ..., from_role: _Optional[str] = ..., to_role: _Optional[str] = ..., type: _Optional[str] = ..., description: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., trace_id: _Optional[str] = ..., session_id: _Optional[str] = ..., status: _Optional[_Union[HandoffStatus, str]] = ..., status_reason: _Optional[str] = ..., result: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., revision: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
