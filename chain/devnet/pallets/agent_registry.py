"""AgentRegistry: the agents that may work on tasks."""

import dataclasses
import enum

from chain.devnet.context import BlockContext
from chain.devnet.frame import AccountId
from chain.devnet.pallet import Event, Pallet
from chain.devnet.typeinfo import U64, Bytes, composite, variants

PALLET = Pallet("AgentRegistry", 10, "pallet_agent_registry")

DID_BYTES_MAX = 128
CAPABILITIES_MAX = 64
CAPABILITY_BYTES_MAX = 256
METADATA_BYTES_MAX = 1024
ATTESTATION_BYTES_MAX = 4096


@variants("pallet_agent_registry::types::VerificationLevel")
class VerificationLevel(enum.StrEnum):
    """How the work of an agent is verified."""

    BEST_EFFORT = "BestEffort"
    OPTIMISTIC = "Optimistic"
    TEE = "Tee"
    ZKSNARK = "Zksnark"
    REDUNDANT = "Redundant"


@variants("pallet_agent_registry::types::AgentStatus")
class AgentStatus(enum.StrEnum):
    """Whether an agent may bid: only while active. A retired agent stays retired."""

    ACTIVE = "Active"
    SUSPENDED = "Suspended"
    RETIRED = "Retired"


@composite("pallet_agent_registry::types::Agent")
@dataclasses.dataclass(slots=True)
class Agent:
    """A registered agent."""

    owner: AccountId
    did: Bytes
    capabilities: list[Bytes]
    metadata: Bytes | None
    verification_level: VerificationLevel
    status: AgentStatus


NEXT_AGENT_ID = PALLET.value("NextAgentId", U64, "The id of the next agent.", default=1)
AGENTS = PALLET.map("Agents", (U64,), Agent, "All agents by id.")
AGENT_ID_BY_DID = PALLET.map("AgentIdByDid", (Bytes,), U64, "The agent of every did ever registered.")

DidEmpty = PALLET.error("DidEmpty", "An agent needs a did.")
DidTooLong = PALLET.error("DidTooLong", "The did is longer than 128 bytes.")
DidTaken = PALLET.error("DidTaken", "An agent was registered under this did before.")
TooManyCapabilities = PALLET.error("TooManyCapabilities", "There are more than 64 capabilities.")
CapabilityTooLong = PALLET.error("CapabilityTooLong", "A capability is longer than 256 bytes.")
MetadataTooLong = PALLET.error("MetadataTooLong", "The metadata is longer than 1024 bytes.")
AttestationTooLong = PALLET.error("AttestationTooLong", "The attestation is longer than 4096 bytes.")
AgentNotFound = PALLET.error("AgentNotFound", "There is no agent of this id.")
NotAgentOwner = PALLET.error("NotAgentOwner", "Only the agent's owner may do this.")
AgentNotActive = PALLET.error("AgentNotActive", "The agent is not active.")


class AgentRegistered(Event, of=PALLET):
    """An agent may bid from now on."""

    agent_id: U64
    owner: AccountId


class AgentUpdated(Event, of=PALLET):
    """An agent's capabilities or metadata changed."""

    agent_id: U64


class AgentRetired(Event, of=PALLET):
    """An agent left for good."""

    agent_id: U64


class AgentStatusForced(Event, of=PALLET):
    """An agent's status was set by the chain's authority."""

    agent_id: U64
    status: AgentStatus


@PALLET.call
def register_agent(
    block: BlockContext,
    signer: AccountId,
    did: Bytes,
    capabilities: list[Bytes],
    metadata: Bytes | None,
    attestation: Bytes | None,
    verification_level: VerificationLevel,
) -> None:
    """Register an agent that the signer owns."""
    if not did:
        raise DidEmpty
    if len(did) > DID_BYTES_MAX:
        raise DidTooLong
    _check_profile(capabilities, metadata)
    if attestation is not None and len(attestation) > ATTESTATION_BYTES_MAX:
        raise AttestationTooLong
    if AGENT_ID_BY_DID.get(block, did) is not None:
        raise DidTaken
    agent_id = NEXT_AGENT_ID.get(block)
    NEXT_AGENT_ID.put(block, agent_id + 1)
    AGENTS.put(
        block, Agent(signer, did, capabilities, metadata, verification_level, AgentStatus.ACTIVE), agent_id
    )
    AGENT_ID_BY_DID.put(block, agent_id, did)
    block.deposit(AgentRegistered(agent_id=agent_id, owner=signer))


@PALLET.call
def update_agent(
    block: BlockContext,
    signer: AccountId,
    agent_id: U64,
    capabilities: list[Bytes] | None,
    metadata: Bytes | None,
) -> None:
    """Change what is given, keep the rest."""
    agent = _owned_active_agent(block, signer, agent_id)
    _check_profile(capabilities or [], metadata)
    if capabilities is not None:
        agent.capabilities = capabilities
    if metadata is not None:
        agent.metadata = metadata
    AGENTS.put(block, agent, agent_id)
    block.deposit(AgentUpdated(agent_id=agent_id))


@PALLET.call
def retire_agent(block: BlockContext, signer: AccountId, agent_id: U64) -> None:
    """Let an agent bid no more."""
    agent = _owned_active_agent(block, signer, agent_id)
    agent.status = AgentStatus.RETIRED
    AGENTS.put(block, agent, agent_id)
    block.deposit(AgentRetired(agent_id=agent_id))


def agent_at(block: BlockContext, agent_id: int) -> Agent:
    """Return an agent, or raise AgentNotFound."""
    agent: Agent | None = AGENTS.get(block, agent_id)
    if agent is None:
        raise AgentNotFound
    return agent


def _owned_active_agent(block: BlockContext, signer: bytes, agent_id: int) -> Agent:
    agent = agent_at(block, agent_id)
    if agent.owner != signer:
        raise NotAgentOwner
    if agent.status != AgentStatus.ACTIVE:
        raise AgentNotActive
    return agent


def _check_profile(capabilities: list[bytes], metadata: bytes | None) -> None:
    if len(capabilities) > CAPABILITIES_MAX:
        raise TooManyCapabilities
    if any(len(capability) > CAPABILITY_BYTES_MAX for capability in capabilities):
        raise CapabilityTooLong
    if metadata is not None and len(metadata) > METADATA_BYTES_MAX:
        raise MetadataTooLong
