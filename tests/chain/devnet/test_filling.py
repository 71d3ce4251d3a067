"""A long chain is made quickly, and is like any other but for signatures that nobody checks."""

from chain.devnet import DevChain, DevChainConfig, Sealing
from chain.devnet.pool import StatusKind
from chain.scale.extrinsic import decode_extrinsic
from tests.chain.devnet.actors import Actor
from tests.chain.devnet.wire import Wire, hex_of, refusal_of
from tests.chain.devnet.witness import REMARK, Witness


def test_filled_blocks_have_extrinsics_and_events_like_any_other() -> None:
    chain = DevChain(DevChainConfig(sealing=Sealing.MANUAL))
    ferdie = Actor(chain, "//Ferdie")
    before = ferdie.free
    chain.fill(5, extrinsics=3)
    assert (chain.best.number, chain.finalized.number) == (5, 3)
    assert chain.account(ferdie.account).nonce == 15
    assert ferdie.free < before
    for number in range(1, 6):
        block = chain.block_at(number)
        assert block is not None
        names = [event.name for event in chain.events(block)]
        assert names == ["ExtrinsicSuccess"] + 3 * ["Remarked", "TransactionFeePaid", "ExtrinsicSuccess"]
        for raw in block.extrinsics[1:]:
            signature = decode_extrinsic(chain.runtime.codec, raw).signature
            assert signature is not None
            assert signature.account == ferdie.account


def test_filling_leaves_the_pool_alone_and_real_transactions_follow(chain: DevChain, alice: Actor) -> None:
    sent = alice.submit(REMARK, remark=b"")
    chain.fill(3)
    assert [transaction.hash for transaction in chain.pending()] == [sent.hash]
    Actor(chain, "//Ferdie").do(REMARK, remark=b"signed this time")
    assert chain.pending() == []


def test_a_fork_finds_out_that_nobody_signed(chain: DevChain) -> None:
    witness = Witness(chain)
    chain.fill(1, extrinsics=1)
    filled = chain.best.extrinsic_hashes()[1]
    branch = chain.fork(1)
    assert witness.statuses[filled] == ["inBlock", "retracted", StatusKind.INVALID]
    assert [len(block.extrinsics) for block in branch] == [1, 1]


def test_two_chains_that_are_told_the_same_are_the_same_to_the_last_bit() -> None:
    one, other = (
        DevChain(
            DevChainConfig(
                seed="same",
                sealing=Sealing.INSTANT,
                steady_clock=True,
                genesis_time_ms=1_700_000_000_000,
                finality_lag_blocks=20,
            )
        )
        for _ in range(2)
    )
    signed = Actor(one, "//Alice").sign(REMARK, remark=b"")  # anew, it would have other bytes
    for chain in (one, other):
        chain.fill(10)
        chain.submit(signed.raw)
        chain.upgrade_runtime()
        chain.fork(3, 5)
        chain.fill(2)
    assert one.best.number == other.best.number == 15
    assert one.best.hash == other.best.hash
    assert one.best.timestamp_ms == 1_700_000_000_000 + 15 * 1000


async def test_blocks_can_be_filled_on_demand(wire: Wire, chain: DevChain) -> None:
    heads = await wire.call("chain_subscribeNewHeads")
    last = await wire.call("dev_fillBlocks", 4, 2)
    assert last == hex_of(chain.best.hash)
    assert [(await wire.next_notification(heads))["number"] for _ in range(5)][-1] == "0x4"
    block = await wire.call("chain_getBlock", last)
    assert len(block["block"]["extrinsics"]) == 1 + 2
    wrongs: list[list[int]] = [[100_001], [1, 1001], []]
    for wrong in wrongs:
        assert (await refusal_of(wire, "dev_fillBlocks", *wrong)).code == -32602
