"""What the transactions of a replay promise; `tests.chain.bridge` has whole replays."""

from storage.chain import lists as chain_lists
from storage.chain import outbox, replay, signatures
from storage.chain.replay import Finish, Rewrite
from storage.chain.signatures import Prune
from storage.lifecycle import BidStatus, ExtrinsicStatus, TaskStatus
from storage.market import bids, tasks
from storage.pages import PageRequest
from storage.store import Storage
from tests.storage.blocks import Chain, Step, a_block
from tests.storage.items import HOUR_US, a_bid, a_task, now_us
from tests.storage.looking import check_counts, together
from tests.storage.submitter import CALL, queue_calls, see
from tests.storage.world import World


async def decoded_anew(chain: Chain, number: int, *steps: Step) -> None:
    """Store a block as it is decoded now."""
    rewrite = Rewrite(cursor=chain.cursor, blocks=(a_block(number, *steps),))
    await chain.storage.commit(replay.rewrite, rewrite)


async def correlated(storage: Storage, correlation_id: str) -> int:
    """How many events of the chain belong to an extrinsic from here."""
    wanted = chain_lists.ChainEventFilter(page=PageRequest(size=10), correlation_id=correlation_id)
    return len((await storage.read(chain_lists.chain_events, wanted)).records)


async def test_the_new_count_at_the_end_of_a_replay_has_what_is_committed_with_it_once(
    chained: Storage, chain: Chain
) -> None:
    finish = chained.commit(replay.finish, Finish(first_block=1))
    before, after = (chained.commit(outbox.enqueue_call, CALL) for _ in range(2))
    await together(chained, before, finish)
    await check_counts(chained)
    await together(chained, chained.commit(replay.finish, Finish(first_block=1)), after)
    await check_counts(chained)


async def test_events_keep_their_extrinsic_when_its_signatures_are_forgotten(
    chained: Storage, chain: Chain
) -> None:
    (call,) = await queue_calls(chained, 1)
    (extrinsic_hash,) = await chain.sign(call, era_blocks=2)
    await chain.block(Step(extrinsic_hash))
    await chain.pass_blocks(2)
    assert await correlated(chained, call) == 1
    forget = Prune(before_us=now_us() + HOUR_US, at_most=10)
    assert (await chained.commit(signatures.prune, forget)).count == 1
    await decoded_anew(chain, 1, Step(extrinsic_hash))
    assert await correlated(chained, call) == 1


async def test_what_the_chain_refused_in_a_block_that_is_decoded_later_is_rejected_then(world: World) -> None:
    market, chain, storage = world.market, world.chain, world.storage
    await market.agent("ada")
    created = await storage.commit(tasks.create, a_task())
    task = created.record
    bid = await storage.commit(bids.submit, a_bid(task, "ada", 100))
    (extrinsic_hash,) = await chain.sign(created.correlation_id)
    await chain.undecodable_block(Step(extrinsic_hash))
    assert (await market.see(task)).status == TaskStatus.PENDING

    await decoded_anew(chain, chain.cursor.block_number, Step(extrinsic_hash, error="Market.TooPoor"))
    assert (await see(storage, created.correlation_id)).last_error == "Market.TooPoor"
    seen = await market.see(task)
    assert (seen.status, seen.last_error) == (TaskStatus.REJECTED, "Market.TooPoor")
    assert (await market.see_bid(task, "ada")).status == BidStatus.REJECTED
    assert (await see(storage, bid.correlation_id)).status == ExtrinsicStatus.CANCELLED
    await check_counts(storage)
