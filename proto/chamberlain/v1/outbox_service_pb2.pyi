from chamberlain.v1 import extrinsic_pb2 as _extrinsic_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnqueueExtrinsicRequest(_message.Message):
    __slots__ = ("pallet", "call", "payload", "signer", "request_id")
    PALLET_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    SIGNER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    pallet: str
    call: str
    payload: _struct_pb2.Struct
    signer: str
    request_id: str
    def __init__(self, pallet: _Optional[str] = ..., call: _Optional[str] = ..., payload: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., signer: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class EnqueueExtrinsicResponse(_message.Message):
    __slots__ = ("extrinsic", "correlation_id")
    EXTRINSIC_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    extrinsic: _extrinsic_pb2.Extrinsic
    correlation_id: str
    def __init__(self, extrinsic: _Optional[_Union[_extrinsic_pb2.Extrinsic, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class GetExtrinsicRequest(_message.Message):
    __slots__ = ("correlation_id",)
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    correlation_id: str
    def __init__(self, correlation_id: _Optional[str] = ...) -> None: ...

class GetExtrinsicResponse(_message.Message):
    __slots__ = ("extrinsic",)
    EXTRINSIC_FIELD_NUMBER: _ClassVar[int]
    extrinsic: _extrinsic_pb2.Extrinsic
    def __init__(self, extrinsic: _Optional[_Union[_extrinsic_pb2.Extrinsic, _Mapping]] = ...) -> None: ...

class ListExtrinsicsRequest(_message.Message):
    __slots__ = ("status", "task_id", "agent_id", "page_size", "page_token", "include_total_size")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    status: _extrinsic_pb2.ExtrinsicStatus
    task_id: str
    agent_id: str
    page_size: int
    page_token: str
    include_total_size: bool
    def __init__(self, status: _Optional[_Union[_extrinsic_pb2.ExtrinsicStatus, str]] = ..., task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_total_size: _Optional[bool] = ...) -> None: ...

class ListExtrinsicsResponse(_message.Message):
    __slots__ = ("extrinsics", "next_page_token", "total_size", "watch_cursor")
    EXTRINSICS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    WATCH_CURSOR_FIELD_NUMBER: _ClassVar[int]
    extrinsics: _containers.RepeatedCompositeFieldContainer[_extrinsic_pb2.Extrinsic]
    next_page_token: str
    total_size: int
    watch_cursor: str
    def __init__(self, extrinsics: _Optional[_Iterable[_Union[_extrinsic_pb2.Extrinsic, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ..., watch_cursor: _Optional[str] = ...) -> None: ...

class WatchExtrinsicsRequest(_message.Message):
    __slots__ = ("after_cursor", "correlation_ids")
    AFTER_CURSOR_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_IDS_FIELD_NUMBER: _ClassVar[int]
    after_cursor: str
    correlation_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, after_cursor: _Optional[str] = ..., correlation_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchExtrinsicsResponse(_message.Message):
    __slots__ = ("extrinsics", "cursor")
    EXTRINSICS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    extrinsics: _containers.RepeatedCompositeFieldContainer[_extrinsic_pb2.Extrinsic]
    cursor: str
    def __init__(self, extrinsics: _Optional[_Iterable[_Union[_extrinsic_pb2.Extrinsic, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class RequeueExtrinsicRequest(_message.Message):
    __slots__ = ("correlation_id", "request_id")
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    correlation_id: str
    request_id: str
    def __init__(self, correlation_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RequeueExtrinsicResponse(_message.Message):
    __slots__ = ("extrinsic",)
    EXTRINSIC_FIELD_NUMBER: _ClassVar[int]
    extrinsic: _extrinsic_pb2.Extrinsic
    def __init__(self, extrinsic: _Optional[_Union[_extrinsic_pb2.Extrinsic, _Mapping]] = ...) -> None: ...

class CancelExtrinsicRequest(_message.Message):
    __slots__ = ("correlation_id", "request_id")
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    correlation_id: str
    request_id: str
    def __init__(self, correlation_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CancelExtrinsicResponse(_message.Message):
    __slots__ = ("extrinsic",)
    EXTRINSIC_FIELD_NUMBER: _ClassVar[int]
    extrinsic: _extrinsic_pb2.Extrinsic
    def __init__(self, extrinsic: _Optional[_Union[_extrinsic_pb2.Extrinsic, _Mapping]] = ...) -> None: ...

class PauseSubmissionRequest(_message.Message):
    __slots__ = ("signer", "reason", "request_id")
    SIGNER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    signer: str
    reason: str
    request_id: str
    def __init__(self, signer: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class PauseSubmissionResponse(_message.Message):
    __slots__ = ("pauses", "unknown_signer")
    PAUSES_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_SIGNER_FIELD_NUMBER: _ClassVar[int]
    pauses: _containers.RepeatedCompositeFieldContainer[_extrinsic_pb2.SubmissionPause]
    unknown_signer: bool
    def __init__(self, pauses: _Optional[_Iterable[_Union[_extrinsic_pb2.SubmissionPause, _Mapping]]] = ..., unknown_signer: _Optional[bool] = ...) -> None: ...

class ResumeSubmissionRequest(_message.Message):
    __slots__ = ("signer", "request_id")
    SIGNER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    signer: str
    request_id: str
    def __init__(self, signer: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ResumeSubmissionResponse(_message.Message):
    __slots__ = ("pauses",)
    PAUSES_FIELD_NUMBER: _ClassVar[int]
    pauses: _containers.RepeatedCompositeFieldContainer[_extrinsic_pb2.SubmissionPause]
    def __init__(self, pauses: _Optional[_Iterable[_Union[_extrinsic_pb2.SubmissionPause, _Mapping]]] = ...) -> None: ...

class GetSubmissionRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSubmissionResponse(_message.Message):
    __slots__ = ("paused", "pauses")
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    PAUSES_FIELD_NUMBER: _ClassVar[int]
    paused: bool
    pauses: _containers.RepeatedCompositeFieldContainer[_extrinsic_pb2.SubmissionPause]
    def __init__(self, paused: _Optional[bool] = ..., pauses: _Optional[_Iterable[_Union[_extrinsic_pb2.SubmissionPause, _Mapping]]] = ...) -> None: ...
