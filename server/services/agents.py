"""The calls of OrchestratorService that concern agents."""

from chamberlain.v1 import orchestrator_service_pb2 as pb

from server.convert import agents as convert
from server.convert.requests import key
from server.interceptor import Context
from server.services.calls import Calls, tell_correlation
from storage.market import agents, lists, reputations


class AgentCalls(Calls):
    async def RegisterAgent(
        self, request: pb.RegisterAgentRequest, context: Context
    ) -> pb.RegisterAgentResponse:
        new_agent = convert.new_agent(request)
        receipt = await self._commit(agents.register, new_agent, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.RegisterAgentResponse(
            agent=convert.agent(receipt.record), correlation_id=receipt.correlation_id
        )

    async def GetAgent(self, request: pb.GetAgentRequest, context: Context) -> pb.GetAgentResponse:
        agent = await self._storage.fetch(agents.get, key(request, "agent_id"))
        return pb.GetAgentResponse(agent=convert.agent(agent))

    async def ListAgents(self, request: pb.ListAgentsRequest, context: Context) -> pb.ListAgentsResponse:
        tokens = await self._pages.tokens(request)
        page = await self._storage.read(lists.agents, convert.agents(request, tokens))
        return pb.ListAgentsResponse(
            agents=[convert.agent(record) for record in page.records],
            next_page_token=tokens.token(page.next_key),
            total_size=page.total_size,
        )

    async def UpdateAgent(self, request: pb.UpdateAgentRequest, context: Context) -> pb.UpdateAgentResponse:
        change = convert.agent_change(request)
        receipt = await self._commit(agents.change, change, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.UpdateAgentResponse(
            agent=convert.agent(receipt.record), correlation_id=receipt.correlation_id
        )

    async def RetireAgent(self, request: pb.RetireAgentRequest, context: Context) -> pb.RetireAgentResponse:
        agent_id = key(request, "agent_id")
        receipt = await self._commit(agents.retire, agent_id, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.RetireAgentResponse(
            agent=convert.agent(receipt.record), correlation_id=receipt.correlation_id
        )

    async def GetReputation(
        self, request: pb.GetReputationRequest, context: Context
    ) -> pb.GetReputationResponse:
        agent_id = key(request, "agent_id")
        found = await self._storage.fetch(reputations.get_of_agent, agent_id)
        return pb.GetReputationResponse(reputation=convert.reputation(agent_id, found))
