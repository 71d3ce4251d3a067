import datetime

from chamberlain.v1 import transcript_pb2 as _transcript_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AppendTranscriptRequest(_message.Message):
    __slots__ = ("session_id", "entries", "request_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    entries: _containers.RepeatedCompositeFieldContainer[_transcript_pb2.TranscriptEntry]
    request_id: str
    def __init__(self, session_id: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[_transcript_pb2.TranscriptEntry, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class AppendTranscriptResponse(_message.Message):
    __slots__ = ("first_position", "last_position", "create_time")
    FIRST_POSITION_FIELD_NUMBER: _ClassVar[int]
    LAST_POSITION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    first_position: int
    last_position: int
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, first_position: _Optional[int] = ..., last_position: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StreamTranscriptRequest(_message.Message):
    __slots__ = ("session_id", "entries", "request_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    entries: _containers.RepeatedCompositeFieldContainer[_transcript_pb2.TranscriptEntry]
    request_id: str
    def __init__(self, session_id: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[_transcript_pb2.TranscriptEntry, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StreamTranscriptResponse(_message.Message):
    __slots__ = ("appended_count", "last_position")
    APPENDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_POSITION_FIELD_NUMBER: _ClassVar[int]
    appended_count: int
    last_position: int
    def __init__(self, appended_count: _Optional[int] = ..., last_position: _Optional[int] = ...) -> None: ...

class ListTranscriptRequest(_message.Message):
    __slots__ = ("session_id", "newest_first", "page_size", "page_token")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    newest_first: bool
    page_size: int
    page_token: str
    def __init__(self, session_id: _Optional[str] = ..., newest_first: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTranscriptResponse(_message.Message):
    __slots__ = ("entries", "next_page_token", "entry_count")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ENTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_transcript_pb2.TranscriptEntry]
    next_page_token: str
    entry_count: int
    def __init__(self, entries: _Optional[_Iterable[_Union[_transcript_pb2.TranscriptEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., entry_count: _Optional[int] = ...) -> None: ...

class SearchTranscriptsRequest(_message.Message):
    __slots__ = ("query", "session_id", "session_role", "task_id", "role", "begin_time", "end_time", "page_size", "page_token")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ROLE_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    BEGIN_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    query: str
    session_id: str
    session_role: str
    task_id: str
    role: _transcript_pb2.EntryRole
    begin_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, query: _Optional[str] = ..., session_id: _Optional[str] = ..., session_role: _Optional[str] = ..., task_id: _Optional[str] = ..., role: _Optional[_Union[_transcript_pb2.EntryRole, str]] = ..., begin_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class SnippetPart(_message.Message):
    __slots__ = ("text", "matched")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    text: str
    matched: bool
    def __init__(self, text: _Optional[str] = ..., matched: _Optional[bool] = ...) -> None: ...

class TranscriptMatch(_message.Message):
    __slots__ = ("session_id", "entry", "rank", "snippet")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    SNIPPET_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    entry: _transcript_pb2.TranscriptEntry
    rank: float
    snippet: _containers.RepeatedCompositeFieldContainer[SnippetPart]
    def __init__(self, session_id: _Optional[str] = ..., entry: _Optional[_Union[_transcript_pb2.TranscriptEntry, _Mapping]] = ..., rank: _Optional[float] = ..., snippet: _Optional[_Iterable[_Union[SnippetPart, _Mapping]]] = ...) -> None: ...

class SearchTranscriptsResponse(_message.Message):
    __slots__ = ("matches", "next_page_token")
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    matches: _containers.RepeatedCompositeFieldContainer[TranscriptMatch]
    next_page_token: str
    def __init__(self, matches: _Optional[_Iterable[_Union[TranscriptMatch, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchTranscriptRequest(_message.Message):
    __slots__ = ("session_id", "after_position")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_POSITION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    after_position: int
    def __init__(self, session_id: _Optional[str] = ..., after_position: _Optional[int] = ...) -> None: ...

class WatchTranscriptResponse(_message.Message):
    __slots__ = ("entries", "position")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_transcript_pb2.TranscriptEntry]
    position: int
    def __init__(self, entries: _Optional[_Iterable[_Union[_transcript_pb2.TranscriptEntry, _Mapping]]] = ..., position: _Optional[int] = ...) -> None: ...
