"""Which transactions the pool takes, which a block takes, and how the others are refused."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.devnet import DevChain, DevChainConfig, Sealing
from chain.devnet import pool as pool_module
from chain.devnet.execution import next_block
from chain.devnet.pallets import system
from chain.devnet.refusal import InvalidReason, InvalidTransaction
from chain.devnet.transaction import decode_transaction, validate_for_inclusion
from chain.keys import load_signer
from chain.scale.primitives import encode_compact
from tests.chain.devnet.actors import UNIT, Actor, outcome_of
from tests.chain.devnet.witness import REMARK, Witness, refused

# Nonces


def test_a_transaction_behind_a_nonce_gap_waits_until_the_gap_is_filled(
    chain: DevChain, alice: Actor
) -> None:
    witness = Witness(chain)
    later = alice.submit(REMARK, remark=b"1", account_nonce=1)
    assert len(chain.seal().extrinsics) == 1
    assert chain.pending() == []
    first = alice.submit(REMARK, remark=b"0", account_nonce=0)
    block = chain.seal()
    assert block.extrinsic_hashes()[1:] == [first.hash, later.hash]
    assert witness.statuses[later.hash] == ["future", "ready", "inBlock"]


def test_a_used_nonce_is_outdated(alice: Actor) -> None:
    alice.do(REMARK, remark=b"first")
    with refused(1010, "Transaction is outdated"):
        alice.submit(REMARK, remark=b"second", account_nonce=0)


def test_the_next_nonce_counts_what_is_ready_but_not_what_waits_behind_a_gap(
    chain: DevChain, alice: Actor
) -> None:
    alice.submit(REMARK, remark=b"0")
    alice.submit(REMARK, remark=b"1")
    alice.submit(REMARK, remark=b"7", account_nonce=7)
    assert chain.next_nonce(alice.account) == 2
    assert chain.account(alice.account).nonce == 0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), seal_after=st.sets(st.integers(0, 19)))
def test_submitted_in_any_order_all_are_included_once_in_the_order_of_their_nonces(
    seed: int, seal_after: set[int]
) -> None:
    chain = DevChain(DevChainConfig(sealing=Sealing.MANUAL, seed="order"))
    actors = [Actor(chain, "//Alice"), Actor(chain, "//Bob")]
    signed = [actor.sign(REMARK, remark=b"", account_nonce=nonce) for actor in actors for nonce in range(10)]
    order = random.Random(seed).sample(signed, len(signed))
    for position, extrinsic in enumerate(order):
        chain.submit(extrinsic.raw)
        if position in seal_after:
            chain.seal()
    chain.seal()
    included = [each for number in range(1, chain.best.number + 1) for each in hashes(chain, number)]
    for actor_signed in (signed[:10], signed[10:]):
        mine = [each.hash for each in actor_signed]
        assert [each for each in included if each in mine] == mine
    assert len(included) == len(signed)


def hashes(chain: DevChain, number: int) -> list[bytes]:
    """Return the hashes of a block's extrinsics, but for the inherent."""
    block = chain.block_at(number)
    assert block is not None
    return block.extrinsic_hashes()[1:]


# Signatures


def test_a_changed_byte_of_a_signature_or_call_is_a_bad_signature(chain: DevChain, alice: Actor) -> None:
    raw = bytearray(alice.sign(REMARK, remark=b"text").raw)
    for position in (40, len(raw) - 1):
        changed = raw.copy()
        changed[position] ^= 1
        with refused(1010, "Transaction has a bad signature"):
            chain.submit(bytes(changed))


def test_a_signature_for_another_chain_is_a_bad_signature(chain: DevChain) -> None:
    elsewhere = Actor(DevChain(DevChainConfig(sealing=Sealing.MANUAL)), "//Alice")
    with refused(1010, "Transaction has a bad signature"):
        chain.submit(elsewhere.sign(REMARK, remark=b"").raw)


def test_an_ed25519_account_signs_as_well(chain: DevChain, alice: Actor) -> None:
    seed = f"ed25519:0x{'07' * 32}"
    alice.do("Balances.transfer_allow_death", dest=load_signer(seed).account, value=UNIT)
    assert Actor(chain, seed).do(REMARK, remark=b"").error is None


def test_an_account_without_money_cannot_sign(chain: DevChain) -> None:
    with refused(1010, "Inability to pay some fees (e.g. account balance too low)"):
        Actor(chain, "//Nobody").submit(REMARK, remark=b"")


def test_an_account_that_dies_starts_again_at_nonce_zero(chain: DevChain, alice: Actor) -> None:
    mortal = Actor(chain, "//Mortal")
    alice.do("Balances.transfer_allow_death", dest=mortal.account, value=UNIT)
    waiting = mortal.sign(REMARK, remark=b"", account_nonce=1)
    death = mortal.submit("Balances.transfer_allow_death", dest=alice.account, value=UNIT)
    chain.submit(waiting.raw)
    outcome = outcome_of(chain, chain.seal(), death)
    assert outcome.names[0] == "System.KilledAccount"
    assert chain.account(mortal.account).nonce == 0
    assert hashes(chain, chain.best.number) == [death.hash]


def test_what_is_no_extrinsic_of_this_runtime_cannot_be_verified(chain: DevChain, alice: Actor) -> None:
    for raw in (b"", b"\x00", b"\x04\x84", alice.sign(REMARK, remark=b"x").raw[:-1]):
        with refused(1002):
            chain.submit(raw)


def test_an_unsigned_extrinsic_has_nobody_to_vouch_for_it(chain: DevChain) -> None:
    body = b"\x04" + chain.runtime.codec.encode_call("Timestamp", "set", {"now": 1})
    with refused(1011, "NoUnsignedValidator"):
        chain.submit(encode_compact(len(body)) + body)


# Mortality


def test_a_mortal_transaction_can_be_included_until_before_its_death(chain: DevChain, alice: Actor) -> None:
    chain.seal(10)
    extrinsic = alice.sign(REMARK, remark=b"", era_blocks=4)
    assert extrinsic.death_block == 14
    chain.seal(2)
    chain.submit(extrinsic.raw)
    assert hashes(chain, chain.seal().number) == [extrinsic.hash]
    assert chain.best.number == 13


def test_after_its_death_a_transaction_is_refused_in_words_that_do_not_speak_of_it(
    chain: DevChain, alice: Actor
) -> None:
    at_death, later = (alice.sign(REMARK, remark=text, era_blocks=4) for text in (b"1", b"2"))
    assert at_death.death_block == later.death_block == 4
    chain.seal(3)
    with refused(1010, "Transaction has an ancient birth block"):
        chain.submit(at_death.raw)
    chain.seal()
    with refused(1010, "Transaction has a bad signature"):
        chain.submit(later.raw)


def test_a_transaction_that_dies_in_the_pool_is_never_included(chain: DevChain, alice: Actor) -> None:
    witness = Witness(chain)
    mortal = alice.submit(REMARK, remark=b"", account_nonce=1, era_blocks=4)
    chain.seal(2)
    assert witness.statuses[mortal.hash] == ["future"]
    chain.seal()
    assert witness.statuses[mortal.hash] == ["future", "invalid"]
    alice.do(REMARK, remark=b"", account_nonce=0)
    chain.seal()
    assert chain.account(alice.account).nonce == 1
    with refused(1012):
        chain.submit(mortal.raw)


def test_a_block_checks_the_era_even_of_a_transaction_it_has_seen_valid(
    chain: DevChain, alice: Actor
) -> None:
    raw = alice.sign(REMARK, remark=b"", era_blocks=4).raw
    transaction = decode_transaction(chain.runtime, raw)
    validate_for_inclusion(next_block(chain.runtime, chain.best), transaction)
    chain.seal(4)
    with pytest.raises(InvalidTransaction) as refusal:
        validate_for_inclusion(next_block(chain.runtime, chain.best), transaction)
    assert refusal.value.reason is InvalidReason.BAD_PROOF


def test_a_birth_block_whose_hash_is_forgotten_is_too_old(
    chain: DevChain, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "BLOCK_HASH_COUNT", 4)
    extrinsic = alice.sign(REMARK, remark=b"", era_blocks=64, birth=chain.seal())
    chain.seal(10)
    with refused(1010, "Transaction has an ancient birth block"):
        chain.submit(extrinsic.raw)


def test_a_birth_hash_of_another_block_is_a_bad_signature(chain: DevChain, alice: Actor) -> None:
    chain.seal(5)
    wrong = alice.sign(REMARK, remark=b"", era_blocks=4, birth=chain.block_at(1))
    with refused(1010, "Transaction has a bad signature"):
        chain.submit(wrong.raw)


# The pool


def test_the_same_bytes_are_imported_once(chain: DevChain, alice: Actor) -> None:
    extrinsic = alice.submit(REMARK, remark=b"")
    with refused(1013, f"0x{extrinsic.hash.hex()}"):
        chain.submit(extrinsic.raw)


def test_bytes_that_were_included_or_invalid_are_banned_for_a_while(chain: DevChain, alice: Actor) -> None:
    included = alice.submit(REMARK, remark=b"")
    chain.seal()
    with refused(1012):
        chain.submit(included.raw)
    invalid = alice.sign(REMARK, remark=b"again", account_nonce=0)
    with refused(1010):
        chain.submit(invalid.raw)
    with refused(1012):
        chain.submit(invalid.raw)
    chain.seal(pool_module.BAN_MS // chain.config.block_time_ms)
    for extrinsic in (included, invalid):
        with refused(1010, "Transaction is outdated"):
            chain.submit(extrinsic.raw)


def test_only_a_higher_tip_takes_the_place_of_a_transaction(chain: DevChain, alice: Actor) -> None:
    witness = Witness(chain)
    first = alice.submit(REMARK, remark=b"first", account_nonce=0, tip=5)
    with refused(1014):
        alice.submit(REMARK, remark=b"same tip", account_nonce=0, tip=5)
    second = alice.submit(REMARK, remark=b"higher tip", account_nonce=0, tip=6)
    assert hashes(chain, chain.seal().number) == [second.hash]
    assert witness.statuses[first.hash] == ["ready", "usurped"]
    assert witness.statuses[second.hash] == ["ready", "inBlock"]


def test_blocks_take_the_highest_tips_first_but_never_out_of_the_order_of_nonces(
    chain: DevChain, alice: Actor, bob: Actor
) -> None:
    low = alice.submit(REMARK, remark=b"", tip=1)
    dependent = alice.submit(REMARK, remark=b"", tip=9)
    middle = bob.submit(REMARK, remark=b"", tip=5)
    assert hashes(chain, chain.seal().number) == [middle.hash, low.hash, dependent.hash]


def test_a_full_pool_drops_the_newcomer_at_once(
    chain: DevChain, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "TRANSACTIONS_MAX", 2)
    alice.submit(REMARK, remark=b"0")
    alice.submit(REMARK, remark=b"1")
    with refused(1016):
        alice.submit(REMARK, remark=b"2")
    chain.seal()
    alice.submit(REMARK, remark=b"2")


def test_a_cleared_pool_forgets_without_a_ban(chain: DevChain, alice: Actor) -> None:
    witness = Witness(chain)
    ready = alice.submit(REMARK, remark=b"0")
    future = alice.submit(REMARK, remark=b"5", account_nonce=5)
    assert chain.clear_pool() == 2
    assert witness.statuses == {ready.hash: ["ready", "dropped"], future.hash: ["future", "dropped"]}
    assert len(chain.seal().extrinsics) == 1
    chain.submit(ready.raw)
    assert hashes(chain, chain.seal().number) == [ready.hash]
