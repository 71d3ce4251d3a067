"""ApprovalService: decisions that a person must make before an agent continues."""

from collections.abc import AsyncIterator

from chamberlain.v1 import approval_service_pb2 as pb
from chamberlain.v1.approval_service_pb2_grpc import ApprovalServiceServicer

from server.convert import approvals as convert
from server.convert.requests import cursor, key
from server.interceptor import Context
from server.services.calls import Calls
from storage.events import Filter
from storage.feed import Cursor
from storage.lifecycle import APPROVAL
from storage.sessions import approvals


class ApprovalService(Calls, ApprovalServiceServicer):
    async def RequestApproval(
        self, request: pb.RequestApprovalRequest, context: Context
    ) -> pb.RequestApprovalResponse:
        new_approval = convert.new_approval(request)
        approval = await self._commit(approvals.request, new_approval, request)
        return pb.RequestApprovalResponse(approval=convert.approval(approval))

    async def DecideApproval(
        self, request: pb.DecideApprovalRequest, context: Context
    ) -> pb.DecideApprovalResponse:
        decision = convert.decision(request)
        approval = await self._commit(approvals.end, decision, request)
        return pb.DecideApprovalResponse(approval=convert.approval(approval))

    async def CancelApproval(
        self, request: pb.CancelApprovalRequest, context: Context
    ) -> pb.CancelApprovalResponse:
        cancellation = convert.cancellation(request)
        approval = await self._commit(approvals.end, cancellation, request)
        return pb.CancelApprovalResponse(approval=convert.approval(approval))

    async def GetApproval(self, request: pb.GetApprovalRequest, context: Context) -> pb.GetApprovalResponse:
        approval = await self._storage.fetch(approvals.get, key(request, "approval_id"))
        return pb.GetApprovalResponse(approval=convert.approval(approval))

    async def ListApprovals(
        self, request: pb.ListApprovalsRequest, context: Context
    ) -> pb.ListApprovalsResponse:
        tokens = await self._pages.tokens(request)
        page = await self._storage.read(approvals.page, convert.approvals(request, tokens))
        return pb.ListApprovalsResponse(
            approvals=[convert.approval(record) for record in page.records],
            next_page_token=tokens.token(page.next_key),
            total_size=page.total_size,
            watch_cursor=Cursor(log_id=page.log.log_id, number=page.log.head).text(),
        )

    async def WaitForApproval(
        self, request: pb.WaitForApprovalRequest, context: Context
    ) -> AsyncIterator[pb.WaitForApprovalResponse]:
        approval_id = key(request, "approval_id")
        # The first batch says that the watch stands: what is read from then on, no event is missed after.
        of_this = Filter(entities=convert.WATCHED_BY_APPROVAL, entity_ids=frozenset({approval_id}))
        told = False
        async for batch in self._storage.feed.watch(of_this, None):
            if told and not batch.events:
                yield pb.WaitForApprovalResponse()
                continue
            approval = await self._storage.fetch(approvals.get, approval_id)
            told = True
            yield pb.WaitForApprovalResponse(approval=convert.approval(approval))
            if APPROVAL.terminal(approval.status):
                return

    async def WatchApprovals(
        self, request: pb.WatchApprovalsRequest, context: Context
    ) -> AsyncIterator[pb.WatchApprovalsResponse]:
        wanted = convert.watched(request)
        after = cursor(request.after_cursor)
        async for batch in self._storage.feed.watch(wanted, after):
            yield pb.WatchApprovalsResponse(
                events=[convert.approval_event(event) for event in batch.events],
                cursor=batch.cursor.text(),
            )
