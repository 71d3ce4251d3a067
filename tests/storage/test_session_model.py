"""A model of sessions and a storage side by side through the same calls, crashes and restarts included."""

import asyncio
import itertools
import json
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from storage.errors import Refusal
from storage.lifecycle import SessionStatus
from storage.sessions import sessions, transcripts
from storage.sessions import sweep as session_sweep
from storage.sessions.records import SessionDetail
from storage.sessions.sessions import NewCommand, SessionUpdate
from storage.sessions.sweep import Sweep
from storage.sessions.transcripts import Append, Copy
from storage.store import LOCAL, Storage
from tests.storage.conversation import HOUR_US, a_session, an_entry, let_it_rest
from tests.storage.looking import dump
from tests.support.databases import PostgresDatabases, SqliteFiles

SESSIONS_MAX = 4
NUMBERS = st.integers(0, SESSIONS_MAX - 1)
STATUSES = st.sampled_from(list(SessionStatus))
KEYS = st.sampled_from("abc")
PATCHES = st.dictionaries(KEYS, st.one_of(st.none(), st.integers(0, 3)), max_size=3)
SWEEP = Sweep(retention_us=HOUR_US, purge_us=HOUR_US, at_most=2)

MOVES = {
    "pending": {"active", "expired"},
    "active": {"paused", "completed", "failed", "expired"},
    "paused": {"active", "expired"},
}


@dataclass
class ModelSession:
    """What ought to be known of a session. `rested`: nobody has touched it for longer than anybody waits."""

    status: str = "pending"
    task_id: str = ""
    metadata: dict[str, int] = field(default_factory=dict)
    revision: int = 1
    entries: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    rested: bool = False

    @property
    def ended(self) -> bool:
        return self.status not in MOVES

    def update(self, status: str, patch: dict[str, int | None], revision: int) -> str:
        if revision not in (0, self.revision):
            return "STALE_REVISION"
        if status != self.status and status not in MOVES.get(self.status, ()):
            return "INVALID_TRANSITION"
        merged = {key: value for key, value in (self.metadata | patch).items() if value is not None}
        if (status, merged) == (self.status, self.metadata):
            return ""
        if self.ended:
            return "SESSION_ENDED"
        self.status, self.metadata, self.rested = status, merged, False
        self.revision += 1
        return ""

    def append(self, texts: list[str], parent: int) -> str:
        if not texts:
            return ""
        if self.ended:
            return "SESSION_ENDED"
        if parent > len(self.entries):
            return "ENTRY_NOT_FOUND"
        self.entries += texts
        self.rested = False
        return ""


class Sessions(RuleBasedStateMachine):
    """Every call is made on both, and both must answer and be the same."""

    def __init__(self, make_url: Callable[[], str]) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.url = make_url()
        self.storage = Storage.open(self.url, connections_max=2)
        self.model: dict[str, ModelSession] = {}
        self.deleted: list[str] = []

    @initialize()
    def prepare(self) -> None:
        self._run(self.storage.prepare(LOCAL))
        self.create({"a": 1})
        self.update(0, SessionStatus.ACTIVE, {}, 0)

    def teardown(self) -> None:
        self._run(self.storage.close())
        self.runner.close()

    @rule(metadata=PATCHES)
    def create(self, metadata: dict[str, int | None]) -> None:
        if len(self.model) < SESSIONS_MAX:
            detail = self._run(self.storage.commit(sessions.create, a_session(metadata=json.dumps(metadata))))
            kept = {key: value for key, value in metadata.items() if value is not None}
            self.model[detail.session.session_id] = ModelSession(metadata=kept)

    @rule(number=NUMBERS, status=STATUSES, patch=PATCHES, behind=st.integers(-1, 1))
    def update(self, number: int, status: SessionStatus, patch: dict[str, int | None], behind: int) -> None:
        for session_id, model in self._chosen(number):
            revision = 0 if behind < 0 else model.revision - behind
            update = SessionUpdate(
                session_id=session_id, status=status, metadata=json.dumps(patch), revision=revision
            )
            self._same([model.update(status, patch, revision)], sessions.update, update)

    @rule(wanted=st.lists(st.tuples(NUMBERS, st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=4))
    def append_in_one_batch(self, wanted: list[tuple[int, int, int]]) -> None:
        expected, appends = [], []
        for (number, size, parent), turn in zip(wanted, itertools.count(), strict=False):
            for session_id, model in self._chosen(number):
                texts = [f"{len(model.entries)}/{turn}/{part}" for part in range(size)]
                entries = tuple(an_entry(text, parent_position=parent) for text in texts)
                expected.append(model.append(texts, parent))
                appends.append(Append(session_id=session_id, entries=entries))
        self._same(expected, transcripts.append, *appends)

    @rule(number=NUMBERS, command=st.text("xyz", min_size=1, max_size=3))
    def append_command(self, number: int, command: str) -> None:
        for session_id, model in self._chosen(number):
            new = NewCommand(session_id=session_id, command=command)
            if model.ended:
                self._same(["SESSION_ENDED"], sessions.append_command, new)
            else:
                self._same([""], sessions.append_command, new)
                model.commands.append(command)
                model.rested = False

    @rule(number=NUMBERS, position=st.integers(0, 6), everything=st.booleans())
    def branch(self, number: int, position: int, everything: bool) -> None:
        for session_id, model in self._chosen(number):
            copy = Copy(
                session_id=session_id,
                position=None if everything else position,
                with_commands=everything,
            )
            if not everything and position > len(model.entries):
                self._same(["ENTRY_NOT_FOUND"], transcripts.copy, copy)
            elif len(self.model) < SESSIONS_MAX:
                made: SessionDetail = self._run(self.storage.commit(transcripts.copy, copy))
                self.model[made.session.session_id] = ModelSession(
                    metadata=dict(model.metadata),
                    entries=list(model.entries if everything else model.entries[:position]),
                    commands=list(model.commands) if everything else [],
                )

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        for session_id, _ in self._chosen(number):
            self._same([""], sessions.delete, session_id)
            self._forget(session_id)

    @rule(number=NUMBERS)
    def rest(self, number: int) -> None:
        for session_id, model in self._chosen(number):
            self._run(let_it_rest(self.storage, session_id, hours=2))
            model.rested = True

    @rule(number=NUMBERS)
    def live_and_die(self, number: int) -> None:
        """What chance seldom brings together: a session with a history that expires and is deleted."""
        for _ in range(2):
            self.append_command(number, "x")
            self.append_in_one_batch([(number, 2, 0)])
            self.rest(number)
            self.sweep()
            self.both_are_the_same()

    @rule()
    def sweep(self) -> None:
        idle = {key for key, model in self.model.items() if model.rested and not model.ended}
        over = {key for key, model in self.model.items() if model.rested and model.status == "expired"}
        would = self._run(self.storage.read(session_sweep.due, SWEEP))
        swept = self._run(self.storage.commit(session_sweep.sweep, SWEEP))
        assert swept == would
        for found, expected in (
            (swept.expired_session_ids, idle),
            (swept.deleted_session_ids, over),
        ):
            assert set(found) <= expected
            assert len(found) == len(set(found)) == min(len(expected), SWEEP.at_most)
        for session_id in swept.expired_session_ids:
            model = self.model[session_id]
            # It ended just now.
            model.status, model.rested = "expired", False
            model.revision += 1
        for session_id in swept.deleted_session_ids:
            self._forget(session_id)

    @rule(at_most=st.integers(1, 4))
    def collect(self, at_most: int) -> None:
        assert self._run(self.storage.commit(session_sweep.collect, at_most)).count <= at_most

    @rule()
    def restart(self) -> None:
        self._run(self.storage.close())
        self._open(self.url)

    @rule()
    def crash(self) -> None:
        """Go on with what is on the disk at this moment, as after the power was cut."""
        if not self.url.startswith("sqlite"):
            return
        path = Path(self.url.removeprefix("sqlite:///"))
        left = path.with_name(f"{path.stem}x.db")
        for suffix in ("", "-wal"):
            if Path(f"{path}{suffix}").exists():
                shutil.copyfile(f"{path}{suffix}", f"{left}{suffix}")
        self._run(self.storage.close())
        path.unlink()
        self._open(f"sqlite:///{left}")

    @invariant()
    def both_are_the_same(self) -> None:
        if not self.storage.prepared:
            return
        tables = self._run(dump(self.storage))
        stored = {row[0]: row for row in tables["sessions"]}
        heads = {row[0]: row for row in tables["session_heads"]}
        assert stored.keys() == self.model.keys()
        for session_id, model in self.model.items():
            row, head = stored[session_id], heads[session_id]
            assert (row[3], json.loads(row[5]), row[9]) == (model.status, model.metadata, model.revision)
            assert head[1:3] == (len(model.entries), len(model.commands))
            assert head[4] == ("ended" if model.ended else "open")
            entries = sorted(
                (entry[2], entry[-2]) for entry in tables["transcript_entries"] if entry[1] == session_id
            )
            assert entries == list(enumerate(model.entries, start=1))
            commands = [command[1:3] for command in tables["session_commands"] if command[0] == session_id]
            assert commands == list(enumerate(model.commands, start=1))
        # What a deleted session leaves belongs to nobody else, and waits for the sweep.
        for session_id in heads.keys() - self.model.keys():
            assert session_id in self.deleted
            assert heads[session_id][4] == "deleted"
        log = [row for row in tables["events"] if row[2] == "session"]
        for session_id, model in self.model.items():
            assert [row[7] for row in log if row[3] == session_id] == list(range(1, model.revision + 1))

    def _open(self, url: str) -> None:
        self.url = url
        self.storage = Storage.open(url, connections_max=2)
        self._run(self.storage.prepare(LOCAL))

    def _forget(self, session_id: str) -> None:
        del self.model[session_id]
        self.deleted.append(session_id)

    def _chosen(self, number: int) -> list[tuple[str, ModelSession]]:
        """One of the sessions, or none if there is none."""
        if not self.model:
            return []
        return [list(self.model.items())[number % len(self.model)]]

    def _same(self, expected: list[str], mutation: Any, *items: Any) -> None:
        async def commit() -> list[Any]:
            commits = [self.storage.commit(mutation, item) for item in items]
            return await asyncio.gather(*commits, return_exceptions=True)

        answers = self._run(commit())
        assert [answer.reason if isinstance(answer, Refusal) else "" for answer in answers] == expected

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        with structlog.testing.capture_logs():
            return self.runner.run(coroutine)


def _check(make_url: Callable[[], str], examples: int) -> None:
    run_state_machine_as_test(
        partial(Sessions, make_url),  # type: ignore[arg-type]  # any factory will do
        settings=settings(max_examples=examples, stateful_step_count=20, deadline=None),
    )


def test_a_file_agrees_with_the_model(sqlite_files: SqliteFiles, tmp_path: Path) -> None:
    numbers = itertools.count()
    _check(lambda: sqlite_files.create(tmp_path / f"{next(numbers)}.db"), examples=20)


def test_postgres_agrees_with_the_model(postgres_databases: PostgresDatabases) -> None:
    _check(lambda: postgres_databases.server.url(postgres_databases.create()), examples=8)
