"""What was unexpected is taken, and recorded with its event."""

from typing import Any

import pytest

from storage.facts import (
    AgentMoved,
    AgentRegistered,
    AgentUpdated,
    BidRevealed,
    BidSubmitted,
    EscrowFunded,
    EscrowRefunded,
    EscrowReleased,
    Fact,
    ResultRecorded,
    TaskAllocated,
    TaskCreated,
    TaskMoved,
)
from storage.lifecycle import AgentStatus, EscrowStatus, TaskStatus
from storage.limits import AMOUNT_MAX, NUMBER_MAX
from tests.storage.looking import count
from tests.storage.world import World, ids


async def test_an_unexpected_jump_is_taken(world: World) -> None:
    task = await world.market.cancel(await world.market.task())
    moved = TaskMoved(chain_task_id=task.chain_task_id or 0, status=TaskStatus.REVEALING)
    event = await world.reported(moved)
    assert event.anomaly == "task moved from cancelled to revealing"
    assert (await world.market.see(task)).status == TaskStatus.REVEALING


async def test_jumps_of_every_machine_are_taken(world: World) -> None:
    market = world.market
    ada, task = await market.agent("ada"), await market.task()
    await market.bid(task, "ada")
    both = ids(task, ada)
    await world.reported(BidRevealed(**both, value=1))
    await world.reported(BidSubmitted(**both))
    await market.retire(ada)
    await world.reported(AgentMoved(chain_agent_id=both["chain_agent_id"], status=AgentStatus.ACTIVE))
    await world.reported(EscrowRefunded(chain_task_id=both["chain_task_id"]))
    await world.reported(EscrowFunded(chain_task_id=both["chain_task_id"]))
    assert await world.anomalies() == [
        "bid moved from revealed to committed",
        "agent moved from retired to active",
        "escrow moved from refunded to funded",
    ]
    assert (await market.see(task)).escrow_status == EscrowStatus.FUNDED


@pytest.mark.parametrize(
    ("fact", "anomaly"),
    [
        (AgentUpdated(chain_agent_id=1), "unknown agent 1"),
        (AgentMoved(chain_agent_id=1, status=AgentStatus.RETIRED), "unknown agent 1"),
        (TaskMoved(chain_task_id=2, status=TaskStatus.EXPIRED), "unknown task 2"),
        (TaskAllocated(chain_task_id=2, chain_agent_id=1, cost=3), "unknown task 2"),
        (EscrowFunded(chain_task_id=2), "unknown task 2"),
        (EscrowRefunded(chain_task_id=2), "unknown task 2"),
        (EscrowReleased(chain_task_id=2, amount=1, fee=0), "unknown task 2"),
        (BidSubmitted(chain_task_id=2, chain_agent_id=1), "unknown task 2"),
        (BidRevealed(chain_task_id=2, chain_agent_id=1, value=1), "unknown bid of agent 1 on task 2"),
        (ResultRecorded(chain_task_id=2, chain_agent_id=1, result_hash=b"r"), "unknown task 2"),
    ],
)
async def test_a_fact_about_something_unknown_changes_nothing_else(
    world: World, fact: Fact, anomaly: str
) -> None:
    event = await world.reported(fact)
    assert event.anomaly == anomaly
    assert await count(world.storage, "agents", "tasks", "bids", "results", "events") == (0,) * 5


async def test_facts_about_an_unknown_agent_on_a_known_task(world: World) -> None:
    task = await world.market.task()
    number = task.chain_task_id or 0
    facts = [
        BidSubmitted(chain_task_id=number, chain_agent_id=99),
        BidRevealed(chain_task_id=number, chain_agent_id=99, value=1),
        TaskAllocated(chain_task_id=number, chain_agent_id=99, cost=4),
        ResultRecorded(chain_task_id=number, chain_agent_id=99, result_hash=b"r"),
    ]
    assert [(await world.reported(fact)).anomaly for fact in facts] == [
        "unknown agent 99",
        f"unknown bid of agent 99 on task {number}",
        "task moved from bidding to assigned",
        "unknown agent 99",
    ]
    task = await world.market.see(task)
    assert (task.status, task.assigned_agent_id, task.cost) == ("completed", "chain:agent:99", 4)


async def test_numbers_and_amounts_of_any_size_are_stored(world: World) -> None:
    await world.reported(AgentRegistered(chain_agent_id=NUMBER_MAX, account_address="5X"))
    await world.reported(TaskCreated(chain_task_id=NUMBER_MAX, budget=AMOUNT_MAX, deadline_block=2**64 - 1))
    both: dict[str, Any] = {"chain_task_id": NUMBER_MAX, "chain_agent_id": NUMBER_MAX}
    await world.reported(BidSubmitted(**both, estimated_duration_seconds=2**64 - 1))
    await world.reported(BidRevealed(**both, value=AMOUNT_MAX))
    task = await world.only_task()
    bid = await world.market.see_bid(task, f"chain:agent:{NUMBER_MAX}")
    assert (task.max_budget, task.deadline_block) == (AMOUNT_MAX, NUMBER_MAX)
    assert (bid.value, bid.estimated_duration_seconds) == (AMOUNT_MAX, NUMBER_MAX)
