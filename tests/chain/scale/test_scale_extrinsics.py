"""Signed extensions and the frame of an extrinsic; see also test_scale_against_substrate_interface.py."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.keys import load_signer
from chain.scale import registry as types
from chain.scale.era import Era
from chain.scale.errors import DecodeError, EncodeError, UnsupportedExtension
from chain.scale.extrinsic import check_extensions, decode_extrinsic, sign_extrinsic, signing_payload
from chain.scale.metadata import ExtrinsicFormat, Metadata, SignedExtension
from chain.scale.primitives import encode_compact
from chain.scale.registry import Field, Registry, Shape, Type, Variant
from chain.scale.runtime import Runtime

ALICE = load_signer("//Alice")
GENESIS_HASH, BIRTH_HASH = b"\x01" * 32, b"\x02" * 32
CALL = b"\x00\x00\x04x"

# The types that the extensions below are made of, each at its position.
UNIT, U8, U32, U128, HASH, COMPACT_U32, COMPACT_U128, ERA, ASSET, TIP_AND_ASSET, MODE, HASH_OR_NONE = range(
    12
)
MODE_FIELD, NOTHING, ACCOUNT, SIGNATURE_BYTES, SIGNATURE, VEC = range(12, 18)


def option(inner: int) -> types.Enum:
    return types.Enum((Variant("None", 0, (), ""), Variant("Some", 1, (Field(None, inner),), "")))


def _registry() -> Registry:
    mortal = tuple(Variant(f"Mortal{first}", first, (Field(None, U8),), "") for first in range(1, 256))
    shapes: dict[int, tuple[Shape, str]] = {
        UNIT: (types.Tuple(()), ""),
        U8: (types.Primitive("u8"), ""),
        U32: (types.Primitive("u32"), ""),
        U128: (types.Primitive("u128"), ""),
        HASH: (types.Array(32, U8), ""),
        COMPACT_U32: (types.Compact(U32), ""),
        COMPACT_U128: (types.Compact(U128), ""),
        ERA: (types.Enum((Variant("Immortal", 0, (), ""), *mortal)), "Era"),
        ASSET: (option(U32), "Option"),
        TIP_AND_ASSET: (types.Composite((Field("tip", COMPACT_U128), Field("asset_id", ASSET))), ""),
        MODE: (types.Enum((Variant("Disabled", 0, (), ""), Variant("Enabled", 1, (), ""))), "Mode"),
        HASH_OR_NONE: (option(HASH), "Option"),
        MODE_FIELD: (types.Composite((Field("mode", MODE),)), ""),
        NOTHING: (types.Composite(()), ""),
        ACCOUNT: (types.Composite((Field(None, HASH),)), "AccountId32"),
        SIGNATURE_BYTES: (types.Array(64, U8), ""),
        SIGNATURE: (types.Enum((Variant("Sr25519", 1, (Field(None, SIGNATURE_BYTES),), ""),)), ""),
        VEC: (types.Vec(U8), ""),
    }
    return Registry({at: Type(at, (name,), {}, shape) for at, (shape, name) in shapes.items()})


def runtime_with(*extensions: SignedExtension) -> Runtime:
    """A runtime whose extrinsics have these extensions; an address is a plain account."""
    extrinsic = ExtrinsicFormat(4, ACCOUNT, U8, SIGNATURE, extensions)
    return Runtime(Metadata(14, _registry(), {}, extrinsic), spec_version=7, transaction_version=3)


ALL_KNOWN = (
    SignedExtension("CheckNonZeroSender", NOTHING, UNIT),
    SignedExtension("CheckSpecVersion", NOTHING, U32),
    SignedExtension("CheckTxVersion", NOTHING, U32),
    SignedExtension("CheckGenesis", NOTHING, HASH),
    SignedExtension("CheckMortality", ERA, HASH),
    SignedExtension("CheckNonce", COMPACT_U32, UNIT),
    SignedExtension("CheckWeight", NOTHING, UNIT),
    SignedExtension("ChargeAssetTxPayment", TIP_AND_ASSET, UNIT),
    SignedExtension("PrevalidateAttests", NOTHING, UNIT),
    SignedExtension("CheckMetadataHash", MODE_FIELD, HASH_OR_NONE),
)


def payload(runtime: Runtime, nonce: int = 5) -> bytes:
    era = Era.mortal(64, 42)
    return signing_payload(
        runtime, CALL, era=era, nonce=nonce, tip=1, birth_hash=BIRTH_HASH, genesis_hash=GENESIS_HASH
    )


def test_the_payload_is_the_call_then_all_extras_then_all_additionals_in_the_order_of_the_metadata() -> None:
    extras = bytes.fromhex("a50214040000")  # era, nonce, tip and no asset, mode
    additionals = bytes.fromhex("0700000003000000") + GENESIS_HASH + BIRTH_HASH + b"\x00"
    assert payload(runtime_with(*ALL_KNOWN)) == CALL + extras + additionals


def test_an_unknown_extension_that_needs_nothing_is_no_obstacle() -> None:
    runtime = runtime_with(*ALL_KNOWN, SignedExtension("WatchTheWeather", NOTHING, UNIT))
    check_extensions(runtime)
    assert payload(runtime) == payload(runtime_with(*ALL_KNOWN))


@pytest.mark.parametrize(
    ("extra", "additional"), [(U32, UNIT), (UNIT, HASH), (HASH_OR_NONE, UNIT), (VEC, UNIT)]
)
def test_an_unknown_extension_that_needs_something_is_refused_by_name(extra: int, additional: int) -> None:
    runtime = runtime_with(*ALL_KNOWN, SignedExtension("VerifyOracle", extra, additional))
    with pytest.raises(UnsupportedExtension, match="'VerifyOracle' is not supported"):
        check_extensions(runtime)
    with pytest.raises(UnsupportedExtension, match="VerifyOracle"):
        payload(runtime)


def test_a_known_extension_of_another_shape_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedExtension, match="CheckNonce"):
        check_extensions(runtime_with(SignedExtension("CheckNonce", HASH, UNIT)))


def test_the_extensions_of_a_real_runtime_are_known(either_kusama: Runtime) -> None:
    check_extensions(either_kusama)


def test_an_address_may_be_a_plain_account_and_extras_come_back_in_any_order() -> None:
    runtime = runtime_with(*reversed(ALL_KNOWN))
    era = Era.mortal(64, 42)
    signed = sign_extrinsic(
        runtime, CALL, ALICE, nonce=5, era=era, birth_hash=BIRTH_HASH, genesis_hash=GENESIS_HASH, tip=2**100
    )
    extrinsic = decode_extrinsic(runtime, signed.raw)
    assert extrinsic.call == CALL
    signature = extrinsic.signature
    assert signature is not None
    assert (signature.account, signature.era, signature.nonce) == (ALICE.account, era, 5)
    assert (signature.tip, signature.extra) == (
        2**100,
        b"\x00" + encode_compact(2**100) + b"\x00\x14\xa5\x02",
    )


def test_a_nonce_that_the_chain_cannot_hold_is_refused() -> None:
    with pytest.raises(EncodeError, match="u32"):
        payload(runtime_with(*ALL_KNOWN), nonce=2**32)


def test_an_era_of_unknown_birth_is_not_signed(kusama: Runtime) -> None:
    era = replace(Era.mortal(64, 42), birth_block=None)
    with pytest.raises(ValueError, match="birth"):
        sign_extrinsic(
            kusama, CALL, ALICE, nonce=0, era=era, birth_hash=BIRTH_HASH, genesis_hash=GENESIS_HASH
        )


@pytest.mark.parametrize("version", [0x04, 0x05])
def test_an_inherent_has_no_signature(kusama: Runtime, version: int) -> None:
    raw = encode_compact(1 + len(CALL)) + bytes((version,)) + CALL
    extrinsic = decode_extrinsic(kusama, raw)
    assert (extrinsic.call, extrinsic.signature) == (CALL, None)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00", id="empty"),
        pytest.param(b"\x08\x04", id="shorter than announced"),
        pytest.param(b"\x04\x04\x00", id="longer than announced"),
        pytest.param(b"\x04\x45", id="a general transaction of version 5"),
        pytest.param(b"\x04\x83", id="signed in version 3"),
        pytest.param(b"\x0c\x84\x00\x00", id="a signature that is cut off"),
        pytest.param(encode_compact(100) + b"\x84\x01\x04" + bytes(97), id="an address that is an index"),
    ],
)
def test_what_is_no_extrinsic_we_know_is_refused(kusama: Runtime, raw: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_extrinsic(kusama, raw)


@settings(deadline=None)
@given(body=st.binary(max_size=300))
def test_any_bytes_are_an_extrinsic_or_refused(kusama: Runtime, body: bytes) -> None:
    for raw in (body, encode_compact(len(body) + 2) + b"\x84\x00" + body):
        try:
            extrinsic = decode_extrinsic(kusama, raw)
        except DecodeError:
            continue
        assert raw.endswith(extrinsic.call)
