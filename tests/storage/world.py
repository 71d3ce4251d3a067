"""A market on a chain, where somebody else's clients act too."""

from typing import Any

from storage.chain import lists as chain_lists
from storage.chain.lists import ChainEventFilter
from storage.facts import Fact
from storage.market import lists
from storage.market.lists import AgentFilter, ResultFilter, TaskFilter
from storage.pages import PageRequest
from storage.records import Agent, ChainEvent, Result, Task
from tests.storage.blocks import Chain
from tests.storage.market import Market

PAGE = PageRequest(size=50)


class World:
    """A market on a chain, and the chain."""

    def __init__(self, market: Market, chain: Chain) -> None:
        self.market = market
        self.chain = chain
        self.storage = market.storage

    async def only_task(self) -> Task:
        (task,) = (await self.storage.read(lists.tasks, TaskFilter(page=PAGE))).records
        return task

    async def agents(self) -> dict[int | None, Agent]:
        listed = await self.storage.read(lists.agents, AgentFilter(page=PAGE))
        return {agent.chain_agent_id: agent for agent in listed.records}

    async def results(self, task: Task) -> list[Result]:
        wanted = ResultFilter(task_id=task.task_id, page=PAGE)
        return (await self.storage.read(lists.results, wanted)).records

    async def anomalies(self) -> list[str]:
        listed = await self.storage.read(chain_lists.chain_events, ChainEventFilter(page=PAGE))
        return [event.anomaly for event in reversed(listed.records) if event.anomaly]

    async def reported(self, *facts: Fact) -> ChainEvent:
        """Let somebody else's client do something; its first event."""
        await self.chain.report(*facts)
        wanted = ChainEventFilter(pallet="Market", first_block=self.chain.cursor.block_number, page=PAGE)
        return (await self.storage.read(chain_lists.chain_events, wanted)).records[-1]


def ids(task: Task, agent: Agent) -> dict[str, Any]:
    return {"chain_task_id": task.chain_task_id or 0, "chain_agent_id": agent.chain_agent_id or 0}
