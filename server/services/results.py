"""The calls of OrchestratorService that concern results."""

from chamberlain.v1 import orchestrator_service_pb2 as pb

from server.convert import results as convert
from server.interceptor import Context
from server.services.calls import Calls, tell_correlation
from storage.market import lists, results


class ResultCalls(Calls):
    async def SubmitResult(
        self, request: pb.SubmitResultRequest, context: Context
    ) -> pb.SubmitResultResponse:
        new_result = convert.new_result(request)
        receipt = await self._commit(results.submit, new_result, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.SubmitResultResponse(
            result=convert.result(receipt.record), correlation_id=receipt.correlation_id
        )

    async def GetResult(self, request: pb.GetResultRequest, context: Context) -> pb.GetResultResponse:
        query = results.get_of_task if request.HasField("task_id") else results.get
        found = await self._storage.fetch(query, convert.result_key(request))
        return pb.GetResultResponse(result=convert.result(found.result, found.output))

    async def ListResults(self, request: pb.ListResultsRequest, context: Context) -> pb.ListResultsResponse:
        tokens = await self._pages.tokens(request)
        page = await self._storage.read(lists.results, convert.results(request, tokens))
        return pb.ListResultsResponse(
            results=[convert.result(record) for record in page.records],
            next_page_token=tokens.token(page.next_key),
            total_size=page.total_size,
        )
