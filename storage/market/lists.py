"""Lists of the market: agents, tasks, bids, results. All run in a snapshot."""

from storage import schema
from storage.lifecycle import AgentStatus, BidStatus, EscrowStatus, ResultStatus, TaskStatus
from storage.market.workset import AGENTS, BIDS, RESULTS, TASKS
from storage.pages import Page, PageRequest, equal_to, keyset_page
from storage.records import Agent, Bid, Record, Result, Task
from storage.transaction import Transaction
from storage.weights import text_weight


class AgentFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    status: AgentStatus | None = None
    capability: str = ""


class TaskFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    status: TaskStatus | None = None
    escrow_status: EscrowStatus | None = None
    requester_id: str = ""
    assigned_agent_id: str = ""
    client_task_id: str = ""


class BidFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    task_id: str = ""
    agent_id: str = ""
    status: BidStatus | None = None


class ResultFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    task_id: str = ""
    agent_id: str = ""
    status: ResultStatus | None = None


def agents(tx: Transaction, wanted: AgentFilter) -> Page[Agent]:
    """Agents by id."""
    conditions = equal_to(schema.agents, wanted, ("status",))
    if wanted.capability:
        conditions.append(tx.dialect.json_contains(schema.agents.c.capabilities, wanted.capability))
    return keyset_page(tx, AGENTS, conditions, wanted.page, newest_first=False, weigh=_agent_weight)


def _agent_weight(agent: Agent) -> int:
    texts = (agent.agent_id, agent.label, agent.metadata, agent.account_address, agent.last_error)
    return text_weight(*texts, *agent.capabilities) + len(agent.attestation)


def tasks(tx: Transaction, wanted: TaskFilter) -> Page[Task]:
    """Tasks without their inputs, newest first."""
    columns = ("status", "escrow_status", "requester_id", "assigned_agent_id", "client_task_id")
    return keyset_page(tx, TASKS, equal_to(schema.tasks, wanted, columns), wanted.page)


def bids(tx: Transaction, wanted: BidFilter) -> Page[Bid]:
    """Bids, newest first."""
    conditions = equal_to(schema.bids, wanted, ("task_id", "agent_id", "status"))
    return keyset_page(tx, BIDS, conditions, wanted.page)


def results(tx: Transaction, wanted: ResultFilter) -> Page[Result]:
    """Results without their outputs, newest first."""
    conditions = equal_to(schema.results, wanted, ("task_id", "agent_id", "status"))
    return keyset_page(tx, RESULTS, conditions, wanted.page)
