"""ChainService: what the chain reported, and how it is read anew."""

import asyncio
from collections.abc import AsyncIterator

from chamberlain.v1 import chain_service_pb2 as pb
from chamberlain.v1.chain_service_pb2_grpc import ChainServiceServicer

from server.convert import chain as convert
from server.convert.requests import cursor
from server.interceptor import Context, current_call
from server.services.calls import Calls
from storage.chain import lists as chain_lists
from storage.chain import replay
from storage.feed import Cursor

PROGRESS_SECONDS = 0.5


class ChainService(Calls, ChainServiceServicer):
    async def ListChainEvents(
        self, request: pb.ListChainEventsRequest, context: Context
    ) -> pb.ListChainEventsResponse:
        tokens = await self._pages.tokens(request)
        page = await self._storage.read(chain_lists.chain_events, convert.chain_events(request, tokens))
        return pb.ListChainEventsResponse(
            events=[convert.chain_event(record) for record in page.records],
            next_page_token=tokens.token(page.next_key),
            total_size=page.total_size,
            watch_cursor=Cursor(log_id=page.log.log_id, number=page.chain_position).text(),
        )

    async def WatchChainEvents(
        self, request: pb.WatchChainEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchChainEventsResponse]:
        pallets = convert.watched_pallets(request)
        after = cursor(request.after_cursor)
        async for batch in self._storage.feed.watch_chain(pallets, after):
            yield pb.WatchChainEventsResponse(
                events=[convert.chain_event(event) for event in batch.events],
                cursor=batch.cursor.text(),
            )

    async def RedecodeChainEvents(
        self, request: pb.RedecodeChainEventsRequest, context: Context
    ) -> AsyncIterator[pb.RedecodeChainEventsResponse]:
        async for progress in self._replay(None):
            yield pb.RedecodeChainEventsResponse(replay=progress)

    async def ReplayChain(
        self, request: pb.ReplayChainRequest, context: Context
    ) -> AsyncIterator[pb.ReplayChainResponse]:
        async for progress in self._replay(request.first_block):
            yield pb.ReplayChainResponse(replay=progress)

    async def _replay(self, first_block: int | None) -> AsyncIterator[pb.ChainReplay]:
        """Ask for a replay, and report on it until it is over."""
        wanted = replay.Request(first_block=first_block)
        asked = await self._storage.commit(replay.request, wanted, deed=current_call().deed)
        first_block = asked.first_block or 0
        now: replay.Replay | None = asked
        while now is not None:
            over = now.first_block is None
            yield pb.ChainReplay(
                first_block=first_block,
                next_block=now.next_block,
                last_block=now.last_block,
                done=over,
                error=now.error,
            )
            if over:
                return
            await asyncio.sleep(PROGRESS_SECONDS)
            now = await self._storage.read(replay.state)
