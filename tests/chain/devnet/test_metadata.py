"""The metadata says of the pallets what their declarations say."""

import dataclasses

import pytest

from chain.devnet import DevChain
from chain.devnet.frame import ACCOUNT_ID, AccountId
from chain.devnet.metadata import TypeRegistry
from chain.devnet.runtime import PALLETS
from chain.devnet.typeinfo import (
    U64,
    Bytes,
    Bytes32,
    Compact,
    CompactU128,
    Composite,
    Primitive,
    Reference,
    composite,
    rust_name,
    type_info,
)
from chain.scale.extrinsic import check_extensions
from chain.scale.metadata import parse_metadata
from chain.scale.runtime import Runtime


@pytest.fixture(params=[14, 15])
def runtime(request: pytest.FixtureRequest, chain: DevChain) -> Runtime:
    return Runtime(
        parse_metadata(chain.runtime.metadata[request.param]), spec_version=100, transaction_version=1
    )


def test_every_declaration_is_in_the_metadata(runtime: Runtime) -> None:
    for pallet in PALLETS:
        described = runtime.metadata.pallet(pallet.name)
        assert described.index == pallet.index
        assert list(described.calls) == [call.name for call in pallet.calls]
        assert list(described.events) == [event.__name__ for event in pallet.events]
        assert list(described.errors) == [error.name for error in pallet.errors]
        assert list(described.storage) == [item.name for item in pallet.storage]
        assert list(described.constants) == [constant.name for constant in pallet.constants]


def test_fields_have_their_names_unless_the_event_is_declared_without(runtime: Runtime) -> None:
    events = runtime.metadata.pallet("Reputation").events
    assert [field.name for field in events["ReputationDecreased"].fields] == [None] * 4
    registered = runtime.metadata.pallet("AgentRegistry").events["AgentRegistered"]
    assert [field.name for field in registered.fields] == ["agent_id", "owner"]


def test_pallets_keep_their_indices(runtime: Runtime) -> None:
    """Signed calls and stored events hold them."""
    assert {pallet.name: pallet.index for pallet in runtime.metadata.pallets.values()} == {
        "System": 0,
        "Timestamp": 1,
        "Balances": 2,
        "AgentRegistry": 10,
        "TaskMarket": 11,
        "Escrow": 12,
        "Utility": 13,
        "TransactionPayment": 14,
        "Reputation": 15,
        "Commitments": 16,
    }


def test_everything_that_clients_show_is_documented(runtime: Runtime) -> None:
    for pallet in runtime.metadata.pallets.values():
        for variants in (pallet.calls, pallet.events, pallet.errors):
            assert all(variant.documentation for variant in variants.values())


def test_every_constant_and_every_storage_default_is_of_its_type(runtime: Runtime) -> None:
    for pallet in runtime.metadata.pallets.values():
        for name in pallet.constants:
            runtime.constant(pallet.name, name)
        for name in pallet.storage:
            runtime.decode_storage(pallet.name, name, None)
    assert runtime.constant("TaskMarket", "BiddingWindow") == 20
    assert runtime.constant("Timestamp", "MinimumPeriod") == 500
    assert runtime.decode_storage("TaskMarket", "NextTaskId", None) == 1


def test_calls_can_be_signed_with_it(runtime: Runtime) -> None:
    check_extensions(runtime)


def test_an_account_that_does_not_exist_is_eighty_bytes(chain: DevChain) -> None:
    default = chain.runtime.codec.metadata.pallet("System").storage["Account"].default
    assert default is not None
    assert (len(default), default[:79]) == (80, bytes(79))


def test_equal_types_share_a_number_and_a_reference_has_that_of_its_type() -> None:
    call = Composite(("Call",))
    registry = TypeRegistry({Reference("RuntimeCall"): call})
    assert registry.id_of(type_info(Bytes)) == registry.id_of(type_info(Bytes))
    assert registry.id_of(Reference("RuntimeCall")) == registry.id_of(call)
    assert registry.id_of(type_info(U64)) != registry.id_of(type_info(CompactU128))


def test_annotations_stand_for_the_types_that_they_name() -> None:
    @composite("pallet_example::Thing")
    @dataclasses.dataclass
    class Thing:
        owner: AccountId
        from_: U64 | None

    described = type_info(Thing)
    assert isinstance(described, Composite)
    assert described.path == ("pallet_example", "Thing")
    assert [(field.name, field.type) for field in described.fields] == [
        ("owner", ACCOUNT_ID),
        ("from", type_info(U64 | None)),
    ]
    assert type_info(CompactU128) == Compact(Primitive("u128"))
    names = [rust_name(type_info(each)) for each in (Thing, list[Bytes32], U64 | None, tuple[U64, bool])]
    assert names == ["Thing", "Vec<[u8; 32]>", "Option<u64>", "(u64, bool)"]


def test_an_annotation_without_a_scale_type_is_refused() -> None:
    for annotation in (int, dict[str, int], U64 | str | None):
        with pytest.raises(TypeError, match="has no SCALE type"):
            type_info(annotation)
