import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AuditFaultKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_FAULT_KIND_UNSPECIFIED: _ClassVar[AuditFaultKind]
    AUDIT_FAULT_KIND_CHANGED: _ClassVar[AuditFaultKind]
    AUDIT_FAULT_KIND_MISSING: _ClassVar[AuditFaultKind]
    AUDIT_FAULT_KIND_TRUNCATED: _ClassVar[AuditFaultKind]
    AUDIT_FAULT_KIND_UNCHAINED: _ClassVar[AuditFaultKind]
    AUDIT_FAULT_KIND_CHECKPOINT_MISSING: _ClassVar[AuditFaultKind]
    AUDIT_FAULT_KIND_ANCHOR_MISMATCH: _ClassVar[AuditFaultKind]
AUDIT_FAULT_KIND_UNSPECIFIED: AuditFaultKind
AUDIT_FAULT_KIND_CHANGED: AuditFaultKind
AUDIT_FAULT_KIND_MISSING: AuditFaultKind
AUDIT_FAULT_KIND_TRUNCATED: AuditFaultKind
AUDIT_FAULT_KIND_UNCHAINED: AuditFaultKind
AUDIT_FAULT_KIND_CHECKPOINT_MISSING: AuditFaultKind
AUDIT_FAULT_KIND_ANCHOR_MISMATCH: AuditFaultKind

class AuditEntry(_message.Message):
    __slots__ = ("number", "time", "actor", "method", "target_type", "target_id", "result", "trace_id", "correlation_id", "counts", "previous_hash", "hash", "status", "subject")
    class CountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TARGET_TYPE_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_HASH_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    number: int
    time: _timestamp_pb2.Timestamp
    actor: str
    method: str
    target_type: str
    target_id: str
    result: str
    trace_id: str
    correlation_id: str
    counts: _containers.ScalarMap[str, int]
    previous_hash: str
    hash: str
    status: str
    subject: str
    def __init__(self, number: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., method: _Optional[str] = ..., target_type: _Optional[str] = ..., target_id: _Optional[str] = ..., result: _Optional[str] = ..., trace_id: _Optional[str] = ..., correlation_id: _Optional[str] = ..., counts: _Optional[_Mapping[str, int]] = ..., previous_hash: _Optional[str] = ..., hash: _Optional[str] = ..., status: _Optional[str] = ..., subject: _Optional[str] = ...) -> None: ...

class AuditFilter(_message.Message):
    __slots__ = ("actor", "method", "target_type", "target_id", "trace_id", "begin_time", "end_time")
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TARGET_TYPE_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    BEGIN_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    actor: str
    method: str
    target_type: str
    target_id: str
    trace_id: str
    begin_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, actor: _Optional[str] = ..., method: _Optional[str] = ..., target_type: _Optional[str] = ..., target_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., begin_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListAuditRequest(_message.Message):
    __slots__ = ("filter", "oldest_first", "page_size", "page_token")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    filter: AuditFilter
    oldest_first: bool
    page_size: int
    page_token: str
    def __init__(self, filter: _Optional[_Union[AuditFilter, _Mapping]] = ..., oldest_first: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAuditResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[AuditEntry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[AuditEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class VerifyAuditRequest(_message.Message):
    __slots__ = ("anchor_number", "anchor_hash")
    ANCHOR_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_HASH_FIELD_NUMBER: _ClassVar[int]
    anchor_number: int
    anchor_hash: str
    def __init__(self, anchor_number: _Optional[int] = ..., anchor_hash: _Optional[str] = ...) -> None: ...

class AuditFault(_message.Message):
    __slots__ = ("number", "kind", "description")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    number: int
    kind: AuditFaultKind
    description: str
    def __init__(self, number: _Optional[int] = ..., kind: _Optional[_Union[AuditFaultKind, str]] = ..., description: _Optional[str] = ...) -> None: ...

class VerifyAuditResponse(_message.Message):
    __slots__ = ("first_number", "verified_number", "head_number", "head_hash", "done", "fault", "anchor_checked")
    FIRST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_NUMBER_FIELD_NUMBER: _ClassVar[int]
    HEAD_NUMBER_FIELD_NUMBER: _ClassVar[int]
    HEAD_HASH_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_CHECKED_FIELD_NUMBER: _ClassVar[int]
    first_number: int
    verified_number: int
    head_number: int
    head_hash: str
    done: bool
    fault: AuditFault
    anchor_checked: bool
    def __init__(self, first_number: _Optional[int] = ..., verified_number: _Optional[int] = ..., head_number: _Optional[int] = ..., head_hash: _Optional[str] = ..., done: _Optional[bool] = ..., fault: _Optional[_Union[AuditFault, _Mapping]] = ..., anchor_checked: _Optional[bool] = ...) -> None: ...

class ExportAuditRequest(_message.Message):
    __slots__ = ("filter", "after_number")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    AFTER_NUMBER_FIELD_NUMBER: _ClassVar[int]
    filter: AuditFilter
    after_number: int
    def __init__(self, filter: _Optional[_Union[AuditFilter, _Mapping]] = ..., after_number: _Optional[int] = ...) -> None: ...

class ExportAuditResponse(_message.Message):
    __slots__ = ("ndjson", "last_number")
    NDJSON_FIELD_NUMBER: _ClassVar[int]
    LAST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ndjson: bytes
    last_number: int
    def __init__(self, ndjson: _Optional[bytes] = ..., last_number: _Optional[int] = ...) -> None: ...
