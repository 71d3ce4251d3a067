"""What TaskMarket stores: tasks, bids, and which task is due when."""

import dataclasses
import enum

from chain.devnet.context import BlockContext
from chain.devnet.frame import H256, AccountId
from chain.devnet.pallet import Pallet
from chain.devnet.pallets.agent_registry import VerificationLevel
from chain.devnet.typeinfo import U32, U64, U128, Bytes32, composite, variants

PALLET = Pallet("TaskMarket", 11, "pallet_task_market")

PROOF_BYTES_MAX = 4096


@variants("pallet_task_market::types::TaskStatus")
class TaskStatus(enum.StrEnum):
    """Where a task stands. Bidding -> Revealing -> Assigned -> Completed; the others are its other ends."""

    BIDDING = "Bidding"
    REVEALING = "Revealing"
    ASSIGNED = "Assigned"
    COMPLETED = "Completed"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"
    FAILED = "Failed"


@variants("pallet_task_market::types::FailureReason")
class FailureReason(enum.StrEnum):
    """Why an assigned task failed."""

    DEADLINE_PASSED = "DeadlinePassed"


@composite("pallet_task_market::types::Task")
@dataclasses.dataclass(slots=True)
class Task:
    """A task. `budget` and `cost` are planck; `deadline` is the last block in which work on it counts."""

    requester: AccountId
    spec_hash: H256
    budget: U128
    deadline: U32
    verification_level: VerificationLevel
    status: TaskStatus
    created_at: U32
    winner: U64 | None = None
    cost: U128 | None = None
    result_hash: H256 | None = None


@composite("pallet_task_market::types::Bid")
@dataclasses.dataclass(slots=True)
class Bid:
    """A sealed bid; `cost` is known once it is revealed, `order` counts the bids on the task from 0."""

    commitment: Bytes32
    estimated_duration: U32
    cost: U128 | None
    order: U32


NEXT_TASK_ID = PALLET.value("NextTaskId", U64, "The id of the next task.", default=1)
TASKS = PALLET.map("Tasks", (U64,), Task, "All tasks by id.")
BIDS = PALLET.map("Bids", (U64, U64), Bid, "All bids by task and agent.")
BIDDERS = PALLET.lists("Bidders", U64, U64, "The agents that bid on a task, first bid first.")
WINDOWS_ENDING = PALLET.lists("WindowsEnding", U32, U64, "The tasks whose bidding window ends at a block.")
DEADLINES = PALLET.lists("Deadlines", U32, U64, "The tasks whose deadline is a block.")

PALLET.constant(
    "BiddingWindow",
    U32,
    lambda parameters: parameters.bidding_window_blocks,
    "Bidding ends after so many blocks.",
)
PALLET.constant("MaxProofLength", U32, lambda _: PROOF_BYTES_MAX, "The longest proof of a result, in bytes.")

TaskNotFound = PALLET.error("TaskNotFound", "There is no task of this id.")
NotRequester = PALLET.error("NotRequester", "Only the task's requester may do this.")
NotAgentOwner = PALLET.error("NotAgentOwner", "Only the agent's owner may do this.")
AgentNotActive = PALLET.error("AgentNotActive", "The agent is not active.")
TaskNotBidding = PALLET.error("TaskNotBidding", "The task takes no bids any more.")
TaskNotRevealing = PALLET.error("TaskNotRevealing", "The task is not in its reveal phase.")
TaskNotAssigned = PALLET.error("TaskNotAssigned", "The task is not assigned.")
TaskNotCancellable = PALLET.error("TaskNotCancellable", "A task can be cancelled only until it is assigned.")
DuplicateBid = PALLET.error("DuplicateBid", "The agent has bid on this task.")
BidNotFound = PALLET.error("BidNotFound", "The agent has not bid on this task.")
AlreadyRevealed = PALLET.error("AlreadyRevealed", "The bid is revealed.")
CommitmentMismatch = PALLET.error("CommitmentMismatch", "The cost and nonce are not those committed to.")
CostAboveBudget = PALLET.error("CostAboveBudget", "The bid costs more than the task's budget.")
NoRevealedBid = PALLET.error("NoRevealedBid", "No bid on this task is revealed.")
NotWinner = PALLET.error("NotWinner", "The task is assigned to another agent.")
DeadlinePassed = PALLET.error("DeadlinePassed", "The deadline is not in the future.")
BudgetZero = PALLET.error("BudgetZero", "A task needs a budget.")
ProofTooLong = PALLET.error("ProofTooLong", "The proof is longer than 4096 bytes.")


def task_at(block: BlockContext, task_id: int) -> Task:
    """Return a task, or raise TaskNotFound."""
    task: Task | None = TASKS.get(block, task_id)
    if task is None:
        raise TaskNotFound
    return task
