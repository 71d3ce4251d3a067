"""What may be given for encoding besides what is decoded, and how a value that does not fit is refused."""

import pytest

from chain.keys import ss58_encode
from chain.scale import registry as types
from chain.scale.encoder import Encoder
from chain.scale.errors import EncodeError
from chain.scale.registry import Field, Registry, Shape, Type, Variant
from chain.scale.runtime import Runtime
from chain.scale.values import Value

ALICE = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")

U8, U128, BYTES, HASH, ACCOUNT, ADDRESS, LEVEL, AGENT, AGENTS, PAIR, OPTION, COMPACT, UNIT, BITS, TEXT = (
    range(15)
)


def fieldless(*names: str) -> types.Enum:
    return types.Enum(tuple(Variant(name, index, (), "") for index, name in enumerate(names)))


def _registry() -> Registry:
    """`struct Agent { did: Vec<u8>, level: Level, budget: u128, owner: AccountId32 }` and what it needs."""
    agent = types.Composite(
        (Field("did", BYTES), Field("level", LEVEL), Field("budget", U128), Field("owner", ACCOUNT))
    )
    address = types.Enum(
        (Variant("Id", 0, (Field(None, ACCOUNT),), ""), Variant("Raw", 2, (Field(None, BYTES),), ""))
    )
    some = Variant("Some", 1, (Field(None, U8),), "")
    lsb0, u8_store = 15, U8
    shapes: dict[int, tuple[Shape, tuple[str, ...]]] = {
        U8: (types.Primitive("u8"), ()),
        U128: (types.Primitive("u128"), ()),
        BYTES: (types.Vec(U8), ()),
        HASH: (types.Array(32, U8), ()),
        ACCOUNT: (types.Composite((Field(None, HASH),)), ("sp_core", "crypto", "AccountId32")),
        ADDRESS: (address, ("sp_runtime", "multiaddress", "MultiAddress")),
        LEVEL: (fieldless("BestEffort", "Optimistic", "Tee"), ("market", "Level")),
        AGENT: (agent, ()),
        AGENTS: (types.Vec(AGENT), ()),
        PAIR: (types.Tuple((U8, BYTES)), ()),
        OPTION: (types.Enum((Variant("None", 0, (), ""), some)), ("Option",)),
        COMPACT: (types.Compact(U128), ()),
        UNIT: (types.Tuple(()), ()),
        BITS: (types.BitSequence(u8_store, lsb0), ()),
        TEXT: (types.Primitive("str"), ()),
        lsb0: (types.Composite(()), ("bitvec", "order", "Lsb0")),
    }
    return Registry({type_id: Type(type_id, path, {}, shape) for type_id, (shape, path) in shapes.items()})


encoder = Encoder(_registry())

AN_AGENT: dict[str, Value] = {"did": b"did:ex:a", "level": "Tee", "budget": 5, "owner": ALICE}


@pytest.mark.parametrize(
    ("type_id", "value", "same_as"),
    [
        pytest.param(
            U128, "340282366920938463463374607431768211455", 2**128 - 1, id="integers as decimal text"
        ),
        pytest.param(COMPACT, "70", 70, id="compact integers as decimal text"),
        pytest.param(BYTES, "0x00ff", b"\x00\xff", id="bytes as hex"),
        pytest.param(BYTES, "grüße", "grüße".encode(), id="bytes as text"),
        pytest.param(HASH, "0x" + "Ab" * 32, b"\xab" * 32, id="fixed bytes as hex"),
        pytest.param(ACCOUNT, "0x" + ALICE.hex(), ALICE, id="accounts as hex"),
        pytest.param(ACCOUNT, ss58_encode(ALICE, 42), ALICE, id="accounts as SS58"),
        pytest.param(ACCOUNT, ss58_encode(ALICE, 2), ALICE, id="accounts as SS58 of any network"),
        pytest.param(ADDRESS, ALICE, {"Id": ALICE}, id="addresses as accounts"),
        pytest.param(ADDRESS, ss58_encode(ALICE), {"Id": ALICE}, id="addresses as SS58"),
        pytest.param(LEVEL, "best_effort", "BestEffort", id="variants in snake_case"),
        pytest.param(LEVEL, "TEE", "Tee", id="variants in another case"),
        pytest.param(LEVEL, {"Tee": None}, "Tee", id="variants without fields as an object"),
        pytest.param(PAIR, [1, b"x"], (1, b"x"), id="tuples as lists"),
        pytest.param(UNIT, None, (), id="unit as None"),
    ],
)
def test_these_are_accepted_as_well(type_id: int, value: Value, same_as: Value) -> None:
    assert encoder.encode(type_id, value) == encoder.encode(type_id, same_as)


@pytest.mark.parametrize(
    ("type_id", "value", "message"),
    [
        (U8, 256, "expected u8"),
        (U8, -1, "expected u8"),
        (U8, True, "expected u8"),
        (U8, 1.0, "expected u8"),
        (U8, "0x10", "expected u8"),
        (U8, "٣", "expected u8"),
        (U8, "9" * 100_000, "expected u8"),
        (U8, None, "expected u8"),
        (BYTES, "0xabc", "expected bytes, 0x hex or text"),
        (BYTES, "0x zz", "expected bytes, 0x hex or text"),
        (BYTES, "\ud800", "expected text that is valid Unicode"),
        (BYTES, [1, 2], "expected bytes, 0x hex or text"),
        (HASH, b"\x00" * 31, "expected 32 bytes, or their 0x hex"),
        (HASH, "plain text", "expected 32 bytes, or their 0x hex"),
        (ACCOUNT, b"\x00" * 33, "expected an account: 32 bytes, their 0x hex or an SS58 address"),
        (ACCOUNT, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQX", "expected an account: "),
        (ADDRESS, "nonsense", "expected an account: "),
        (ADDRESS, {"Index": 1}, "expected one of Id, Raw"),
        (LEVEL, "Tea", "expected one of BestEffort, Optimistic, Tee"),
        (LEVEL, 2, "expected one of BestEffort, Optimistic, Tee"),
        (LEVEL, {"Tee": 1}, "Tee: expected nothing"),
        (LEVEL, {}, "expected one of BestEffort, Optimistic, Tee"),
        (ADDRESS, {"Id": ALICE, "Raw": b""}, "expected one of Id, Raw"),
        (PAIR, (1,), "expected a tuple of 2"),
        (PAIR, {"0": 1}, "expected a tuple of 2"),
        (PAIR, (1, 7), "[1]: expected bytes"),
        (UNIT, 0, "expected nothing"),
        (BITS, "012", "expected text of 0 and 1"),
        (TEXT, b"bytes", "expected text"),
        (OPTION, 256, "expected u8"),
        (AGENTS, {"did": 1}, "expected a list"),
        (AGENTS, b"bytes", "expected a list"),
        (AGENT, [1, 2, 3, 4], "expected fields by name: did, level, budget, owner"),
        (AGENTS, [AN_AGENT, AN_AGENT | {"budget": 2**128}], "[1].budget: expected u128"),
        (AGENTS, [AN_AGENT | {"wealth": 1}], "[0].wealth: expected no such field"),
        (AGENTS, [{"did": b""}], "[0].level: expected a value, none is given"),
        (AGENT, AN_AGENT | {"level": {"Best": 1}}, "level: expected one of BestEffort"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_path(type_id: int, value: Value, message: str) -> None:
    with pytest.raises(EncodeError) as error:
        encoder.encode(type_id, value)
    assert str(error.value).startswith(message)


def test_a_call_names_the_argument_that_does_not_fit(kusama: Runtime) -> None:
    transfer = {"Balances": {"transfer_keep_alive": {"dest": ALICE, "value": 2**128}}}
    with pytest.raises(EncodeError) as error:
        kusama.encode_call("Utility", "batch", {"calls": [{"System": {"remark": {"remark": b""}}}, transfer]})
    assert error.value.path == "arguments.calls[1].Balances.transfer_keep_alive.value"
    assert error.value.expected == f"u128, an integer from 0 to {2**128 - 1}"


def test_a_name_that_two_variants_share_but_for_its_case_must_be_exact() -> None:
    registry = Registry({0: Type(0, (), {}, fieldless("Ab", "AB", "a_b", "Other"))})
    ambiguous = Encoder(registry)
    assert [ambiguous.encode(0, name) for name in ("Ab", "AB", "a_b")] == [b"\x00", b"\x01", b"\x02"]
    assert ambiguous.encode(0, "other") == b"\x03"
    with pytest.raises(EncodeError):
        ambiguous.encode(0, "ab")


def test_a_variant_with_fields_is_not_its_name_alone(kusama: Runtime) -> None:
    with pytest.raises(EncodeError, match=r"arguments\.call: expected \{'System': its fields\}"):
        kusama.encode_call("Utility", "as_derivative", {"index": 1, "call": "System"})
