"""What finalized blocks do: the cursor fences readers, extrinsics end here and nowhere else."""

import asyncio
from typing import Any

import pytest

from storage.chain import log as chain_log
from storage.chain import outbox, signatures, submission
from storage.chain.log import Ingest
from storage.chain.submission import Claim, Postponed
from storage.errors import Superseded
from storage.facts import AgentRegistered, BidSubmitted, EscrowFunded, TaskCreated, TaskMoved
from storage.lifecycle import AgentStatus, BidStatus, ExtrinsicStatus, TaskStatus
from storage.market import agents, bids, results, tasks
from storage.records import Action, Receipt, Task
from storage.store import Storage
from tests.storage.blocks import TOKEN, Chain, Step, a_block, hash_of
from tests.storage.items import HOUR_US, MINUTE_US, a_bid, a_result, a_task, an_agent, now_us
from tests.storage.looking import all_of, count, dump, opened
from tests.storage.market import Market, chain_of
from tests.storage.submitter import queue_calls, see
from tests.support.databases import GENESIS
from tests.support.postgres import PostgresServer


async def _task(storage: Storage, receipt: Receipt[Task]) -> Task:
    return (await storage.fetch(tasks.get, receipt.record.task_id)).task


class TestTheCursor:
    async def test_is_set_once_and_moves_with_the_blocks(self, chained: Storage) -> None:
        chain = Chain(chained)
        assert await chained.read(chain_log.cursor) is None
        await chain.begin()
        assert not await chained.commit(chain_log.begin, chain_log.Cursor(block_number=9, block_hash=b"9"))
        assert await chained.read(chain_log.cursor) == chain.cursor
        await chain.pass_blocks(3)
        assert chain.cursor == chain_log.Cursor(block_number=3, block_hash=hash_of("block", 3))
        assert await chained.read(chain_log.cursor) == chain.cursor

    async def test_refuses_a_second_reader_and_nothing_of_its_blocks_is_stored(
        self, chained: Storage, chain: Chain
    ) -> None:
        stale = chain.ingest((Step(hash_of("x"), (TaskCreated(chain_task_id=1, budget=1),)),))
        await chain.pass_blocks(1)
        before = await dump(chained)
        with pytest.raises(Superseded):
            await chained.commit(chain_log.ingest, stale)
        assert await dump(chained) == before

    async def test_refuses_blocks_of_another_fork(self, chained: Storage, chain: Chain) -> None:
        elsewhere = chain_log.Cursor(block_number=0, block_hash=hash_of("another"))
        item = Ingest(after=elsewhere, blocks=(a_block(1),), attempts_max=1, retry_delay_us=0)
        with pytest.raises(Superseded):
            await chained.commit(chain_log.ingest, item)
        assert await count(chained, "chain_blocks") == (0,)

    async def test_makes_a_replay_harmless(self, chained: Storage, chain: Chain) -> None:
        (call,) = await queue_calls(chained, 1)
        (extrinsic_hash,) = await chain.sign(call)
        item = chain.ingest((Step(extrinsic_hash, (TaskCreated(chain_task_id=1, budget=1),)),))
        first, second = await all_of(chained, chain_log.ingest, item, item)
        assert first.block_number == 1
        assert isinstance(second, Superseded)
        before = await dump(chained)
        with pytest.raises(Superseded):
            await chained.commit(chain_log.ingest, item)
        assert await dump(chained) == before

    async def test_before_it_is_set_refuses_every_block(self, chained: Storage) -> None:
        with pytest.raises(Superseded):
            await Chain(chained).pass_blocks(1)

    async def test_lets_one_of_two_readers_win_each_block(self, postgres_url: str) -> None:
        async with opened(postgres_url, GENESIS) as here, opened(postgres_url, GENESIS) as there:
            chain = Chain(here)
            await chain.begin()
            for number in range(1, 11):
                item = chain.ingest((Step(hash_of(number), (TaskCreated(chain_task_id=number, budget=1),)),))
                answers = await asyncio.gather(
                    *(storage.commit(chain_log.ingest, item) for storage in (here, there)),
                    return_exceptions=True,
                )
                (chain.cursor,) = [answer for answer in answers if isinstance(answer, chain_log.Cursor)]
                assert [type(answer) for answer in answers if answer != chain.cursor] == [Superseded]
            assert await count(here, "chain_blocks", "tasks") == (10, 10)


async def test_a_reader_and_another_server_never_lock_each_other_out(
    postgres_url: str, postgres_server: PostgresServer
) -> None:
    """All lock in one order, so no deadlock needs to be found and retried, which takes Postgres a second."""
    log = postgres_server.folder / "log"
    deadlocks = log.read_bytes().count(b"deadlock detected")
    async with opened(postgres_url, GENESIS) as here, opened(postgres_url, GENESIS) as there:
        market = await Market.opened(here)
        chain = chain_of(market)
        names = [f"agent-{number}" for number in range(4)]
        for name in reversed(names):
            await market.agent(name)
        created = [await market.task() for _ in range(6)]
        moved = [
            BidSubmitted(chain_task_id=task.chain_task_id or 0, chain_agent_id=(number % 4) + 1)
            for number, task in enumerate(reversed(created))
        ]

        async def read_blocks() -> None:
            for _ in range(20):
                await chain.blocks(*((Step(hash_of("foreign", fact), (fact,)),) for fact in moved))

        async def bid() -> None:
            for _ in range(20):
                items = [a_bid(task, name) for task in created for name in names]
                await asyncio.gather(
                    *(there.commit(bids.submit, item) for item in items), return_exceptions=True
                )

        await asyncio.gather(read_blocks(), bid())
    assert log.read_bytes().count(b"deadlock detected") == deadlocks


async def test_blocks_and_their_events_are_stored_raw_and_decoded(chained: Storage, chain: Chain) -> None:
    (call,) = await queue_calls(chained, 1)
    await chain.finalize(call)
    await chain.pass_blocks(1)
    tables = await dump(chained)
    assert [(row[0], row[1], row[5]) for row in tables["chain_blocks"]] == [
        (1, hash_of("block", 1), b"raw"),
        (2, hash_of("block", 2), b"raw"),
    ]
    assert [(row[0], row[1], row[3], row[6]) for row in tables["chain_events"]] == [
        (1, 0, "NewBlock", ""),
        (1, 1, "ExtrinsicSuccess", call),
        (2, 0, "NewBlock", ""),
    ]


async def test_an_executed_extrinsic_is_finalized_with_its_place(chained: Storage, chain: Chain) -> None:
    (call,) = await queue_calls(chained, 1)
    (extrinsic_hash,) = await chain.sign(call)
    before = await see(chained, call)
    await chain.block(Step(hash_of("inherent")), Step(extrinsic_hash))
    row = await see(chained, call)
    assert (row.status, row.block_number, row.extrinsic_index) == (ExtrinsicStatus.FINALIZED, 1, 1)
    assert row.finalize_time_us is not None
    assert row.revision == before.revision + 1
    assert await chained.read(signatures.live_to_send) == []


async def test_a_refused_extrinsic_has_failed_and_its_entity_says_why(market_on_chain: Market) -> None:
    market, chain = market_on_chain, chain_of(market_on_chain)
    task = await market.task()
    receipt = await market.storage.commit(tasks.cancel, task.task_id)
    await chain.finalize(receipt.correlation_id, error="TaskMarket.NotOwner: " + "x" * 600)
    row = await see(market.storage, receipt.correlation_id)
    assert (row.status, row.block_number, row.last_error[:20]) == ("failed", 2, "TaskMarket.NotOwner:")
    seen = await market.see(task)
    assert (seen.status, seen.pending_action, seen.last_error) == ("bidding", "", row.last_error)
    assert len(seen.last_error) == 512
    again = await market.storage.commit(tasks.cancel, task.task_id)
    assert (again.record.pending_action, again.record.last_error) == (Action.CANCEL_TASK, "")


@pytest.mark.parametrize("how", ["registration", "creation", "bid", "result"])
async def test_what_the_chain_refuses_to_take_in_is_rejected(market_on_chain: Market, how: str) -> None:
    market, chain = market_on_chain, chain_of(market_on_chain)
    await market.agents()
    item: dict[str, tuple[Any, Any]] = {
        "registration": (agents.register, an_agent("eve")),
        "creation": (tasks.create, a_task()),
        "bid": (bids.submit, a_bid(await market.task())),
        "result": (results.submit, a_result(await market.assigned_task(), "bob")),
    }
    mutation, what = item[how]
    receipt = await market.storage.commit(mutation, what)
    await chain.finalize(receipt.correlation_id, error="Market.No")
    everything = await dump(market.storage)
    key = _id_of(receipt.record)
    (row,) = [row for name in TABLES for row in everything[name] if row[0] == key]
    assert "rejected" in row
    assert "Market.No" in row
    # A rejected bid and a rejected result make room for another.
    if how in ("bid", "result"):
        again = await market.storage.commit(mutation, what)
        assert again.record.status == "pending"


async def test_a_refused_task_takes_the_bids_that_wait_for_it_along(market_on_chain: Market) -> None:
    market, chain = market_on_chain, chain_of(market_on_chain)
    await market.agents()
    storage = market.storage
    create = await storage.commit(tasks.create, a_task())
    other = await storage.commit(tasks.create, a_task())
    waiting = [await storage.commit(bids.submit, a_bid(create.record, name)) for name in ("ada", "bob")]
    unharmed = await storage.commit(bids.submit, a_bid(other.record))
    await chain.finalize(create.correlation_id, error="Escrow.InsufficientFunds")
    assert (await _task(storage, create)).status == TaskStatus.REJECTED
    for receipt in waiting:
        bid = await market.see_bid(create.record, receipt.record.agent_id)
        assert (bid.status, bid.pending_action) == (BidStatus.REJECTED, "")
        assert bid.last_error == "the chain refused the task of this bid"
        assert (await see(storage, receipt.correlation_id)).status == ExtrinsicStatus.CANCELLED
    assert (await see(storage, unharmed.correlation_id)).status == ExtrinsicStatus.QUEUED
    with pytest.raises(Exception, match="is rejected"):
        await storage.commit(outbox.requeue, waiting[0].correlation_id)


async def test_a_refused_agent_takes_its_waiting_bids_along(market_on_chain: Market) -> None:
    market, chain = market_on_chain, chain_of(market_on_chain)
    storage = market.storage
    await market.agent("bob")
    task = await market.task()
    register = await storage.commit(agents.register, an_agent("eve"))
    bid = await storage.commit(bids.submit, a_bid(task, "eve"))
    unharmed = await storage.commit(bids.submit, a_bid(task, "bob"))
    await chain.finalize(register.correlation_id, error="AgentRegistry.DidTaken")
    assert (await market.see_agent("eve")).status == AgentStatus.REJECTED
    assert (await market.see_bid(task, "eve")).last_error == "the chain refused the agent of this bid"
    assert (await see(storage, bid.correlation_id)).status == ExtrinsicStatus.CANCELLED
    assert (await see(storage, unharmed.correlation_id)).status == ExtrinsicStatus.QUEUED


async def test_an_agent_named_like_a_task_does_not_take_the_tasks_intent(market_on_chain: Market) -> None:
    """Whoever registers an agent chooses its id, and may choose that of somebody's task."""
    market, chain = market_on_chain, chain_of(market_on_chain)
    storage = market.storage
    task = await market.task()
    cancel = await storage.commit(tasks.cancel, task.task_id)
    register = await storage.commit(agents.register, an_agent(task.task_id))
    hashes = await chain.sign(cancel.correlation_id, register.correlation_id)
    registered = AgentRegistered(chain_agent_id=50, account_address="5Eve")
    await chain.block(Step(hashes[0], error="Market.No"), Step(hashes[1], (registered,)))
    seen = await market.see(task)
    assert (seen.pending_action, seen.last_error) == ("", "Market.No")
    assert (await market.see_agent(task.task_id)).status == AgentStatus.ACTIVE


async def test_an_older_signature_counts_when_a_block_holds_it(chained: Storage, chain: Chain) -> None:
    """It cannot, once its era is over; but what is finalized is the truth."""
    (call,) = await queue_calls(chained, 1)
    (older,) = await chain.sign(call, era_blocks=1)
    await chain.pass_blocks(1)
    await chain.sign(call)
    await chain.block(Step(older))
    row = await see(chained, call)
    assert (row.status, row.extrinsic_hash) == (ExtrinsicStatus.FINALIZED, older)


async def test_what_waits_for_a_task_or_an_agent_is_woken_when_it_is_on_the_chain(
    market_on_chain: Market,
) -> None:
    market, chain = market_on_chain, chain_of(market_on_chain)
    storage = market.storage
    register = await storage.commit(agents.register, an_agent("ada"))
    create = await storage.commit(tasks.create, a_task())
    bid = await storage.commit(bids.submit, a_bid(create.record))
    other = await storage.commit(tasks.create, a_task())
    for waiting in (bid, other):
        await storage.commit(submission.claim, Claim(token=TOKEN, lease_us=MINUTE_US, at_most=9))
        postponed = Postponed(
            token=TOKEN,
            correlation_id=waiting.correlation_id,
            next_attempt_us=now_us() + HOUR_US,
            error="waits",
        )
        assert await storage.commit(submission.postpone, postponed)
    for receipt, fact in (
        (register, AgentRegistered(chain_agent_id=90, account_address="5Ada")),
        (create, TaskCreated(chain_task_id=90, budget=5)),
    ):
        row = await see(storage, receipt.correlation_id)
        signed = submission.SignedBatch(
            account_address="5Account",
            epoch=(await storage.read(submission.account_states, ["5Account"]))["5Account"].epoch,
            signed=(submission.Signed(token=TOKEN, signature=chain.signature(row.correlation_id)),),
        )
        await storage.commit(submission.store_signatures, signed)
        await chain.block(Step(signed.signed[0].signature.extrinsic_hash, (fact,)))
    assert (await see(storage, bid.correlation_id)).next_attempt_us <= now_us()
    assert (await see(storage, other.correlation_id)).next_attempt_us > now_us()


async def test_what_happens_in_one_ingest_builds_on_itself(market_on_chain: Market) -> None:
    """Many blocks at once end in the same state as one by one: here a task, its escrow and a bid on it."""
    market, chain = market_on_chain, chain_of(market_on_chain)
    storage = market.storage
    register = await storage.commit(agents.register, an_agent("ada"))
    create = await storage.commit(tasks.create, a_task())
    bid = await storage.commit(bids.submit, a_bid(create.record))
    one, two, three = await chain.sign(register.correlation_id, create.correlation_id, bid.correlation_id)
    await chain.blocks(
        (Step(one, (AgentRegistered(chain_agent_id=7, account_address="5Ada"),)),),
        (Step(two, (TaskCreated(chain_task_id=8, budget=5), EscrowFunded(chain_task_id=8))),),
        (Step(three, (BidSubmitted(chain_task_id=8, chain_agent_id=7),)),),
        (Step(hash_of("foreign"), (TaskMoved(chain_task_id=8, status=TaskStatus.REVEALING),)),),
    )
    task = await _task(storage, create)
    assert (task.status, task.escrow_status, task.chain_task_id) == ("revealing", "funded", 8)
    assert (await market.see_bid(task, "ada")).status == BidStatus.COMMITTED
    assert (await market.see_agent("ada")).chain_agent_id == 7


async def test_an_extrinsic_may_succeed_although_nobody_understood_its_events(
    chained: Storage, chain: Chain
) -> None:
    receipt = await chained.commit(tasks.create, a_task())
    await chain.finalize(receipt.correlation_id)
    task = await _task(chained, receipt)
    assert (task.status, task.pending_action) == (TaskStatus.PENDING, Action.NONE)
    assert (await see(chained, receipt.correlation_id)).status == ExtrinsicStatus.FINALIZED


TABLES = ("agents", "tasks", "bids", "results")


def _id_of(record: object) -> str:
    for name in ("bid_id", "result_id", "task_id", "agent_id"):
        if hasattr(record, name):
            return str(getattr(record, name))
    raise TypeError(record)
