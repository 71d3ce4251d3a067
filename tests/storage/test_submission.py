"""What a submitter does with the outbox: leases and epochs fence it, signed bytes are stored first."""

import asyncio

import pytest

from storage import agents, bids, outbox, results, submission, tasks
from storage.errors import ExtrinsicLive, InvalidTransition, Superseded
from storage.lifecycle import ExtrinsicStatus
from storage.outbox import NewCall
from storage.records import Action, AgentUpdate, Extrinsic
from storage.store import Storage
from storage.submission import Claim, Hint, Hopeless, Postponed, Signed, SignedBatch
from tests.storage.blocks import ACCOUNT, TOKEN, Chain
from tests.storage.items import MINUTE_US, a_bid, a_result, a_task, an_agent, now_us
from tests.storage.looking import all_of, count, dump, opened
from tests.storage.market import Market
from tests.support.databases import GENESIS

CALL = NewCall(pallet="System", call="remark", payload="{}", signer="ops")
LIVE = [ExtrinsicStatus.SIGNED, ExtrinsicStatus.SUBMITTED, ExtrinsicStatus.IN_BLOCK]


async def _calls(storage: Storage, number: int) -> list[str]:
    receipts = await all_of(storage, outbox.enqueue_call, *([CALL] * number))
    return [receipt.correlation_id for receipt in receipts]


def _claim(token: str = TOKEN, at_most: int = 100, lease_us: int = MINUTE_US) -> Claim:
    return Claim(token=token, lease_us=lease_us, at_most=at_most)


async def _claimed(storage: Storage, claim: Claim) -> list[str]:
    return [item.extrinsic.correlation_id for item in await storage.commit(submission.claim, claim)]


async def _see(storage: Storage, correlation_id: str) -> Extrinsic:
    return await storage.fetch(outbox.get, correlation_id)


def _signed(chain: Chain, *correlation_ids: str, epoch: int = 0, token: str = TOKEN) -> SignedBatch:
    return SignedBatch(
        account_address=ACCOUNT,
        epoch=epoch,
        signed=tuple(
            Signed(token=token, signature=chain.signature(correlation_id))
            for correlation_id in correlation_ids
        ),
    )


class TestClaims:
    async def test_take_what_is_due_oldest_first_and_at_most_as_many_as_told(self, chained: Storage) -> None:
        ids = await _calls(chained, 5)
        assert await _claimed(chained, _claim(at_most=2)) == ids[:2]
        assert await _claimed(chained, _claim(at_most=10)) == ids[2:]

    async def test_exclude_other_submitters_until_the_lease_is_over(self, chained: Storage) -> None:
        ids = await _calls(chained, 2)
        assert await _claimed(chained, _claim("one", lease_us=MINUTE_US)) == ids
        assert await _claimed(chained, _claim("two")) == []
        late = await _calls(chained, 1)
        assert await _claimed(chained, _claim("one", lease_us=0)) == late
        assert await _claimed(chained, _claim("two")) == late

    async def test_in_one_batch_share_the_work(self, chained: Storage) -> None:
        ids = await _calls(chained, 3)
        first, second = await all_of(chained, submission.claim, _claim("one", 2), _claim("two", 2))
        assert [item.extrinsic.correlation_id for item in first] == ids[:2]
        assert [item.extrinsic.correlation_id for item in second] == ids[2:]

    async def test_of_several_servers_share_the_work(self, postgres_url: str) -> None:
        async with opened(postgres_url, GENESIS) as here, opened(postgres_url, GENESIS) as there:
            ids = await _calls(here, 100)
            claims = [_claimed(storage, _claim("x", 7)) for storage in (here, there) * 10]
            claimed = [correlation_id for batch in await asyncio.gather(*claims) for correlation_id in batch]
            assert sorted(claimed) == ids

    async def test_bring_the_entities_that_the_call_is_made_of(self, chained: Storage) -> None:
        market = await Market.opened(chained)
        await market.agents()
        task = await market.assigned_task()
        result = (await chained.commit(tasks.create, a_task())).record
        other = await market.task()
        bid = (await chained.commit(bids.submit, a_bid(other))).record
        proof = (await chained.commit(results.submit, a_result(task, "bob"))).record
        claimed = {item.extrinsic.action: item for item in await chained.commit(submission.claim, _claim())}
        create, submit_bid = claimed[Action.CREATE_TASK], claimed[Action.SUBMIT_BID]
        submit_result = claimed[Action.SUBMIT_RESULT]
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
            assert await _claimed(here, _claim()) == [receipt.correlation_id]
            release.set()
            await holding


class TestSignatures:
    async def test_are_stored_with_the_extrinsic_and_move_the_epoch(self, chained: Storage) -> None:
        chain = Chain(chained)
        first, second = await _calls(chained, 2)
        await _claimed(chained, _claim())
        batch = _signed(chain, first, second)
        assert await chained.commit(submission.store_signatures, batch) == 1
        signature = batch.signed[0].signature
        row = await _see(chained, first)
        assert (row.status, row.attempt_count, row.extrinsic_hash, row.nonce) == (
            ExtrinsicStatus.SIGNED,
            1,
            signature.extrinsic_hash,
            signature.nonce,
        )
        assert (row.birth_block, row.death_block) == (signature.birth_block, signature.death_block)
        live = await chained.read(submission.live_hashes, None)
        kept = await chained.read(submission.signatures_of, live)
        assert kept == [signed.signature for signed in batch.signed]
        state = await chained.read(submission.account_state, ACCOUNT)
        assert (state.epoch, state.live_nonces) == (1, frozenset({1, 2}))

    async def test_of_an_account_that_another_submitter_used_since_are_refused(
        self, chained: Storage
    ) -> None:
        chain = Chain(chained)
        first, second = await _calls(chained, 2)
        await _claimed(chained, _claim())
        await chained.commit(submission.store_signatures, _signed(chain, first))
        before = await dump(chained)
        with pytest.raises(Superseded):
            await chained.commit(submission.store_signatures, _signed(chain, second, epoch=0))
        assert await dump(chained) == before
        assert await chained.commit(submission.store_signatures, _signed(chain, second, epoch=1)) == 2

    async def test_of_a_lost_lease_are_refused_with_the_whole_batch(self, chained: Storage) -> None:
        chain = Chain(chained)
        first, second = await _calls(chained, 2)
        await _claimed(chained, _claim("one", 1, lease_us=0))
        await _claimed(chained, _claim("two", 1))  # it is the first again: its lease is over
        await _claimed(chained, _claim("one"))
        with pytest.raises(Superseded):
            await chained.commit(submission.store_signatures, _signed(chain, second, first, token="one"))
        assert [(await _see(chained, call)).status for call in (first, second)] == ["queued", "queued"]
        assert await count(chained, "signatures") == (0,)

    async def test_of_what_was_cancelled_meanwhile_are_refused(self, chained: Storage) -> None:
        chain = Chain(chained)
        (call,) = await _calls(chained, 1)
        await _claimed(chained, _claim())
        await chained.commit(outbox.cancel, call)
        with pytest.raises(Superseded):
            await chained.commit(submission.store_signatures, _signed(chain, call))
        await chained.commit(outbox.requeue, call)
        with pytest.raises(Superseded):
            await chained.commit(submission.store_signatures, _signed(chain, call))

    async def test_of_what_is_signed_already_are_refused(self, chained: Storage) -> None:
        """Or it could be executed twice; the lease alone does not tell."""
        chain = Chain(chained)
        (call,) = await _calls(chained, 1)
        await _claimed(chained, _claim())
        await chained.commit(submission.store_signatures, _signed(chain, call))
        with pytest.raises(Superseded):
            await chained.commit(submission.store_signatures, _signed(chain, call, epoch=1))
        assert await count(chained, "signatures") == (1,)

    async def test_of_two_accounts_are_stored_side_by_side(self, chained: Storage) -> None:
        chain = Chain(chained)
        first, second = await _calls(chained, 2)
        await _claimed(chained, _claim())
        one = _signed(chain, first)
        two = SignedBatch(account_address="5Other", epoch=0, signed=_signed(chain, second).signed)
        stale = SignedBatch(account_address="5Other", epoch=0, signed=())
        answers = await all_of(chained, submission.store_signatures, one, two, stale)
        assert answers[:2] == [1, 1]
        assert isinstance(answers[2], Superseded)

    async def test_carry_the_deadline_block_to_the_task_they_create(self, chained: Storage) -> None:
        chain = Chain(chained)
        receipt = await chained.commit(tasks.create, a_task())
        await _claimed(chained, _claim())
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
                first, second = await _calls(here, 2)
                await _claimed(here, _claim("one", 1))
                await _claimed(there, _claim("two", 1))
                answers = await asyncio.gather(
                    here.commit(submission.store_signatures, _signed(chain, first, epoch=epoch, token="one")),
                    there.commit(
                        submission.store_signatures, _signed(chain, second, epoch=epoch, token="two")
                    ),
                    return_exceptions=True,
                )
                assert sorted(type(answer).__name__ for answer in answers) == ["Superseded", "int"]
                await _bury(here, there, first, second)


class TestHints:
    async def test_move_live_extrinsics_between_live_states(self, chained: Storage) -> None:
        call, extrinsic_hash = await _one_signed(chained)
        for status in (ExtrinsicStatus.SUBMITTED, ExtrinsicStatus.IN_BLOCK, ExtrinsicStatus.SUBMITTED):
            assert await chained.commit(submission.note_hints, _hint(call, extrinsic_hash, status))
            assert (await _see(chained, call)).status == status
            assert not await chained.commit(submission.note_hints, _hint(call, extrinsic_hash, status))

    @pytest.mark.parametrize("status", [status for status in ExtrinsicStatus if status not in LIVE])
    async def test_never_end_an_extrinsic(self, chained: Storage, status: ExtrinsicStatus) -> None:
        call, extrinsic_hash = await _one_signed(chained)
        before = await dump(chained)
        assert not await chained.commit(submission.note_hints, _hint(call, extrinsic_hash, status))
        assert await dump(chained) == before

    async def test_of_an_older_signature_or_a_queued_or_unknown_extrinsic_say_nothing(
        self, chained: Storage
    ) -> None:
        call, extrinsic_hash = await _one_signed(chained)
        (queued,) = await _calls(chained, 1)
        before = await dump(chained)
        hints = [
            _hint(call, b"other", ExtrinsicStatus.SUBMITTED),
            _hint(queued, extrinsic_hash, ExtrinsicStatus.SUBMITTED),
            _hint("nothing", extrinsic_hash, ExtrinsicStatus.SUBMITTED),
        ]
        assert await all_of(chained, submission.note_hints, *hints) == [False, False, False]
        assert await dump(chained) == before

    async def test_with_an_objection_are_shown_until_a_node_takes_the_bytes(self, chained: Storage) -> None:
        call, extrinsic_hash = await _one_signed(chained)
        objection = Hint(
            correlation_id=call, extrinsic_hash=extrinsic_hash, status=None, objection="stale " * 200
        )
        assert await all_of(chained, submission.note_hints, objection, objection) == [True, False]
        row = await _see(chained, call)
        assert (row.status, len(row.last_error)) == (ExtrinsicStatus.SIGNED, 512)
        await chained.commit(submission.note_hints, _hint(call, extrinsic_hash, ExtrinsicStatus.SUBMITTED))
        assert (await _see(chained, call)).last_error == ""
        assert not await chained.commit(submission.note_hints, objection)


class TestWaiting:
    async def test_releases_the_claim_until_later_and_is_no_attempt(self, chained: Storage) -> None:
        (call,) = await _calls(chained, 1)
        await _claimed(chained, _claim())
        events = await count(chained, "events")
        assert await chained.commit(submission.postpone, _postponed(call, now_us() + MINUTE_US))
        row = await _see(chained, call)
        assert (row.status, row.attempt_count, row.last_error) == ("queued", 0, "the task is not there")
        assert await _claimed(chained, _claim()) == []
        assert await count(chained, "events") == events

    async def test_of_a_lost_lease_changes_nothing(self, chained: Storage) -> None:
        (call,) = await _calls(chained, 1)
        before = await dump(chained)
        assert not await chained.commit(submission.postpone, _postponed(call, 0))
        assert await dump(chained) == before


class TestGivingUp:
    async def test_clears_the_intent_and_a_requeue_restores_it(self, chained: Storage) -> None:
        receipt = await chained.commit(tasks.create, a_task())
        await _claimed(chained, _claim())
        await chained.commit(submission.bury, _hopeless(receipt.correlation_id))
        task = (await chained.fetch(tasks.get, receipt.record.task_id)).task
        assert (task.status, task.pending_action, task.last_error) == ("pending", "", "no key")
        row = await _see(chained, receipt.correlation_id)
        assert (row.status, row.last_error, row.lease_token) == ("dead", "no key", "")

        row = await chained.commit(outbox.requeue, receipt.correlation_id)
        assert (row.status, row.last_error, row.attempt_count) == ("queued", "", 0)
        task = (await chained.fetch(tasks.get, receipt.record.task_id)).task
        assert (task.pending_action, task.pending_correlation_id, task.last_error) == (
            Action.CREATE_TASK,
            receipt.correlation_id,
            "",
        )
        assert await _claimed(chained, _claim()) == [receipt.correlation_id]

    async def test_of_a_lost_lease_is_refused(self, chained: Storage) -> None:
        (call,) = await _calls(chained, 1)
        before = await dump(chained)
        with pytest.raises(Superseded):
            await chained.commit(submission.bury, _hopeless(call))
        assert await dump(chained) == before

    async def test_by_cancelling_clears_the_intent_and_a_requeue_restores_it(self, chained: Storage) -> None:
        market = await Market.opened(chained)
        task = await market.task()
        receipt = await chained.commit(tasks.cancel, task.task_id)
        await chained.commit(outbox.cancel, receipt.correlation_id)
        seen = await market.see(task)
        assert (seen.status, seen.pending_action) == ("bidding", "")
        assert seen.last_error == "the extrinsic was cancelled"
        assert await _claimed(chained, _claim()) == []
        await chained.commit(outbox.requeue, receipt.correlation_id)
        assert (await market.see(task)).pending_action == Action.CANCEL_TASK

    async def test_of_an_update_keeps_its_values_for_a_requeue(self, chained: Storage) -> None:
        market = await Market.opened(chained)
        await market.agent("ada", metadata="old")
        update = AgentUpdate(metadata="new")
        change = agents.AgentChange(agent_id="ada", update=update)
        receipt = await chained.commit(agents.change, change)
        await chained.commit(outbox.cancel, receipt.correlation_id)
        ada = await market.see_agent("ada")
        assert (ada.metadata, ada.pending_update, ada.pending_action) == ("old", update, "")
        await chained.commit(outbox.requeue, receipt.correlation_id)
        assert (await market.see_agent("ada")).pending_action == Action.UPDATE_AGENT

    async def test_cannot_be_undone_while_another_action_waits(self, chained: Storage) -> None:
        market = await Market.opened(chained)
        task = await market.task()
        receipt = await chained.commit(tasks.cancel, task.task_id)
        await chained.commit(outbox.cancel, receipt.correlation_id)
        await chained.commit(tasks.close_bidding, task.task_id)
        before = await dump(chained)
        with pytest.raises(Exception, match="close_bidding on task"):
            await chained.commit(outbox.requeue, receipt.correlation_id)
        assert await dump(chained) == before

    async def test_is_refused_while_a_signature_may_still_be_executed(self, chained: Storage) -> None:
        call, _ = await _one_signed(chained)
        before = await dump(chained)
        with pytest.raises(ExtrinsicLive):
            await chained.commit(outbox.cancel, call)
        with pytest.raises(InvalidTransition):
            await chained.commit(outbox.requeue, call)
        assert await dump(chained) == before

    async def test_of_a_registration_by_two_items_of_one_batch_happens_once(self, chained: Storage) -> None:
        receipt = await chained.commit(agents.register, an_agent("ada"))
        first, second = await all_of(chained, outbox.cancel, receipt.correlation_id, receipt.correlation_id)
        assert first == second
        again, refused = await all_of(chained, outbox.requeue, receipt.correlation_id, receipt.correlation_id)
        assert again.status == ExtrinsicStatus.QUEUED
        assert isinstance(refused, InvalidTransition)


async def _one_signed(storage: Storage) -> tuple[str, bytes]:
    (call,) = await _calls(storage, 1)
    (extrinsic_hash,) = await Chain(storage).sign(call)
    return call, extrinsic_hash


def _hint(correlation_id: str, extrinsic_hash: bytes, status: ExtrinsicStatus) -> Hint:
    return Hint(correlation_id=correlation_id, extrinsic_hash=extrinsic_hash, status=status)


def _postponed(correlation_id: str, next_attempt_us: int) -> Postponed:
    return Postponed(
        token=TOKEN,
        correlation_id=correlation_id,
        next_attempt_us=next_attempt_us,
        error="the task is not there",
    )


def _hopeless(correlation_id: str) -> Hopeless:
    return Hopeless(token=TOKEN, correlation_id=correlation_id, error="no key")


async def _bury(here: Storage, there: Storage, first: str, second: str) -> None:
    """Whichever of two is still queued."""
    for storage, correlation_id, token in ((here, first, "one"), (there, second, "two")):
        if (await _see(storage, correlation_id)).status == ExtrinsicStatus.QUEUED:
            hopeless = Hopeless(token=token, correlation_id=correlation_id, error="over")
            await storage.commit(submission.bury, hopeless)
