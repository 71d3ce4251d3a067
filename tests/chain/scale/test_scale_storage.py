"""Storage keys and stored values, against known keys and known hashes."""

from dataclasses import replace

import pytest

from chain.scale.errors import DecodeError, EncodeError, MetadataError
from chain.scale.metadata import Hasher
from chain.scale.runtime import Runtime
from chain.scale.storage_keys import HASHERS, blake2_128, blake2_256, twox_64, twox_128, twox_256

ALICE = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
ALICE_S_ACCOUNT = (
    "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9"
    "de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
)


@pytest.mark.parametrize(
    ("hasher", "raw", "expected"),
    [
        (twox_64, b"abc", "990977adf52cbc44"),
        (twox_128, b"abc", "990977adf52cbc440889329981caa9be"),
        (twox_256, b"abc", "990977adf52cbc440889329981caa9bef7da5770b2b8a05303b75d95360dd62b"),
        (twox_128, b"System", "26aa394eea5630e07c48ae0c9558cef7"),
        (blake2_128, b"abc", "cf4ab791c62b8d2b2109c90275287816"),
        (blake2_256, b"abc", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
    ],
)
def test_hashes_are_those_of_sp_core(hasher: object, raw: bytes, expected: str) -> None:
    assert callable(hasher)
    assert hasher(raw).hex() == expected


def test_the_hashers_of_maps_that_keep_the_key_append_it() -> None:
    assert HASHERS[Hasher.BLAKE2_128_CONCAT](b"abc") == blake2_128(b"abc") + b"abc"
    assert HASHERS[Hasher.TWOX_64_CONCAT](b"abc") == twox_64(b"abc") + b"abc"
    assert HASHERS[Hasher.IDENTITY](b"abc") == b"abc"
    assert set(HASHERS) == set(Hasher)


def test_the_key_of_a_value_is_the_hash_of_its_names(kusama: Runtime) -> None:
    key = kusama.storage_key("System", "Events")
    assert key.hex() == "26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7"


def test_the_key_of_an_account_is_the_one_everybody_knows(either_kusama: Runtime) -> None:
    assert either_kusama.storage_key("System", "Account", ALICE).hex() == ALICE_S_ACCOUNT
    by_address = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    assert either_kusama.storage_key("System", "Account", by_address).hex() == ALICE_S_ACCOUNT


def test_a_double_map_hashes_its_keys_one_by_one_and_fewer_keys_give_a_prefix(kusama: Runtime) -> None:
    item = kusama.metadata.pallet("Staking").storage["ErasStakers"]
    assert item.hashers == (Hasher.TWOX_64_CONCAT, Hasher.TWOX_64_CONCAT)
    era = (7).to_bytes(4, "little")
    map_prefix = twox_128(b"Staking") + twox_128(b"ErasStakers")
    era_prefix = map_prefix + twox_64(era) + era
    assert kusama.storage_key("Staking", "ErasStakers") == map_prefix
    assert kusama.storage_key("Staking", "ErasStakers", 7) == era_prefix
    key = kusama.storage_key("Staking", "ErasStakers", 7, ALICE)
    assert key == era_prefix + twox_64(ALICE) + ALICE


def test_a_key_that_does_not_fit_is_refused_by_its_position(kusama: Runtime) -> None:
    with pytest.raises(EncodeError) as error:
        kusama.storage_key("Staking", "ErasStakers", 7, "nobody")
    assert error.value.path == "keys[1]"
    with pytest.raises(MetadataError, match="has 0 keys, not 1"):
        kusama.storage_key("System", "Events", 1)


def test_a_map_whose_hashers_do_not_match_its_key_is_refused(kusama: Runtime) -> None:
    system = kusama.metadata.pallet("System")
    account = replace(system.storage["Account"], hashers=(Hasher.IDENTITY, Hasher.IDENTITY))
    pallets = {"System": replace(system, storage={"Account": account})}
    strange = Runtime(replace(kusama.metadata, pallets=pallets), 1, 1)
    with pytest.raises(MetadataError, match="does not match its hashers"):
        strange.storage_key("System", "Account", ALICE)


def test_a_value_that_is_not_stored_is_its_default_or_nothing(kusama: Runtime) -> None:
    account = kusama.decode_storage("System", "Account", None)
    assert (account["nonce"], account["data"]["free"]) == (0, 0)
    assert kusama.decode_storage("System", "LastRuntimeUpgrade", None) is None


def test_a_stored_value_decodes_to_what_was_encoded(kusama: Runtime) -> None:
    upgrade = {"spec_version": 1_000_000, "spec_name": "kusama"}
    raw = kusama.encode_storage("System", "LastRuntimeUpgrade", upgrade)
    assert kusama.decode_storage("System", "LastRuntimeUpgrade", raw) == upgrade
    with pytest.raises(DecodeError):
        kusama.decode_storage("System", "LastRuntimeUpgrade", raw + b"\x00")
