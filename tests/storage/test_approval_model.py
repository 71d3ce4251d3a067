"""A model of approvals and a storage side by side through the same calls, restarts included.

Every deed has its entry in the audit log, with the result that the model expects, and the chain holds.
"""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from storage.errors import Refusal
from storage.lifecycle import ApprovalStatus
from storage.sessions import approvals
from storage.sessions.approvals import Ending, NewApproval
from storage.store import LOCAL, Storage
from tests.storage.auditing import ADA, audited, meddle, walked
from tests.storage.looking import a_request, dump
from tests.support.databases import PostgresDatabases, SqliteFiles

NUMBERS = st.integers(0, 3)
ENDINGS = st.sampled_from([ApprovalStatus.APPROVED, ApprovalStatus.REJECTED, ApprovalStatus.CANCELLED])
WEEK_US = 7 * 86_400_000_000
SWEEP_AT_MOST = 2
STATUS, DECIDED_BY, REVISION = 8, 9, 11  # columns


def an_approval(**fields: Any) -> NewApproval:
    given: dict[str, Any] = {
        "approval_kind": "payment",
        "title": "Pay",
        "requested_by": "planner",
        "time_to_live_us": WEEK_US,
    }
    return NewApproval(**given | fields)


@dataclass
class ModelApproval:
    """What ought to be known of an approval. `late`: its time is over."""

    status: str = "pending"
    decided_by: str = ""
    late: bool = False

    def end(self, status: str, decided_by: str) -> str:
        if self.status != "pending" or self.late:
            return "APPROVAL_NOT_PENDING"
        self.status, self.decided_by = status, decided_by
        return ""


class Approvals(RuleBasedStateMachine):
    """Every call is made on both, and both must answer and be the same."""

    def __init__(self, make_url: Callable[[], str]) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.url = make_url()
        self.storage = Storage.open(self.url, connections_max=2)
        self.model: dict[str, ModelApproval] = {}
        self.results: list[str] = []  # of the deeds so far
        self.requests = itertools.count()

    @initialize()
    def prepare(self) -> None:
        self._run(self.storage.prepare(LOCAL))
        self.request()

    def teardown(self) -> None:
        self._run(self.storage.close())
        self.runner.close()

    @rule()
    def request(self) -> None:
        made = self._run(self.storage.commit(approvals.request, an_approval(), deed=ADA))
        self.model[made.approval_id] = ModelApproval()
        self.results.append("ok")

    @rule(wanted=st.lists(st.tuples(NUMBERS, ENDINGS), min_size=1, max_size=4))
    def end_at_once(self, wanted: list[tuple[int, ApprovalStatus]]) -> None:
        """Several people decide in one batch, also about the same approval: the first counts."""
        expected, items = [], []
        for turn, (number, status) in enumerate(wanted):
            approval_id, model = self._chosen(number)
            expected.append(model.end(status, f"person-{turn}"))
            items.append(Ending(approval_id=approval_id, status=status, decided_by=f"person-{turn}"))
        commits = [self.storage.commit(approvals.end, item, deed=ADA) for item in items]
        assert self._reasons(*commits) == expected
        self.results += [reason or "ok" for reason in expected]

    @rule(number=NUMBERS, status=ENDINGS)
    def end_twice_with_one_request_id(self, number: int, status: ApprovalStatus) -> None:
        approval_id, model = self._chosen(number)
        expected = model.end(status, "grace")
        ending = Ending(approval_id=approval_id, status=status, decided_by="grace")
        request = a_request(str(next(self.requests)))
        for turn in range(2):
            commit = self.storage.commit(approvals.end, ending, request=request, deed=ADA)
            assert self._reasons(commit) == [expected]
            if expected or turn == 0:  # a repetition is no deed
                self.results.append(expected or "ok")

    @rule(number=NUMBERS)
    def let_its_time_pass(self, number: int) -> None:
        approval_id, model = self._chosen(number)
        past = "UPDATE approvals SET expire_time_us = 1 WHERE approval_id = :approval_id"
        self._run(meddle(self.storage, past, approval_id=approval_id))
        model.late = True

    @rule()
    def sweep(self) -> None:
        due = {key for key, model in self.model.items() if model.late and model.status == "pending"}
        swept = self._run(self.storage.commit(approvals.sweep, SWEEP_AT_MOST, deed=ADA))
        count = len(swept.approval_ids)
        assert count == min(len(due), SWEEP_AT_MOST)
        self.results += ["ok"] * count
        stored = {row[0]: row[STATUS] for row in self._run(dump(self.storage))["approvals"]}
        expired = {key for key in due if stored[key] == "expired"}
        assert len(expired) == count
        for approval_id in expired:
            self.model[approval_id].status = "expired"

    @rule()
    def restart(self) -> None:
        self._run(self.storage.close())
        self.storage = Storage.open(self.url, connections_max=2)
        self._run(self.storage.prepare(LOCAL))

    @invariant()
    def both_are_the_same(self) -> None:
        if not self.storage.prepared:
            return
        tables = self._run(dump(self.storage))
        stored = {row[0]: (row[STATUS], row[DECIDED_BY], row[REVISION]) for row in tables["approvals"]}
        assert stored == {
            key: (model.status, model.decided_by, 1 if model.status == "pending" else 2)
            for key, model in self.model.items()
        }
        log = [row[3] for row in tables["events"] if row[2] == "approval"]
        assert all(log.count(key) == revision for key, (_, _, revision) in stored.items())
        assert [each.entry.result for each in self._run(audited(self.storage))] == self.results
        assert self._run(walked(self.storage)).fault is None

    def _chosen(self, number: int) -> tuple[str, ModelApproval]:
        return list(self.model.items())[number % len(self.model)]

    def _reasons(self, *commits: Coroutine[Any, Any, Any]) -> list[str]:
        async def commit() -> list[Any]:
            return await asyncio.gather(*commits, return_exceptions=True)

        return [answer.reason if isinstance(answer, Refusal) else "" for answer in self._run(commit())]

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        with structlog.testing.capture_logs():
            return self.runner.run(coroutine)


def _check(make_url: Callable[[], str], examples: int) -> None:
    run_state_machine_as_test(
        partial(Approvals, make_url),  # type: ignore[arg-type]  # any factory will do
        settings=settings(max_examples=examples, stateful_step_count=25, deadline=None),
    )


def test_a_file_agrees_with_the_model(sqlite_files: SqliteFiles, tmp_path: Path) -> None:
    numbers = itertools.count()
    _check(lambda: sqlite_files.create(tmp_path / f"{next(numbers)}.db"), examples=20)


def test_postgres_agrees_with_the_model(postgres_databases: PostgresDatabases) -> None:
    _check(lambda: postgres_databases.server.url(postgres_databases.create()), examples=8)
