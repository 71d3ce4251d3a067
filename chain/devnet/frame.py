"""The types that every Substrate chain has.

The paths are part of the format: clients give `sp_core::crypto::AccountId32`, `sp_runtime::generic::era::Era`
and their like a meaning of their own, by path.
"""

import dataclasses
from typing import Annotated

from chain.devnet.typeinfo import (
    U8,
    U32,
    U128,
    UNIT,
    Array,
    Bytes,
    Bytes4,
    Bytes8,
    Bytes32,
    Compact,
    CompactU32,
    CompactU64,
    CompactU128,
    Composite,
    Field,
    Reference,
    Sequence,
    Text,
    Tuple,
    TypeInfo,
    Variant,
    VariantType,
    composite,
    fieldless,
    path_of,
    type_info,
)

_U8_TYPE = type_info(U8)


def _bytes_array(length: int) -> Array:
    return Array(_U8_TYPE, length)


ACCOUNT_ID = Composite(path_of("sp_core::crypto::AccountId32"), (Field(_bytes_array(32)),))
H256_TYPE = Composite(path_of("primitive_types::H256"), (Field(_bytes_array(32)),))

AccountId = Annotated[bytes, ACCOUNT_ID]
H256 = Annotated[bytes, H256_TYPE]

MULTI_ADDRESS = VariantType(
    path_of("sp_runtime::multiaddress::MultiAddress"),
    (
        Variant("Id", 0, (Field(ACCOUNT_ID),)),
        Variant("Index", 1, (Field(Compact(UNIT)),)),
        Variant("Raw", 2, (Field(type_info(Bytes)),)),
        Variant("Address32", 3, (Field(_bytes_array(32)),)),
        Variant("Address20", 4, (Field(_bytes_array(20)),)),
    ),
    (("AccountId", ACCOUNT_ID), ("AccountIndex", UNIT)),
)
MultiAddress = Annotated[object, MULTI_ADDRESS]


def _signature(kind: str, length: int) -> Variant:
    return Variant(
        kind.capitalize(), {"ed25519": 0, "sr25519": 1, "ecdsa": 2}[kind], (Field(_bytes_array(length)),)
    )


MULTI_SIGNATURE = VariantType(
    path_of("sp_runtime::MultiSignature"),
    (_signature("ed25519", 64), _signature("sr25519", 64), _signature("ecdsa", 65)),
)

# One byte 0 is immortal; every other first byte is a case of its own that a second byte completes.
ERA = VariantType(
    path_of("sp_runtime::generic::era::Era"),
    (
        Variant("Immortal", 0),
        *(Variant(f"Mortal{byte}", byte, (Field(_U8_TYPE),)) for byte in range(1, 256)),
    ),
)

_ENGINE_ITEM = (Field(type_info(Bytes4)), Field(type_info(Bytes)))
DIGEST_ITEM = VariantType(
    path_of("sp_runtime::generic::digest::DigestItem"),
    (
        Variant("PreRuntime", 6, _ENGINE_ITEM),
        Variant("Consensus", 4, _ENGINE_ITEM),
        Variant("Seal", 5, _ENGINE_ITEM),
        Variant("Other", 0, (Field(type_info(Bytes)),)),
        Variant("RuntimeEnvironmentUpdated", 8),
    ),
)
DIGEST = Composite(path_of("sp_runtime::generic::digest::Digest"), (Field(Sequence(DIGEST_ITEM), "logs"),))

DISPATCH_CLASS = fieldless("frame_support::dispatch::DispatchClass", "Normal", "Operational", "Mandatory")
PAYS = fieldless("frame_support::dispatch::Pays", "Yes", "No")
WEIGHT = Composite(
    path_of("sp_weights::weight_v2::Weight"),
    (Field(type_info(CompactU64), "ref_time"), Field(type_info(CompactU64), "proof_size")),
)
DISPATCH_INFO = Composite(
    path_of("frame_system::DispatchEventInfo"),
    (Field(WEIGHT, "weight"), Field(DISPATCH_CLASS, "class"), Field(PAYS, "pays_fee")),
)
DispatchInfo = Annotated[dict[str, object], DISPATCH_INFO]

TOKEN_ERROR = fieldless(
    "sp_runtime::TokenError",
    "FundsUnavailable",
    "OnlyProvider",
    "BelowMinimum",
    "CannotCreate",
    "UnknownAsset",
    "Frozen",
    "Unsupported",
    "CannotCreateHold",
    "NotExpendable",
    "Blocked",
)
ARITHMETIC_ERROR = fieldless("sp_arithmetic::ArithmeticError", "Underflow", "Overflow", "DivisionByZero")
MODULE_ERROR = Composite(
    path_of("sp_runtime::ModuleError"),
    (
        Field(_U8_TYPE, "index"),
        Field(type_info(Bytes4), "error"),
    ),
)
_TRANSACTIONAL_ERROR = fieldless("sp_runtime::TransactionalError", "LimitReached", "NoLayer")
DISPATCH_ERROR = VariantType(
    path_of("sp_runtime::DispatchError"),
    (
        Variant("Other", 0),
        Variant("CannotLookup", 1),
        Variant("BadOrigin", 2),
        Variant("Module", 3, (Field(MODULE_ERROR),)),
        Variant("ConsumerRemaining", 4),
        Variant("NoProviders", 5),
        Variant("TooManyConsumers", 6),
        Variant("Token", 7, (Field(TOKEN_ERROR),)),
        Variant("Arithmetic", 8, (Field(ARITHMETIC_ERROR),)),
        Variant("Transactional", 9, (Field(_TRANSACTIONAL_ERROR),)),
        Variant("Exhausted", 10),
        Variant("Corruption", 11),
        Variant("Unavailable", 12),
        Variant("RootNotAllowed", 13),
    ),
)
DispatchErrorValue = Annotated[object, DISPATCH_ERROR]

PHASE = VariantType(
    path_of("frame_system::Phase"),
    (
        Variant("ApplyExtrinsic", 0, (Field(type_info(U32)),)),
        Variant("Finalization", 1),
        Variant("Initialization", 2),
    ),
)


RUNTIME_EVENT = Reference("RuntimeEvent")
EVENT_RECORD = Composite(
    path_of("frame_system::EventRecord"),
    (
        Field(PHASE, "phase"),
        Field(RUNTIME_EVENT, "event"),
        Field(Sequence(H256_TYPE), "topics"),
    ),
    (("E", RUNTIME_EVENT), ("T", H256_TYPE)),
)


@composite("pallet_balances::types::AccountData")
@dataclasses.dataclass(slots=True)
class AccountData:
    """What an account owns, in planck."""

    free: U128 = 0
    reserved: U128 = 0
    frozen: U128 = 0
    flags: U128 = 1 << 127  # the mark of the balances pallet's present logic


@composite("frame_system::AccountInfo")
@dataclasses.dataclass(slots=True)
class AccountInfo:
    """An account: its nonce, what holds it in existence, and what it owns."""

    nonce: U32 = 0
    consumers: U32 = 0
    providers: U32 = 0
    sufficients: U32 = 0
    data: AccountData = dataclasses.field(default_factory=AccountData)


@composite("sp_version::RuntimeVersion")
@dataclasses.dataclass(frozen=True, slots=True)
class RuntimeVersion:
    """The version of a runtime; a signature is bound to its spec and transaction version."""

    spec_name: Text
    impl_name: Text
    authoring_version: U32
    spec_version: U32
    impl_version: U32
    apis: list[tuple[Bytes8, U32]]
    transaction_version: U32
    state_version: U8


@dataclasses.dataclass(frozen=True, slots=True)
class SignedExtension:
    """A part of every signed extrinsic: what it carries, and what its signature covers besides."""

    identifier: str
    extra: TypeInfo
    additional: TypeInfo


def _extension(
    identifier: str, extra: tuple[Field, ...] = (), additional: TypeInfo = UNIT
) -> SignedExtension:
    home = (
        "frame_metadata_hash_extension" if identifier == "CheckMetadataHash" else "frame_system::extensions"
    )
    return SignedExtension(identifier, Composite(path_of(f"{home}::{identifier}"), extra), additional)


_METADATA_HASH_MODE = fieldless("frame_metadata_hash_extension::Mode", "Disabled", "Enabled")

_TIP = Field(type_info(CompactU128))


def signed_extensions(*, pays_in_assets: bool) -> tuple[SignedExtension, ...]:
    """Return the signed extensions, in the order of encoding; fees can be paid in assets or not."""
    payment = (
        _extension(
            "ChargeAssetTxPayment",
            (dataclasses.replace(_TIP, name="tip"), Field(type_info(U32 | None), "asset_id")),
        )
        if pays_in_assets
        else _extension("ChargeTransactionPayment", (_TIP,))
    )
    return (
        _extension("CheckNonZeroSender"),
        _extension("CheckSpecVersion", (), type_info(U32)),
        _extension("CheckTxVersion", (), type_info(U32)),
        _extension("CheckGenesis", (), H256_TYPE),
        _extension("CheckMortality", (Field(ERA),), H256_TYPE),
        _extension("CheckNonce", (Field(type_info(CompactU32)),)),
        _extension("CheckWeight"),
        payment,
        _extension("CheckMetadataHash", (Field(_METADATA_HASH_MODE, "mode"),), type_info(Bytes32 | None)),
    )


def extra_type(extensions: tuple[SignedExtension, ...]) -> Tuple:
    """Return the type of what an extrinsic carries for these extensions."""
    return Tuple(tuple(extension.extra for extension in extensions))


RUNTIME_CALL = Reference("RuntimeCall")
RuntimeCall = Annotated[object, RUNTIME_CALL]
UNCHECKED_EXTRINSIC = Reference("UncheckedExtrinsic")


def unchecked_extrinsic(extra: Tuple) -> Composite:
    """Return the type of an extrinsic, from whose parameters V14 clients learn those of its parts."""
    parts = (
        ("Address", MULTI_ADDRESS),
        ("Call", RUNTIME_CALL),
        ("Signature", MULTI_SIGNATURE),
        ("Extra", extra),
    )
    path = path_of("sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic")
    return Composite(path, (Field(type_info(Bytes)),), parts)
