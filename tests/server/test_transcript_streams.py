"""Live transcripts: streamed in, watched as they grow, without gaps."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from chamberlain.v1 import session_service_pb2 as session_pb
from chamberlain.v1 import transcript_service_pb2 as pb
from chamberlain.v1.session_pb2 import SessionStatus
from chamberlain.v1.session_service_pb2_grpc import SessionServiceStub
from chamberlain.v1.transcript_service_pb2_grpc import TranscriptServiceStub
from grpc import StatusCode

from server.app import App
from tests.server.conftest import connected, running, settings
from tests.server.conversation import a_session, an_append, an_entry, an_update, contents
from tests.server.refusals import refused

WAIT_SECONDS = 10.0


def a_message(session_id: str, *said: str, **fields: Any) -> pb.StreamTranscriptRequest:
    entries = [an_entry(content) for content in said]
    return pb.StreamTranscriptRequest(session_id=session_id, entries=entries, **fields)


class Listener:
    """A client that watches a transcript."""

    def __init__(self, transcripts: Any, session_id: str, after_position: int | None = None) -> None:
        request = pb.WatchTranscriptRequest(session_id=session_id, after_position=after_position)
        self._stream = transcripts.WatchTranscript(request)
        self.position = 0

    async def next(self) -> list[str]:
        async with asyncio.timeout(WAIT_SECONDS):
            message = await self._stream.read()
        for place, entry in enumerate(message.entries, start=message.position - len(message.entries) + 1):
            assert entry.position == place
        self.position = message.position
        return [entry.content for entry in message.entries]

    async def hear(self, count: int) -> list[str]:
        """The next entries, exactly so many."""
        heard: list[str] = []
        while len(heard) < count:
            heard += await self.next()
        assert len(heard) == count
        return heard

    def leave(self) -> None:
        self._stream.cancel()


async def test_speech_is_appended_message_by_message(sessions: Any, transcripts: Any) -> None:
    session_id = (await a_session(sessions)).session_id
    stream = transcripts.StreamTranscript()
    await stream.write(a_message(session_id, "one"))
    listener = Listener(transcripts, session_id, 0)
    await listener.next()
    assert await listener.hear(1) == ["one"]  # durable while the stream goes on
    await stream.write(a_message("", "two", "three"))
    await stream.write(a_message(session_id))
    await stream.done_writing()
    told = await stream
    assert (told.appended_count, told.last_position) == (3, 3)
    assert await contents(transcripts, session_id) == ["one", "two", "three"]


async def test_a_stream_without_messages_changes_nothing(transcripts: Any) -> None:
    stream = transcripts.StreamTranscript()
    await stream.done_writing()
    assert await stream == pb.StreamTranscriptResponse()


async def test_a_stream_ends_with_the_first_message_that_is_refused(sessions: Any, transcripts: Any) -> None:
    session_id = (await a_session(sessions)).session_id

    async def speak() -> AsyncIterator[pb.StreamTranscriptRequest]:
        yield a_message(session_id, "kept")
        yield a_message(session_id, "\0")
        yield a_message(session_id, "never")

    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=["entries[0].content"]):
        await transcripts.StreamTranscript(speak())
    assert await contents(transcripts, session_id) == ["kept"]


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([a_message("", "x")], "session_id"),
        ([a_message("no session at all but an id"), a_message("another")], "session_id"),
    ],
)
async def test_a_stream_is_about_one_session(
    sessions: Any, transcripts: Any, messages: list[Any], field: str
) -> None:
    session_id = (await a_session(sessions)).session_id
    for message in messages[:1]:
        if message.session_id:
            message.session_id = session_id

    async def speak() -> AsyncIterator[pb.StreamTranscriptRequest]:
        for message in messages:
            yield message

    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=[field]):
        await transcripts.StreamTranscript(speak())


async def test_a_message_that_is_repeated_after_a_break_is_appended_once(
    sessions: Any, transcripts: Any
) -> None:
    session_id = (await a_session(sessions)).session_id
    broken = transcripts.StreamTranscript()
    await broken.write(a_message(session_id, "one", request_id="1"))
    await Listener(transcripts, session_id, 0).hear(1)
    broken.cancel()

    async def speak() -> AsyncIterator[pb.StreamTranscriptRequest]:
        yield a_message(session_id, "one", request_id="1")
        yield a_message(session_id, "two", request_id="2")

    assert (await transcripts.StreamTranscript(speak())).last_position == 2
    assert await contents(transcripts, session_id) == ["one", "two"]


async def test_a_stream_outlives_the_deadline_of_a_call() -> None:
    async with (
        running(App(settings(default_deadline_seconds=0.2))) as app,
        connected(app) as channel,
    ):
        transcripts: Any = TranscriptServiceStub(channel)
        session_id = (await a_session(SessionServiceStub(channel))).session_id
        stream = transcripts.StreamTranscript()
        await stream.write(a_message(session_id, "one"))
        await asyncio.sleep(0.9)
        await stream.write(a_message(session_id, "two"))
        await stream.done_writing()
        assert (await stream).last_position == 2


async def test_a_server_that_stops_ends_streams_and_watches() -> None:
    app = App(settings())
    async with running(app), connected(app) as channel:
        transcripts: Any = TranscriptServiceStub(channel)
        session_id = (await a_session(SessionServiceStub(channel))).session_id
        stream = transcripts.StreamTranscript()
        await stream.write(a_message(session_id, "one"))
        listener = Listener(transcripts, session_id, 0)
        await listener.hear(1)
        await app.stop()
        with refused(StatusCode.UNAVAILABLE, "SHUTTING_DOWN"):
            await stream
        with refused(StatusCode.UNAVAILABLE, "SHUTTING_DOWN"):
            while True:
                await listener.next()


async def test_a_message_may_be_too_large(sessions: Any, transcripts: Any) -> None:
    session_id = (await a_session(sessions)).session_id
    stream = transcripts.StreamTranscript()
    await stream.write(a_message(session_id, "x" * ((1 << 20) + (64 << 10))))
    with refused(StatusCode.INVALID_ARGUMENT, "REQUEST_TOO_LARGE"):
        await stream


async def test_a_watch_hears_what_is_said_from_its_position_on(sessions: Any, transcripts: Any) -> None:
    session_id = (await a_session(sessions)).session_id
    other = (await a_session(sessions)).session_id
    await transcripts.AppendTranscript(an_append(session_id, "1", "2", "3"))
    now, later = Listener(transcripts, session_id), Listener(transcripts, session_id, 1)
    assert (await now.next(), now.position) == ([], 3)
    assert (await later.next(), later.position) == ([], 1)
    assert await later.hear(2) == ["2", "3"]
    await transcripts.AppendTranscript(an_append(other, "unheard"))
    await transcripts.AppendTranscript(an_append(session_id, "4"))
    assert await now.hear(1) == await later.hear(1) == ["4"]


async def test_a_listener_that_comes_and_goes_misses_nothing_and_hears_nothing_twice(
    sessions: Any, transcripts: Any
) -> None:
    session_id = (await a_session(sessions)).session_id

    async def speak(speaker: int) -> None:
        for turn in range(20):
            await transcripts.AppendTranscript(
                an_append(session_id, f"{speaker}/{turn}/a", f"{speaker}/{turn}/b")
            )

    speaking = asyncio.gather(*(speak(speaker) for speaker in range(5)))
    heard: list[str] = []
    position = 0
    while len(heard) < 200:
        listener = Listener(transcripts, session_id, position)
        for _ in range(4):
            heard += await listener.next()
            if len(heard) == 200:
                break
        position = listener.position
        listener.leave()
    await speaking
    assert heard == await contents(transcripts, session_id)


async def test_a_silent_watch_has_a_heartbeat() -> None:
    async with (
        running(App(settings(watch_heartbeat_seconds=0.02))) as app,
        connected(app) as channel,
    ):
        session_id = (await a_session(SessionServiceStub(channel))).session_id
        listener = Listener(TranscriptServiceStub(channel), session_id)
        for _ in range(5):
            assert await listener.next() == []


async def test_a_watch_goes_on_when_the_session_ends_and_ends_when_it_is_deleted(
    sessions: Any, transcripts: Any
) -> None:
    session_id = (await a_session(sessions)).session_id
    listener = Listener(transcripts, session_id)
    await listener.next()
    await sessions.UpdateSession(an_update(session_id, status=SessionStatus.SESSION_STATUS_EXPIRED))
    assert await listener.next() == []
    await sessions.DeleteSession(session_pb.DeleteSessionRequest(session_id=session_id))
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND", resource=session_id):
        while True:
            await listener.next()


async def test_a_watch_that_cannot_begin_is_refused(sessions: Any, transcripts: Any) -> None:
    session_id = (await a_session(sessions)).session_id
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_CURSOR", fields=["after_position"]):
        await Listener(transcripts, session_id, 1).next()
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=["after_position"]):
        await Listener(transcripts, session_id, -1).next()
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        await Listener(transcripts, "nobody").next()
