import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RedecodeChainEventsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RedecodeChainEventsResponse(_message.Message):
    __slots__ = ("replay",)
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    replay: ChainReplay
    def __init__(self, replay: _Optional[_Union[ChainReplay, _Mapping]] = ...) -> None: ...

class ReplayChainRequest(_message.Message):
    __slots__ = ("first_block",)
    FIRST_BLOCK_FIELD_NUMBER: _ClassVar[int]
    first_block: int
    def __init__(self, first_block: _Optional[int] = ...) -> None: ...

class ReplayChainResponse(_message.Message):
    __slots__ = ("replay",)
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    replay: ChainReplay
    def __init__(self, replay: _Optional[_Union[ChainReplay, _Mapping]] = ...) -> None: ...

class ChainReplay(_message.Message):
    __slots__ = ("first_block", "next_block", "last_block", "done", "error")
    FIRST_BLOCK_FIELD_NUMBER: _ClassVar[int]
    NEXT_BLOCK_FIELD_NUMBER: _ClassVar[int]
    LAST_BLOCK_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    first_block: int
    next_block: int
    last_block: int
    done: bool
    error: str
    def __init__(self, first_block: _Optional[int] = ..., next_block: _Optional[int] = ..., last_block: _Optional[int] = ..., done: _Optional[bool] = ..., error: _Optional[str] = ...) -> None: ...

class ChainEvent(_message.Message):
    __slots__ = ("block_number", "event_index", "pallet", "event", "payload", "extrinsic_index", "correlation_id", "anomaly", "block_time")
    BLOCK_NUMBER_FIELD_NUMBER: _ClassVar[int]
    EVENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    PALLET_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    EXTRINSIC_INDEX_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    ANOMALY_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TIME_FIELD_NUMBER: _ClassVar[int]
    block_number: int
    event_index: int
    pallet: str
    event: str
    payload: _struct_pb2.Struct
    extrinsic_index: int
    correlation_id: str
    anomaly: str
    block_time: _timestamp_pb2.Timestamp
    def __init__(self, block_number: _Optional[int] = ..., event_index: _Optional[int] = ..., pallet: _Optional[str] = ..., event: _Optional[str] = ..., payload: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., extrinsic_index: _Optional[int] = ..., correlation_id: _Optional[str] = ..., anomaly: _Optional[str] = ..., block_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListChainEventsRequest(_message.Message):
    __slots__ = ("pallet", "event", "correlation_id", "first_block", "last_block", "page_size", "page_token", "include_total_size")
    PALLET_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_BLOCK_FIELD_NUMBER: _ClassVar[int]
    LAST_BLOCK_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    pallet: str
    event: str
    correlation_id: str
    first_block: int
    last_block: int
    page_size: int
    page_token: str
    include_total_size: bool
    def __init__(self, pallet: _Optional[str] = ..., event: _Optional[str] = ..., correlation_id: _Optional[str] = ..., first_block: _Optional[int] = ..., last_block: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_total_size: _Optional[bool] = ...) -> None: ...

class ListChainEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token", "total_size", "watch_cursor")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    WATCH_CURSOR_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[ChainEvent]
    next_page_token: str
    total_size: int
    watch_cursor: str
    def __init__(self, events: _Optional[_Iterable[_Union[ChainEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ..., watch_cursor: _Optional[str] = ...) -> None: ...

class WatchChainEventsRequest(_message.Message):
    __slots__ = ("after_cursor", "pallets")
    AFTER_CURSOR_FIELD_NUMBER: _ClassVar[int]
    PALLETS_FIELD_NUMBER: _ClassVar[int]
    after_cursor: str
    pallets: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, after_cursor: _Optional[str] = ..., pallets: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchChainEventsResponse(_message.Message):
    __slots__ = ("events", "cursor")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[ChainEvent]
    cursor: str
    def __init__(self, events: _Optional[_Iterable[_Union[ChainEvent, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...
