import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EntryRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_ROLE_UNSPECIFIED: _ClassVar[EntryRole]
    ENTRY_ROLE_PROMPT: _ClassVar[EntryRole]
    ENTRY_ROLE_RESPONSE: _ClassVar[EntryRole]
    ENTRY_ROLE_CHUNK: _ClassVar[EntryRole]
    ENTRY_ROLE_COMBINED: _ClassVar[EntryRole]
    ENTRY_ROLE_USER: _ClassVar[EntryRole]
    ENTRY_ROLE_AGENT: _ClassVar[EntryRole]
    ENTRY_ROLE_SYSTEM: _ClassVar[EntryRole]
    ENTRY_ROLE_TOOL: _ClassVar[EntryRole]
ENTRY_ROLE_UNSPECIFIED: EntryRole
ENTRY_ROLE_PROMPT: EntryRole
ENTRY_ROLE_RESPONSE: EntryRole
ENTRY_ROLE_CHUNK: EntryRole
ENTRY_ROLE_COMBINED: EntryRole
ENTRY_ROLE_USER: EntryRole
ENTRY_ROLE_AGENT: EntryRole
ENTRY_ROLE_SYSTEM: EntryRole
ENTRY_ROLE_TOOL: EntryRole

class ToolCall(_message.Message):
    __slots__ = ("call_id", "name", "arguments", "result")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    name: str
    arguments: _struct_pb2.Struct
    result: str
    def __init__(self, call_id: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., result: _Optional[str] = ...) -> None: ...

class TranscriptEntry(_message.Message):
    __slots__ = ("position", "role", "content", "phase", "iteration", "model", "input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens", "tool_calls", "parent_position", "create_time")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_CREATION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_READ_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    PARENT_POSITION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    position: int
    role: EntryRole
    content: str
    phase: str
    iteration: int
    model: str
    input_tokens: int
    output_tokens: int
    cache_creation_tokens: int
    cache_read_tokens: int
    tool_calls: _containers.RepeatedCompositeFieldContainer[ToolCall]
    parent_position: int
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, position: _Optional[int] = ..., role: _Optional[_Union[EntryRole, str]] = ..., content: _Optional[str] = ..., phase: _Optional[str] = ..., iteration: _Optional[int] = ..., model: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cache_creation_tokens: _Optional[int] = ..., cache_read_tokens: _Optional[int] = ..., tool_calls: _Optional[_Iterable[_Union[ToolCall, _Mapping]]] = ..., parent_position: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
