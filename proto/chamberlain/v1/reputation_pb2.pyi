import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Reputation(_message.Message):
    __slots__ = ("agent_id", "account_address", "score", "staked_amount", "slashed_amount", "tasks_completed", "tasks_failed", "severe_slashes", "update_time")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    STAKED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    SLASHED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TASKS_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    TASKS_FAILED_FIELD_NUMBER: _ClassVar[int]
    SEVERE_SLASHES_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    account_address: str
    score: int
    staked_amount: str
    slashed_amount: str
    tasks_completed: int
    tasks_failed: int
    severe_slashes: int
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, agent_id: _Optional[str] = ..., account_address: _Optional[str] = ..., score: _Optional[int] = ..., staked_amount: _Optional[str] = ..., slashed_amount: _Optional[str] = ..., tasks_completed: _Optional[int] = ..., tasks_failed: _Optional[int] = ..., severe_slashes: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
