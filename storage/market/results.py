"""Results: submit, read."""

import hashlib
from collections.abc import Sequence

from storage import schema
from storage.engines.driver import Row, fetch
from storage.errors import (
    DeadlinePassed,
    DuplicateResult,
    ResultNotFound,
    TaskNotAssigned,
)
from storage.fetcher import query
from storage.ids import new_id
from storage.lifecycle import ResultStatus, TaskStatus
from storage.market import intents
from storage.market.workset import AGENTS, RESULTS, TASKS, Workset
from storage.outcome import Outcome, decide_each, mutation
from storage.records import Action, Receipt, Record, ResourceUsage, Result
from storage.transaction import Transaction


class NewResult(Record, frozen=True, kw_only=True):
    task_id: str
    agent_id: str
    output: bytes = b""
    proof: bytes = b""
    resource_usage: ResourceUsage = ResourceUsage()


class ResultDetail(Record, frozen=True, kw_only=True):
    """A result with its output."""

    result: Result
    output: bytes


@mutation(Receipt[Result], locks=lambda item: [(AGENTS, item.agent_id), (TASKS, item.task_id)])
def submit(tx: Transaction, items: Sequence[NewResult]) -> list[Outcome[Receipt[Result]]]:
    """Store the results of assigned tasks; one that is recorded completes its task.

    Refusals, per result: TaskNotFound, AgentNotFound, DuplicateResult, TaskNotAssigned, DeadlinePassed.
    """
    work = Workset(tx)
    work.agents.load(item.agent_id for item in items)
    work.tasks.load(item.task_id for item in items)
    work.load_results((item.task_id, item.agent_id) for item in items)
    outputs: list[Row] = []

    def decide(item: NewResult) -> Receipt[Result]:
        receipt = _submit(work, item)
        if item.output:
            outputs.append((receipt.record.result_id, item.output))
        return receipt

    outcomes = decide_each(items, decide)
    work.store()
    if outputs:
        tx.dialect.insert(tx.connection, schema.result_outputs, ("result_id", "output"), outputs)
    return outcomes


def _submit(work: Workset, item: NewResult) -> Receipt[Result]:
    task = work.existing_task(item.task_id)
    work.existing_agent(item.agent_id)  # refuses an unknown one
    taken = work.results.get_by((item.task_id, item.agent_id))
    if taken is not None:
        raise DuplicateResult(item.task_id, item.agent_id, taken.result_id)
    if task.status != TaskStatus.ASSIGNED or task.assigned_agent_id != item.agent_id:
        raise TaskNotAssigned(task.task_id, task.status, item.agent_id)
    if task.deadline_us is not None and task.deadline_us <= work.tx.now_us:
        raise DeadlinePassed(task.task_id)
    result_id, correlation_id = new_id(), ""
    if work.tx.local:
        work.tasks.change(task, status=TaskStatus.COMPLETED)
    else:
        correlation_id = intents.enqueue(
            work,
            Action.SUBMIT_RESULT,
            entity_id=result_id,
            signer=item.agent_id,
            task_id=item.task_id,
            agent_id=item.agent_id,
        )
    result = Result(
        result_id=result_id,
        task_id=item.task_id,
        agent_id=item.agent_id,
        result_hash=hashlib.blake2b(item.output, digest_size=32).digest(),
        proof=item.proof,
        resource_usage=item.resource_usage,
        status=ResultStatus.RECORDED if work.tx.local else ResultStatus.PENDING,
        pending_action=Action.SUBMIT_RESULT if correlation_id else Action.NONE,
        pending_correlation_id=correlation_id,
    )
    result = work.results.add(result, requester_id=task.requester_id)
    return Receipt(record=result, correlation_id=correlation_id)


@query
def get(tx: Transaction, keys: Sequence[str]) -> list[Outcome[ResultDetail]]:
    """Results by id, with their outputs. Refusals: ResultNotFound."""
    found = {detail.result.result_id: detail for detail in _load(tx, "result_id", keys)}
    return [found.get(key) or ResultNotFound(key) for key in keys]


@query
def get_of_task(tx: Transaction, keys: Sequence[str]) -> list[Outcome[ResultDetail]]:
    """The recorded result of each task, else its newest. Refusals: ResultNotFound."""
    best: dict[str, ResultDetail] = {}
    for detail in sorted(_load(tx, "task_id", keys), key=_recorded_then_newest):
        best[detail.result.task_id] = detail
    return [best.get(key) or ResultNotFound(task_id=key) for key in keys]


def _recorded_then_newest(detail: ResultDetail) -> tuple[bool, str]:
    return detail.result.status == ResultStatus.RECORDED, detail.result.result_id


def _load(tx: Transaction, by: str, keys: Sequence[str]) -> list[ResultDetail]:
    condition = tx.dialect.any_of(schema.results.c[by])
    rows = fetch(
        tx.connection,
        f"SELECT {', '.join(RESULTS.quoted())}, result_outputs.output FROM results"
        f" LEFT JOIN result_outputs ON result_outputs.result_id = results.result_id WHERE {condition}",
        tx.dialect.keys(keys),
    )
    return [ResultDetail(result=RESULTS.from_row(row), output=output or b"") for *row, output in rows]
