"""The calls of OrchestratorService that concern results."""

from chamberlain.v1 import orchestrator_service_pb2 as pb

from server import convert_filters, convert_records, convert_requests
from server.interceptor import Context
from server.services.calls import Calls, tell_correlation
from storage import lists, results


class ResultCalls(Calls):
    async def SubmitResult(
        self, request: pb.SubmitResultRequest, context: Context
    ) -> pb.SubmitResultResponse:
        new_result = convert_requests.new_result(request)
        receipt = await self._commit(results.submit, new_result, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.SubmitResultResponse(
            result=convert_records.result(receipt.record), correlation_id=receipt.correlation_id
        )

    async def GetResult(self, request: pb.GetResultRequest, context: Context) -> pb.GetResultResponse:
        query = results.get_of_task if request.HasField("task_id") else results.get
        found = await self._storage.fetch(query, convert_requests.result_key(request))
        return pb.GetResultResponse(result=convert_records.result(found.result, found.output))

    async def ListResults(self, request: pb.ListResultsRequest, context: Context) -> pb.ListResultsResponse:
        tokens = await self._pages.tokens(request)
        page = await self._storage.read(lists.results, convert_filters.results(request, tokens))
        return pb.ListResultsResponse(
            results=[convert_records.result(record) for record in page.records],
            next_page_token=tokens.token(page.next_key),
            total_size=page.total_size,
        )
