"""What a submitter does with the outbox: leases and epochs fence it, signed bytes are stored first."""

import asyncio

import pytest

from storage.chain import outbox, signatures, submission
from storage.chain.signatures import Hint
from storage.chain.submission import Names, Postponed, Signed, SignedBatch, Unsignable, Wake
from storage.errors import Superseded
from storage.lifecycle import ExtrinsicStatus
from storage.market import bids, results, tasks
from storage.records import Action
from storage.store import Storage
from tests.storage.blocks import ACCOUNT, TOKEN, Chain
from tests.storage.items import HOUR_US, MINUTE_US, a_bid, a_result, a_task, now_us
from tests.storage.looking import all_of, count, dump, opened
from tests.storage.market import Market
from tests.storage.submitter import a_claim, claimed, one_signed, queue_calls, see, signed
from tests.support.databases import GENESIS

LIVE = [ExtrinsicStatus.SIGNED, ExtrinsicStatus.SUBMITTED, ExtrinsicStatus.IN_BLOCK]


class TestClaims:
    async def test_take_what_is_due_oldest_first_and_at_most_as_many_as_told(self, chained: Storage) -> None:
        ids = await queue_calls(chained, 5)
        assert await claimed(chained, a_claim(at_most=2)) == ids[:2]
        assert await claimed(chained, a_claim(at_most=10)) == ids[2:]

    async def test_exclude_other_submitters_until_the_lease_is_over(self, chained: Storage) -> None:
        ids = await queue_calls(chained, 2)
        assert await claimed(chained, a_claim("one", lease_us=MINUTE_US)) == ids
        assert await claimed(chained, a_claim("two")) == []
        late = await queue_calls(chained, 1)
        assert await claimed(chained, a_claim("one", lease_us=0)) == late
        assert await claimed(chained, a_claim("two")) == late

    async def test_in_one_batch_share_the_work(self, chained: Storage) -> None:
        ids = await queue_calls(chained, 3)
        first, second = await all_of(chained, submission.claim, a_claim("one", 2), a_claim("two", 2))
        assert [item.extrinsic.correlation_id for item in first] == ids[:2]
        assert [item.extrinsic.correlation_id for item in second] == ids[2:]

    async def test_of_several_servers_share_the_work(self, postgres_url: str) -> None:
        async with opened(postgres_url, GENESIS) as here, opened(postgres_url, GENESIS) as there:
            ids = await queue_calls(here, 100)
            claims = [claimed(storage, a_claim("x", 7)) for storage in (here, there) * 10]
            taken = [correlation_id for batch in await asyncio.gather(*claims) for correlation_id in batch]
            assert sorted(taken) == ids

    async def test_bring_the_entities_that_the_call_is_made_of(self, chained: Storage) -> None:
        market = await Market.opened(chained)
        await market.agents()
        task = await market.assigned_task()
        result = (await chained.commit(tasks.create, a_task())).record
        other = await market.task()
        bid = (await chained.commit(bids.submit, a_bid(other))).record
        proof = (await chained.commit(results.submit, a_result(task, "bob"))).record
        items = {item.extrinsic.action: item for item in await chained.commit(submission.claim, a_claim())}
        create, submit_bid = items[Action.CREATE_TASK], items[Action.SUBMIT_BID]
        submit_result = items[Action.SUBMIT_RESULT]
        assert (create.task, create.agent, create.bid, create.result) == (result, None, None, None)
        assert (submit_bid.task, submit_bid.bid) == (other, bid)
        assert submit_bid.agent == await market.see_agent("ada")
        assert (submit_result.task, submit_result.result) == (task, proof)

    async def test_do_not_wait_for_who_works_on_the_entities(self, postgres_url: str) -> None:
        async with opened(postgres_url, GENESIS) as here, opened(postgres_url, GENESIS) as there:
            receipt = await here.commit(tasks.create, a_task())
            locked, release = asyncio.Event(), asyncio.Event()

            async def hold_the_task() -> None:
                async with there._engine._reader_engine.begin() as connection:  # type: ignore[attr-defined]
                    await connection.exec_driver_sql("SELECT * FROM tasks FOR UPDATE")
                    locked.set()
                    await release.wait()

            holding = asyncio.create_task(hold_the_task())
            await locked.wait()
            assert await claimed(here, a_claim()) == [receipt.correlation_id]
            release.set()
            await holding


class TestSignatures:
    async def test_are_stored_with_the_extrinsic_and_move_the_epoch(self, chained: Storage) -> None:
        chain = Chain(chained)
        first, second = await queue_calls(chained, 2)
        await claimed(chained, a_claim())
        batch = signed(chain, first, second)
        assert await chained.commit(submission.store_signatures, batch) == 1
        signature = batch.signed[0].signature
        row = await see(chained, first)
        assert (row.status, row.attempt_count, row.extrinsic_hash, row.nonce) == (
            ExtrinsicStatus.SIGNED,
            1,
            signature.extrinsic_hash,
            signature.nonce,
        )
        assert (row.birth_block, row.death_block) == (signature.birth_block, signature.death_block)
        live = [each.extrinsic_hash for each in await chained.read(signatures.live_to_send)]
        kept = await chained.read(signatures.signatures_of, live)
        assert kept == [signed.signature for signed in batch.signed]
        state = (await chained.read(submission.account_states, [ACCOUNT]))[ACCOUNT]
        assert (state.epoch, state.live_nonces) == (1, frozenset({1, 2}))

    async def test_of_an_account_that_another_submitter_used_since_are_refused(
        self, chained: Storage
    ) -> None:
        chain = Chain(chained)
        first, second = await queue_calls(chained, 2)
        await claimed(chained, a_claim())
        await chained.commit(submission.store_signatures, signed(chain, first))
        before = await dump(chained)
        with pytest.raises(Superseded):
            await chained.commit(submission.store_signatures, signed(chain, second, epoch=0))
        assert await dump(chained) == before
        assert await chained.commit(submission.store_signatures, signed(chain, second, epoch=1)) == 2

    async def test_of_a_lost_lease_are_refused_with_the_whole_batch(self, chained: Storage) -> None:
        chain = Chain(chained)
        first, second = await queue_calls(chained, 2)
        await claimed(chained, a_claim("one", 1, lease_us=0))
        await claimed(chained, a_claim("two", 1))  # it is the first again: its lease is over
        await claimed(chained, a_claim("one"))
        with pytest.raises(Superseded):
            await chained.commit(submission.store_signatures, signed(chain, second, first, token="one"))
        assert [(await see(chained, call)).status for call in (first, second)] == ["queued", "queued"]
        assert await count(chained, "signatures") == (0,)

    async def test_of_what_was_cancelled_meanwhile_are_refused(self, chained: Storage) -> None:
        chain = Chain(chained)
        (call,) = await queue_calls(chained, 1)
        await claimed(chained, a_claim())
        await chained.commit(outbox.cancel, call)
        with pytest.raises(Superseded):
            await chained.commit(submission.store_signatures, signed(chain, call))
        await chained.commit(outbox.requeue, call)
        with pytest.raises(Superseded):
            await chained.commit(submission.store_signatures, signed(chain, call))

    async def test_of_what_is_signed_already_are_refused(self, chained: Storage) -> None:
        """Or it could be executed twice; the lease alone does not tell."""
        chain = Chain(chained)
        (call,) = await queue_calls(chained, 1)
        await claimed(chained, a_claim())
        await chained.commit(submission.store_signatures, signed(chain, call))
        with pytest.raises(Superseded):
            await chained.commit(submission.store_signatures, signed(chain, call, epoch=1))
        assert await count(chained, "signatures") == (1,)

    async def test_of_two_accounts_are_stored_side_by_side(self, chained: Storage) -> None:
        chain = Chain(chained)
        first, second = await queue_calls(chained, 2)
        await claimed(chained, a_claim())
        one = signed(chain, first)
        two = SignedBatch(account_address="5Other", epoch=0, signed=signed(chain, second).signed)
        stale = SignedBatch(account_address="5Other", epoch=0, signed=())
        answers = await all_of(chained, submission.store_signatures, one, two, stale)
        assert answers[:2] == [1, 1]
        assert isinstance(answers[2], Superseded)

    async def test_carry_the_deadline_block_to_the_task_they_create(self, chained: Storage) -> None:
        chain = Chain(chained)
        receipt = await chained.commit(tasks.create, a_task())
        await claimed(chained, a_claim())
        signed = Signed(token=TOKEN, signature=chain.signature(receipt.correlation_id), deadline_block=77)
        batch = SignedBatch(account_address=ACCOUNT, epoch=0, signed=(signed,))
        await chained.commit(submission.store_signatures, batch)
        task = (await chained.fetch(tasks.get, receipt.record.task_id)).task
        assert (task.deadline_block, task.revision) == (77, 2)

    async def test_of_two_servers_never_share_a_nonce(self, postgres_url: str) -> None:
        """Both know the same epoch; the account's row and epoch let one of them win."""
        async with opened(postgres_url, GENESIS) as here, opened(postgres_url, GENESIS) as there:
            chain = Chain(here)
            for epoch in range(10):
                first, second = await queue_calls(here, 2)
                await claimed(here, a_claim("one", 1))
                await claimed(there, a_claim("two", 1))
                answers = await asyncio.gather(
                    here.commit(submission.store_signatures, signed(chain, first, epoch=epoch, token="one")),
                    there.commit(
                        submission.store_signatures, signed(chain, second, epoch=epoch, token="two")
                    ),
                    return_exceptions=True,
                )
                assert sorted(type(answer).__name__ for answer in answers) == ["Superseded", "int"]
                await _mark_dead(here, there, first, second)


class TestHints:
    async def test_move_live_extrinsics_between_live_states(self, chained: Storage) -> None:
        call, extrinsic_hash = await one_signed(chained)
        for status in (ExtrinsicStatus.SUBMITTED, ExtrinsicStatus.IN_BLOCK, ExtrinsicStatus.SUBMITTED):
            assert await chained.commit(signatures.note_hints, _hint(call, extrinsic_hash, status))
            assert (await see(chained, call)).status == status
            assert not await chained.commit(signatures.note_hints, _hint(call, extrinsic_hash, status))

    @pytest.mark.parametrize("status", [status for status in ExtrinsicStatus if status not in LIVE])
    async def test_never_end_an_extrinsic(self, chained: Storage, status: ExtrinsicStatus) -> None:
        call, extrinsic_hash = await one_signed(chained)
        before = await dump(chained)
        assert not await chained.commit(signatures.note_hints, _hint(call, extrinsic_hash, status))
        assert await dump(chained) == before

    async def test_of_an_older_signature_or_a_queued_or_unknown_extrinsic_say_nothing(
        self, chained: Storage
    ) -> None:
        call, extrinsic_hash = await one_signed(chained)
        (queued,) = await queue_calls(chained, 1)
        before = await dump(chained)
        hints = [
            _hint(call, b"other", ExtrinsicStatus.SUBMITTED),
            _hint(queued, extrinsic_hash, ExtrinsicStatus.SUBMITTED),
            _hint("nothing", extrinsic_hash, ExtrinsicStatus.SUBMITTED),
        ]
        assert await all_of(chained, signatures.note_hints, *hints) == [False, False, False]
        assert await dump(chained) == before

    async def test_with_an_objection_are_shown_until_a_node_takes_the_bytes(self, chained: Storage) -> None:
        call, extrinsic_hash = await one_signed(chained)
        objection = Hint(
            correlation_id=call, extrinsic_hash=extrinsic_hash, status=None, objection="stale " * 200
        )
        assert await all_of(chained, signatures.note_hints, objection, objection) == [True, False]
        row = await see(chained, call)
        assert (row.status, len(row.last_error)) == (ExtrinsicStatus.SIGNED, 512)
        await chained.commit(signatures.note_hints, _hint(call, extrinsic_hash, ExtrinsicStatus.SUBMITTED))
        assert (await see(chained, call)).last_error == ""
        assert not await chained.commit(signatures.note_hints, objection)


def _hint(correlation_id: str, extrinsic_hash: bytes, status: ExtrinsicStatus) -> Hint:
    return Hint(correlation_id=correlation_id, extrinsic_hash=extrinsic_hash, status=status)


async def _mark_dead(here: Storage, there: Storage, first: str, second: str) -> None:
    """Whichever of two is still queued."""
    for storage, correlation_id, token in ((here, first, "one"), (there, second, "two")):
        if (await see(storage, correlation_id)).status == ExtrinsicStatus.QUEUED:
            unsignable = Unsignable(token=token, correlation_id=correlation_id, error="over")
            await storage.commit(submission.mark_dead, unsignable)


class TestSignersOfAClaim:
    async def test_are_those_listed_or_all_but_those(self, chained: Storage) -> None:
        ids = await queue_calls(chained, 1)
        for nobody in (Names(listed=("ops",)), Names(but=False), Names(listed=("other",), but=False)):
            assert await claimed(chained, a_claim(signers=nobody, lease_us=0)) == []
        for somebody in (Names(), Names(listed=("other",)), Names(listed=("ops",), but=False)):
            assert await claimed(chained, a_claim(signers=somebody, lease_us=0)) == ids


class TestWaking:
    async def test_makes_due_what_waits_for_these_signers_and_at_most_as_many(self, chained: Storage) -> None:
        ids = await queue_calls(chained, 3)
        await claimed(chained, a_claim())
        late = now_us() + HOUR_US
        put_off = [
            Postponed(token=TOKEN, correlation_id=each, next_attempt_us=late, error="") for each in ids
        ]
        assert await all_of(chained, submission.postpone, *put_off) == [True] * 3
        assert await claimed(chained, a_claim()) == []
        others = Wake(signers=Names(listed=("ops",)), at_most=10)
        assert await chained.commit(submission.wake, others) == 0
        ours = Wake(signers=Names(listed=("ops",), but=False), at_most=2)
        assert await chained.commit(submission.wake, ours) == 2
        assert await claimed(chained, a_claim()) == ids[:2]

    async def test_is_not_needed_for_what_is_let_go_which_keeps_its_place_and_its_error(
        self, chained: Storage, chain: Chain
    ) -> None:
        (call,) = await queue_calls(chained, 1)
        await chain.send(call, era_blocks=2)
        await chain.pass_blocks(2)
        await claimed(chained, a_claim())
        before = await see(chained, call)
        released = Postponed(token=TOKEN, correlation_id=call)
        assert await chained.commit(submission.postpone, released)
        row = await see(chained, call)
        assert (row.last_error, row.lease_token) == ("no block before 2 included it", "")
        assert row.next_attempt_us == before.next_attempt_us
        assert await claimed(chained, a_claim()) == [call]
