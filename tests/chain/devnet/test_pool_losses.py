"""A transaction, or all of them, can be lost from the pool on demand, or be banned from it."""

from chain.devnet import DevChain
from tests.chain.devnet.actors import Actor
from tests.chain.devnet.wire import Json, Wire, hex_of, refusal_of
from tests.chain.devnet.witness import REMARK, Witness, refused

BANNED = "Transaction is temporarily banned"


def test_a_dropped_transaction_leaves_a_gap_that_those_behind_it_wait_for(
    chain: DevChain, alice: Actor
) -> None:
    witness = Witness(chain)
    sent = [alice.submit(REMARK, remark=bytes([number])) for number in range(3)]
    assert chain.drop(sent[1].hash) is True
    assert chain.drop(sent[1].hash) is False
    assert [transaction.hash for transaction in chain.pending()] == [sent[0].hash]
    assert witness.statuses[sent[1].hash] == ["ready", "dropped"]
    assert witness.statuses[sent[2].hash] == ["ready", "future"]
    chain.submit(sent[1].raw)
    assert witness.statuses[sent[2].hash] == ["ready", "future", "ready"]
    assert len(chain.seal().extrinsics) == 1 + 3


def test_a_banned_transaction_is_lost_and_refused_until_the_ban_is_lifted(
    chain: DevChain, alice: Actor
) -> None:
    sent = alice.submit(REMARK, remark=b"")
    chain.ban(sent.hash)
    assert len(chain.seal().extrinsics) == 1
    with refused(1012):
        chain.submit(sent.raw)
    chain.submit(alice.sign(REMARK, remark=b"other bytes").raw)
    chain.drop(chain.pending()[0].hash)
    chain.lift_ban(sent.hash)
    chain.submit(sent.raw)
    assert len(chain.seal().extrinsics) == 1 + 1


async def test_the_pool_is_steered_over_the_wire(wire: Wire, alice: Actor) -> None:
    first, second = (alice.sign(REMARK, remark=bytes([number])) for number in range(2))
    watch = await wire.call("author_submitAndWatchExtrinsic", hex_of(first.raw))
    assert await wire.call("dev_dropTransaction", hex_of(first.hash)) is True
    assert [await wire.next_notification(watch) for _ in range(2)] == ["ready", "dropped"]
    assert await wire.call("dev_dropTransaction", hex_of(first.hash)) is False
    assert await wire.call("dev_banTransaction", hex_of(second.hash)) is True
    refusal = await refusal_of(wire, "author_submitExtrinsic", hex_of(second.raw))
    assert (refusal.code, refusal.message) == (1012, BANNED)
    assert await wire.call("dev_liftBan", hex_of(second.hash)) is True
    await wire.call("author_submitExtrinsic", hex_of(second.raw))
    wrong: list[Json] = ["0x00", 7, None]
    for method in ("dev_dropTransaction", "dev_banTransaction", "dev_liftBan"):
        for value in wrong:
            assert (await refusal_of(wire, method, value)).code == -32602


async def test_finality_is_steered_over_the_wire(wire: Wire, chain: DevChain) -> None:
    heads = await wire.call("chain_subscribeFinalizedHeads")
    await wire.call("dev_pauseFinality")
    await wire.call("dev_seal", 10)
    assert chain.finalized.number == 0
    assert await wire.call("dev_finalize", 4) == await wire.call("chain_getBlockHash", 4)
    await wire.call("dev_setFinalityLag", 1, 3)
    await wire.call("dev_resumeFinality")
    await wire.call("dev_seal", 3)
    numbers = [(await wire.next_notification(heads))["number"] for _ in range(4)]
    assert numbers == ["0x0", "0x4", "0x9", "0xc"]
    wrongs: list[tuple[str, list[Json]]] = [
        ("dev_finalize", [14]),
        ("dev_setFinalityLag", [-1]),
        ("dev_setFinalityLag", [1, 0]),
    ]
    for method, params in wrongs:
        assert (await refusal_of(wire, method, *params)).code == -32602
