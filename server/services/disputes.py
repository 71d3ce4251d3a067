"""The calls of OrchestratorService that concern disputes and what parties agreed on."""

from chamberlain.v1 import orchestrator_service_pb2 as pb

from server.convert import disputes as convert
from server.convert import tasks as convert_tasks
from server.convert.requests import key
from server.interceptor import Context
from server.services.calls import Calls, tell_correlation
from storage.market import agreements, disputes


class DisputeCalls(Calls):
    async def DisputeTask(self, request: pb.DisputeTaskRequest, context: Context) -> pb.DisputeTaskResponse:
        receipt = await self._commit(disputes.raise_, convert.dispute(request), request)
        tell_correlation(context, receipt.correlation_id)
        return pb.DisputeTaskResponse(
            task=convert_tasks.task(receipt.record), correlation_id=receipt.correlation_id
        )

    async def ResolveDispute(
        self, request: pb.ResolveDisputeRequest, context: Context
    ) -> pb.ResolveDisputeResponse:
        receipt = await self._commit(disputes.resolve, convert.resolution(request), request)
        return pb.ResolveDisputeResponse(task=convert_tasks.task(receipt.record))

    async def GetAgreement(
        self, request: pb.GetAgreementRequest, context: Context
    ) -> pb.GetAgreementResponse:
        task_id = key(request, "task_id")
        found = await self._storage.fetch(agreements.get_of_task, task_id)
        return pb.GetAgreementResponse(agreement=convert.agreement(found))
