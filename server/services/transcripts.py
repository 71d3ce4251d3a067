"""TranscriptService: what was said in sessions."""

from collections.abc import AsyncIterator

from chamberlain.v1 import transcript_service_pb2 as pb
from chamberlain.v1.transcript_service_pb2_grpc import TranscriptServiceServicer

from server.convert import transcripts as convert
from server.convert.values import timestamp
from server.interceptor import Context
from server.services.calls import Calls
from storage import limits
from storage.events import Filter
from storage.sessions import transcript_search, transcripts
from storage.sessions.transcripts import EntryRange


class TranscriptService(Calls, TranscriptServiceServicer):
    async def AppendTranscript(
        self, request: pb.AppendTranscriptRequest, context: Context
    ) -> pb.AppendTranscriptResponse:
        wanted = convert.append(request)
        appended = await self._commit(transcripts.append, wanted, request)
        return pb.AppendTranscriptResponse(
            first_position=appended.first_position,
            last_position=appended.last_position,
            create_time=timestamp(appended.create_time_us),
        )

    async def StreamTranscript(
        self, requests: AsyncIterator[pb.StreamTranscriptRequest], context: Context
    ) -> pb.StreamTranscriptResponse:
        told = pb.StreamTranscriptResponse()
        session_id = ""
        async for request in requests:
            wanted = convert.streamed(request, session_id)
            session_id = request.session_id = wanted.session_id
            appended = await self._commit(transcripts.append, wanted, request)
            told.appended_count += len(wanted.entries)
            told.last_position = appended.last_position or told.last_position
        return told

    async def ListTranscript(
        self, request: pb.ListTranscriptRequest, context: Context
    ) -> pb.ListTranscriptResponse:
        tokens = await self._pages.tokens(request)
        wanted = convert.transcript(request, tokens)
        page = await self._storage.read(transcripts.page, wanted)
        return pb.ListTranscriptResponse(
            entries=[convert.entry(entry) for entry in page.entries],
            next_page_token=tokens.token(str(page.entries[-1].position) if page.more else ""),
            entry_count=page.entry_count,
        )

    async def SearchTranscripts(
        self, request: pb.SearchTranscriptsRequest, context: Context
    ) -> pb.SearchTranscriptsResponse:
        tokens = await self._pages.tokens(request)
        wanted = convert.search(request, tokens)
        found = await self._storage.read(transcript_search.search, wanted)
        return pb.SearchTranscriptsResponse(
            matches=[convert.match(match) for match in found.matches],
            next_page_token=tokens.token(str(wanted.after + wanted.size) if found.more else ""),
        )

    async def WatchTranscript(
        self, request: pb.WatchTranscriptRequest, context: Context
    ) -> AsyncIterator[pb.WatchTranscriptResponse]:
        session_id, after_position = convert.watched_transcript(request)
        position = await self._storage.read(transcripts.start_of_watch, session_id, after_position)
        yield pb.WatchTranscriptResponse(position=position)
        # The feed only says when to look, and first when it has begun; positions say what is new.
        growing = Filter(entities=convert.WATCHED_BY_TRANSCRIPT, entity_ids=frozenset({session_id}))
        unread = True
        async for batch in self._storage.feed.watch(growing, None):
            unread = unread or bool(batch.events)
            if not unread:
                yield pb.WatchTranscriptResponse(position=position)
            while unread:
                next_page = EntryRange(session_id=session_id, size=limits.PAGE_SIZE_MAX, position=position)
                page = await self._storage.read(transcripts.page, next_page)
                unread = page.more
                position = page.entries[-1].position if page.entries else position
                yield pb.WatchTranscriptResponse(
                    entries=[convert.entry(entry) for entry in page.entries], position=position
                )
