"""Signed bytes are kept while they may be executed, and for a while after they were."""

import pytest

from storage.chain import signatures
from storage.chain.signatures import Prune
from storage.lifecycle import ExtrinsicStatus
from storage.store import Storage
from tests.storage.blocks import Chain, Step
from tests.storage.items import HOUR_US, now_us
from tests.storage.looking import count
from tests.storage.submitter import queue_calls, see


def everything_before(before_us: int, at_most: int = 100) -> Prune:
    return Prune(before_us=before_us, at_most=at_most)


@pytest.mark.parametrize("error", ["", "Market.Refused"])
async def test_signatures_of_what_was_executed_are_forgotten_when_their_era_is_over_too(
    chained: Storage, chain: Chain, error: str
) -> None:
    (call,) = await queue_calls(chained, 1)
    (extrinsic_hash,) = await chain.sign(call, era_blocks=4)
    await chain.block(Step(extrinsic_hash, error=error))
    later = now_us() + HOUR_US
    assert (await chained.commit(signatures.prune, everything_before(later))).count == 0
    await chain.pass_blocks(3)
    assert (await chained.commit(signatures.prune, everything_before(now_us() - HOUR_US))).count == 0
    assert (await chained.commit(signatures.prune, everything_before(later))).count == 1
    assert await count(chained, "signatures") == (0,)
    assert (await see(chained, call)).extrinsic_hash == extrinsic_hash


async def test_signatures_of_what_was_not_executed_are_kept(chained: Storage, chain: Chain) -> None:
    live, expired = await queue_calls(chained, 2)
    await chain.sign(expired, era_blocks=2)
    await chain.pass_blocks(2)
    await chain.sign(live)
    assert [(await see(chained, call)).status for call in (live, expired)] == [
        ExtrinsicStatus.SIGNED,
        ExtrinsicStatus.QUEUED,
    ]
    assert (await chained.commit(signatures.prune, everything_before(now_us() + HOUR_US))).count == 0
    assert await count(chained, "signatures") == (2,)


async def test_signatures_are_forgotten_in_batches(chained: Storage, chain: Chain) -> None:
    calls = await queue_calls(chained, 3)
    hashes = await chain.sign(*calls, era_blocks=2)
    await chain.block(*(Step(each) for each in hashes))
    await chain.pass_blocks(2)
    batch = everything_before(now_us() + HOUR_US, at_most=2)
    assert [(await chained.commit(signatures.prune, batch)).count for _ in range(3)] == [2, 1, 0]
