"""HandoffService: work that goes from agent to agent, by their roles."""

from chamberlain.v1 import handoff_service_pb2 as pb
from chamberlain.v1.handoff_service_pb2_grpc import HandoffServiceServicer

from server.convert import handoffs as convert
from server.convert import sessions as convert_sessions
from server.convert.requests import key
from server.interceptor import Context
from server.services.calls import Calls
from storage.sessions import handoffs
from storage.sessions import lists as session_lists
from storage.sessions.records import Handoff


class HandoffService(Calls, HandoffServiceServicer):
    async def RouteTask(self, request: pb.RouteTaskRequest, context: Context) -> pb.RouteTaskResponse:
        new_handoff = convert.new_handoff(request)
        handoff = await self._commit(handoffs.route, new_handoff, request)
        return pb.RouteTaskResponse(handoff=convert.handoff(handoff))

    async def GetHandoff(self, request: pb.GetHandoffRequest, context: Context) -> pb.GetHandoffResponse:
        handoff = await self._storage.fetch(handoffs.get, key(request, "handoff_id"))
        return pb.GetHandoffResponse(handoff=convert.handoff(handoff))

    async def ListHandoffs(
        self, request: pb.ListHandoffsRequest, context: Context
    ) -> pb.ListHandoffsResponse:
        tokens = await self._pages.tokens(request)
        wanted = convert.handoffs(request, tokens)
        page = await self._storage.read(session_lists.handoffs, wanted)
        return pb.ListHandoffsResponse(
            handoffs=[convert.handoff(record) for record in page.records],
            next_page_token=tokens.token(page.next_key),
            total_size=page.total_size,
        )

    async def UpdateHandoff(
        self, request: pb.UpdateHandoffRequest, context: Context
    ) -> pb.UpdateHandoffResponse:
        update = convert.handoff_update(request)
        handoff = await self._commit(handoffs.update, update, request)
        return pb.UpdateHandoffResponse(handoff=convert.handoff(handoff))

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        found = await self._storage.read(handoffs.status, key(request, "id"))
        if isinstance(found, Handoff):
            return pb.GetStatusResponse(handoff=convert.handoff(found))
        return pb.GetStatusResponse(session=convert_sessions.session(found))
