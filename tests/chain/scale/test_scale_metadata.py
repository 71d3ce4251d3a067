"""Reading metadata of versions 14 and 15."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.scale.errors import MetadataError
from chain.scale.metadata import Hasher, parse_metadata
from chain.scale.runtime import Runtime


def test_a_real_runtime_is_read_with_all_its_parts(either_kusama: Runtime) -> None:
    metadata = either_kusama.metadata
    assert len(metadata.pallets) == 63
    balances = metadata.pallet("Balances")
    assert (balances.name, balances.index, balances.storage_prefix) == ("Balances", 4, "Balances")
    assert balances.events["Transfer"].index == 2
    assert [field.name for field in balances.calls["transfer_keep_alive"].fields] == ["dest", "value"]
    assert balances.errors["InsufficientBalance"].documentation == "Balance too low to send value."
    account = metadata.pallet("System").storage["Account"]
    assert account.hashers == (Hasher.BLAKE2_128_CONCAT,)
    assert account.default is not None
    assert metadata.pallet("System").storage["LastRuntimeUpgrade"].default is None
    assert [extension.identifier for extension in metadata.extrinsic.extensions][3:6] == [
        "CheckGenesis", "CheckMortality", "CheckNonce",
    ]  # fmt: skip


def test_both_versions_of_a_runtime_s_metadata_say_the_same(kusama: Runtime, kusama_v15: Runtime) -> None:
    """But for type ids, which number the types of each version."""
    ours, newer = kusama.metadata, kusama_v15.metadata
    assert list(ours.pallets) == list(newer.pallets)
    for pallet, again in zip(ours.pallets.values(), newer.pallets.values(), strict=True):
        assert (pallet.index, pallet.storage_prefix) == (again.index, again.storage_prefix)
        for members, same in ((pallet.calls, again.calls), (pallet.events, again.events)):
            assert {name: each.index for name, each in members.items()} == {
                name: each.index for name, each in same.items()
            }
        assert pallet.errors == again.errors
        assert {name: constant.value for name, constant in pallet.constants.items()} == {
            name: constant.value for name, constant in again.constants.items()
        }
        assert {name: (item.hashers, item.default) for name, item in pallet.storage.items()} == {
            name: (item.hashers, item.default) for name, item in again.storage.items()
        }
    assert [each.identifier for each in ours.extrinsic.extensions] == [
        each.identifier for each in newer.extrinsic.extensions
    ]


def test_every_constant_and_default_of_a_real_runtime_decodes_and_encodes_to_itself(
    either_kusama: Runtime,
) -> None:
    runtime, decoded = either_kusama, 0
    for pallet in runtime.metadata.pallets.values():
        for constant in pallet.constants.values():
            value = runtime.constant(pallet.name, constant.name)
            assert runtime.encode(constant.type_id, value) == constant.value
            decoded += 1
        for item in pallet.storage.values():
            value = runtime.decode_storage(pallet.name, item.name, None)
            if item.default is None:
                assert value is None
            else:
                assert runtime.encode_storage(pallet.name, item.name, value) == item.default
                decoded += 1
    assert decoded > 300


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "magic"),
        (b"meta", "magic"),
        (b"atem\x0e", "magic"),
        (b"meta\x0d", "version 13 is not supported"),
        (b"meta\x10", "version 16 is not supported"),
        (b"meta\x0e", "malformed"),
        (b"meta\x0e\xfe\xff\xff\xff", "items announced"),
    ],
)
def test_what_is_not_metadata_we_know_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(MetadataError, match=message):
        parse_metadata(raw)


@settings(deadline=None, max_examples=20)
@given(end=st.integers(min_value=5))
def test_metadata_that_is_cut_off_is_refused(kusama_metadata_v14: bytes, end: int) -> None:
    with pytest.raises(MetadataError):
        parse_metadata(kusama_metadata_v14[: end % len(kusama_metadata_v14)])


def test_metadata_with_bytes_left_over_is_refused(kusama_metadata_v14: bytes) -> None:
    with pytest.raises(MetadataError, match="left over"):
        parse_metadata(kusama_metadata_v14 + b"\x00")


def test_names_that_a_runtime_does_not_have_are_said(kusama: Runtime) -> None:
    for ask, message in (
        (lambda: kusama.encode_call("TaskMarket", "create_task", {}), "no pallet 'TaskMarket'"),
        (lambda: kusama.encode_call("Balances", "teleport", {}), "Balances has no call 'teleport'"),
        (lambda: kusama.constant("Balances", "Teleports"), "Balances has no constant 'Teleports'"),
        (lambda: kusama.storage_key("Balances", "Teleports"), "Balances has no storage item 'Teleports'"),
        (lambda: kusama.decode(10**6, b""), "no type 1000000"),
    ):
        with pytest.raises(MetadataError, match=message):
            ask()


def test_a_runtime_whose_events_are_stored_otherwise_is_refused(kusama: Runtime) -> None:
    system = kusama.metadata.pallet("System")
    events = replace(system.storage["Events"], value_type=system.storage["Number"].value_type)
    pallets = {
        **kusama.metadata.pallets,
        "System": replace(system, storage={**system.storage, "Events": events}),
    }
    strange = Runtime(replace(kusama.metadata, pallets=pallets), 1, 1)
    with pytest.raises(MetadataError, match=r"System\.Events"):
        strange.decode_events(b"\x00")
