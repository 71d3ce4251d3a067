"""Projecting facts: the chain's truth is taken as it is.

A projection is never refused by the state machines. What was unexpected (an unknown entity, a jump that the
lifecycle does not have) is returned as an anomaly, and stored with its event. Facts of an extrinsic that was
sent from here are matched by it; others by the ids of the chain. Applying a fact twice changes nothing.
"""

from functools import singledispatch
from typing import Any

from storage import facts
from storage.anomalies import jump, unknown
from storage.ids import new_id
from storage.lifecycle import (
    AGENT,
    BID,
    ESCROW,
    RESULT,
    TASK,
    AgentStatus,
    BidStatus,
    EscrowStatus,
    ResultStatus,
    TaskStatus,
)
from storage.limits import LAST_ERROR_CHARS_MAX, NUMBER_MAX
from storage.market import agreements, intents, milestones, reputations
from storage.market.agents import updated_fields
from storage.market.tasks import decide_bids
from storage.market.workset import Workset
from storage.records import Action, Agent, Bid, Extrinsic, Result, Task, VerificationLevel


@singledispatch
def project(fact: facts.Fact, work: Workset, own: Extrinsic | None) -> str:
    """Apply a fact to the loaded entities; what was unexpected about it, or nothing."""
    raise TypeError(f"no projection for {type(fact).__name__}")


@project.register
def _(fact: facts.AgentRegistered, work: Workset, own: Extrinsic | None) -> str:
    agent = work.agents.get_by(fact.chain_agent_id)
    if agent is None and own is not None and own.action == Action.REGISTER_AGENT:
        agent = work.agents.get(own.agent_id)
    if agent is None and fact.agent_id:
        agent = work.agents.get(fact.agent_id)  # the id is the DID, which is unique on the chain
    if agent is None:
        taken = work.agents.get(fact.name_here) is not None  # by somebody who registered that name here
        work.agents.add(
            Agent(
                agent_id=f"{fact.name_here}:{new_id()}" if taken else fact.name_here,
                status=AgentStatus.ACTIVE,
                chain_agent_id=fact.chain_agent_id,
                account_address=fact.account_address,
                **_registered(fact),
            )
        )
        return ""
    # What another client registered under this DID is what the chain holds.
    theirs = {} if own is not None and own.action == Action.REGISTER_AGENT else _registered(fact)
    return _move_agent(
        work,
        agent,
        own,
        AgentStatus.ACTIVE,
        chain_agent_id=fact.chain_agent_id,
        account_address=fact.account_address,
        **theirs,
    )


def _registered(fact: facts.AgentRegistered) -> dict[str, Any]:
    """The fields of an agent that its registration reports."""
    said = {
        "capabilities": fact.capabilities,
        "metadata": fact.metadata,
        "verification_level": fact.verification_level,
    }
    return {name: value for name, value in said.items() if value is not None}


@project.register
def _(fact: facts.AgentUpdated, work: Workset, own: Extrinsic | None) -> str:
    agent = work.agents.get_by(fact.chain_agent_id)
    if agent is None:
        return unknown("agent", fact.chain_agent_id)
    fields: dict[str, Any] = {}
    if _ends_pending(agent, own) and agent.pending_update is not None:
        fields = updated_fields(agent.pending_update) | {"pending_update": None}
    if fact.capabilities is not None:
        fields["capabilities"] = fact.capabilities
    if fact.metadata is not None:
        fields["metadata"] = fact.metadata
    return _move_agent(work, agent, own, agent.status, **fields)


@project.register
def _(fact: facts.AgentMoved, work: Workset, own: Extrinsic | None) -> str:
    agent = work.agents.get_by(fact.chain_agent_id)
    if agent is None:
        return unknown("agent", fact.chain_agent_id)
    return _move_agent(work, agent, own, fact.status)


@project.register
def _(fact: facts.TaskCreated, work: Workset, own: Extrinsic | None) -> str:
    task = work.tasks.get_by(fact.chain_task_id)
    if task is None and own is not None and own.action == Action.CREATE_TASK:
        task = work.tasks.get(own.task_id)
    if task is None:
        work.tasks.add(
            Task(
                task_id=new_id(),
                max_budget=fact.budget,
                status=TaskStatus.BIDDING,
                spec_hash=fact.spec_hash or b"",
                chain_task_id=fact.chain_task_id,
                deadline_block=None if fact.deadline_block is None else min(fact.deadline_block, NUMBER_MAX),
                verification_level=fact.verification_level or VerificationLevel.BEST_EFFORT,
            )
        )
        return ""
    return _move_task(work, task, own, TaskStatus.BIDDING, chain_task_id=fact.chain_task_id)


@project.register
def _(fact: facts.TaskMoved, work: Workset, own: Extrinsic | None) -> str:
    task = work.tasks.get_by(fact.chain_task_id)
    if task is None:
        return unknown("task", fact.chain_task_id)
    error = fact.error.replace("\0", " ")[:LAST_ERROR_CHARS_MAX]
    fields = {"last_error": error} if error else {}
    return _move_task(work, task, own, fact.status, **fields)


@project.register
def _(fact: facts.TaskAllocated, work: Workset, own: Extrinsic | None) -> str:
    task, agent = work.tasks.get_by(fact.chain_task_id), work.agents.get_by(fact.chain_agent_id)
    if task is None:
        return unknown("task", fact.chain_task_id)
    winner = agent.agent_id if agent else f"chain:agent:{fact.chain_agent_id}"
    anomaly = _move_task(work, task, own, TaskStatus.ASSIGNED, assigned_agent_id=winner, cost=fact.cost)
    revealed = [bid for bid in work.bids.of(task.task_id) if bid.status == BidStatus.REVEALED]
    decide_bids(work, task, revealed, winner)
    return anomaly or ("" if agent else unknown("agent", fact.chain_agent_id))


@project.register
def _(fact: facts.EscrowFunded, work: Workset, own: Extrinsic | None) -> str:
    return _move_escrow(work, fact, own, EscrowStatus.FUNDED)


@project.register
def _(fact: facts.EscrowRefunded, work: Workset, own: Extrinsic | None) -> str:
    return _move_escrow(work, fact, own, EscrowStatus.REFUNDED)


@project.register
def _(fact: facts.EscrowReleased, work: Workset, own: Extrinsic | None) -> str:
    return _move_escrow(work, fact, own, EscrowStatus.RELEASED, paid_amount=fact.amount, fee_amount=fact.fee)


@project.register
def _(fact: facts.EscrowDisputed, work: Workset, own: Extrinsic | None) -> str:
    return _move_escrow(work, fact, own, EscrowStatus.DISPUTED, disputed_by=fact.account_address)


@project.register
def _(fact: facts.MilestoneAdded, work: Workset, own: Extrinsic | None) -> str:
    return milestones.added(fact, work)


@project.register
def _(fact: facts.MilestoneCompleted, work: Workset, own: Extrinsic | None) -> str:
    return milestones.completed(fact, work)


@project.register
def _(fact: facts.MilestoneApproved, work: Workset, own: Extrinsic | None) -> str:
    return milestones.approved(fact, work)


@project.register
def _(fact: facts.MilestonePaid, work: Workset, own: Extrinsic | None) -> str:
    return milestones.paid(fact, work)


@project.register
def _(fact: facts.AgreementProposed, work: Workset, own: Extrinsic | None) -> str:
    return agreements.proposed(fact, work)


@project.register
def _(fact: facts.AgreementMoved, work: Workset, own: Extrinsic | None) -> str:
    return agreements.moved(fact, work)


@project.register
def _(fact: facts.ReputationFact, work: Workset, own: Extrinsic | None) -> str:
    return reputations.project(fact, work)


@project.register
def _(fact: facts.BidSubmitted, work: Workset, own: Extrinsic | None) -> str:
    task, agent = work.tasks.get_by(fact.chain_task_id), work.agents.get_by(fact.chain_agent_id)
    if task is None:
        return unknown("task", fact.chain_task_id)
    if agent is None:
        return unknown("agent", fact.chain_agent_id)
    bid = work.bids.get_by((task.task_id, agent.agent_id))
    if bid is None:
        work.bids.add(
            Bid(
                bid_id=new_id(),
                task_id=task.task_id,
                agent_id=agent.agent_id,
                commitment=fact.commitment or b"",
                estimated_duration_seconds=min(fact.estimated_duration_seconds or 0, NUMBER_MAX),
                status=BidStatus.COMMITTED,
            ),
            requester_id=task.requester_id,
        )
        return ""
    # Somebody else's client bid for this agent first: what it committed to counts.
    fields: dict[str, Any] = {} if fact.commitment is None else {"commitment": fact.commitment}
    if fact.estimated_duration_seconds is not None:
        fields["estimated_duration_seconds"] = min(fact.estimated_duration_seconds, NUMBER_MAX)
    return _move_bid(work, bid, own, BidStatus.COMMITTED, **fields)


@project.register
def _(fact: facts.BidRevealed, work: Workset, own: Extrinsic | None) -> str:
    task, agent = work.tasks.get_by(fact.chain_task_id), work.agents.get_by(fact.chain_agent_id)
    bid = work.bids.get_by((task.task_id, agent.agent_id)) if task and agent else None
    if bid is None:
        return f"unknown bid of agent {fact.chain_agent_id} on task {fact.chain_task_id}"
    return _move_bid(work, bid, own, BidStatus.REVEALED, value=fact.value)


@project.register
def _(fact: facts.ResultRecorded, work: Workset, own: Extrinsic | None) -> str:
    task, agent = work.tasks.get_by(fact.chain_task_id), work.agents.get_by(fact.chain_agent_id)
    if task is None:
        return unknown("task", fact.chain_task_id)
    anomaly = _move_task(work, task, own, TaskStatus.COMPLETED)
    if agent is None:
        return anomaly or unknown("agent", fact.chain_agent_id)
    result = work.results.get_by((task.task_id, agent.agent_id))
    if result is not None and result.result_hash == fact.result_hash:
        return _move_result(work, result, own, ResultStatus.RECORDED) or anomaly
    if result is not None:
        reason = "the chain recorded another result"
        anomaly = _move_result(work, result, own, ResultStatus.REJECTED, last_error=reason) or anomaly
    work.results.add(
        Result(
            result_id=new_id(),
            task_id=task.task_id,
            agent_id=agent.agent_id,
            result_hash=fact.result_hash,
            status=ResultStatus.RECORDED,
        ),
        requester_id=task.requester_id,
    )
    return anomaly


def _move_agent(
    work: Workset, agent: Agent, own: Extrinsic | None, status: AgentStatus, **fields: Any
) -> str:
    anomaly = jump(AGENT, agent.status, status)
    _change(work, work.agents, agent, own, "", status=status, **fields)
    return anomaly


def _move_task(work: Workset, task: Task, own: Extrinsic | None, status: TaskStatus, **fields: Any) -> str:
    anomaly = jump(TASK, task.status, status)
    _change(work, work.tasks, task, own, "", status=status, **fields)
    return anomaly


def _move_escrow(
    work: Workset, fact: facts.TaskFact, own: Extrinsic | None, status: EscrowStatus, **fields: Any
) -> str:
    task = work.tasks.get_by(fact.chain_task_id)
    if task is None:
        return unknown("task", fact.chain_task_id)
    anomaly = jump(ESCROW, task.escrow_status, status)
    _change(work, work.tasks, task, own, "", escrow_status=status, **fields)
    return anomaly


def _move_bid(work: Workset, bid: Bid, own: Extrinsic | None, status: BidStatus, **fields: Any) -> str:
    anomaly = jump(BID, bid.status, status)
    _change(work, work.bids, bid, own, work.requester_of(bid.task_id), status=status, **fields)
    return anomaly


def _move_result(
    work: Workset, result: Result, own: Extrinsic | None, status: ResultStatus, **fields: Any
) -> str:
    anomaly = jump(RESULT, result.status, status)
    _change(work, work.results, result, own, work.requester_of(result.task_id), status=status, **fields)
    return anomaly


def _change(
    work: Workset, entities: Any, record: Any, own: Extrinsic | None, requester_id: str, **fields: Any
) -> None:
    """Change what differs; a fact of the pending action's own extrinsic ends the action."""
    correlation_id = ""
    if _ends_pending(record, own) and own is not None:
        correlation_id = own.correlation_id
        fields = {"last_error": "", **fields, **intents.pending(Action.NONE, "")}
    fields = {name: value for name, value in fields.items() if getattr(record, name) != value}
    if fields:
        entities.change(record, requester_id=requester_id, correlation_id=correlation_id, **fields)


def _ends_pending(record: Agent | Task | Bid | Result, own: Extrinsic | None) -> bool:
    return own is not None and record.pending_correlation_id == own.correlation_id
