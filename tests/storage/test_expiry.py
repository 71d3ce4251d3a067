"""What no block holds before its era is over is signed again, and given up in the end."""

import pytest

from storage.chain import log as chain_log
from storage.chain import outbox, submission
from storage.chain.log import Ingest
from storage.chain.signatures import Hint, note_hints
from storage.chain.submission import Claim
from storage.facts import TaskMoved
from storage.lifecycle import ExtrinsicStatus, TaskStatus
from storage.market import tasks
from storage.records import Action
from storage.store import Storage
from tests.storage.blocks import ATTEMPTS_MAX, Chain, Step
from tests.storage.items import HOUR_US, now_us
from tests.storage.market import Market, chain_of
from tests.storage.submitter import a_claim, claimed, queue_calls, see


async def test_expiry_requeues_only_when_the_era_is_over(chained: Storage, chain: Chain) -> None:
    (call,) = await queue_calls(chained, 1)
    await chain.send(call, era_blocks=4)
    await chain.pass_blocks(2)
    assert (await see(chained, call)).status == ExtrinsicStatus.SUBMITTED
    await chain.pass_blocks(1)  # block 3 was the last that could hold it
    row = await see(chained, call)
    assert (row.status, row.attempt_count) == (ExtrinsicStatus.QUEUED, 1)
    assert row.last_error == "no block before 4 included it"
    assert (await chained.read(submission.account_states, ["5Account"]))[
        "5Account"
    ].live_nonces == frozenset()
    await chain.sign(call)
    assert (await see(chained, call)).attempt_count == 2


async def test_expiry_does_not_come_before_the_blocks_are_read_to_their_end(
    chained: Storage, chain: Chain
) -> None:
    """Many blocks at once: executed in the first, its era over by the last."""
    (call,) = await queue_calls(chained, 1)
    (extrinsic_hash,) = await chain.sign(call, era_blocks=4)
    await chain.blocks((Step(extrinsic_hash),), *(() for _ in range(10)))
    assert (await see(chained, call)).status == ExtrinsicStatus.FINALIZED


async def test_expiry_gives_up_after_so_many_attempts_and_an_operator_may_requeue(
    market_on_chain: Market,
) -> None:
    market, chain = market_on_chain, chain_of(market_on_chain)
    task = await market.task()
    receipt = await market.storage.commit(tasks.cancel, task.task_id)
    for _ in range(ATTEMPTS_MAX):
        assert (await see(market.storage, receipt.correlation_id)).status == "queued"
        await chain.send(receipt.correlation_id, era_blocks=2)
        await chain.pass_blocks(2)
    row = await see(market.storage, receipt.correlation_id)
    assert (row.status, row.last_error[:23]) == ("dead", "given up after 3 attemp")
    assert (await market.see(task)).last_error == row.last_error
    assert (await market.see(task)).pending_action == ""
    await market.storage.commit(outbox.requeue, receipt.correlation_id)
    assert (await market.see(task)).pending_action == Action.CANCEL_TASK
    await chain.finalize(
        receipt.correlation_id,
        TaskMoved(chain_task_id=task.chain_task_id or 0, status=TaskStatus.CANCELLED),
    )
    assert (await market.see(task)).status == TaskStatus.CANCELLED


async def test_expiry_waits_longer_after_each_attempt(chained: Storage, chain: Chain) -> None:
    (call,) = await queue_calls(chained, 1)
    await chain.sign(call, era_blocks=1)
    item = chain.ingest(())
    slow = Ingest(after=item.after, blocks=item.blocks, attempts_max=9, retry_delay_us=HOUR_US)
    before = now_us()
    await chained.commit(chain_log.ingest, slow)
    row = await see(chained, call)
    assert row.next_attempt_us >= before + HOUR_US
    assert await chained.commit(submission.claim, Claim(token="t", lease_us=1, at_most=9)) == []


class TestAnAttempt:
    """That came to nothing; it counts if that is its own fault."""

    async def test_that_no_node_ever_took_does_not_count(self, chained: Storage, chain: Chain) -> None:
        (call,) = await queue_calls(chained, 1)
        for _ in range(ATTEMPTS_MAX + 1):
            await chain.sign(call, era_blocks=2)
            await chain.pass_blocks(2)
        row = await see(chained, call)
        assert (row.status, row.attempt_count) == (ExtrinsicStatus.QUEUED, 0)

    @pytest.mark.parametrize(("excused", "attempt_count"), [(True, 0), (False, 1)])
    async def test_that_a_node_objected_to_counts_unless_it_is_excused(
        self, chained: Storage, chain: Chain, excused: bool, attempt_count: int
    ) -> None:
        (call,) = await queue_calls(chained, 1)
        (extrinsic_hash,) = await chain.sign(call, era_blocks=2)
        objection = Hint(
            correlation_id=call,
            extrinsic_hash=extrinsic_hash,
            status=None,
            objection="account 5A cannot pay",
            excused=excused,
        )
        await chained.commit(note_hints, objection)
        await chain.pass_blocks(2)
        row = await see(chained, call)
        assert (row.status, row.attempt_count) == (ExtrinsicStatus.QUEUED, attempt_count)
        assert ("account 5A cannot pay" in row.last_error) == excused

    async def test_counts_only_for_the_first_in_the_line_of_its_account(
        self, chained: Storage, chain: Chain
    ) -> None:
        calls = await queue_calls(chained, 3)
        await chain.send(*calls, era_blocks=2)
        await chain.pass_blocks(2)
        assert [(await see(chained, call)).attempt_count for call in calls] == [1, 0, 0]

    async def test_counts_for_who_became_the_first_by_the_blocks_that_were_read(
        self, chained: Storage, chain: Chain
    ) -> None:
        first, second = await queue_calls(chained, 2)
        first_hash, _ = await chain.send(first, second, era_blocks=4)
        await chain.blocks((Step(first_hash),), (), (), ())
        assert (await see(chained, second)).attempt_count == 1

    async def test_that_leaves_a_gap_before_others_is_made_again_at_once(
        self, chained: Storage, chain: Chain
    ) -> None:
        first, second = await queue_calls(chained, 2)
        await chain.send(first, era_blocks=2)
        await chain.send(second, era_blocks=50)
        item = chain.ingest((), ())
        slow = Ingest(after=item.after, blocks=item.blocks, attempts_max=9, retry_delay_us=HOUR_US)
        await chained.commit(chain_log.ingest, slow)
        assert await claimed(chained, a_claim()) == [first]
