"""Requests about sessions with sensible contents."""

from collections.abc import Mapping
from typing import Any

from chamberlain.v1 import session_service_pb2 as pb
from chamberlain.v1 import transcript_service_pb2 as transcript_pb
from chamberlain.v1.session_pb2 import Session
from chamberlain.v1.transcript_pb2 import ENTRY_ROLE_USER, TranscriptEntry
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct


def a_struct(values: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct


def an_entry(content: str = "hello", **fields: Any) -> TranscriptEntry:
    given: dict[str, Any] = {"role": ENTRY_ROLE_USER, "content": content}
    return TranscriptEntry(**given | fields)


def an_append(session_id: str, *contents: str, **fields: Any) -> transcript_pb.AppendTranscriptRequest:
    entries = [an_entry(content) for content in contents]
    return transcript_pb.AppendTranscriptRequest(session_id=session_id, entries=entries, **fields)


def an_update(
    session_id: str, *, revision: int = 0, reason: str = "", **fields: Any
) -> pb.UpdateSessionRequest:
    """An update of the fields that are given."""
    return pb.UpdateSessionRequest(
        session=Session(session_id=session_id, **fields),
        update_mask=FieldMask(paths=list(fields)),
        revision=revision,
        reason=reason,
    )


async def a_session(sessions: Any, **fields: Any) -> Session:
    given: dict[str, Any] = {"role": "planner", "metadata": a_struct({"mood": "calm"})}
    created: Session = (await sessions.CreateSession(pb.CreateSessionRequest(**given | fields))).session
    return created


async def contents(transcripts: Any, session_id: str) -> list[str]:
    request = transcript_pb.ListTranscriptRequest(session_id=session_id, page_size=200)
    return [entry.content for entry in (await transcripts.ListTranscript(request)).entries]
