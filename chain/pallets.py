"""Which call and which event belong to what: the declarative table between pallets and this service.

A call takes its arguments from the entities of its action, an event gives its fields to a fact. Both are
named by paths: `task.chain_task_id` is a field of the task, `call.did` an argument of the call that caused
the event. Names of the source chain where they are known, ours where they are not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from storage import facts
from storage.lifecycle import AgentStatus, TaskStatus
from storage.records import Action


@dataclass(frozen=True)
class CallRule:
    """The call that carries out an action, and where its arguments come from."""

    pallet: str
    call: str
    arguments: Mapping[str, str]


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
}

_OF_AGENT = {"chain_agent_id": "agent_id"}
_OF_TASK = {"chain_task_id": "task_id"}
_OF_BOTH = _OF_TASK | _OF_AGENT

EVENTS: Mapping[tuple[str, str], EventRule] = {
    ("AgentRegistry", "AgentRegistered"): EventRule(
        facts.AgentRegistered,
        _OF_AGENT
        | {
            "account_address": "owner",
            "agent_id": "call.did",
            "capabilities": "call.capabilities",
            "metadata": "call.metadata",
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
        _OF_TASK | {"budget": "budget", "spec_hash": "call.spec_hash", "deadline_block": "call.deadline"},
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
}


def call_name(action: Action) -> tuple[str, str]:
    """The pallet and the call that carry out an action; empty for a raw call, which names its own."""
    rule = CALLS.get(action)
    return ("", "") if rule is None else (rule.pallet, rule.call)
