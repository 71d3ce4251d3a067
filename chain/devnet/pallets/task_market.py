"""TaskMarket: tasks are posted, bid for under seal, assigned to the cheapest, and done or not."""

import hashlib

from chain.devnet.context import BlockContext
from chain.devnet.frame import H256, AccountId
from chain.devnet.pallet import Event
from chain.devnet.pallets import agent_registry, escrow, reputation
from chain.devnet.pallets.agent_registry import Agent, AgentStatus, VerificationLevel
from chain.devnet.pallets.tasks import (
    BIDDERS,
    BIDS,
    DEADLINES,
    NEXT_TASK_ID,
    PROOF_BYTES_MAX,
    TASKS,
    WINDOWS_ENDING,
    AgentNotActive,
    AlreadyRevealed,
    Bid,
    BidNotFound,
    BudgetZero,
    CommitmentMismatch,
    CostAboveBudget,
    DeadlinePassed,
    DuplicateBid,
    FailureReason,
    NoRevealedBid,
    NotAgentOwner,
    NotRequester,
    NotWinner,
    ProofTooLong,
    Task,
    TaskNotAssigned,
    TaskNotBidding,
    TaskNotCancellable,
    TaskNotRevealing,
    TaskStatus,
    task_at,
)
from chain.devnet.pallets.tasks import PALLET as PALLET
from chain.devnet.typeinfo import U32, U64, U128, Bytes, Bytes32


class TaskCreated(Event, of=PALLET):
    """A task takes bids."""

    task_id: U64
    requester: AccountId
    budget: U128


class TaskCancelled(Event, of=PALLET):
    """A task was called off by its requester."""

    task_id: U64


class BidSubmitted(Event, of=PALLET):
    """An agent committed to a bid."""

    task_id: U64
    agent_id: U64


class BiddingClosed(Event, of=PALLET):
    """A task takes no more bids; those it has can be revealed."""

    task_id: U64


class BidRevealed(Event, of=PALLET):
    """An agent opened its bid."""

    task_id: U64
    agent_id: U64
    cost: U128


class TaskAllocated(Event, of=PALLET):
    """An agent won a task."""

    task_id: U64
    agent_id: U64
    cost: U128


class TaskCompleted(Event, of=PALLET):
    """The winner delivered its result."""

    task_id: U64
    agent_id: U64
    result_hash: H256


class TaskExpired(Event, of=PALLET):
    """The deadline passed before a task was assigned."""

    task_id: U64


class TaskFailed(Event, of=PALLET):
    """An assigned task did not come to a result."""

    task_id: U64
    reason: FailureReason


@PALLET.call
def create_task(
    block: BlockContext,
    signer: AccountId,
    spec_hash: H256,
    budget: U128,
    deadline: U32,
    verification_level: VerificationLevel,
) -> None:
    """Post a task, and set its budget aside from the signer's free balance."""
    if budget == 0:
        raise BudgetZero
    if deadline <= block.number:
        raise DeadlinePassed
    task_id = NEXT_TASK_ID.get(block)
    NEXT_TASK_ID.put(block, task_id + 1)
    task = Task(signer, spec_hash, budget, deadline, verification_level, TaskStatus.BIDDING, block.number)
    TASKS.put(block, task, task_id)
    DEADLINES.append(block, task_id, deadline)
    WINDOWS_ENDING.append(block, task_id, block.number + block.parameters.bidding_window_blocks)
    block.deposit(TaskCreated(task_id=task_id, requester=signer, budget=budget))
    escrow.fund(block, task_id, signer, budget)


@PALLET.call
def cancel_task(block: BlockContext, signer: AccountId, task_id: U64) -> None:
    """Call a task off that is not assigned yet; its budget goes back."""
    task = _requested_task(block, signer, task_id)
    if task.status not in (TaskStatus.BIDDING, TaskStatus.REVEALING):
        raise TaskNotCancellable
    _move(block, task_id, task, TaskStatus.CANCELLED)
    block.deposit(TaskCancelled(task_id=task_id))
    escrow.refund(block, task_id)


@PALLET.call
def submit_bid(
    block: BlockContext,
    signer: AccountId,
    task_id: U64,
    agent_id: U64,
    commitment: Bytes32,
    estimated_duration: U32,
) -> None:
    """Commit an agent to a bid whose cost stays secret; the duration is in seconds."""
    task = task_at(block, task_id)
    if task.status != TaskStatus.BIDDING:
        raise TaskNotBidding
    agent = _owned_agent(block, signer, agent_id)
    if agent.status != AgentStatus.ACTIVE:
        raise AgentNotActive
    if BIDS.get(block, task_id, agent_id) is not None:
        raise DuplicateBid
    order = BIDDERS.append(block, agent_id, task_id)
    BIDS.put(block, Bid(commitment, estimated_duration, None, order), task_id, agent_id)
    block.deposit(BidSubmitted(task_id=task_id, agent_id=agent_id))


@PALLET.call
def close_bidding(block: BlockContext, signer: AccountId, task_id: U64) -> None:
    """End the bidding before its window does."""
    task = _requested_task(block, signer, task_id)
    if task.status != TaskStatus.BIDDING:
        raise TaskNotBidding
    _close_bidding(block, task_id, task)


@PALLET.call
def reveal_bid(
    block: BlockContext, signer: AccountId, task_id: U64, agent_id: U64, cost: U128, nonce: Bytes32
) -> None:
    """Open a bid by the cost and nonce that it committed to."""
    task = task_at(block, task_id)
    if task.status != TaskStatus.REVEALING:
        raise TaskNotRevealing
    bid: Bid | None = BIDS.get(block, task_id, agent_id)
    if bid is None:
        raise BidNotFound
    agent = _owned_agent(block, signer, agent_id)
    if bid.cost is not None:
        raise AlreadyRevealed
    if commitment_of(cost, nonce, task.spec_hash, agent.did) != bid.commitment:
        raise CommitmentMismatch
    if cost > task.budget:
        raise CostAboveBudget
    bid.cost = cost
    BIDS.put(block, bid, task_id, agent_id)
    block.deposit(BidRevealed(task_id=task_id, agent_id=agent_id, cost=cost))


@PALLET.call
def allocate_task(block: BlockContext, signer: AccountId, task_id: U64) -> None:
    """Assign a task to its cheapest revealed bid.

    Of those that cost the same, the one whose owner has the higher reputation wins, then the earliest.
    """
    task = _requested_task(block, signer, task_id)
    if task.status != TaskStatus.REVEALING:
        raise TaskNotRevealing
    bids = [(agent_id, BIDS.get(block, task_id, agent_id)) for agent_id in BIDDERS.get(block, task_id)]
    revealed = [
        (bid.cost, -_reputation(block, agent_id), bid.order, agent_id)
        for agent_id, bid in bids
        if bid and bid.cost is not None
    ]
    if not revealed:
        raise NoRevealedBid
    task.cost, _, _, task.winner = min(revealed)
    _move(block, task_id, task, TaskStatus.ASSIGNED)
    block.deposit(TaskAllocated(task_id=task_id, agent_id=task.winner, cost=task.cost))


@PALLET.call
def submit_result(
    block: BlockContext, signer: AccountId, task_id: U64, agent_id: U64, result_hash: H256, proof: Bytes
) -> None:
    """Deliver the result of an assigned task."""
    task = task_at(block, task_id)
    if task.status != TaskStatus.ASSIGNED:
        raise TaskNotAssigned
    if agent_id != task.winner:
        raise NotWinner
    _owned_agent(block, signer, agent_id)
    if len(proof) > PROOF_BYTES_MAX:
        raise ProofTooLong
    task.result_hash = result_hash
    _move(block, task_id, task, TaskStatus.COMPLETED)
    block.deposit(TaskCompleted(task_id=task_id, agent_id=agent_id, result_hash=result_hash))


@PALLET.on_initialize
def end_tasks_past_their_deadline(block: BlockContext) -> None:
    """End the unfinished tasks whose deadline was the block before."""
    for task_id in DEADLINES.take(block, block.number - 1):
        task = task_at(block, task_id)
        if task.status in (TaskStatus.BIDDING, TaskStatus.REVEALING):
            _move(block, task_id, task, TaskStatus.EXPIRED)
            block.deposit(TaskExpired(task_id=task_id))
            escrow.refund(block, task_id)
        elif task.status == TaskStatus.ASSIGNED:
            _move(block, task_id, task, TaskStatus.FAILED)
            block.deposit(TaskFailed(task_id=task_id, reason=FailureReason.DEADLINE_PASSED))
            escrow.refund(block, task_id)
            owner, _ = escrow.award_of(block, task)
            reputation.count_outcome(block, owner, task_id, success=False)


@PALLET.on_initialize
def close_bidding_windows(block: BlockContext) -> None:
    """End the bidding on tasks whose window is over."""
    for task_id in WINDOWS_ENDING.take(block, block.number):
        task = task_at(block, task_id)
        if task.status == TaskStatus.BIDDING:
            _close_bidding(block, task_id, task)


def commitment_of(cost: int, nonce: bytes, spec_hash: bytes, did: bytes) -> bytes:
    """Return the seal of a bid: BLAKE2b-256 of cost (16 bytes, little-endian), nonce, spec hash and did."""
    return hashlib.blake2b(cost.to_bytes(16, "little") + nonce + spec_hash + did, digest_size=32).digest()


def _requested_task(block: BlockContext, signer: bytes, task_id: int) -> Task:
    task = task_at(block, task_id)
    if task.requester != signer:
        raise NotRequester
    return task


def _owned_agent(block: BlockContext, signer: bytes, agent_id: int) -> Agent:
    agent = agent_registry.agent_at(block, agent_id)
    if agent.owner != signer:
        raise NotAgentOwner
    return agent


def _reputation(block: BlockContext, agent_id: int) -> int:
    return reputation.reputation_of(block, agent_registry.agent_at(block, agent_id).owner)


def _close_bidding(block: BlockContext, task_id: int, task: Task) -> None:
    _move(block, task_id, task, TaskStatus.REVEALING)
    block.deposit(BiddingClosed(task_id=task_id))


def _move(block: BlockContext, task_id: int, task: Task, status: TaskStatus) -> None:
    task.status = status
    TASKS.put(block, task, task_id)
