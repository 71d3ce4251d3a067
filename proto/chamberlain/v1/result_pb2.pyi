import datetime

from chamberlain.v1 import types_pb2 as _types_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ResultStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESULT_STATUS_UNSPECIFIED: _ClassVar[ResultStatus]
    RESULT_STATUS_PENDING: _ClassVar[ResultStatus]
    RESULT_STATUS_RECORDED: _ClassVar[ResultStatus]
    RESULT_STATUS_REJECTED: _ClassVar[ResultStatus]
RESULT_STATUS_UNSPECIFIED: ResultStatus
RESULT_STATUS_PENDING: ResultStatus
RESULT_STATUS_RECORDED: ResultStatus
RESULT_STATUS_REJECTED: ResultStatus

class Result(_message.Message):
    __slots__ = ("result_id", "task_id", "agent_id", "output", "result_hash", "proof", "resource_usage", "status", "pending_action", "pending_correlation_id", "last_error", "revision", "create_time", "update_time")
    RESULT_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    RESULT_HASH_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_USAGE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PENDING_ACTION_FIELD_NUMBER: _ClassVar[int]
    PENDING_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    result_id: str
    task_id: str
    agent_id: str
    output: bytes
    result_hash: bytes
    proof: bytes
    resource_usage: ResourceUsage
    status: ResultStatus
    pending_action: _types_pb2.Action
    pending_correlation_id: str
    last_error: str
    revision: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, result_id: _Optional[str] = ..., task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., output: _Optional[bytes] = ..., result_hash: _Optional[bytes] = ..., proof: _Optional[bytes] = ..., resource_usage: _Optional[_Union[ResourceUsage, _Mapping]] = ..., status: _Optional[_Union[ResultStatus, str]] = ..., pending_action: _Optional[_Union[_types_pb2.Action, str]] = ..., pending_correlation_id: _Optional[str] = ..., last_error: _Optional[str] = ..., revision: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ResourceUsage(_message.Message):
    __slots__ = ("cpu_time_ms", "memory_bytes", "storage_bytes", "bandwidth_bytes", "gpu_time_ms")
    CPU_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    STORAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    BANDWIDTH_BYTES_FIELD_NUMBER: _ClassVar[int]
    GPU_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    cpu_time_ms: int
    memory_bytes: int
    storage_bytes: int
    bandwidth_bytes: int
    gpu_time_ms: int
    def __init__(self, cpu_time_ms: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., storage_bytes: _Optional[int] = ..., bandwidth_bytes: _Optional[int] = ..., gpu_time_ms: _Optional[int] = ...) -> None: ...
