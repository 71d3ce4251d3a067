"""Commitments: what requester and agent agree on for a task, by the hash of its terms.

Proposed -> Signed -> Finalized; either party may dispute it, and until it is final the requester may cancel
it. A task has at most one that is neither disputed nor cancelled.
"""

import dataclasses
import enum

from chain.devnet.context import BlockContext
from chain.devnet.frame import H256, AccountId
from chain.devnet.pallet import Event, Pallet
from chain.devnet.pallets import agent_registry, tasks
from chain.devnet.pallets.tasks import TaskStatus
from chain.devnet.typeinfo import U64, composite, variants

PALLET = Pallet("Commitments", 16, "pallet_commitments")


@variants("pallet_commitments::types::CommitmentStatus")
class CommitmentStatus(enum.StrEnum):
    """Where a commitment stands."""

    PROPOSED = "Proposed"
    SIGNED = "Signed"
    FINALIZED = "Finalized"
    DISPUTED = "Disputed"
    CANCELLED = "Cancelled"


OPEN = (CommitmentStatus.PROPOSED, CommitmentStatus.SIGNED, CommitmentStatus.FINALIZED)
CANCELLABLE = (CommitmentStatus.PROPOSED, CommitmentStatus.SIGNED)


@composite("pallet_commitments::types::Commitment")
@dataclasses.dataclass(slots=True)
class Commitment:
    """An agreement between the requester of a task, who proposes it, and the agent that won it."""

    task_id: U64
    agent_id: U64
    proposer: AccountId
    terms_hash: H256
    status: CommitmentStatus


NEXT_COMMITMENT_ID = PALLET.value("NextCommitmentId", U64, "The id of the next commitment.", default=1)
COMMITMENTS = PALLET.map("Commitments", (U64,), Commitment, "All commitments by id.")
OPEN_COMMITMENT_OF_TASK = PALLET.map(
    "OpenCommitmentOfTask", (U64,), U64, "The commitment of a task that is neither disputed nor cancelled."
)

CommitmentNotFound = PALLET.error("CommitmentNotFound", "There is no commitment of this id.")
NotParty = PALLET.error("NotParty", "Only the proposer and the agent's owner may do this.")
NotRequester = PALLET.error("NotRequester", "Only the task's requester may do this.")
NotAgentOwner = PALLET.error("NotAgentOwner", "Only the agent's owner may do this.")
TaskNotAssigned = PALLET.error("TaskNotAssigned", "The task is not assigned.")
WrongAgent = PALLET.error("WrongAgent", "The task is assigned to another agent.")
AlreadyOpen = PALLET.error("AlreadyOpen", "The task has a commitment that is neither disputed nor cancelled.")
NotProposed = PALLET.error("NotProposed", "The commitment is not waiting for a signature.")
NotSigned = PALLET.error("NotSigned", "The commitment is not signed, or is final.")
NotOpen = PALLET.error("NotOpen", "The commitment has come too far for this.")


class CommitmentProposed(Event, of=PALLET):
    """The requester of a task proposes terms to its agent."""

    commitment_id: U64
    task_id: U64
    agent_id: U64
    proposer: AccountId
    terms_hash: H256


class CommitmentSigned(Event, of=PALLET):
    """The agent's owner agrees to the terms."""

    commitment_id: U64
    signer: AccountId


class CommitmentFinalized(Event, of=PALLET):
    """The requester confirms the agreement."""

    commitment_id: U64


class CommitmentDisputed(Event, of=PALLET):
    """A party does not stand by the agreement, or says that the other does not."""

    commitment_id: U64
    raised_by: AccountId


class CommitmentCancelled(Event, of=PALLET):
    """The requester takes the proposal back."""

    commitment_id: U64


@PALLET.call
def propose_commitment(
    block: BlockContext, signer: AccountId, task_id: U64, agent_id: U64, terms_hash: H256
) -> None:
    """Propose terms for an assigned task to its agent, as its requester."""
    task = tasks.task_at(block, task_id)
    if task.requester != signer:
        raise NotRequester
    if task.status != TaskStatus.ASSIGNED:
        raise TaskNotAssigned
    if task.winner != agent_id:
        raise WrongAgent
    if OPEN_COMMITMENT_OF_TASK.get(block, task_id) is not None:
        raise AlreadyOpen
    commitment_id = NEXT_COMMITMENT_ID.get(block)
    NEXT_COMMITMENT_ID.put(block, commitment_id + 1)
    OPEN_COMMITMENT_OF_TASK.put(block, commitment_id, task_id)
    commitment = Commitment(task_id, agent_id, signer, terms_hash, CommitmentStatus.PROPOSED)
    COMMITMENTS.put(block, commitment, commitment_id)
    block.deposit(
        CommitmentProposed(
            commitment_id=commitment_id,
            task_id=task_id,
            agent_id=agent_id,
            proposer=signer,
            terms_hash=terms_hash,
        )
    )


@PALLET.call
def sign_commitment(block: BlockContext, signer: AccountId, commitment_id: U64) -> None:
    """Agree to proposed terms, as the agent's owner."""
    commitment = _commitment_at(block, commitment_id)
    if signer != _worker(block, commitment):
        raise NotAgentOwner
    if commitment.status != CommitmentStatus.PROPOSED:
        raise NotProposed
    _move(block, commitment_id, commitment, CommitmentStatus.SIGNED)
    block.deposit(CommitmentSigned(commitment_id=commitment_id, signer=signer))


@PALLET.call
def finalize_commitment(block: BlockContext, signer: AccountId, commitment_id: U64) -> None:
    """Confirm a signed agreement, as the requester."""
    commitment = _proposed_commitment(block, signer, commitment_id)
    if commitment.status != CommitmentStatus.SIGNED:
        raise NotSigned
    _move(block, commitment_id, commitment, CommitmentStatus.FINALIZED)
    block.deposit(CommitmentFinalized(commitment_id=commitment_id))


@PALLET.call
def dispute_commitment(block: BlockContext, signer: AccountId, commitment_id: U64) -> None:
    """Dispute an agreement at any stage, as either party."""
    commitment = _commitment_at(block, commitment_id)
    if signer not in (commitment.proposer, _worker(block, commitment)):
        raise NotParty
    if commitment.status not in OPEN:
        raise NotOpen
    _move(block, commitment_id, commitment, CommitmentStatus.DISPUTED)
    block.deposit(CommitmentDisputed(commitment_id=commitment_id, raised_by=signer))


@PALLET.call
def cancel_commitment(block: BlockContext, signer: AccountId, commitment_id: U64) -> None:
    """Take a proposal back, signed or not, as the requester."""
    commitment = _proposed_commitment(block, signer, commitment_id)
    if commitment.status not in CANCELLABLE:
        raise NotOpen
    _move(block, commitment_id, commitment, CommitmentStatus.CANCELLED)
    block.deposit(CommitmentCancelled(commitment_id=commitment_id))


def _commitment_at(block: BlockContext, commitment_id: int) -> Commitment:
    commitment: Commitment | None = COMMITMENTS.get(block, commitment_id)
    if commitment is None:
        raise CommitmentNotFound
    return commitment


def _proposed_commitment(block: BlockContext, signer: bytes, commitment_id: int) -> Commitment:
    commitment = _commitment_at(block, commitment_id)
    if commitment.proposer != signer:
        raise NotRequester
    return commitment


def _worker(block: BlockContext, commitment: Commitment) -> bytes:
    return agent_registry.agent_at(block, commitment.agent_id).owner


def _move(block: BlockContext, commitment_id: int, commitment: Commitment, status: CommitmentStatus) -> None:
    commitment.status = status
    COMMITMENTS.put(block, commitment, commitment_id)
    if status not in OPEN:
        OPEN_COMMITMENT_OF_TASK.remove(block, commitment.task_id)
