"""Agreements on tasks: as the chain tells of them, and how they are read. None is made here."""

from collections.abc import Sequence

from sqlalchemy import select

from storage import facts, schema
from storage.anomalies import jump, unknown
from storage.errors import AgreementNotFound, TaskNotFound
from storage.fetcher import query
from storage.ids import new_id
from storage.lifecycle import AGREEMENT, AgreementStatus
from storage.market.workset import AGREEMENTS, Workset
from storage.outcome import Outcome
from storage.records import Agreement
from storage.transaction import Transaction

CLOSED = frozenset({AgreementStatus.DISPUTED, AgreementStatus.CANCELLED})


def proposed(fact: facts.AgreementProposed, work: Workset) -> str:
    """Store a proposed agreement; what was unexpected about it, or nothing."""
    if work.agreements.get_by(fact.chain_agreement_id) is not None:
        return ""  # reported before
    task, agent = work.tasks.get_by(fact.chain_task_id), work.agents.get_by(fact.chain_agent_id)
    if task is None:
        return unknown("task", fact.chain_task_id)
    work.agreements.add(
        Agreement(
            agreement_id=new_id(),
            task_id=task.task_id,
            agent_id=agent.agent_id if agent else f"chain:agent:{fact.chain_agent_id}",
            chain_agreement_id=fact.chain_agreement_id,
            proposer=fact.account_address,
            terms_hash=fact.terms_hash,
        ),
        requester_id=task.requester_id,
    )
    return "" if agent else unknown("agent", fact.chain_agent_id)


def moved(fact: facts.AgreementMoved, work: Workset) -> str:
    """Move an agreement; what was unexpected about it, or nothing."""
    agreement = work.agreements.get_by(fact.chain_agreement_id)
    if agreement is None:
        return unknown("agreement", fact.chain_agreement_id)
    if agreement.status != fact.status:
        requester_id = work.requester_of(agreement.task_id)
        work.agreements.change(agreement, requester_id=requester_id, status=fact.status)
    return jump(AGREEMENT, agreement.status, fact.status)


@query
def get_of_task(tx: Transaction, keys: Sequence[str]) -> list[Outcome[Agreement]]:
    """The agreement on each task, see `of_tasks`. Refusals: TaskNotFound, AgreementNotFound."""
    found = of_tasks(tx, keys)
    missing = [key for key in keys if key not in found]
    table = schema.tasks
    known = set(tx.connection.execute(select(table.c.task_id).where(table.c.task_id.in_(missing))).scalars())
    return [found.get(key) or (AgreementNotFound(key) if key in known else TaskNotFound(key)) for key in keys]


def of_tasks(tx: Transaction, task_ids: Sequence[str]) -> dict[str, Agreement]:
    """The agreement on each task that has one: that which is open or final, else the newest."""
    agreements = AGREEMENTS.load(tx, task_ids, by="task_id", lock=False)
    agreements.sort(key=lambda agreement: (agreement.status not in CLOSED, agreement.agreement_id))
    return {agreement.task_id: agreement for agreement in agreements}
