"""Loading, and locking, all that the facts of blocks concern, before any of them is projected."""

from collections.abc import Iterable, Sequence
from typing import Any

from storage import facts
from storage.chain.outbox import load_entities_of
from storage.market.workset import AGENTS, AGREEMENTS, TASKS, Workset
from storage.records import Extrinsic, milestone_id

Reported = tuple[facts.Fact, Extrinsic | None]
"""A fact, and the extrinsic from here that caused it, if one did."""


def load(work: Workset, reported: Sequence[Reported], extrinsics: Sequence[Extrinsic]) -> None:
    """Load, and lock, all entities that facts and extrinsics concern.

    Ids of the chain are looked up first, so that the rows of a table are locked at once, in their order.
    """
    chain_agents: set[int] = set()
    chain_tasks: set[int] = set()
    chain_agreements: set[int] = set()
    agent_ids = {extrinsic.agent_id for extrinsic in extrinsics if extrinsic.agent_id}
    task_ids = {extrinsic.task_id for extrinsic in extrinsics if extrinsic.task_id}
    for fact, _ in reported:
        if isinstance(fact, facts.AgentRegistered):
            agent_ids.add(fact.name_here)
        chain_agent_id = getattr(fact, "chain_agent_id", None)
        if chain_agent_id is not None:
            chain_agents.add(chain_agent_id)
        if isinstance(fact, facts.TaskFact):
            chain_tasks.add(fact.chain_task_id)
        if isinstance(fact, facts.AgreementProposed | facts.AgreementMoved):
            chain_agreements.add(fact.chain_agreement_id)
    agents = AGENTS.load(work.tx, chain_agents, by="chain_agent_id", lock=False)
    work.agents.load(agent_ids.union(agent.agent_id for agent in agents))
    tasks = TASKS.load(work.tx, chain_tasks, by="chain_task_id", lock=False)
    known = AGREEMENTS.load(work.tx, chain_agreements, by="chain_agreement_id", lock=False)
    task_ids.update(agreement.task_id for agreement in known)
    work.tasks.load(task_ids.union(task.task_id for task in tasks))
    load_entities_of(work, extrinsics)
    _load_children(work, reported)
    work.agreements.load(agreement.agreement_id for agreement in known)
    _load_terms(work, reported)


def _load_terms(work: Workset, reported: Sequence[Reported]) -> None:
    """Load the milestones and the standings of accounts that facts concern."""
    milestone_ids, accounts, positions = set(), set(), set()
    for fact, _ in reported:
        if isinstance(fact, facts.MilestoneFact):
            # The milestones of a task that is new in these blocks are new too.
            task = work.tasks.get_by(fact.chain_task_id)
            milestone_ids.add(milestone_id(task.task_id, fact.number) if task else "")
        if isinstance(fact, facts.ReputationFact):
            accounts.add(fact.account_address)
            positions.add(fact.position)
    work.milestones.load(milestone_ids - {""})
    work.reputations.load(accounts)
    work.counted.load(positions)


def _load_children(work: Workset, reported: Sequence[Reported]) -> None:
    task_ids: dict[int, str] = {}
    agent_ids: dict[int, str] = {}
    for fact, own in reported:
        if isinstance(fact, facts.TaskCreated) and own is not None:
            task_ids[fact.chain_task_id] = own.task_id
        if isinstance(fact, facts.AgentRegistered):
            agent_ids[fact.chain_agent_id] = (own.agent_id if own is not None else "") or fact.agent_id or ""
    for task in work.tasks.all(lambda task: task.chain_task_id is not None):
        task_ids[task.chain_task_id or 0] = task.task_id
    for agent in work.agents.all(lambda agent: agent.chain_agent_id is not None):
        agent_ids[agent.chain_agent_id or 0] = agent.agent_id

    def pairs(*kinds: type[Any]) -> Iterable[tuple[str, str]]:
        for fact, _ in reported:
            if (
                isinstance(fact, kinds)
                and fact.chain_task_id in task_ids
                and fact.chain_agent_id in agent_ids
            ):
                yield task_ids[fact.chain_task_id], agent_ids[fact.chain_agent_id]

    allocated = {
        task_ids[fact.chain_task_id]
        for fact, _ in reported
        if isinstance(fact, facts.TaskAllocated) and fact.chain_task_id in task_ids
    }
    work.bids.load(allocated, by="task_id")
    work.load_bids(pairs(facts.BidSubmitted, facts.BidRevealed))
    work.load_results(pairs(facts.ResultRecorded))
