"""Bids: submit sealed, reveal. Allocation is in `storage.market.tasks`."""

import hashlib
from collections.abc import Sequence

from storage.errors import (
    AgentNotActive,
    BidNotFound,
    CommitmentMismatch,
    DeadlinePassed,
    DuplicateBid,
    TaskNotBidding,
    TaskNotRevealing,
    ValueAboveBudget,
)
from storage.ids import new_id
from storage.lifecycle import BID, AgentStatus, BidStatus, TaskStatus
from storage.market import intents
from storage.market.workset import AGENTS, TASKS, Workset
from storage.outcome import Outcome, decide_each, mutation
from storage.records import Action, Agent, Bid, Receipt, Record, Task
from storage.transaction import Transaction


class NewBid(Record, frozen=True, kw_only=True):
    task_id: str
    agent_id: str
    commitment: bytes
    quality_score: int = 0
    estimated_duration_seconds: int = 0


class Reveal(Record, frozen=True, kw_only=True):
    task_id: str
    agent_id: str
    value: int
    nonce: bytes


def commitment(value: int, nonce: bytes, spec_hash: bytes, agent_id: str) -> bytes:
    """The commitment of a bid, as `Bid.commitment` defines it."""
    preimage = value.to_bytes(16, "little") + nonce + spec_hash + agent_id.encode()
    return hashlib.blake2b(preimage, digest_size=32).digest()


@mutation(Receipt[Bid], locks=lambda item: [(AGENTS, item.agent_id), (TASKS, item.task_id)])
def submit(tx: Transaction, items: Sequence[NewBid]) -> list[Outcome[Receipt[Bid]]]:
    """Store sealed bids on open tasks.

    Refusals, per bid: TaskNotFound, AgentNotFound, AgentNotActive, TaskNotBidding, DeadlinePassed,
    DuplicateBid.
    """
    work = Workset(tx)
    work.agents.load(item.agent_id for item in items)
    work.tasks.load(item.task_id for item in items)
    work.load_bids((item.task_id, item.agent_id) for item in items)
    outcomes = decide_each(items, lambda item: _submit(work, item))
    work.store()
    return outcomes


def _submit(work: Workset, item: NewBid) -> Receipt[Bid]:
    task, agent = work.existing_task(item.task_id), work.existing_agent(item.agent_id)
    if not _may_bid(agent):
        raise AgentNotActive(agent.agent_id, agent.status)
    if not _takes_bids(task):
        raise TaskNotBidding(task.task_id, task.status)
    if task.deadline_us is not None and task.deadline_us <= work.tx.now_us:
        raise DeadlinePassed(task.task_id)
    taken = work.bids.get_by((item.task_id, item.agent_id))
    if taken is not None:
        raise DuplicateBid(item.task_id, item.agent_id, taken.bid_id)
    bid_id, correlation_id = new_id(), ""
    if not work.tx.local:
        correlation_id = intents.enqueue(
            work,
            Action.SUBMIT_BID,
            entity_id=bid_id,
            signer=item.agent_id,
            task_id=item.task_id,
            agent_id=item.agent_id,
        )
    bid = Bid(
        bid_id=bid_id,
        task_id=item.task_id,
        agent_id=item.agent_id,
        commitment=item.commitment,
        quality_score=item.quality_score,
        estimated_duration_seconds=item.estimated_duration_seconds,
        status=BidStatus.COMMITTED if work.tx.local else BidStatus.PENDING,
        pending_action=Action.SUBMIT_BID if correlation_id else Action.NONE,
        pending_correlation_id=correlation_id,
    )
    bid = work.bids.add(bid, requester_id=task.requester_id)
    return Receipt(record=bid, correlation_id=correlation_id)


def _may_bid(agent: Agent) -> bool:
    """Active, or about to be: the extrinsic of the bid waits for that of the agent."""
    return agent.status == AgentStatus.ACTIVE or (
        agent.status == AgentStatus.PENDING and agent.pending_action == Action.REGISTER_AGENT
    )


def _takes_bids(task: Task) -> bool:
    """Bidding, or about to be: the extrinsic of the bid waits for that of the task."""
    return task.status == TaskStatus.BIDDING or (
        task.status == TaskStatus.PENDING and task.pending_action == Action.CREATE_TASK
    )


@mutation(Receipt[Bid], locks=lambda item: [(TASKS, item.task_id)])
def reveal(tx: Transaction, items: Sequence[Reveal]) -> list[Outcome[Receipt[Bid]]]:
    """Reveal bids while their tasks are revealing.

    Refusals, per bid: TaskNotFound, BidNotFound, TaskNotRevealing, InvalidTransition,
    CommitmentMismatch, ValueAboveBudget, ActionPending.
    """
    work = Workset(tx)
    work.tasks.load(item.task_id for item in items)
    work.load_bids((item.task_id, item.agent_id) for item in items)
    outcomes = decide_each(items, lambda item: _reveal(work, item))
    work.store()
    return outcomes


def _reveal(work: Workset, item: Reveal) -> Receipt[Bid]:
    task = work.existing_task(item.task_id)
    bid = work.bids.get_by((item.task_id, item.agent_id))
    if bid is None:
        raise BidNotFound(item.task_id, item.agent_id)
    if task.status != TaskStatus.REVEALING:
        raise TaskNotRevealing(task.task_id, task.status)
    if bid.commitment != commitment(item.value, item.nonce, task.spec_hash, item.agent_id):
        raise CommitmentMismatch(bid.bid_id)
    BID.check(bid.bid_id, bid.status, BidStatus.REVEALED)
    if bid.status == BidStatus.REVEALED:
        return Receipt(record=bid)
    if item.value > task.max_budget:
        raise ValueAboveBudget(task.task_id, item.value, task.max_budget)
    return intents.begin(
        work,
        work.bids,
        bid,
        Action.REVEAL_BID,
        signer=bid.agent_id,
        local={"status": BidStatus.REVEALED},
        at_once={"value": item.value, "nonce": item.nonce},
        requester_id=task.requester_id,
    )
