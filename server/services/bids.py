"""The calls of OrchestratorService that concern bids."""

from chamberlain.v1 import orchestrator_service_pb2 as pb

from server.convert import bids as convert
from server.interceptor import Context
from server.services.calls import Calls, tell_correlation
from storage.market import bids, lists


class BidCalls(Calls):
    async def SubmitBid(self, request: pb.SubmitBidRequest, context: Context) -> pb.SubmitBidResponse:
        new_bid = convert.new_bid(request)
        receipt = await self._commit(bids.submit, new_bid, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.SubmitBidResponse(bid=convert.bid(receipt.record), correlation_id=receipt.correlation_id)

    async def RevealBid(self, request: pb.RevealBidRequest, context: Context) -> pb.RevealBidResponse:
        reveal = convert.reveal(request)
        receipt = await self._commit(bids.reveal, reveal, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.RevealBidResponse(bid=convert.bid(receipt.record), correlation_id=receipt.correlation_id)

    async def ListBids(self, request: pb.ListBidsRequest, context: Context) -> pb.ListBidsResponse:
        tokens = await self._pages.tokens(request)
        page = await self._storage.read(lists.bids, convert.bids(request, tokens))
        return pb.ListBidsResponse(
            bids=[convert.bid(record) for record in page.records],
            next_page_token=tokens.token(page.next_key),
            total_size=page.total_size,
        )
