"""Lists: pages by key, filters, counts."""

import functools
import sqlite3
from collections.abc import Sequence
from typing import Any, TypeAlias

import pytest

from storage import dashboard, limits, schema
from storage.chain import expiry, outbox, pauses, signatures, submission
from storage.chain import lists as chain_lists
from storage.chain import log as chain_log
from storage.chain.lists import ChainEventFilter, ExtrinsicFilter
from storage.chain.outbox import NewCall
from storage.chain.submission import Names
from storage.facts import TaskCreated
from storage.lifecycle import AgentStatus, BidStatus, ExtrinsicStatus, ResultStatus, TaskStatus
from storage.limits import AMOUNT_MAX
from storage.market import agents, bids, lists, results, tasks
from storage.market.lists import AgentFilter, BidFilter, ResultFilter, TaskFilter
from storage.pages import Page, PageRequest
from storage.store import LOCAL, Storage
from storage.transaction import Transaction
from tests.storage.auditing import meddle
from tests.storage.blocks import Chain
from tests.storage.items import a_bid, a_reveal, a_task, an_agent
from tests.storage.looking import all_of, opened
from tests.storage.market import Market, chain_of

PAGE = PageRequest(size=50)
Call: TypeAlias = tuple[Any, ...]
"""A function, and its arguments after the transaction."""


async def _pages(storage: Storage, function: Any, make: Any, size: int) -> list[list[Any]]:
    pages, after = [], ""
    while True:
        listed: Page[Any] = await storage.read(function, make(PageRequest(size=size, after=after)))
        pages.append(listed.records)
        if not listed.next_key:
            return pages
        after = listed.next_key


async def test_pages_add_up_to_everything_newest_first(local: Storage) -> None:
    created = [receipt.record for receipt in await all_of(local, tasks.create, *(a_task() for _ in range(7)))]
    pages = await _pages(local, lists.tasks, lambda page: TaskFilter(page=page), 3)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [task for page in pages for task in page] == list(reversed(created))


async def test_a_last_page_that_is_full_is_known_to_be_the_last(local: Storage) -> None:
    await all_of(local, tasks.create, *(a_task() for _ in range(4)))
    assert [len(p) for p in await _pages(local, lists.tasks, lambda p: TaskFilter(page=p), 2)] == [2, 2]
    assert await _pages(local, lists.agents, lambda p: AgentFilter(page=p), 2) == [[]]


async def test_agents_are_listed_by_id(local: Storage) -> None:
    names = ["did:b", "B", "a", "did:a", "ä", "Z"]
    await all_of(local, agents.register, *(an_agent(name) for name in names))
    pages = await _pages(local, lists.agents, lambda page: AgentFilter(page=page), 2)
    assert [agent.agent_id for page in pages for agent in page] == sorted(names)


async def test_paging_is_stable_while_others_insert(local: Storage) -> None:
    created = [r.record.task_id for r in await all_of(local, tasks.create, *(a_task() for _ in range(4)))]
    first = await local.read(lists.tasks, TaskFilter(page=PageRequest(size=2)))
    await all_of(local, tasks.create, *(a_task() for _ in range(3)))
    second = await local.read(lists.tasks, TaskFilter(page=PageRequest(size=2, after=first.next_key)))
    listed = [task.task_id for task in first.records + second.records]
    assert listed == list(reversed(created))
    assert second.next_key == ""


async def test_a_total_is_counted_when_asked_for_whatever_the_page(local: Storage) -> None:
    await all_of(local, tasks.create, *(a_task(requester_id=f"{n % 2}") for n in range(5)))
    wanted = TaskFilter(requester_id="0", page=PageRequest(size=2, count=True))
    listed = await local.read(lists.tasks, wanted)
    assert (len(listed.records), listed.total_size) == (2, 3)
    assert (await local.read(lists.tasks, TaskFilter(page=PAGE))).total_size is None


async def test_each_filter_statements(market: Market) -> None:
    storage = market.storage
    await market.agent("ada", capabilities=("sum", 'say "ä"'))
    await market.agent("bob", capabilities=("sum, sort",))
    await market.retire(await market.agent("eve", capabilities=()))
    done = await market.completed_task()
    named = await market.task(requester_id="me", client_task_id="mine")

    async def ids(function: Any, key: str, **fields: Any) -> set[str]:
        kind = {
            lists.agents: AgentFilter,
            lists.tasks: TaskFilter,
            lists.bids: BidFilter,
            lists.results: ResultFilter,
        }[function]
        listed = await storage.read(function, kind(page=PageRequest(size=50, count=True), **fields))
        assert listed.total_size == len(listed.records)
        return {getattr(record, key) for record in listed.records}

    assert await ids(lists.agents, "agent_id", status=AgentStatus.RETIRED) == {"eve"}
    assert await ids(lists.agents, "agent_id", capability="sum") == {"ada"}
    assert await ids(lists.agents, "agent_id", capability='say "ä"') == {"ada"}
    assert await ids(lists.agents, "agent_id", capability="sum", status=AgentStatus.RETIRED) == set()
    both = {done.task_id, named.task_id}
    assert await ids(lists.tasks, "task_id") == both
    assert await ids(lists.tasks, "task_id", status=TaskStatus.BIDDING) == {named.task_id}
    assert await ids(lists.tasks, "task_id", requester_id="me") == {named.task_id}
    assert await ids(lists.tasks, "task_id", client_task_id="mine") == {named.task_id}
    assert await ids(lists.tasks, "task_id", assigned_agent_id="bob") == {done.task_id}
    assert await ids(lists.bids, "agent_id", task_id=done.task_id) == {"ada", "bob"}
    assert await ids(lists.bids, "agent_id", agent_id="ada") == {"ada"}
    assert await ids(lists.bids, "agent_id", status=BidStatus.WON) == {"bob"}
    assert await ids(lists.bids, "agent_id", task_id=named.task_id) == set()
    assert await ids(lists.results, "agent_id", task_id=done.task_id) == {"bob"}
    assert await ids(lists.results, "agent_id", agent_id="ada") == set()
    assert await ids(lists.results, "agent_id", status=ResultStatus.RECORDED) == {"bob"}


async def test_extrinsics_are_listed_by_status_task_and_agent(chained: Storage) -> None:
    market = await Market.opened(chained)
    await market.agent("ada")
    task = await market.task()
    await market.bid(task, "ada")
    call = NewCall(pallet="System", call="remark", payload="{}")
    dead = (await chained.commit(outbox.enqueue_call, call)).correlation_id
    await chained.commit(outbox.cancel, dead)

    async def actions(**fields: Any) -> list[str]:
        listed = await chained.read(chain_lists.extrinsics, ExtrinsicFilter(page=PAGE, **fields))
        return [extrinsic.action for extrinsic in listed.records]

    assert await actions(status=ExtrinsicStatus.CANCELLED) == ["raw_call"]
    assert await actions(task_id=task.task_id) == ["submit_bid", "create_task"]
    assert await actions(agent_id="ada") == ["submit_bid", "register_agent"]
    assert await actions(agent_id="ada", task_id=task.task_id) == ["submit_bid"]


async def test_large_extrinsics_and_chain_events_are_listed_on_more_pages(
    chained: Storage, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = f'{{"remark":"{"x" * 1000}"}}'
    for _ in range(5):
        await chained.commit(outbox.enqueue_call, NewCall(pallet="System", call="remark", payload=payload))
    monkeypatch.setattr(limits, "PAGE_BYTES_MAX", 15_000)
    pages = await _pages(chained, chain_lists.extrinsics, lambda page: ExtrinsicFilter(page=page), 50)
    assert [len(page) for page in pages] == [2, 2, 1]
    await chain.pass_blocks(5)
    await meddle(chained, "UPDATE chain_events SET payload = :payload", payload=payload)
    pages = await _pages(chained, chain_lists.chain_events, lambda page: ChainEventFilter(page=page), 50)
    assert [[event.block_number for event in page] for page in pages] == [[5, 4], [3, 2], [1]]


async def test_chain_events_are_listed_newest_first_and_by_each_filter(chained: Storage) -> None:
    market = await Market.opened(chained)
    chain = chain_of(market)
    receipt = await chained.commit(tasks.create, a_task())
    await chain.finalize(receipt.correlation_id, TaskCreated(chain_task_id=1, budget=5))
    await chain.pass_blocks(2)

    async def places(size: int = 50, **fields: Any) -> list[tuple[int, int]]:
        def make(page: PageRequest) -> ChainEventFilter:
            return ChainEventFilter(page=page, **fields)

        pages = await _pages(chained, chain_lists.chain_events, make, size)
        return [(found.block_number, found.event_index) for page in pages for found in page]

    everything = [(3, 0), (2, 0), (1, 2), (1, 1), (1, 0)]
    assert await places() == everything
    assert await places(size=2) == everything
    assert await places(pallet="Market") == [(1, 1)]
    assert await places(pallet="System", event="NewBlock") == [(3, 0), (2, 0), (1, 0)]
    assert await places(correlation_id=receipt.correlation_id) == [(1, 2), (1, 1)]
    assert await places(first_block=2) == [(3, 0), (2, 0)]
    assert await places(first_block=1, last_block=1) == [(1, 2), (1, 1), (1, 0)]
    listed = await chained.read(
        chain_lists.chain_events, ChainEventFilter(page=PageRequest(size=1, count=True))
    )
    assert listed.total_size == 5
    assert listed.chain_position >> 31 == 3


async def test_the_smallest_and_the_largest_amount_survive_exactly_and_sort_as_numbers(
    local: Storage,
) -> None:
    market = await Market.opened(local)
    values = [AMOUNT_MAX, 0, 2**64, 255, 256, 2**127, 1]
    names = [f"agent-{number}" for number in range(len(values))]
    await all_of(local, agents.register, *(an_agent(name) for name in names))
    task = await market.task(max_budget=AMOUNT_MAX)
    assert task.max_budget == AMOUNT_MAX
    pairs = list(zip(names, values, strict=True))
    await all_of(local, bids.submit, *(a_bid(task, name, value) for name, value in pairs))
    await market.close(task)
    await all_of(local, bids.reveal, *(a_reveal(task, name, value) for name, value in pairs))
    assert {name: bid.value for name, bid in (await market.see_bids(task)).items()} == dict(pairs)
    rows = await local.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT value FROM bids ORDER BY value").scalars().all()
    )
    assert [int.from_bytes(row, "big") for row in rows] == sorted(values)
    assert (await local.commit(tasks.allocate, task.task_id)).record.cost == 0


async def test_the_dashboard_counts_everything_by_status(market: Market) -> None:
    empty = await market.storage.read(dashboard.counts)
    assert (empty.by_status, empty.of("task"), empty.oldest_queued_us) == ({}, {}, None)
    await market.agents()
    await market.settle(await market.completed_task())
    await market.cancel(await market.task())
    waiting = await market.storage.commit(tasks.create, a_task())
    counts = await market.storage.read(dashboard.counts)
    created = "bidding" if market.chain is None else "pending"
    funded = "funded" if market.chain is None else "none"
    assert counts.of("agent") == {"active": 2}
    assert counts.of("task") == {"cancelled": 1, "completed": 1, created: 1}
    assert counts.of("escrow") == {"refunded": 1, "released": 1, funded: 1}
    assert counts.of("bid") == {"lost": 1, "won": 1}
    assert counts.of("result") == {"recorded": 1}
    if market.chain is None:
        assert (counts.cursor_number, counts.cursor_hash, counts.of("extrinsic")) == (None, b"", {})
    else:
        assert (counts.cursor_number, counts.cursor_hash) == (
            market.chain.cursor.block_number,
            market.chain.cursor.block_hash,
        )
        assert counts.of("extrinsic") == {"finalized": market.chain.cursor.block_number, "queued": 1}
        assert counts.oldest_queued_us == waiting.record.create_time_us


@pytest.mark.parametrize(
    "call",
    [
        (lists.agents, AgentFilter(page=PAGE, status=AgentStatus.ACTIVE)),
        (lists.tasks, TaskFilter(page=PAGE, status=TaskStatus.BIDDING)),
        (lists.tasks, TaskFilter(page=PAGE, requester_id="x")),
        (lists.tasks, TaskFilter(page=PAGE, assigned_agent_id="x")),
        (lists.tasks, TaskFilter(page=PAGE, client_task_id="x")),
        (lists.bids, BidFilter(page=PAGE, task_id="x")),
        (lists.bids, BidFilter(page=PAGE, agent_id="x")),
        (lists.results, ResultFilter(page=PAGE, task_id="x")),
        (lists.results, ResultFilter(page=PAGE, agent_id="x")),
        (chain_lists.extrinsics, ExtrinsicFilter(page=PAGE, status=ExtrinsicStatus.DEAD)),
        (chain_lists.extrinsics, ExtrinsicFilter(page=PAGE, status=ExtrinsicStatus.QUEUED)),
        (expiry.expired, 5),
        (chain_lists.extrinsics, ExtrinsicFilter(page=PAGE, task_id="x")),
        (chain_lists.extrinsics, ExtrinsicFilter(page=PAGE, agent_id="x")),
        (chain_lists.chain_events, ChainEventFilter(page=PAGE, pallet="x")),
        (chain_lists.chain_events, ChainEventFilter(page=PAGE, pallet="x", event="y")),
        (chain_lists.chain_events, ChainEventFilter(page=PAGE, correlation_id="x")),
        (chain_lists.chain_events, ChainEventFilter(page=PAGE, first_block=5)),
        (submission.account_states, ["x"]),
        (signatures.live_to_send,),
        (tasks.sweep_deadlines.apply, [5]),
        (submission.claim.apply, [submission.Claim(token="t", lease_us=1, at_most=5)]),
        (results.get_of_task.read, ["x"]),
        (tasks.get.read, ["x"]),
    ],
)
async def test_what_is_asked_often_is_found_by_an_index(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite takes a partial index only for the words it was made with, and says what it does."""
    plan = await plan_of(call, "SELECT", monkeypatch)
    few_rows = ("SCAN database_state", "SCAN chain_cursor", "SCAN submission_pauses", "SCAN json_each")
    assert not [step for step in plan if "SCAN" in step and not step.startswith(few_rows)]


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ((signatures.prune.apply, [signatures.Prune(before_us=1, at_most=5)]), "DELETE"),
        ((chain_log.wake, {"task_id": {"x"}, "agent_id": {"x"}}), "UPDATE"),
    ],
)
async def test_what_is_changed_often_is_not_looked_for_among_all_of_a_status(
    call: Call, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await plan_of(call, kind, monkeypatch)
    assert not [step for step in plan if "(status=?)" in step]


@pytest.mark.parametrize(
    "call",
    [
        (submission.wake.apply, [submission.Wake(signers=Names(listed=("x",)), at_most=5)]),
        (pauses.has_queued, "x"),
    ],
)
async def test_what_is_queued_is_told_apart_by_signer_without_its_rows(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    (step,) = await plan_of(call, "SELECT", monkeypatch)
    assert "USING COVERING INDEX extrinsics_queued_idx (status=?" in step


@pytest.mark.parametrize(
    "call",
    [
        (dashboard.counts,),
        (chain_lists.extrinsics, ExtrinsicFilter(page=PAGE, status=ExtrinsicStatus.QUEUED)),
    ],
)
async def test_what_is_queued_is_in_order_of_age(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = await plan_of(call, "SELECT", monkeypatch)
    assert "SEARCH extrinsics USING INDEX extrinsics_queued_idx (status=?)" in plan
    assert not [step for step in plan if "TEMP B-TREE" in step]


async def test_a_claim_reads_the_rows_of_no_signers_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan does not say that SQLite compares the signer before it seeks the row; its program does."""
    claims = [submission.Claim(token="t", lease_us=1, at_most=5, signers=Names(listed=("x",)))]
    program = await explained("EXPLAIN", (submission.claim.apply, claims), "SELECT extrinsics", monkeypatch)
    (of_index,) = (
        cursor for _, name, cursor, _, _, keys, *_ in program if name == "OpenRead" and str(keys)[:2] == "k("
    )
    reads = [(cursor, place) for _, name, cursor, place, *_ in program if name == "Column"]
    (columns,) = (
        each.columns.keys() for each in schema.extrinsics.indexes if each.name == "extrinsics_queued_idx"
    )
    told = {(of_index, columns.index(column)) for column in ("next_attempt_us", "signer")}
    assert set(reads[:2]) == told


async def plan_of(call: Call, kind: str, monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """The steps that SQLite takes for the statements of one kind that a call runs."""
    return [row[3] for row in await explained("EXPLAIN QUERY PLAN", call, kind, monkeypatch)]


async def explained(how: str, call: Call, kind: str, monkeypatch: pytest.MonkeyPatch) -> Sequence[Any]:
    """What SQLite says of the statements of one kind that a call runs."""
    asked: list[tuple[str, Any]] = []

    class Cursor(sqlite3.Cursor):
        def execute(self, statement: str, parameters: Any = (), /) -> "Cursor":
            asked.append((statement, parameters))
            super().execute(statement, parameters)
            return self

    class Connection(sqlite3.Connection):
        def cursor(self, *_: Any) -> Any:
            return super().cursor(Cursor)

    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Connection))

    def explain(tx: Transaction) -> list[Any]:
        asked.clear()
        function, *arguments = call
        function(Transaction(tx.connection, tx.dialect, now_us=1, local=True), *arguments)
        statements = [(statement, values) for statement, values in asked if statement.startswith(kind)]
        return [
            row
            for statement, values in statements
            for row in tx.connection.exec_driver_sql(f"{how} {statement}", values)
        ]

    async with opened(":memory:", LOCAL) as storage:
        rows = await storage.read(explain)
    assert rows
    return rows
