import datetime

from chamberlain.v1 import types_pb2 as _types_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BidStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BID_STATUS_UNSPECIFIED: _ClassVar[BidStatus]
    BID_STATUS_PENDING: _ClassVar[BidStatus]
    BID_STATUS_COMMITTED: _ClassVar[BidStatus]
    BID_STATUS_REVEALED: _ClassVar[BidStatus]
    BID_STATUS_WON: _ClassVar[BidStatus]
    BID_STATUS_LOST: _ClassVar[BidStatus]
    BID_STATUS_REJECTED: _ClassVar[BidStatus]
BID_STATUS_UNSPECIFIED: BidStatus
BID_STATUS_PENDING: BidStatus
BID_STATUS_COMMITTED: BidStatus
BID_STATUS_REVEALED: BidStatus
BID_STATUS_WON: BidStatus
BID_STATUS_LOST: BidStatus
BID_STATUS_REJECTED: BidStatus

class Bid(_message.Message):
    __slots__ = ("bid_id", "task_id", "agent_id", "commitment", "quality_score", "estimated_duration", "value", "status", "pending_action", "pending_correlation_id", "last_error", "revision", "create_time", "update_time")
    BID_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    QUALITY_SCORE_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_DURATION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PENDING_ACTION_FIELD_NUMBER: _ClassVar[int]
    PENDING_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    bid_id: str
    task_id: str
    agent_id: str
    commitment: bytes
    quality_score: int
    estimated_duration: _duration_pb2.Duration
    value: str
    status: BidStatus
    pending_action: _types_pb2.Action
    pending_correlation_id: str
    last_error: str
    revision: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, bid_id: _Optional[str] = ..., task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., commitment: _Optional[bytes] = ..., quality_score: _Optional[int] = ..., estimated_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., value: _Optional[str] = ..., status: _Optional[_Union[BidStatus, str]] = ..., pending_action: _Optional[_Union[_types_pb2.Action, str]] = ..., pending_correlation_id: _Optional[str] = ..., last_error: _Optional[str] = ..., revision: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
