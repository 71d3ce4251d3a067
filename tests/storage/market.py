"""A market whose steps are carried out: at once in local mode, in finalized blocks with a chain."""

import itertools
from typing import Any, TypeVar

from storage.facts import (
    AgentMoved,
    AgentRegistered,
    BidRevealed,
    BidSubmitted,
    EscrowDisputed,
    EscrowFunded,
    EscrowRefunded,
    EscrowReleased,
    Fact,
    ResultRecorded,
    TaskAllocated,
    TaskCreated,
    TaskMoved,
)
from storage.lifecycle import AgentStatus, TaskStatus
from storage.market import agents, bids, disputes, results, tasks
from storage.market.lists import BidFilter
from storage.market.lists import bids as list_bids
from storage.outcome import Mutation
from storage.pages import PageRequest
from storage.records import Agent, Bid, Receipt, Result, Task
from storage.store import LOCAL, Storage
from tests.storage.blocks import Chain
from tests.storage.items import (
    BUDGET,
    NONCE,
    a_bid,
    a_result,
    a_reveal,
    a_task,
    an_agent,
    hash_of_output,
)

Item = TypeVar("Item")
R = TypeVar("R", Agent, Task, Bid, Result)
FEE = 3


class Market:
    """Every step answers with the record as it is after the step."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.chain = None if storage.binding == LOCAL else Chain(storage)
        self._numbers = itertools.count(1)

    @classmethod
    async def opened(cls, storage: Storage) -> "Market":
        market = cls(storage)
        if market.chain is not None:
            await market.chain.begin()
        return market

    async def _do(self, mutation: Mutation[Item, Receipt[R]], item: Item, *facts: Fact) -> R:
        receipt = await self.storage.commit(mutation, item)
        if self.chain is not None:
            await self.chain.finalize(receipt.correlation_id, *facts)
        return receipt.record

    async def agent(self, agent_id: str = "ada", **fields: Any) -> Agent:
        number = next(self._numbers)
        fact = AgentRegistered(chain_agent_id=number, account_address=f"5{agent_id}")
        await self._do(agents.register, an_agent(agent_id, **fields), fact)
        return await self.see_agent(agent_id)

    async def retire(self, agent: Agent) -> Agent:
        fact = AgentMoved(chain_agent_id=agent.chain_agent_id or 0, status=AgentStatus.RETIRED)
        await self._do(agents.retire, agent.agent_id, fact)
        return await self.see_agent(agent.agent_id)

    async def task(self, **fields: Any) -> Task:
        """A task that takes bids."""
        number = next(self._numbers)
        funded = EscrowFunded(chain_task_id=number)
        new = a_task(**fields)
        created = TaskCreated(chain_task_id=number, budget=new.max_budget)
        task = await self._do(tasks.create, new, created, funded)
        return await self.see(task)

    async def bid(self, task: Task, agent_id: str = "ada", value: int = 100) -> Bid:
        fact = BidSubmitted(**await self._both(task, agent_id))
        await self._do(bids.submit, a_bid(task, agent_id, value), fact)
        return await self.see_bid(task, agent_id)

    async def close(self, task: Task) -> Task:
        await self._do(tasks.close_bidding, task.task_id, self._moved(task, TaskStatus.REVEALING))
        return await self.see(task)

    async def reveal(self, task: Task, agent_id: str = "ada", value: int = 100) -> Bid:
        fact = BidRevealed(value=value, **await self._both(task, agent_id))
        await self._do(bids.reveal, a_reveal(task, agent_id, value, NONCE), fact)
        return await self.see_bid(task, agent_id)

    async def allocate(self, task: Task, winner: str = "ada", value: int = 100) -> Task:
        fact = TaskAllocated(cost=value, **await self._both(task, winner))
        await self._do(tasks.allocate, task.task_id, fact)
        return await self.see(task)

    async def result(self, task: Task, agent_id: str = "ada", output: bytes = b"6") -> Task:
        new = a_result(task, agent_id, output)
        fact = ResultRecorded(result_hash=hash_of_output(output), **await self._both(task, agent_id))
        await self._do(results.submit, new, fact)
        return await self.see(task)

    async def settle(self, task: Task) -> Task:
        fact = EscrowReleased(chain_task_id=task.chain_task_id or 0, amount=(task.cost or 0) - FEE, fee=FEE)
        await self._do(tasks.settle, task.task_id, fact)
        return await self.see(task)

    async def dispute(self, task: Task, agent_id: str = "", reason: str = "it is not sorted") -> Task:
        """Disputed by the requester, or by the agent."""
        by = f"5{agent_id or task.requester_id}"
        fact = EscrowDisputed(chain_task_id=task.chain_task_id or 0, account_address=by)
        new = disputes.Dispute(task_id=task.task_id, agent_id=agent_id, reason=reason)
        await self._do(disputes.raise_, new, fact)
        return await self.see(task)

    async def resolve(self, task: Task, *, pay_agent: bool) -> Task:
        """Resolved here in local mode, else by the arbiter."""
        if self.chain is None:
            resolution = disputes.Resolution(task_id=task.task_id, pay_agent=pay_agent)
            await self.storage.commit(disputes.resolve, resolution)
        elif pay_agent:
            amount = task.cost or 0
            await self.chain.report(
                EscrowReleased(chain_task_id=task.chain_task_id or 0, amount=amount, fee=0)
            )
        else:
            await self.chain.report(EscrowRefunded(chain_task_id=task.chain_task_id or 0))
        return await self.see(task)

    async def cancel(self, task: Task) -> Task:
        refunded = EscrowRefunded(chain_task_id=task.chain_task_id or 0)
        await self._do(tasks.cancel, task.task_id, self._moved(task, TaskStatus.CANCELLED), refunded)
        return await self.see(task)

    # Tasks that have come some way; their bids are of the agents `ada` (100) and `bob` (90).

    async def agents(self) -> None:
        await self.agent("ada")
        await self.agent("bob")

    async def revealing_task(self) -> Task:
        task = await self.task(max_budget=BUDGET)
        await self.bid(task, "ada", 100)
        await self.bid(task, "bob", 90)
        return await self.close(task)

    async def revealed_task(self) -> Task:
        task = await self.revealing_task()
        await self.reveal(task, "ada", 100)
        await self.reveal(task, "bob", 90)
        return await self.see(task)

    async def assigned_task(self) -> Task:
        """A task that is assigned to bob."""
        return await self.allocate(await self.revealed_task(), "bob", 90)

    async def completed_task(self) -> Task:
        return await self.result(await self.assigned_task(), "bob")

    # What is seen of it

    async def see(self, task: Task) -> Task:
        return (await self.storage.fetch(tasks.get, task.task_id)).task

    async def see_agent(self, agent_id: str) -> Agent:
        return await self.storage.fetch(agents.get, agent_id)

    async def see_bid(self, task: Task, agent_id: str) -> Bid:
        wanted = BidFilter(task_id=task.task_id, agent_id=agent_id, page=PageRequest(size=10))
        return (await self.storage.read(list_bids, wanted)).records[0]

    async def see_bids(self, task: Task) -> dict[str, Bid]:
        wanted = BidFilter(task_id=task.task_id, page=PageRequest(size=200))
        return {bid.agent_id: bid for bid in (await self.storage.read(list_bids, wanted)).records}

    async def _both(self, task: Task, agent_id: str) -> dict[str, Any]:
        agent = await self.see_agent(agent_id)
        return {"chain_task_id": task.chain_task_id or 0, "chain_agent_id": agent.chain_agent_id or 0}

    def _moved(self, task: Task, status: TaskStatus) -> TaskMoved:
        return TaskMoved(chain_task_id=task.chain_task_id or 0, status=status)


def chain_of(market: Market) -> Chain:
    assert market.chain is not None
    return market.chain
