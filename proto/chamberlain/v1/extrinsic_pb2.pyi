import datetime

from chamberlain.v1 import types_pb2 as _types_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExtrinsicStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXTRINSIC_STATUS_UNSPECIFIED: _ClassVar[ExtrinsicStatus]
    EXTRINSIC_STATUS_QUEUED: _ClassVar[ExtrinsicStatus]
    EXTRINSIC_STATUS_SIGNED: _ClassVar[ExtrinsicStatus]
    EXTRINSIC_STATUS_SUBMITTED: _ClassVar[ExtrinsicStatus]
    EXTRINSIC_STATUS_IN_BLOCK: _ClassVar[ExtrinsicStatus]
    EXTRINSIC_STATUS_FINALIZED: _ClassVar[ExtrinsicStatus]
    EXTRINSIC_STATUS_FAILED: _ClassVar[ExtrinsicStatus]
    EXTRINSIC_STATUS_CANCELLED: _ClassVar[ExtrinsicStatus]
    EXTRINSIC_STATUS_DEAD: _ClassVar[ExtrinsicStatus]
EXTRINSIC_STATUS_UNSPECIFIED: ExtrinsicStatus
EXTRINSIC_STATUS_QUEUED: ExtrinsicStatus
EXTRINSIC_STATUS_SIGNED: ExtrinsicStatus
EXTRINSIC_STATUS_SUBMITTED: ExtrinsicStatus
EXTRINSIC_STATUS_IN_BLOCK: ExtrinsicStatus
EXTRINSIC_STATUS_FINALIZED: ExtrinsicStatus
EXTRINSIC_STATUS_FAILED: ExtrinsicStatus
EXTRINSIC_STATUS_CANCELLED: ExtrinsicStatus
EXTRINSIC_STATUS_DEAD: ExtrinsicStatus

class Extrinsic(_message.Message):
    __slots__ = ("correlation_id", "action", "pallet", "call", "payload", "task_id", "agent_id", "signer", "status", "attempt_count", "last_error", "extrinsic_hash", "nonce", "death_block", "block_number", "extrinsic_index", "revision", "create_time", "update_time", "finalize_time")
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PALLET_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    EXTRINSIC_HASH_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    DEATH_BLOCK_FIELD_NUMBER: _ClassVar[int]
    BLOCK_NUMBER_FIELD_NUMBER: _ClassVar[int]
    EXTRINSIC_INDEX_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    FINALIZE_TIME_FIELD_NUMBER: _ClassVar[int]
    correlation_id: str
    action: _types_pb2.Action
    pallet: str
    call: str
    payload: _struct_pb2.Struct
    task_id: str
    agent_id: str
    signer: str
    status: ExtrinsicStatus
    attempt_count: int
    last_error: str
    extrinsic_hash: str
    nonce: int
    death_block: int
    block_number: int
    extrinsic_index: int
    revision: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    finalize_time: _timestamp_pb2.Timestamp
    def __init__(self, correlation_id: _Optional[str] = ..., action: _Optional[_Union[_types_pb2.Action, str]] = ..., pallet: _Optional[str] = ..., call: _Optional[str] = ..., payload: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., signer: _Optional[str] = ..., status: _Optional[_Union[ExtrinsicStatus, str]] = ..., attempt_count: _Optional[int] = ..., last_error: _Optional[str] = ..., extrinsic_hash: _Optional[str] = ..., nonce: _Optional[int] = ..., death_block: _Optional[int] = ..., block_number: _Optional[int] = ..., extrinsic_index: _Optional[int] = ..., revision: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finalize_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SubmissionPause(_message.Message):
    __slots__ = ("signer", "reason", "create_time")
    SIGNER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    signer: str
    reason: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, signer: _Optional[str] = ..., reason: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
