"""ChainService: what the chain reported."""

from collections.abc import AsyncIterator

from chamberlain.v1 import chain_service_pb2 as pb
from chamberlain.v1.chain_service_pb2_grpc import ChainServiceServicer

from server import convert_filters, convert_records
from server.interceptor import Context
from server.services.calls import Calls
from storage import lists
from storage.feed import Cursor


class ChainService(Calls, ChainServiceServicer):
    async def ListChainEvents(
        self, request: pb.ListChainEventsRequest, context: Context
    ) -> pb.ListChainEventsResponse:
        tokens = await self._pages.tokens(request)
        listed = await self._storage.read(lists.chain_events, convert_filters.chain_events(request, tokens))
        return pb.ListChainEventsResponse(
            events=[convert_records.chain_event(record) for record in listed.records],
            next_page_token=tokens.token(listed.next_key),
            total_size=listed.total_size,
            watch_cursor=Cursor(log_id=listed.log.log_id, number=listed.chain_position).text(),
        )

    async def WatchChainEvents(
        self, request: pb.WatchChainEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchChainEventsResponse]:
        pallets = convert_filters.watched_pallets(request)
        after = convert_filters.cursor(request.after_cursor)
        async for batch in self._storage.feed.watch_chain(pallets, after):
            yield pb.WatchChainEventsResponse(
                events=[convert_records.chain_event(event) for event in batch.events],
                cursor=batch.cursor.text(),
            )
