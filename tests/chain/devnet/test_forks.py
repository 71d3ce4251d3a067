"""Forks: a longer branch replaces the end of the best chain; what was in it is lost only on demand."""

import itertools

import pytest

from chain.devnet import DevChain, Retracted
from chain.devnet.block import Block
from tests.chain.devnet.actors import UNIT, Actor
from tests.chain.devnet.wire import Json, Wire, hex_of, manual_chain, refusal_of
from tests.chain.devnet.witness import REMARK, Witness


@pytest.fixture
def chain() -> DevChain:
    return manual_chain(finality_lag_blocks=10)


def block_of(chain: DevChain, extrinsic_hash: bytes) -> int | None:
    """Return the number of the best chain's block with this extrinsic, None for none."""
    for number in range(chain.best.number + 1):
        block = chain.block_at(number)
        assert block is not None
        if extrinsic_hash in block.extrinsic_hashes():
            return number
    return None


def connected(chain: DevChain) -> bool:
    """Tell whether every block of the best chain names the one before it."""
    blocks = [chain.block_at(number) for number in range(chain.best.number + 1)]
    pairs = itertools.pairwise(blocks)
    return all(after and before and after.header.parent_hash == before.hash for before, after in pairs)


def test_a_fork_replaces_the_last_blocks_by_a_longer_branch_and_the_old_ones_can_still_be_read(
    chain: DevChain,
) -> None:
    chain.seal(5)
    left = [chain.block_at(number) for number in (4, 5)]
    branch = chain.fork(2)
    assert [block.number for block in branch] == [4, 5, 6]
    assert chain.best is branch[-1]
    assert connected(chain)
    for block in left:
        assert block is not None
        assert chain.block(block.hash) is block
        assert chain.block_at(block.number) is not block


def test_siblings_differ_even_when_there_is_nothing_in_them(chain: DevChain) -> None:
    chain.seal()
    hashes = {chain.best.hash}
    for _ in range(3):
        hashes |= {block.hash for block in chain.fork(1)}
        chain.fork(1)
    assert len(hashes) == 1 + 3 * 2


def test_what_is_final_is_never_retracted(chain: DevChain) -> None:
    chain.seal(12)
    assert chain.finalized.number == 2
    before = chain.best
    with pytest.raises(ValueError, match="cannot retract 11 blocks: 10 follow the finalized block 2"):
        chain.fork(11)
    assert chain.best is before
    chain.fork(10)
    assert (chain.best.number, chain.finalized.number) == (13, 3)
    chain.finalize()
    with pytest.raises(ValueError, match="0 follow"):
        chain.fork(1)


@pytest.mark.parametrize(("depth", "length"), [(0, 1), (3, 3), (2, 1), (1, 1001)])
def test_a_branch_is_longer_than_what_it_replaces(chain: DevChain, depth: int, length: int) -> None:
    chain.seal(5)
    with pytest.raises(ValueError, match=r"a fork replaces at least|a branch that replaces"):
        chain.fork(depth, length)
    assert chain.best.number == 5


def test_retracted_transactions_are_included_again_in_their_order(chain: DevChain, alice: Actor) -> None:
    witness = Witness(chain)
    first, second = (alice.do(REMARK, remark=bytes([number])).block for number in (1, 2))
    hashes = [block.extrinsic_hashes()[1] for block in (first, second)]
    waiting = alice.submit(REMARK, remark=b"3")
    branch = chain.fork(2)
    assert branch[0].extrinsic_hashes()[1:] == [*hashes, waiting.hash]
    for extrinsic_hash in hashes:
        assert witness.statuses[extrinsic_hash] == ["ready", "inBlock", "retracted", "inBlock"]
    assert witness.statuses[waiting.hash] == ["ready", "inBlock"]
    chain.finalize()
    assert [witness.statuses[extrinsic_hash][-1] for extrinsic_hash in hashes] == ["finalized"] * 2
    assert chain.account(alice.account).nonce == 3


def test_retracted_transactions_can_be_left_in_the_pool_for_a_later_block(
    chain: DevChain, alice: Actor
) -> None:
    witness = Witness(chain)
    sent = alice.do(REMARK, remark=b"").block.extrinsic_hashes()[1]
    chain.fork(1, retracted=Retracted.POOL)
    assert block_of(chain, sent) is None
    assert [transaction.hash for transaction in chain.pending()] == [sent]
    chain.seal()
    assert block_of(chain, sent) == chain.best.number
    assert witness.statuses[sent] == ["ready", "inBlock", "retracted", "ready", "inBlock"]


def test_retracted_transactions_can_be_lost_and_sent_again(chain: DevChain, alice: Actor) -> None:
    witness = Witness(chain)
    lost = alice.submit(REMARK, remark=b"1")
    chain.seal()
    behind = alice.submit(REMARK, remark=b"2")
    chain.fork(1, retracted=Retracted.LOSE)
    assert (chain.pending(), alice.chain.next_nonce(alice.account)) == ([], 0)
    assert witness.statuses[lost.hash] == ["ready", "inBlock", "retracted", "dropped"]
    assert witness.statuses[behind.hash] == ["ready", "future"]
    chain.submit(lost.raw)
    assert len(chain.seal().extrinsics) == 1 + 2


def test_a_transaction_that_was_born_on_the_branch_that_was_left_is_invalid_on_the_new_one(
    chain: DevChain, alice: Actor, bob: Actor
) -> None:
    witness = Witness(chain)
    chain.seal(4)
    included = alice.submit(REMARK, remark=b"", era_blocks=4)
    waiting = bob.submit(REMARK, remark=b"", era_blocks=4, account_nonce=1)
    chain.seal()
    chain.fork(2)
    assert witness.statuses[included.hash] == ["ready", "inBlock", "retracted", "invalid"]
    assert witness.statuses[waiting.hash] == ["future", "invalid"]
    assert chain.account(alice.account).nonce == 0


def test_money_that_moved_on_the_branch_that_was_left_did_not_move(chain: DevChain, alice: Actor) -> None:
    bob = Actor(chain, "//Bob")
    before = (alice.free, bob.free)
    alice.do("Balances.transfer_keep_alive", dest={"Id": bob.account}, value=UNIT)
    chain.fork(1, retracted=Retracted.LOSE)
    assert (alice.free, bob.free) == before


def test_a_transaction_whose_account_is_opened_on_the_branch_is_not_lost(
    chain: DevChain, alice: Actor
) -> None:
    newcomer = Actor(chain, "//Newcomer")
    paid = alice.do("Balances.transfer_keep_alive", dest={"Id": newcomer.account}, value=UNIT)
    sent = newcomer.submit(REMARK, remark=b"")
    chain.seal()
    branch = chain.fork(2)
    assert paid.block.extrinsic_hashes()[1] in branch[0].extrinsic_hashes()
    assert sent.hash in branch[1].extrinsic_hashes()


def test_a_transaction_that_waits_on_the_branch_for_its_runtime_is_not_reported_ready_twice(
    chain: DevChain, alice: Actor
) -> None:
    chain.upgrade_runtime(at=2)
    chain.seal(2)
    witness = Witness(chain)
    waiting = alice.submit(REMARK, remark=b"of the new runtime")
    chain.fork(2)
    assert block_of(chain, waiting.hash) is not None
    assert witness.statuses[waiting.hash] == ["ready", "inBlock"]


def test_two_transactions_of_one_nonce_on_two_branches_end_in_one_of_them(
    chain: DevChain, alice: Actor
) -> None:
    first = alice.submit(REMARK, remark=b"first")
    chain.seal()
    chain.fork(1, retracted=Retracted.LOSE)
    second = alice.submit(REMARK, remark=b"second", account_nonce=0)
    chain.seal()
    witness = Witness(chain)
    chain.submit(alice.sign(REMARK, remark=b"third", account_nonce=1).raw)
    chain.fork(1)
    assert block_of(chain, first.hash) is None
    assert block_of(chain, second.hash) is not None
    assert witness.statuses[second.hash] == ["retracted", "inBlock"]


def test_a_transaction_that_waits_too_long_for_finality_is_no_longer_watched(alice: Actor) -> None:
    chain = alice.chain
    chain.pause_finality()
    witness = Witness(chain)
    extrinsic = alice.submit(REMARK, remark=b"")
    chain.seal(512)
    assert witness.statuses[extrinsic.hash] == ["ready", "inBlock"]
    chain.seal()
    assert witness.statuses[extrinsic.hash] == ["ready", "inBlock", "finalityTimeout"]


class Heads:
    """What a client sees of the heads."""

    def __init__(self, wire: Wire, subscription: str) -> None:
        self._wire = wire
        self._subscription = subscription

    async def next(self, count: int) -> list[tuple[int, str]]:
        """Return the numbers and parents of the next heads."""
        heads = [await self._wire.next_notification(self._subscription) for _ in range(count)]
        return [(int(head["number"], 16), head["parentHash"]) for head in heads]


async def test_subscribers_are_told_of_every_block_of_the_branch_parents_first(
    wire: Wire, chain: DevChain
) -> None:
    chain.seal(3)
    new, every = [Heads(wire, await wire.call(f"chain_subscribe{kind}Heads")) for kind in ("New", "All")]
    final = await wire.call("chain_subscribeFinalizedHeads")
    made = await wire.call("dev_fork", 2, 4)
    parent = chain.block_at(1)
    assert parent is not None
    expected = list(zip([2, 3, 4, 5], [hex_of(parent.hash), *made[:-1]], strict=True))
    for heads in (new, every):
        assert (await heads.next(5))[1:] == expected
    assert (await wire.next_notification(final))["number"] == "0x0"
    chain.finalize()
    assert (await wire.next_notification(final))["number"] == "0x5"


async def test_a_watcher_is_told_that_its_block_was_retracted_and_which_one_took_it_then(
    wire: Wire, chain: DevChain, alice: Actor
) -> None:
    extrinsic = alice.sign(REMARK, remark=b"")
    watch = await wire.call("author_submitAndWatchExtrinsic", hex_of(extrinsic.raw))
    [first] = await wire.call("dev_seal")
    [second, _] = await wire.call("dev_fork", 1)
    final = await wire.call("dev_finalize")
    told = [await wire.next_notification(watch) for _ in range(5)]
    assert told == [
        "ready",
        {"inBlock": first},
        {"retracted": first},
        {"inBlock": second},
        {"finalized": second},
    ]
    assert final == hex_of(chain.best.hash)


async def test_a_fork_that_cannot_be_is_refused_with_the_reason(wire: Wire, chain: DevChain) -> None:
    chain.seal(2)
    refusals: list[tuple[list[Json], str]] = [
        ([3], "cannot retract 3 blocks: 2 follow the finalized block 0"),
        ([1, 1], "a branch that replaces 1 blocks has 2 to 1000"),
        ([1, 2, "burn"], "expected one of include, pool, lose, got 'burn'"),
        (["x"], "expected a number from 0 to 1000"),
    ]
    for params, reason in refusals:
        refusal = await refusal_of(wire, "dev_fork", *params)
        assert refusal.code == -32602
        assert reason in refusal.data
    assert chain.best.number == 2


def test_blocks_of_both_branches_keep_their_states(chain: DevChain, alice: Actor) -> None:
    old: Block = alice.do(REMARK, remark=b"").block
    [new, _] = chain.fork(1, retracted=Retracted.POOL)
    assert chain.account(alice.account, old).nonce == 1
    assert chain.account(alice.account, new).nonce == 0
    assert [event.name for event in chain.events(old)] == ["ExtrinsicSuccess"] * 2
