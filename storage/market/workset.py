"""The entities that a batch works on: loaded once, changed in memory, stored once.

Decisions of items in one batch build on each other through it, since every item sees what the ones before
it changed. Load parents before children (agents, tasks, bids, results, agreements, milestones, reputations,
extrinsics), so that all processes lock rows in one order.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

import msgspec

from storage import events, schema
from storage.errors import AgentNotFound, ExtrinsicNotFound, Retry, TaskNotFound
from storage.lifecycle import BidStatus, ResultStatus
from storage.records import (
    Agent,
    Agreement,
    Bid,
    CountedEvent,
    Extrinsic,
    Milestone,
    Reputation,
    Result,
    Task,
)
from storage.table_map import TableMap
from storage.transaction import Transaction

R = TypeVar("R", Agent, Task, Bid, Result, Agreement, Milestone, Reputation, Extrinsic)

AGENTS = TableMap(schema.agents, Agent)
TASKS = TableMap(schema.tasks, Task)
BIDS = TableMap(schema.bids, Bid)
RESULTS = TableMap(schema.results, Result)
AGREEMENTS = TableMap(schema.agreements, Agreement)
MILESTONES = TableMap(schema.milestones, Milestone)
REPUTATIONS = TableMap(schema.reputations, Reputation)
COUNTED_EVENTS = TableMap(schema.counted_events, CountedEvent)
EXTRINSICS = TableMap(schema.extrinsics, Extrinsic)


class Entities(Generic[R]):
    """The loaded records of one table, by id and by a second key that not all of them have."""

    def __init__(
        self,
        tx: Transaction,
        table_map: TableMap[R],
        second_key: Callable[[R], Hashable | None],
        parent: Callable[[R], str] | None = None,
    ) -> None:
        self._tx = tx
        self._map: TableMap[R] = table_map
        self._second_key: Callable[[R], Hashable | None] = second_key
        self._records: dict[str, R] = {}
        self._by_second_key: dict[Hashable, str] = {}
        self._parent: Callable[[R], str] | None = parent
        self._by_parent: dict[str, set[str]] = {}
        self._new: set[str] = set()
        self._changed: set[str] = set()

    def load(self, keys: Iterable[Any], *, by: str = "") -> None:
        """Load, and lock, the records whose key (or column `by`) is one of `keys`."""
        wanted = keys if by else [key for key in keys if key not in self._records]
        self._take_in(self._map.load(self._tx, wanted, by=by))

    def load_pairs(self, pairs: Iterable[tuple[str, str]], *, by: tuple[str, str], where: str = "") -> None:
        """Load, and lock, the records whose two columns `by` are one of `pairs`."""
        self._take_in(self._map.load_pairs(self._tx, pairs, by=by, where=where))

    def get(self, key: str) -> R | None:
        return self._records.get(key)

    def get_by(self, second_key: Hashable) -> R | None:
        key = self._by_second_key.get(second_key)
        return None if key is None else self._records[key]

    def of(self, parent: str) -> list[R]:
        """The loaded records that belong to a parent, in the order of their ids."""
        return [self._records[key] for key in sorted(self._by_parent.get(parent, ()))]

    def by_id(self) -> dict[str, R]:
        """All loaded records."""
        return dict(self._records)

    def all(self, wanted: Callable[[R], bool]) -> list[R]:
        """All loaded records that are wanted, in the order of their ids."""
        return [record for _, record in sorted(self._records.items()) if wanted(record)]

    def add(self, record: R, *, requester_id: str = "", correlation_id: str = "") -> R:
        """Take in a new record; its revision is 1 and its times are now."""
        now = self._tx.now_us
        record = msgspec.structs.replace(record, create_time_us=now, update_time_us=now)
        self._new.add(self._put(record))
        events.append(self._tx, record, before=None, requester_id=requester_id, correlation_id=correlation_id)
        return record

    def change(self, record: R, *, requester_id: str = "", correlation_id: str = "", **fields: Any) -> R:
        """Set fields of a loaded record, with its next revision and its event.

        `correlation_id` is of the action that ends with this change, if one does.
        """
        before = record
        self._by_second_key.pop(self._second_key(before), None)
        record = msgspec.structs.replace(
            before, revision=before.revision + 1, update_time_us=self._tx.now_us, **fields
        )
        key = self._put(record)
        if key not in self._new:
            self._changed.add(key)
        events.append(
            self._tx, record, before=before, requester_id=requester_id, correlation_id=correlation_id
        )
        return record

    def store(self) -> None:
        """Write what is new and what changed.

        Raises `Retry` if another process took the key of a new record: run again, the transaction
        will see it.
        """
        # Changes go first: they may free the second key that a new record takes.
        self._map.update(self._tx, [self._records[key] for key in sorted(self._changed)])
        new = [self._records[key] for key in sorted(self._new)]
        if self._map.insert(self._tx, new) != self._new:
            raise Retry
        self._new.clear()
        self._changed.clear()

    def _take_in(self, records: Iterable[R]) -> None:
        for record in records:
            if events.entity_id(record) not in self._records:
                self._put(record)

    def _put(self, record: R) -> str:
        key = events.entity_id(record)
        self._records[key] = record
        if self._parent is not None:
            self._by_parent.setdefault(self._parent(record), set()).add(key)
        second_key = self._second_key(record)
        if second_key is not None:
            self._by_second_key[second_key] = key
        return key


class CountedEvents:
    """Which events of the chain were added up before."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._known: set[int] = set()
        self._new: list[CountedEvent] = []

    def load(self, positions: Iterable[int]) -> None:
        self._known.update(row.position for row in COUNTED_EVENTS.load(self._tx, positions, lock=False))

    def take(self, position: int, account_address: str) -> bool:
        """Whether the event at a position was not counted yet; it is now."""
        if position in self._known:
            return False
        self._known.add(position)
        self._new.append(CountedEvent(position=position, account_address=account_address))
        return True

    def store(self) -> None:
        """Write what was taken. Raises `Retry` if another process counted one of them."""
        if COUNTED_EVENTS.insert_new(self._tx, self._new) != len(self._new):
            raise Retry
        self._new.clear()


class Workset:
    """The entities of one transaction.

    The second key of agents, tasks and agreements is their id on the chain; of bids and results it is
    (task, agent), not counting rejected ones. The parent of a bid is its task.
    """

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.agents: Entities[Agent] = Entities(tx, AGENTS, lambda agent: agent.chain_agent_id)
        self.tasks = Entities(tx, TASKS, lambda task: task.chain_task_id)
        self.bids = Entities(
            tx,
            BIDS,
            lambda bid: None if bid.status == BidStatus.REJECTED else (bid.task_id, bid.agent_id),
            lambda bid: bid.task_id,
        )
        self.results = Entities(
            tx,
            RESULTS,
            lambda result: (
                None if result.status == ResultStatus.REJECTED else (result.task_id, result.agent_id)
            ),
        )
        self.agreements: Entities[Agreement] = Entities(
            tx, AGREEMENTS, lambda agreement: agreement.chain_agreement_id
        )
        self.milestones: Entities[Milestone] = Entities(tx, MILESTONES, lambda milestone: None)
        self.reputations: Entities[Reputation] = Entities(tx, REPUTATIONS, lambda reputation: None)
        self.counted = CountedEvents(tx)
        self.extrinsics = Entities(tx, EXTRINSICS, lambda extrinsic: None)

    def load_bids(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Load the bids that count, by (task, agent)."""
        self.bids.load_pairs(pairs, by=("task_id", "agent_id"), where="status <> 'rejected'")

    def load_results(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Load the results that count, by (task, agent)."""
        self.results.load_pairs(pairs, by=("task_id", "agent_id"), where="status <> 'rejected'")

    def existing_agent(self, agent_id: str) -> Agent:
        """A loaded agent. Raises `AgentNotFound`."""
        agent = self.agents.get(agent_id)
        if agent is None:
            raise AgentNotFound(agent_id)
        return agent

    def existing_task(self, task_id: str) -> Task:
        """A loaded task. Raises `TaskNotFound`."""
        task = self.tasks.get(task_id)
        if task is None:
            raise TaskNotFound(task_id)
        return task

    def existing_extrinsic(self, correlation_id: str) -> Extrinsic:
        """A loaded extrinsic. Raises `ExtrinsicNotFound`."""
        extrinsic = self.extrinsics.get(correlation_id)
        if extrinsic is None:
            raise ExtrinsicNotFound(correlation_id)
        return extrinsic

    def requester_of(self, task_id: str) -> str:
        task = self.tasks.get(task_id)
        return task.requester_id if task else ""

    def projected(self) -> tuple[Entities[Any], ...]:
        """The entities that facts of the chain change, parents first."""
        entities = (self.agents, self.tasks, self.bids, self.results)
        return (*entities, self.agreements, self.milestones, self.reputations)

    def store(self) -> None:
        """Write everything, parents first. Raises `Retry`, see `Entities.store`."""
        for entities in self.projected():
            entities.store()
        self.counted.store()
        self.extrinsics.store()
