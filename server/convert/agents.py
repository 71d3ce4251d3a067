"""Agents and their reputation, between the contract and storage."""

from collections.abc import Sequence

from chamberlain.v1 import agent_pb2, reputation_pb2
from chamberlain.v1 import orchestrator_service_pb2 as pb

from server.convert.values import timestamp, verification_level
from server.enums import ACTION, AGENT_STATUS, VERIFICATION_LEVEL
from server.paging import Tokens, page_request
from server.validation import Checked, Fields
from storage import limits
from storage.market.agents import AgentChange, NewAgent
from storage.market.lists import AgentFilter
from storage.records import Agent, AgentUpdate, Reputation

UPDATABLE = ("label", "capabilities", "metadata")
"""The fields of an agent that an update mask may name."""


def new_agent(request: pb.RegisterAgentRequest) -> NewAgent:
    with Checked(request) as fields:
        return NewAgent(
            agent_id=fields.identifier("agent_id", request.agent_id),
            label=fields.text("label", request.label, limits.LABEL_BYTES_MAX),
            capabilities=_capabilities(fields, "capabilities", request.capabilities),
            metadata=fields.text("metadata", request.metadata, limits.METADATA_BYTES_MAX),
            attestation=fields.blob("attestation", request.attestation, limits.ATTESTATION_BYTES_MAX),
            verification_level=verification_level(fields, request.verification_level),
        )


def agent_change(request: pb.UpdateAgentRequest) -> AgentChange:
    with Checked(request) as fields:
        agent, named = request.agent, set(request.update_mask.paths)
        if not named:
            fields.refuse("update_mask", "is required")
        if not named.issubset(UPDATABLE):
            fields.refuse("update_mask", f"may name only {', '.join(UPDATABLE)}")
        if request.revision < 0:
            fields.refuse("revision", "must not be negative")
        return AgentChange(
            agent_id=fields.identifier("agent.agent_id", agent.agent_id),
            revision=request.revision,
            update=AgentUpdate(
                label=fields.text("agent.label", agent.label, limits.LABEL_BYTES_MAX)
                if "label" in named
                else None,
                capabilities=_capabilities(fields, "agent.capabilities", agent.capabilities)
                if "capabilities" in named
                else None,
                metadata=fields.text("agent.metadata", agent.metadata, limits.METADATA_BYTES_MAX)
                if "metadata" in named
                else None,
            ),
        )


def _capabilities(fields: Fields, field: str, values: Sequence[str]) -> tuple[str, ...]:
    if len(values) > limits.CAPABILITIES_MAX:
        fields.refuse(field, f"has too many entries: at most {limits.CAPABILITIES_MAX}")
        return ()
    return tuple(
        fields.text(f"{field}[{place}]", value, limits.CAPABILITY_BYTES_MAX, required=True)
        for place, value in enumerate(values)
    )


def agents(request: pb.ListAgentsRequest, tokens: Tokens) -> AgentFilter:
    with Checked(request) as fields:
        return AgentFilter(
            status=fields.filter("status", request.status, AGENT_STATUS),
            capability=fields.text("capability", request.capability, limits.CAPABILITY_BYTES_MAX),
            page=page_request(fields, request, tokens),
        )


def agent(record: Agent) -> agent_pb2.Agent:
    return agent_pb2.Agent(
        agent_id=record.agent_id,
        label=record.label,
        capabilities=record.capabilities,
        metadata=record.metadata,
        attestation=record.attestation,
        verification_level=VERIFICATION_LEVEL.to_wire[record.verification_level],
        status=AGENT_STATUS.to_wire[record.status],
        chain_agent_id=record.chain_agent_id,
        account_address=record.account_address,
        pending_action=ACTION.to_wire[record.pending_action],
        pending_correlation_id=record.pending_correlation_id,
        last_error=record.last_error,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
    )


def reputation(agent_id: str, record: Reputation) -> reputation_pb2.Reputation:
    return reputation_pb2.Reputation(
        agent_id=agent_id,
        account_address=record.account_address,
        score=record.score,
        staked_amount=str(record.staked),
        slashed_amount=str(record.slashed),
        tasks_completed=record.tasks_completed,
        tasks_failed=record.tasks_failed,
        severe_slashes=record.severe_slashes,
        update_time=timestamp(record.update_time_us) if record.update_time_us else None,
    )
