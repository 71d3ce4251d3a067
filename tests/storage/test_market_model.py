"""A model of the market and a storage in local mode, side by side through the same calls."""

import asyncio
import copy
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from storage.errors import Refusal
from storage.market import agents, bids, disputes, results, tasks
from storage.records import Task
from storage.store import LOCAL, Storage
from tests.storage.items import MINUTE_US, a_bid, a_result, a_reveal, a_task, an_agent
from tests.storage.looking import dump, let_the_deadline_pass

BUDGET = 3
TASKS_MAX = 3
NAMES = st.sampled_from(["ada", "bob", "eve", "nobody"])
VALUES = st.integers(0, BUDGET + 1)
NUMBERS = st.integers(0, TASKS_MAX - 1)
BIDS = st.lists(st.tuples(NUMBERS, NAMES, VALUES), min_size=1, max_size=4)
OPEN = ("bidding", "revealing", "assigned")


@dataclass
class ModelTask:
    """What ought to be known of a task. Time is a choice at its creation."""

    window_is_over: bool
    deadline_is_over: bool
    status: str = "bidding"
    escrow: str = "funded"
    winner: str = ""
    cost: int | None = None
    values: dict[str, int] = field(default_factory=dict)  # by agent, in the order of the bids
    bids: dict[str, str] = field(default_factory=dict)
    results: set[str] = field(default_factory=set)


class Model:
    """The rules of the market in their shortest form; each call returns the reason of its refusal."""

    def __init__(self) -> None:
        self.agents: dict[str, str] = {}
        self.tasks: list[ModelTask] = []

    def register(self, name: str) -> str:
        if name in self.agents:
            return "AGENT_EXISTS"
        self.agents[name] = "active"
        return ""

    def retire(self, name: str) -> str:
        if name not in self.agents:
            return "AGENT_NOT_FOUND"
        self.agents[name] = "retired"
        return ""

    def bid(self, task: ModelTask, name: str, value: int) -> str:
        if name not in self.agents:
            return "AGENT_NOT_FOUND"
        if self.agents[name] != "active":
            return "AGENT_NOT_ACTIVE"
        if task.status != "bidding":
            return "TASK_NOT_BIDDING"
        if task.deadline_is_over:
            return "DEADLINE_PASSED"
        if name in task.bids:
            return "DUPLICATE_BID"
        task.bids[name], task.values[name] = "committed", value
        return ""

    def reveal(self, task: ModelTask, name: str, value: int) -> str:
        if name not in task.bids:
            return "BID_NOT_FOUND"
        if task.status != "revealing":
            return "TASK_NOT_REVEALING"
        if task.values[name] != value:
            return "COMMITMENT_MISMATCH"
        if task.bids[name] == "committed" and value > BUDGET:
            return "VALUE_ABOVE_BUDGET"
        task.bids[name] = "revealed"
        return ""

    def close(self, task: ModelTask) -> str:
        if task.status not in ("bidding", "revealing"):
            return "INVALID_TRANSITION"
        task.status = "revealing"
        return ""

    def cancel(self, task: ModelTask) -> str:
        if task.status not in ("bidding", "revealing", "cancelled"):
            return "INVALID_TRANSITION"
        task.status, task.escrow = "cancelled", "refunded"
        return ""

    def allocate(self, task: ModelTask) -> str:
        if task.status == "assigned":
            return ""
        if task.status != "revealing":
            return "TASK_NOT_REVEALING"
        revealed = [name for name, status in task.bids.items() if status == "revealed"]
        if not revealed:
            return "NO_REVEALED_BID"
        task.winner = min(revealed, key=task.values.__getitem__)
        task.status, task.cost = "assigned", task.values[task.winner]
        task.bids |= {name: "won" if name == task.winner else "lost" for name in revealed}
        return ""

    def submit_result(self, task: ModelTask, name: str) -> str:
        if name not in self.agents:
            return "AGENT_NOT_FOUND"
        if name in task.results:
            return "DUPLICATE_RESULT"
        if task.status != "assigned" or name != task.winner:
            return "TASK_NOT_ASSIGNED"
        if task.deadline_is_over:
            return "DEADLINE_PASSED"
        task.results.add(name)
        task.status = "completed"
        return ""

    def settle(self, task: ModelTask) -> str:
        if task.escrow == "released":
            return ""
        if task.status != "completed" or task.escrow != "funded":
            return "INVALID_TRANSITION"
        task.escrow = "released"
        return ""

    def dispute(self, task: ModelTask, name: str) -> str:
        if name and name != task.winner:
            return "TASK_NOT_ASSIGNED"
        if task.escrow == "disputed":
            return ""
        if task.status not in ("assigned", "completed") or task.escrow != "funded":
            return "INVALID_TRANSITION"
        task.escrow = "disputed"
        return ""

    def resolve(self, task: ModelTask, *, pay_agent: bool) -> str:
        if task.escrow != "disputed":
            return "INVALID_TRANSITION"
        task.escrow = "released" if pay_agent else "refunded"
        return ""

    def sweep(self) -> int:
        swept = 0
        for task in self.tasks:
            if task.status in OPEN and task.deadline_is_over:
                task.status = "failed" if task.status == "assigned" else "expired"
                if task.escrow != "disputed":
                    task.escrow = "refunded"
            elif task.status == "bidding" and task.window_is_over:
                task.status = "revealing"
            else:
                continue
            swept += 1
        return swept


class Market(RuleBasedStateMachine):
    """Every call is made on both, and both must answer and be the same."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.tasks: list[Task] = []
        self.runner = asyncio.Runner()
        self.storage = Storage.open(":memory:")

    @initialize()
    def prepare(self) -> None:
        self._run(self.storage.prepare(LOCAL))
        self.register("ada")
        self.register("bob")
        self.create(window_is_over=False, deadline_is_over=False)

    def teardown(self) -> None:
        self._run(self.storage.close())
        self.runner.close()

    @rule(name=NAMES)
    def register(self, name: str) -> None:
        if name != "nobody":
            self._same(self.model.register(name), agents.register, an_agent(name))

    @rule(name=NAMES)
    def retire(self, name: str) -> None:
        self._same(self.model.retire(name), agents.retire, name)

    @rule(window_is_over=st.booleans(), deadline_is_over=st.booleans())
    def create(self, window_is_over: bool, deadline_is_over: bool) -> None:
        if len(self.tasks) == TASKS_MAX:
            return
        new = a_task(
            max_budget=BUDGET,
            bidding_window_us=0 if window_is_over else MINUTE_US,
        )
        task = self._run(self.storage.commit(tasks.create, new)).record
        if deadline_is_over:
            self._run(let_the_deadline_pass(self.storage, task.task_id))
        self.tasks.append(task)
        self.model.tasks.append(ModelTask(window_is_over, deadline_is_over))

    @rule(wanted=BIDS)
    def bid_in_one_batch(self, wanted: list[tuple[int, str, int]]) -> None:
        self._batch(wanted, self.model.bid, bids.submit, a_bid)

    @rule(wanted=BIDS)
    def reveal_in_one_batch(self, wanted: list[tuple[int, str, int]]) -> None:
        self._batch(wanted, self.model.reveal, bids.reveal, a_reveal)

    @rule(number=NUMBERS)
    def carry_on(self, number: int) -> None:
        """The next step of the usual life of a task, so that chance reaches its end too; but first what
        must be refused."""
        for task, model in self._chosen(number):
            self._try_what_must_be_refused(task, model)
            match model.status:
                case "bidding":
                    for name in ("ada", "bob"):
                        self._same(self.model.bid(model, name, 1), bids.submit, a_bid(task, name, 1))
                    self.close(number)
                case "revealing":
                    for name, value in model.values.items():
                        reveal = a_reveal(task, name, value)
                        self._same(self.model.reveal(model, name, value), bids.reveal, reveal)
                    self.allocate(number)
                case "assigned":
                    self.submit_result(number, "nobody")

    @rule(number=NUMBERS)
    def close(self, number: int) -> None:
        self._step(number, self.model.close, tasks.close_bidding)

    @rule(number=NUMBERS)
    def cancel(self, number: int) -> None:
        self._step(number, self.model.cancel, tasks.cancel)

    @rule(number=NUMBERS)
    def allocate(self, number: int) -> None:
        self._step(number, self.model.allocate, tasks.allocate)

    @rule(number=NUMBERS)
    def settle(self, number: int) -> None:
        self._step(number, self.model.settle, tasks.settle)

    @rule(number=NUMBERS, name=st.sampled_from(["", "ada", "bob"]))
    def dispute(self, number: int, name: str) -> None:
        for task, model in self._chosen(number):
            new = disputes.Dispute(task_id=task.task_id, agent_id=name, reason="late")
            self._same(self.model.dispute(model, name), disputes.raise_, new)

    @rule(number=NUMBERS, pay_agent=st.booleans())
    def resolve(self, number: int, pay_agent: bool) -> None:
        for task, model in self._chosen(number):
            resolution = disputes.Resolution(task_id=task.task_id, pay_agent=pay_agent)
            expected = self.model.resolve(model, pay_agent=pay_agent)
            self._same(expected, disputes.resolve, resolution)

    @rule(number=NUMBERS, name=NAMES)
    def submit_result(self, number: int, name: str) -> None:
        for task, model in self._chosen(number):
            name = model.winner or name
            self._same(self.model.submit_result(model, name), results.submit, a_result(task, name))

    @rule()
    def sweep(self) -> None:
        assert len(self._run(self.storage.commit(tasks.sweep_deadlines, 100)).statuses) == self.model.sweep()

    @invariant()
    def both_are_the_same(self) -> None:
        if not self.storage.prepared:
            return
        tables = self._run(dump(self.storage))
        assert {row[0]: row[6] for row in tables["agents"]} == self.model.agents
        stored = {row[0]: row for row in tables["tasks"]}
        for task, model in zip(self.tasks, self.model.tasks, strict=True):
            row = stored[task.task_id]
            assert (row[8], row[9], row[14]) == (model.status, model.escrow, model.winner)
            assert row[15] == (None if model.cost is None else model.cost.to_bytes(16, "big"))
            of_task = [bid for bid in tables["bids"] if bid[1] == task.task_id]
            assert len(of_task) == len(model.bids)
            assert {bid[2]: bid[8] for bid in of_task} == model.bids
            assert Counter(model.bids.values())["won"] == (1 if model.winner else 0)
            assert {r[2] for r in tables["results"] if r[1] == task.task_id} == model.results
        self._check_events(tables)

    def _check_events(self, tables: dict[str, list[tuple[Any, ...]]]) -> None:
        log = tables["events"]
        assert [row[0] for row in log] == list(range(1, len(log) + 1))
        changes = Counter(row[3] for row in log)
        for name in ("agents", "tasks", "bids", "results"):
            for row in tables[name]:
                revision = row[-3]
                assert changes[row[0]] == revision

    def _chosen(self, number: int) -> list[tuple[Task, ModelTask]]:
        """One of the tasks, or none if there is none."""
        if not self.tasks:
            return []
        number %= len(self.tasks)
        return [(self.tasks[number], self.model.tasks[number])]

    def _try_what_must_be_refused(self, task: Task, model: ModelTask) -> None:
        steps: list[tuple[Callable[[ModelTask], str], Any]] = [
            (self.model.close, tasks.close_bidding),
            (self.model.cancel, tasks.cancel),
            (self.model.allocate, tasks.allocate),
            (self.model.settle, tasks.settle),
        ]
        for step, mutation in steps:
            reason = step(copy.deepcopy(model))
            if reason:
                self._same(reason, mutation, task.task_id)

    def _step(self, number: int, expected: Callable[[ModelTask], str], mutation: Any) -> None:
        for task, model in self._chosen(number):
            self._same(expected(model), mutation, task.task_id)

    def _batch(self, wanted: list[tuple[int, str, int]], expected: Any, mutation: Any, item: Any) -> None:
        chosen = [(*pair, name, value) for n, name, value in wanted for pair in self._chosen(n)]
        reasons = [expected(model, name, value) for _, model, name, value in chosen]
        items = [item(task, name, value) for task, _, name, value in chosen]
        assert self._reasons(mutation, *items) == reasons

    def _same(self, expected: str, mutation: Any, item: Any) -> None:
        assert self._reasons(mutation, item) == [expected]

    def _reasons(self, mutation: Any, *items: Any) -> list[str]:
        async def commit() -> list[Any]:
            commits = [self.storage.commit(mutation, item) for item in items]
            return await asyncio.gather(*commits, return_exceptions=True)

        return [answer.reason if isinstance(answer, Refusal) else "" for answer in self._run(commit())]

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        with structlog.testing.capture_logs():
            return self.runner.run(coroutine)


TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
