"""Milestones of tasks' escrows: as the chain tells of them, and how they are read. None is made here."""

from collections.abc import Sequence
from typing import Any

from storage import facts
from storage.anomalies import jump, unknown
from storage.lifecycle import MILESTONE, MilestoneStatus
from storage.market.workset import MILESTONES, Workset
from storage.records import Milestone, milestone_id
from storage.transaction import Transaction


def added(fact: facts.MilestoneAdded, work: Workset) -> str:
    """Store a milestone; what was unexpected about it, or nothing."""
    task = work.tasks.get_by(fact.chain_task_id)
    if task is None:
        return unknown("task", fact.chain_task_id)
    key = milestone_id(task.task_id, fact.number)
    if work.milestones.get(key) is None:
        work.milestones.add(
            Milestone(
                milestone_id=key,
                task_id=task.task_id,
                number=fact.number,
                description=fact.description or "",
                amount=fact.amount,
                required_approvals=fact.required_approvals,
            ),
            requester_id=task.requester_id,
        )
    return ""


def completed(fact: facts.MilestoneCompleted, work: Workset) -> str:
    milestone, anomaly = _find(fact, work)
    # Reported again after it was paid, it says nothing new.
    if milestone is None or milestone.status == MilestoneStatus.PAID:
        return anomaly
    return _change(work, milestone, status=MilestoneStatus.COMPLETED)


def approved(fact: facts.MilestoneApproved, work: Workset) -> str:
    milestone, anomaly = _find(fact, work)
    if milestone is None:
        return anomaly
    if fact.account_address in milestone.approved_by:
        return ""
    return _change(work, milestone, approved_by=(*milestone.approved_by, fact.account_address))


def paid(fact: facts.MilestonePaid, work: Workset) -> str:
    milestone, anomaly = _find(fact, work)
    if milestone is None:
        return anomaly
    return _change(
        work,
        milestone,
        status=MilestoneStatus.PAID,
        paid_amount=fact.amount,
        recipient=fact.account_address,
    )


def of_tasks(tx: Transaction, task_ids: Sequence[str]) -> dict[str, list[Milestone]]:
    """The milestones of each task that has some, in the order of their numbers."""
    found: dict[str, list[Milestone]] = {}
    milestones = MILESTONES.load(tx, task_ids, by="task_id", lock=False)
    for milestone in sorted(milestones, key=lambda milestone: milestone.number):
        found.setdefault(milestone.task_id, []).append(milestone)
    return found


def _find(fact: facts.MilestoneFact, work: Workset) -> tuple[Milestone | None, str]:
    """The milestone of a fact, or None and what is unknown."""
    task = work.tasks.get_by(fact.chain_task_id)
    if task is None:
        return None, unknown("task", fact.chain_task_id)
    milestone = work.milestones.get(milestone_id(task.task_id, fact.number))
    return milestone, "" if milestone else f"unknown milestone {fact.number} of task {fact.chain_task_id}"


def _change(work: Workset, milestone: Milestone, **fields: Any) -> str:
    """Change what differs; a jump that the lifecycle does not have, or nothing."""
    fields = {name: value for name, value in fields.items() if getattr(milestone, name) != value}
    status = fields.get("status", milestone.status)
    if fields:
        work.milestones.change(milestone, requester_id=work.requester_of(milestone.task_id), **fields)
    return jump(MILESTONE, milestone.status, status)
