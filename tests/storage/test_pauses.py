"""Submission is paused and resumed by a row of the database: for every server, and over restarts."""

import pytest

from storage.chain import pauses, signatures, submission
from storage.chain.pauses import ALL_SIGNERS, Pause
from storage.errors import NoChain, Superseded
from storage.store import Storage
from tests.storage.blocks import Chain
from tests.storage.looking import all_of, opened
from tests.storage.submitter import a_claim, claimed, one_signed, queue_calls, signed
from tests.support.databases import GENESIS

EVERYBODY = Pause(signer=ALL_SIGNERS, reason="the node is being moved")


class TestAPause:
    @pytest.mark.parametrize("signer", [ALL_SIGNERS, "ops"])
    async def test_keeps_what_is_queued_from_being_claimed_until_it_ends(
        self, chained: Storage, signer: str
    ) -> None:
        ids = await queue_calls(chained, 2)
        await chained.commit(pauses.pause, Pause(signer=signer))
        assert await claimed(chained, a_claim()) == []
        await chained.commit(pauses.resume, signer)
        assert await claimed(chained, a_claim()) == ids

    @pytest.mark.parametrize("signer", [ALL_SIGNERS, "ops"])
    async def test_keeps_what_is_claimed_from_being_signed(self, chained: Storage, signer: str) -> None:
        (call,) = await queue_calls(chained, 1)
        await claimed(chained, a_claim())
        await chained.commit(pauses.pause, Pause(signer=signer))
        with pytest.raises(Superseded):
            await chained.commit(submission.store_signatures, signed(Chain(chained), call))
        await chained.commit(pauses.resume, signer)
        assert await chained.commit(submission.store_signatures, signed(Chain(chained), call)) == 1

    @pytest.mark.parametrize("signer", [ALL_SIGNERS, "ops"])
    async def test_keeps_what_is_signed_from_being_sent_again(self, chained: Storage, signer: str) -> None:
        _, extrinsic_hash = await one_signed(chained)
        await chained.commit(pauses.pause, Pause(signer=signer))
        assert await chained.read(signatures.live_to_send) == []
        await chained.commit(pauses.resume, signer)
        (live,) = await chained.read(signatures.live_to_send)
        assert live.extrinsic_hash == extrinsic_hash

    async def test_of_one_signer_lets_the_others_go_on(self, chained: Storage) -> None:
        ids = await queue_calls(chained, 1)
        await chained.commit(pauses.pause, Pause(signer="somebody else"))
        assert await claimed(chained, a_claim()) == ids

    async def test_of_one_signer_with_a_long_queue_delays_nobody_else(self, chained: Storage) -> None:
        long = await queue_calls(chained, 50, signer="poor")
        ids = await queue_calls(chained, 3)
        await chained.commit(pauses.pause, Pause(signer="poor"))
        assert await claimed(chained, a_claim(at_most=2)) == ids[:2]
        assert await claimed(chained, a_claim(at_most=2)) == ids[2:]
        await chained.commit(pauses.resume, "poor")
        assert await claimed(chained, a_claim()) == long

    async def test_is_told_with_its_reason_and_the_newest_reason_counts(self, chained: Storage) -> None:
        await chained.commit(pauses.pause, Pause(signer="ops", reason="first"))
        await chained.commit(pauses.pause, EVERYBODY)
        standing = await chained.commit(pauses.pause, Pause(signer="ops", reason="second"))
        assert [(pause.signer, pause.reason) for pause in standing] == [
            (ALL_SIGNERS, "the node is being moved"),
            ("ops", "second"),
        ]
        assert all(pause.create_time_us for pause in standing)
        assert await chained.read(pauses.standing) == standing

    async def test_of_one_signer_stands_when_that_of_all_ends(self, chained: Storage) -> None:
        await all_of(chained, pauses.pause, EVERYBODY, Pause(signer="ops"))
        (left,) = await chained.commit(pauses.resume, ALL_SIGNERS)
        assert left.signer == "ops"
        assert await chained.commit(pauses.resume, "ops") == []
        assert await chained.commit(pauses.resume, "ops") == []

    async def test_needs_a_chain(self, local: Storage) -> None:
        with pytest.raises(NoChain):
            await local.commit(pauses.pause, EVERYBODY)

    async def test_holds_over_restarts(self, lasting_url: str) -> None:
        async with opened(lasting_url, GENESIS) as storage:
            await queue_calls(storage, 1)
            await storage.commit(pauses.pause, EVERYBODY)
        async with opened(lasting_url, GENESIS) as storage:
            assert await claimed(storage, a_claim()) == []

    async def test_holds_for_all_servers(self, postgres_url: str) -> None:
        async with opened(postgres_url, GENESIS) as here, opened(postgres_url, GENESIS) as there:
            await queue_calls(here, 1)
            await here.commit(pauses.pause, EVERYBODY)
            assert await claimed(there, a_claim()) == []
