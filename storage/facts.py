"""What the chain can report, in the words of this room; the chain room makes these of decoded events.

Ids are those of the chain. Fields that only the call of the extrinsic tells, not the event, are None when
the call is not known.
"""

from storage.lifecycle import AgentStatus, AgreementStatus, TaskStatus
from storage.records import Record, VerificationLevel

EVENT_INDEX_BITS = 31


def position_of(block_number: int, event_index: int) -> int:
    """The place of an event among all events of the chain, as one number that grows."""
    return (block_number << EVENT_INDEX_BITS) | event_index


class Fact(Record, frozen=True, kw_only=True):
    """The base of all facts."""


class AgentRegistered(Fact, frozen=True, kw_only=True):
    chain_agent_id: int
    account_address: str
    agent_id: str | None = None
    capabilities: tuple[str, ...] | None = None
    metadata: str | None = None
    verification_level: VerificationLevel | None = None

    @property
    def name_here(self) -> str:
        """The id of an agent that another client registered."""
        return self.agent_id or f"chain:agent:{self.chain_agent_id}"


class AgentUpdated(Fact, frozen=True, kw_only=True):
    chain_agent_id: int
    capabilities: tuple[str, ...] | None = None
    metadata: str | None = None


class AgentMoved(Fact, frozen=True, kw_only=True):
    chain_agent_id: int
    status: AgentStatus


class TaskFact(Fact, frozen=True, kw_only=True):
    """The base of the facts about a task."""

    chain_task_id: int


class TaskCreated(TaskFact, frozen=True, kw_only=True):
    budget: int
    spec_hash: bytes | None = None
    deadline_block: int | None = None
    verification_level: VerificationLevel | None = None


class TaskMoved(TaskFact, frozen=True, kw_only=True):
    """Cancelled, revealing, expired or failed."""

    status: TaskStatus
    error: str = ""


class TaskAllocated(TaskFact, frozen=True, kw_only=True):
    chain_agent_id: int
    cost: int


class EscrowFunded(TaskFact, frozen=True, kw_only=True):
    pass


class EscrowRefunded(TaskFact, frozen=True, kw_only=True):
    pass


class EscrowReleased(TaskFact, frozen=True, kw_only=True):
    amount: int
    fee: int


class BidSubmitted(TaskFact, frozen=True, kw_only=True):
    chain_agent_id: int
    commitment: bytes | None = None
    estimated_duration_seconds: int | None = None


class BidRevealed(TaskFact, frozen=True, kw_only=True):
    chain_agent_id: int
    value: int


class ResultRecorded(TaskFact, frozen=True, kw_only=True):
    chain_agent_id: int
    result_hash: bytes


class EscrowDisputed(TaskFact, frozen=True, kw_only=True):
    account_address: str


class MilestoneFact(TaskFact, frozen=True, kw_only=True):
    """The base of the facts about a milestone; `number` counts those of its task, from 1."""

    number: int


class MilestoneAdded(MilestoneFact, frozen=True, kw_only=True):
    amount: int
    required_approvals: int
    description: str | None = None


class MilestoneCompleted(MilestoneFact, frozen=True, kw_only=True):
    pass


class MilestoneApproved(MilestoneFact, frozen=True, kw_only=True):
    account_address: str


class MilestonePaid(MilestoneFact, frozen=True, kw_only=True):
    amount: int
    account_address: str


class AgreementProposed(TaskFact, frozen=True, kw_only=True):
    chain_agent_id: int
    chain_agreement_id: int
    account_address: str
    terms_hash: bytes


class AgreementMoved(Fact, frozen=True, kw_only=True):
    """Signed, finalized, disputed or cancelled."""

    chain_agreement_id: int
    status: AgreementStatus


class ReputationFact(Fact, frozen=True, kw_only=True):
    """The base of the facts about the standing of an account.

    Some of them add up, so each has a `position`, that of its event on the chain, and counts once.
    """

    account_address: str
    position: int


class StakeBonded(ReputationFact, frozen=True, kw_only=True):
    amount: int


class StakeUnbonded(ReputationFact, frozen=True, kw_only=True):
    amount: int


class OutcomeReported(ReputationFact, frozen=True, kw_only=True):
    success: bool


class ReputationMoved(ReputationFact, frozen=True, kw_only=True):
    """The standing is `score` now; `slashed` was taken from the stake."""

    score: int
    slashed: int = 0


class SeverelySlashed(ReputationFact, frozen=True, kw_only=True):
    pass
