"""Which call and which event belong to what: the declarative table between pallets and this service.

A call takes its arguments from the entities of its action, an event gives its fields to a fact. Both are
named by paths: `task.chain_task_id` is a field of the task, `call.did` an argument of the call that caused
the event. Fields of an event that have no names are called `0`, `1`, … Names of the source chain where they
are known, ours where they are not; `chain.pallets_file` reads those of another chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from storage import facts
from storage.lifecycle import AgentStatus, AgreementStatus, TaskStatus
from storage.records import Action


@dataclass(frozen=True)
class CallRule:
    """The call that carries out an action, and where its arguments come from; `constants` never change."""

    pallet: str
    call: str
    arguments: Mapping[str, str]
    constants: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EventRule:
    """The fact that an event reports: its fields by path, and those that the kind of event decides.

    `call.` paths are arguments of `call`, a call of the event's pallet; they are None if the event was
    caused in another way.
    """

    fact: type[facts.Fact]
    fields: Mapping[str, str]
    constants: Mapping[str, Any] = field(default_factory=dict)
    call: str = ""


_TASK = {"task_id": "task.chain_task_id"}
_TASK_AND_AGENT = _TASK | {"agent_id": "agent.chain_agent_id"}

CALLS: Mapping[Action, CallRule] = {
    Action.REGISTER_AGENT: CallRule(
        "AgentRegistry",
        "register_agent",
        {
            "did": "agent.agent_id",
            "capabilities": "agent.capabilities",
            "metadata": "agent.metadata",
            "attestation": "agent.attestation",
            "verification_level": "agent.verification_level",
        },
    ),
    Action.UPDATE_AGENT: CallRule(
        "AgentRegistry",
        "update_agent",
        {
            "agent_id": "agent.chain_agent_id",
            "capabilities": "agent.pending_update.capabilities",
            "metadata": "agent.pending_update.metadata",
        },
    ),
    Action.RETIRE_AGENT: CallRule("AgentRegistry", "retire_agent", {"agent_id": "agent.chain_agent_id"}),
    Action.CREATE_TASK: CallRule(
        "TaskMarket",
        "create_task",
        {
            "spec_hash": "task.spec_hash",
            "budget": "task.max_budget",
            "deadline": "task.deadline_block",
            "verification_level": "task.verification_level",
        },
    ),
    Action.CANCEL_TASK: CallRule("TaskMarket", "cancel_task", _TASK),
    Action.SUBMIT_BID: CallRule(
        "TaskMarket",
        "submit_bid",
        _TASK_AND_AGENT
        | {"commitment": "bid.commitment", "estimated_duration": "bid.estimated_duration_seconds"},
    ),
    Action.CLOSE_BIDDING: CallRule("TaskMarket", "close_bidding", _TASK),
    Action.REVEAL_BID: CallRule(
        "TaskMarket", "reveal_bid", _TASK_AND_AGENT | {"cost": "bid.value", "nonce": "bid.nonce"}
    ),
    Action.ALLOCATE_TASK: CallRule("TaskMarket", "allocate_task", _TASK),
    Action.SUBMIT_RESULT: CallRule(
        "TaskMarket",
        "submit_result",
        _TASK_AND_AGENT | {"result_hash": "result.result_hash", "proof": "result.proof"},
    ),
    Action.SETTLE_TASK: CallRule("Escrow", "release_payment", _TASK),
    Action.DISPUTE_TASK: CallRule("Escrow", "dispute_escrow", _TASK),
}

_OF_AGENT = {"chain_agent_id": "agent_id"}
_OF_TASK = {"chain_task_id": "task_id"}
_OF_BOTH = _OF_TASK | _OF_AGENT
_OF_MILESTONE = _OF_TASK | {"number": "milestone_id"}
_OF_AGREEMENT = {"chain_agreement_id": "commitment_id"}
_OF_ACCOUNT = {"account_address": "0"}

EVENTS: Mapping[tuple[str, str], EventRule] = {
    ("AgentRegistry", "AgentRegistered"): EventRule(
        facts.AgentRegistered,
        _OF_AGENT
        | {
            "account_address": "owner",
            "agent_id": "call.did",
            "capabilities": "call.capabilities",
            "metadata": "call.metadata",
            "verification_level": "call.verification_level",
        },
        call="register_agent",
    ),
    ("AgentRegistry", "AgentUpdated"): EventRule(
        facts.AgentUpdated,
        _OF_AGENT | {"capabilities": "call.capabilities", "metadata": "call.metadata"},
        call="update_agent",
    ),
    ("AgentRegistry", "AgentRetired"): EventRule(
        facts.AgentMoved, _OF_AGENT, {"status": AgentStatus.RETIRED}
    ),
    ("AgentRegistry", "AgentStatusForced"): EventRule(facts.AgentMoved, _OF_AGENT | {"status": "status"}),
    ("TaskMarket", "TaskCreated"): EventRule(
        facts.TaskCreated,
        _OF_TASK
        | {
            "budget": "budget",
            "spec_hash": "call.spec_hash",
            "deadline_block": "call.deadline",
            "verification_level": "call.verification_level",
        },
        call="create_task",
    ),
    ("TaskMarket", "TaskCancelled"): EventRule(facts.TaskMoved, _OF_TASK, {"status": TaskStatus.CANCELLED}),
    ("TaskMarket", "BidSubmitted"): EventRule(
        facts.BidSubmitted,
        _OF_BOTH
        | {
            "commitment": "call.commitment",
            "estimated_duration_seconds": "call.estimated_duration",
        },
        call="submit_bid",
    ),
    ("TaskMarket", "BiddingClosed"): EventRule(facts.TaskMoved, _OF_TASK, {"status": TaskStatus.REVEALING}),
    ("TaskMarket", "BidRevealed"): EventRule(facts.BidRevealed, _OF_BOTH | {"value": "cost"}),
    ("TaskMarket", "TaskAllocated"): EventRule(facts.TaskAllocated, _OF_BOTH | {"cost": "cost"}),
    ("TaskMarket", "TaskCompleted"): EventRule(
        facts.ResultRecorded, _OF_BOTH | {"result_hash": "result_hash"}
    ),
    ("TaskMarket", "TaskExpired"): EventRule(facts.TaskMoved, _OF_TASK, {"status": TaskStatus.EXPIRED}),
    ("TaskMarket", "TaskFailed"): EventRule(
        facts.TaskMoved, _OF_TASK | {"error": "reason"}, {"status": TaskStatus.FAILED}
    ),
    ("Escrow", "EscrowCreated"): EventRule(facts.EscrowFunded, _OF_TASK),
    ("Escrow", "EscrowRefunded"): EventRule(facts.EscrowRefunded, _OF_TASK),
    ("Escrow", "PaymentReleased"): EventRule(
        facts.EscrowReleased, _OF_TASK | {"amount": "amount", "fee": "fee"}
    ),
    ("Escrow", "DisputeRaised"): EventRule(facts.EscrowDisputed, _OF_TASK | {"account_address": "raised_by"}),
    ("Escrow", "MilestoneAdded"): EventRule(
        facts.MilestoneAdded,
        _OF_MILESTONE
        | {
            "amount": "amount",
            "required_approvals": "required_approvals",
            "description": "call.description",
        },
        call="add_milestone",
    ),
    ("Escrow", "MilestoneCompleted"): EventRule(facts.MilestoneCompleted, _OF_MILESTONE),
    ("Escrow", "MilestoneApproved"): EventRule(
        facts.MilestoneApproved, _OF_MILESTONE | {"account_address": "approved_by"}
    ),
    ("Escrow", "MilestonePaid"): EventRule(
        facts.MilestonePaid, _OF_MILESTONE | {"amount": "amount", "account_address": "recipient"}
    ),
    ("Commitments", "CommitmentProposed"): EventRule(
        facts.AgreementProposed,
        _OF_BOTH | _OF_AGREEMENT | {"account_address": "proposer", "terms_hash": "terms_hash"},
    ),
    ("Commitments", "CommitmentSigned"): EventRule(
        facts.AgreementMoved, _OF_AGREEMENT, {"status": AgreementStatus.SIGNED}
    ),
    ("Commitments", "CommitmentFinalized"): EventRule(
        facts.AgreementMoved, _OF_AGREEMENT, {"status": AgreementStatus.FINALIZED}
    ),
    ("Commitments", "CommitmentDisputed"): EventRule(
        facts.AgreementMoved, _OF_AGREEMENT, {"status": AgreementStatus.DISPUTED}
    ),
    ("Commitments", "CommitmentCancelled"): EventRule(
        facts.AgreementMoved, _OF_AGREEMENT, {"status": AgreementStatus.CANCELLED}
    ),
    ("Reputation", "ReputationBonded"): EventRule(facts.StakeBonded, _OF_ACCOUNT | {"amount": "1"}),
    ("Reputation", "ReputationUnbonded"): EventRule(facts.StakeUnbonded, _OF_ACCOUNT | {"amount": "1"}),
    ("Reputation", "TaskOutcomeReported"): EventRule(facts.OutcomeReported, _OF_ACCOUNT | {"success": "2"}),
    ("Reputation", "ReputationIncreased"): EventRule(facts.ReputationMoved, _OF_ACCOUNT | {"score": "2"}),
    ("Reputation", "ReputationDecreased"): EventRule(
        facts.ReputationMoved, _OF_ACCOUNT | {"score": "2", "slashed": "3"}
    ),
    ("Reputation", "SevereSlash"): EventRule(facts.SeverelySlashed, _OF_ACCOUNT),
}


@dataclass(frozen=True)
class PalletTable:
    """The calls and the events of one chain."""

    calls: Mapping[Action, CallRule]
    events: Mapping[tuple[str, str], EventRule]

    def call_name(self, action: Action) -> tuple[str, str]:
        """The pallet and the call that carry out an action; empty for a raw call, which names its own."""
        rule = self.calls.get(action)
        return ("", "") if rule is None else (rule.pallet, rule.call)

    def cause_of(self, pallet: str, event: str) -> str:
        """The call whose arguments the fact of an event wants; empty if it wants none."""
        rule = self.events.get((pallet, event))
        return rule.call if rule is not None else ""


DEFAULT = PalletTable(CALLS, EVENTS)
"""The table of the source chain, and of the development chain."""
