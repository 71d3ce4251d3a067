"""The signed extensions of a chain: what every signed extrinsic carries besides its call.

Each extension adds an `extra` to the extrinsic's bytes and an `additional` that is only signed.
Those that are listed here get what they need; one that is not is fine as long as it needs nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from chain.scale.era import Era
from chain.scale.errors import EncodeError, UnsupportedExtension
from chain.scale.metadata import SignedExtension
from chain.scale.runtime import Runtime
from chain.scale.values import Value


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a call is signed. The hashes are those of the era's birth block and of the chain."""

    era: Era
    nonce: int
    tip: int
    birth_hash: bytes
    genesis_hash: bytes


ValueOf: TypeAlias = Callable[[Terms, Runtime], Value]

EXTRA: Mapping[str, ValueOf] = {
    "CheckMortality": lambda terms, _: terms.era.to_value(),
    "CheckEra": lambda terms, _: terms.era.to_value(),
    "CheckNonce": lambda terms, _: terms.nonce,
    "ChargeTransactionPayment": lambda terms, _: terms.tip,
    "ChargeAssetTxPayment": lambda terms, _: {"tip": terms.tip, "asset_id": None},
    "CheckMetadataHash": lambda terms, _: {"mode": "Disabled"},
}

ADDITIONAL: Mapping[str, ValueOf] = {
    "CheckSpecVersion": lambda _, runtime: runtime.spec_version,
    "CheckTxVersion": lambda _, runtime: runtime.transaction_version,
    "CheckGenesis": lambda terms, _: terms.genesis_hash,
    "CheckMortality": lambda terms, _: terms.birth_hash,
    "CheckEra": lambda terms, _: terms.birth_hash,
    "CheckMetadataHash": lambda terms, _: None,
}


def check_extensions(runtime: Runtime) -> None:
    """Raises UnsupportedExtension, by name, if extrinsics of this runtime cannot be signed. For start-up."""
    terms = Terms(Era.mortal(64, 0), nonce=0, tip=0, birth_hash=bytes(32), genesis_hash=bytes(32))
    for extension in runtime.metadata.extrinsic.extensions:
        try:
            _encode_extension(runtime, extension, terms)
        except EncodeError as error:
            raise UnsupportedExtension(extension.identifier) from error


def encode_extensions(runtime: Runtime, terms: Terms) -> tuple[bytes, bytes]:
    """All extras and all additionals, in the order of the metadata.

    Raises EncodeError for terms that do not fit (a nonce over u32), UnsupportedExtension.
    """
    pairs = [_encode_extension(runtime, each, terms) for each in runtime.metadata.extrinsic.extensions]
    return b"".join(extra for extra, _ in pairs), b"".join(additional for _, additional in pairs)


def _encode_extension(runtime: Runtime, extension: SignedExtension, terms: Terms) -> tuple[bytes, bytes]:
    def encode(type_id: int, known: Mapping[str, ValueOf]) -> bytes:
        value_of = known.get(extension.identifier)
        if value_of is not None:
            return runtime.encode(type_id, value_of(terms, runtime))
        if not runtime.metadata.registry.is_empty(type_id):
            raise UnsupportedExtension(extension.identifier)
        return b""

    return encode(extension.extra_type, EXTRA), encode(extension.additional_type, ADDITIONAL)


@dataclass(frozen=True, slots=True)
class Extras:
    """What the extras of a signed extrinsic say."""

    era: Era
    nonce: int
    tip: int


def decode_extras(runtime: Runtime, raw: bytes, offset: int) -> tuple[Extras, int]:
    """The extras at `offset`, and the offset behind them. Raises DecodeError."""
    era, nonce, tip = Era.immortal(), 0, 0
    for extension in runtime.metadata.extrinsic.extensions:
        value, offset = runtime.decode_at(extension.extra_type, raw, offset)
        match extension.identifier:
            case "CheckMortality" | "CheckEra":
                era = Era.from_value(value)
            case "CheckNonce":
                nonce = value
            case "ChargeTransactionPayment":
                tip = value
            case "ChargeAssetTxPayment":
                tip = value["tip"]
    return Extras(era, nonce, tip), offset
