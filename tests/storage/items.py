"""Items of mutations with sensible contents."""

import hashlib
import time
from typing import Any

from storage.market.agents import NewAgent
from storage.market.bids import NewBid, Reveal, commitment
from storage.market.results import NewResult
from storage.market.tasks import NewTask
from storage.records import Task

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
NONCE = b"n" * 32
BUDGET = 1_000


def now_us() -> int:
    return time.time_ns() // 1000


def an_agent(agent_id: str = "ada", **fields: Any) -> NewAgent:
    given: dict[str, Any] = {"label": "Ada", "capabilities": ("sum", "sort"), "metadata": '{"tier":1}'}
    return NewAgent(agent_id=agent_id, **given | fields)


def a_task(**fields: Any) -> NewTask:
    given: dict[str, Any] = {
        "requester_id": "requester",
        "description": "Sum the numbers.",
        "task_type": "compute",
        "input": b"1 2 3",
        "max_budget": BUDGET,
        "deadline_us": now_us() + HOUR_US,
        "bidding_window_us": MINUTE_US,
    }
    return NewTask(**given | fields)


def a_bid(task: Task, agent_id: str = "ada", value: int = 100, **fields: Any) -> NewBid:
    given: dict[str, Any] = {
        "commitment": commitment(value, NONCE, task.spec_hash, agent_id),
        "quality_score": 90,
        "estimated_duration_seconds": 60,
    }
    return NewBid(task_id=task.task_id, agent_id=agent_id, **given | fields)


def a_reveal(task: Task, agent_id: str = "ada", value: int = 100, nonce: bytes = NONCE) -> Reveal:
    return Reveal(task_id=task.task_id, agent_id=agent_id, value=value, nonce=nonce)


def a_result(task: Task, agent_id: str = "ada", output: bytes = b"6", **fields: Any) -> NewResult:
    return NewResult(task_id=task.task_id, agent_id=agent_id, output=output, **fields)


def hash_of_output(output: bytes) -> bytes:
    return hashlib.blake2b(output, digest_size=32).digest()
