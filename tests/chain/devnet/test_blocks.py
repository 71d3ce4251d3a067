"""What a block is, when it is made, and when it is final."""

import hashlib

import pytest

from chain.devnet import DevChain, DevChainConfig, Sealing
from chain.devnet.pallets import system
from chain.devnet.pallets.timestamp import NOW
from tests.chain.devnet.actors import UNIT, Actor, stored
from tests.chain.devnet.wire import manual_chain
from tests.chain.devnet.witness import REMARK, Witness


def test_a_block_names_its_parent_and_is_named_by_the_hash_of_its_header(chain: DevChain) -> None:
    for number in range(1, 6):
        block = chain.seal()
        parent = chain.block_at(number - 1)
        assert parent is not None
        assert (block.number, block.header.parent_hash) == (number, parent.hash)
        assert block.hash == hashlib.blake2b(block.header.encode(), digest_size=32).digest()
        assert chain.block(block.hash) is chain.block_at(number) is block


def test_every_block_begins_with_its_time(chain: DevChain) -> None:
    block = chain.seal()
    inherent = block.extrinsics[0]
    call = chain.runtime.codec.decode_call(inherent[2:])
    assert (call.pallet, call.name, call.arguments) == ("Timestamp", "set", {"now": block.timestamp_ms})
    [success] = chain.events(block)
    assert (success.name, success.extrinsic_index) == ("ExtrinsicSuccess", 0)
    assert success.fields["dispatch_info"]["class"] == "Mandatory"


def test_state_and_events_of_past_blocks_stay_as_they_were(chain: DevChain, alice: Actor) -> None:
    blocks = [alice.do(REMARK, remark=b"").block for _ in range(20)]
    for count, block in enumerate(blocks, start=1):
        assert chain.account(alice.account, block).nonce == count
        assert system.NUMBER.get(chain.snapshot(block)) == block.number
        assert NOW.get(chain.snapshot(block)) == block.timestamp_ms
        assert [event.extrinsic_index for event in chain.events(block)] == [0, 1]


def test_the_chain_remembers_the_hashes_of_its_past(chain: DevChain) -> None:
    chain.seal(3)
    assert stored(chain, system.BLOCK_HASHES, 0) == chain.genesis.hash
    assert stored(chain, system.BLOCK_HASHES, 2) == chain.best.header.parent_hash
    assert system.BLOCK_HASHES.get(chain.snapshot(), 3) is None


def test_hashes_older_than_the_count_are_forgotten_but_for_genesis(
    chain: DevChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "BLOCK_HASH_COUNT", 4)
    chain.seal(10)
    known = [number for number in range(10) if system.BLOCK_HASHES.get(chain.snapshot(), number)]
    assert known == [0, 6, 7, 8, 9]


def test_chains_differ_from_run_to_run_unless_they_share_a_seed() -> None:
    assert manual_chain().genesis.hash != manual_chain().genesis.hash
    assert (
        manual_chain(seed="a").genesis.hash
        == manual_chain(seed="a").genesis.hash
        != manual_chain(seed="b").genesis.hash
    )


def test_a_manually_sealed_chain_with_a_seed_is_reproducible() -> None:
    def run() -> DevChain:
        chain = manual_chain(seed="same", genesis_time_ms=1_700_000_000_000, block_time_ms=500)
        chain.seal(5)
        return chain

    assert run().best.hash == run().best.hash
    assert run().best.timestamp_ms == 1_700_000_000_000 + 5 * 500


def test_with_a_clock_blocks_are_at_least_half_a_block_time_apart() -> None:
    now_ms = 1_000_000
    chain = DevChain(DevChainConfig(sealing=Sealing.INTERVAL, block_time_ms=1000, clock=lambda: now_ms))
    assert chain.seal().timestamp_ms == 1_000_000
    assert chain.seal().timestamp_ms == 1_000_500
    now_ms = 1_002_000
    assert chain.seal().timestamp_ms == 1_002_000


def test_instant_sealing_makes_a_block_for_every_transaction_that_is_ready() -> None:
    chain = DevChain(DevChainConfig(sealing=Sealing.INSTANT))
    alice = Actor(chain, "//Alice")
    alice.submit(REMARK, remark=b"0")
    assert chain.best.number == 1
    alice.submit(REMARK, remark=b"2", account_nonce=2)
    assert chain.best.number == 1
    alice.submit(REMARK, remark=b"1")
    assert (chain.best.number, len(chain.best.extrinsics)) == (2, 3)


def test_paused_instant_sealing_catches_up_in_one_block() -> None:
    chain = DevChain(DevChainConfig(sealing=Sealing.INSTANT))
    alice = Actor(chain, "//Alice")
    chain.pause_sealing()
    alice.submit(REMARK, remark=b"0")
    alice.submit(REMARK, remark=b"1")
    assert chain.best.number == 0
    chain.resume_sealing()
    assert (chain.best.number, len(chain.best.extrinsics)) == (1, 3)


def test_finality_follows_the_best_block_at_its_lag() -> None:
    chain = manual_chain(finality_lag_blocks=3)
    witness = Witness(chain)
    finalized = []
    for _ in range(6):
        chain.seal()
        finalized.append(chain.finalized.number)
    assert finalized == [0, 0, 0, 1, 2, 3]
    assert witness.finalized == [1, 2, 3]


def test_blocks_that_become_final_together_are_announced_by_the_last_of_them() -> None:
    chain = manual_chain(finality_lag_blocks=1000)
    witness = Witness(chain)
    extrinsic = Actor(chain, "//Alice").submit(REMARK, remark=b"")
    chain.seal(7)
    chain.set_finality_lag(2)
    assert witness.finalized == [5]
    assert witness.statuses[extrinsic.hash] == ["ready", "inBlock", "finalized"]
    chain.finalize()
    assert witness.finalized == [5, 7]
    chain.set_finality_lag(4)
    assert chain.finalized.number == 7


def test_finality_moves_by_steps_so_that_heads_skip_the_blocks_between() -> None:
    chain = manual_chain(finality_lag_blocks=2, finality_step_blocks=4)
    witness = Witness(chain)
    chain.seal(13)
    assert witness.finalized == [4, 8]
    chain.set_finality_lag(0, step_blocks=3)
    assert witness.finalized == [4, 8, 13]


def test_finality_stalls_until_it_is_resumed_and_then_catches_up_at_once() -> None:
    chain = manual_chain(finality_lag_blocks=1)
    witness = Witness(chain)
    chain.seal(2)
    chain.pause_finality()
    chain.seal(5)
    chain.set_finality_lag(2)
    assert witness.finalized == [1]
    chain.resume_finality()
    assert witness.finalized == [1, 5]


def test_some_blocks_can_be_made_final_by_number_even_while_finality_stalls() -> None:
    chain = manual_chain(finality_lag_blocks=1000)
    chain.pause_finality()
    chain.seal(5)
    assert chain.finalize(3).number == 3
    assert chain.finalize(2).number == 3
    with pytest.raises(ValueError, match="the best block is 5, so 6 cannot be final"):
        chain.finalize(6)


def test_a_block_takes_no_more_than_its_length_allows(chain: DevChain, alice: Actor) -> None:
    for _ in range(5):
        alice.submit(REMARK, remark=bytes(1024 * 1024))
    assert len(chain.seal().extrinsics) == 1 + 3
    assert len(chain.seal().extrinsics) == 1 + 2


def test_a_configuration_out_of_range_is_refused() -> None:
    for wrong in (
        {"block_time_ms": 1},
        {"finality_lag_blocks": -1},
        {"bidding_window_blocks": 0},
        {"base_fee_planck": -1},
        {"byte_fee_planck": 10**18 + 1},
    ):
        with pytest.raises(ValueError, match=r"the .* (is|are) "):
            manual_chain(**wrong)


def test_well_known_accounts_are_endowed(chain: DevChain) -> None:
    for name in ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie", "Arbiter"):
        assert Actor(chain, f"//{name}").free == 10**6 * UNIT
