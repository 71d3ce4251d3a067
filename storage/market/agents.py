"""Agents: register, change, retire, read."""

from collections.abc import Sequence
from typing import Any

import msgspec

from storage.errors import AgentExists, AgentNotActive, AgentNotFound, StaleRevision
from storage.fetcher import query
from storage.lifecycle import AGENT, AgentStatus
from storage.market import intents
from storage.market.workset import AGENTS, Workset
from storage.outcome import Outcome, decide_each, mutation
from storage.records import Action, Agent, AgentUpdate, Receipt, Record, Remembered, VerificationLevel
from storage.transaction import Transaction


class NewAgent(Record, frozen=True, kw_only=True):
    agent_id: str
    label: str = ""
    capabilities: tuple[str, ...] = ()
    metadata: str = ""
    attestation: bytes = b""
    verification_level: VerificationLevel = VerificationLevel.BEST_EFFORT


class AgentChange(Record, frozen=True, kw_only=True):
    """New values for an agent at `revision` (at any, if 0)."""

    agent_id: str
    update: AgentUpdate
    revision: int = 0


@mutation(Receipt[Agent], locks=lambda item: [(AGENTS, item.agent_id)])
def register(tx: Transaction, items: Sequence[NewAgent]) -> list[Outcome[Receipt[Agent]]]:
    """Store agents under the ids their owners chose; one that the chain rejected may register again.

    Refusals, per agent: AgentExists.
    """
    work = Workset(tx)
    work.agents.load(item.agent_id for item in items)
    outcomes = decide_each(items, lambda item: _register(work, item))
    work.store()
    return outcomes


def _register(work: Workset, item: NewAgent) -> Receipt[Agent]:
    rejected = work.agents.get(item.agent_id)
    if rejected is not None and rejected.status != AgentStatus.REJECTED:
        raise AgentExists(item.agent_id)
    fields = msgspec.structs.asdict(item)
    if work.tx.local:
        return Receipt(record=work.agents.add(Agent(**fields, status=AgentStatus.ACTIVE)))
    correlation_id = intents.enqueue(
        work,
        Action.REGISTER_AGENT,
        entity_id=item.agent_id,
        signer=item.agent_id,
        agent_id=item.agent_id,
    )
    fields |= intents.pending(Action.REGISTER_AGENT, correlation_id)
    if rejected is None:
        agent = work.agents.add(Agent(**fields))
    else:
        agent = work.agents.change(rejected, status=AgentStatus.PENDING, last_error="", **fields)
    return Receipt(record=agent, correlation_id=correlation_id)


@mutation(Receipt[Agent], locks=lambda item: [(AGENTS, item.agent_id)])
def change(tx: Transaction, items: Sequence[AgentChange]) -> list[Outcome[Receipt[Agent]]]:
    """Change active agents. With a chain, a label changes at once and the rest when it is confirmed.

    Refusals, per agent: AgentNotFound, StaleRevision, AgentNotActive, ActionPending.
    """
    work = Workset(tx)
    work.agents.load(item.agent_id for item in items)
    outcomes = decide_each(items, lambda item: _change(work, item))
    work.store()
    return outcomes


def _change(work: Workset, item: AgentChange) -> Receipt[Agent]:
    agent = work.existing_agent(item.agent_id)
    if item.revision and item.revision != agent.revision:
        raise StaleRevision("agent", agent.agent_id, item.revision, agent.revision)
    if agent.status != AgentStatus.ACTIVE:
        raise AgentNotActive(agent.agent_id, agent.status)
    label: dict[str, Any] = {} if item.update.label is None else {"label": item.update.label}
    on_chain = msgspec.structs.replace(item.update, label=None)
    if on_chain == AgentUpdate():
        same = item.update.label in (None, agent.label)
        return Receipt(record=agent if same else work.agents.change(agent, **label))
    return intents.begin(
        work,
        work.agents,
        agent,
        Action.UPDATE_AGENT,
        signer=agent.agent_id,
        local=updated_fields(on_chain),
        at_once=label,
        remembered=Remembered(pending_update=on_chain),
    )


def updated_fields(update: AgentUpdate) -> dict[str, Any]:
    """The fields that an update sets."""
    return {name: value for name, value in msgspec.structs.asdict(update).items() if value is not None}


@mutation(Receipt[Agent], locks=lambda agent_id: [(AGENTS, agent_id)])
def retire(tx: Transaction, items: Sequence[str]) -> list[Outcome[Receipt[Agent]]]:
    """Retire agents by id. Refusals, per agent: AgentNotFound, InvalidTransition, ActionPending."""
    work = Workset(tx)
    work.agents.load(items)
    outcomes = decide_each(items, lambda agent_id: _retire(work, agent_id))
    work.store()
    return outcomes


def _retire(work: Workset, agent_id: str) -> Receipt[Agent]:
    agent = work.existing_agent(agent_id)
    AGENT.check(agent_id, agent.status, AgentStatus.RETIRED)
    if agent.status == AgentStatus.RETIRED:
        return Receipt(record=agent)
    return intents.begin(
        work,
        work.agents,
        agent,
        Action.RETIRE_AGENT,
        signer=agent_id,
        local={"status": AgentStatus.RETIRED},
    )


@query
def get(tx: Transaction, keys: Sequence[str]) -> list[Outcome[Agent]]:
    """Agents by id. Refusals: AgentNotFound."""
    found = {agent.agent_id: agent for agent in AGENTS.load(tx, keys, lock=False)}
    return [found.get(key) or AgentNotFound(key) for key in keys]
