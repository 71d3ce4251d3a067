"""What the chain refuses: scenarios by the error that they provoke, and the situations they begin from."""

from collections.abc import Callable
from typing import Any

from tests.chain.devnet.actors import SEAL_NONCE, Actor, Market

Attempt = tuple[Actor, str, dict[str, Any]]
Scenario = Callable[[Market], Attempt]

SCENARIOS: dict[str, Scenario] = {}

DID = "did:ex:agent"
UNKNOWN = 4711


def provokes(error: str) -> Callable[[Scenario], Scenario]:
    """Register a scenario: it prepares the market and returns the call that is to be refused."""

    def register(scenario: Scenario) -> Scenario:
        SCENARIOS[f"{error}: {scenario.__name__}"] = scenario
        return scenario

    return register


def registering(market: Market, **changes: Any) -> Attempt:
    arguments: dict[str, Any] = {"did": DID, "capabilities": [], "metadata": None, "attestation": None}
    arguments["verification_level"] = "Optimistic"
    return market.bob, "AgentRegistry.register_agent", arguments | changes


def bidding_task(market: Market) -> tuple[int, int]:
    """A task of Alice's on which Bob's agent has bid 10."""
    agent_id, task_id = market.register(market.bob, DID), market.create_task(budget=1000)
    market.bob.do("TaskMarket.submit_bid", **market.bid(task_id, agent_id, DID, 10))
    return task_id, agent_id


def revealing_task(market: Market) -> tuple[int, int]:
    """The same, closed for bids."""
    task_id, agent_id = bidding_task(market)
    market.alice.do("TaskMarket.close_bidding", task_id=task_id)
    return task_id, agent_id


def assigned_task(market: Market) -> tuple[int, int]:
    """A task of Alice's that Bob's agent has won."""
    agent_id, task_id = market.register(market.bob, DID), market.create_task()
    market.assign(task_id, agent_id, DID, 10)
    return task_id, agent_id


def completed_task(market: Market) -> tuple[int, int]:
    """The same, with its result."""
    task_id, agent_id = assigned_task(market)
    market.complete(task_id, agent_id)
    return task_id, agent_id


def revealing(task_id: int, agent_id: int, cost: int = 10, nonce: bytes = SEAL_NONCE) -> dict[str, Any]:
    return {"task_id": task_id, "agent_id": agent_id, "cost": cost, "nonce": nonce}


def result(task_id: int, agent_id: int, proof: bytes = b"") -> dict[str, Any]:
    return {"task_id": task_id, "agent_id": agent_id, "result_hash": bytes(32), "proof": proof}
