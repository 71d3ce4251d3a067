"""Extrinsics of version 4, the format in which calls are signed and stand in blocks.

Format: `sp_runtime::generic::UncheckedExtrinsic`. A compact length; a byte of version, its highest bit
set if signed; if signed: address, signature, and the extras of the signed extensions; the call.
"""

from dataclasses import dataclass

from chain.keys import KeyKind, Signer
from chain.scale.era import Era
from chain.scale.errors import DecodeError
from chain.scale.extensions import Terms, check_extensions, decode_extras, encode_extensions
from chain.scale.primitives import Cursor, encode_compact
from chain.scale.runtime import Runtime
from chain.scale.ss58 import ACCOUNT_SIZE
from chain.scale.storage_keys import blake2_256

__all__ = [
    "Era", "Extrinsic", "ExtrinsicSignature", "SignedExtrinsic",
    "check_extensions", "decode_extrinsic", "sign_extrinsic", "signing_payload",
]  # fmt: skip

SIGNED_V4 = 0x84
UNSIGNED = (0x04, 0x05)
"""Versions of extrinsics without signature, such as inherents; newer runtimes write them as version 5."""

PAYLOAD_SIZE_MAX = 256
"""A longer payload is hashed before it is signed."""


@dataclass(frozen=True, slots=True)
class SignedExtrinsic:
    """An extrinsic ready to be submitted.

    `raw` has its length prefix, `hash` is BLAKE2b-256 of it. It can be included in the blocks after
    `birth_block` and before `death_block`, which is None for an immortal one.
    """

    raw: bytes
    hash: bytes
    nonce: int
    birth_block: int
    death_block: int | None


@dataclass(frozen=True, slots=True)
class ExtrinsicSignature:
    """Who signed an extrinsic, how and under which terms. `extra` is what the extensions added to it."""

    account: bytes
    kind: KeyKind
    signature: bytes
    era: Era
    nonce: int
    tip: int
    extra: bytes


@dataclass(frozen=True, slots=True)
class Extrinsic:
    """An extrinsic taken apart. `call` is not yet decoded, see `Runtime.decode_call`."""

    hash: bytes
    call: bytes
    signature: ExtrinsicSignature | None


def signing_payload(
    runtime: Runtime, call: bytes, *, era: Era, nonce: int, tip: int, birth_hash: bytes, genesis_hash: bytes
) -> bytes:
    """What a signer of the call signs: call, extras and additionals, hashed if over 256 bytes.

    `birth_hash` is the hash of the era's birth block, of the genesis block if immortal.
    Raises EncodeError, UnsupportedExtension.
    """
    terms = Terms(era, nonce, tip, birth_hash, genesis_hash)
    extra, additional = encode_extensions(runtime, terms)
    return _payload(call, extra, additional)


def sign_extrinsic(
    runtime: Runtime,
    call: bytes,
    signer: Signer,
    *,
    nonce: int,
    era: Era,
    birth_hash: bytes,
    genesis_hash: bytes,
    tip: int = 0,
) -> SignedExtrinsic:
    """Signs an encoded call. The era must come from `Era.mortal` or `Era.immortal`, not from decoding.

    `birth_hash` is the hash of `era.birth_block`. Raises EncodeError, UnsupportedExtension.
    """
    if era.birth_block is None:
        raise ValueError("the era does not know the block of its birth")
    terms = Terms(era, nonce, tip, birth_hash, genesis_hash)
    extra, additional = encode_extensions(runtime, terms)
    signature = signer.sign(_payload(call, extra, additional))
    extrinsic = runtime.metadata.extrinsic
    body = b"".join((
        bytes((SIGNED_V4,)),
        runtime.encode(extrinsic.address_type, signer.account),
        runtime.encode(extrinsic.signature_type, {signer.kind: signature}),
        extra,
        call,
    ))  # fmt: skip
    raw = encode_compact(len(body)) + body
    return SignedExtrinsic(raw, blake2_256(raw), nonce, era.birth_block, era.death(era.birth_block))


def _payload(call: bytes, extra: bytes, additional: bytes) -> bytes:
    payload = call + extra + additional
    return payload if len(payload) <= PAYLOAD_SIZE_MAX else blake2_256(payload)


def decode_extrinsic(runtime: Runtime, raw: bytes) -> Extrinsic:
    """Takes an extrinsic apart, without checking its signature and without decoding its call.

    Raises DecodeError: malformed, of another version, or not signed by an account with 32 bytes.
    """
    cursor = Cursor(raw)
    size = cursor.compact()
    if size != cursor.remaining:
        raise DecodeError(f"an extrinsic of {size} bytes announced, {cursor.remaining} left", cursor.offset)
    version = cursor.byte()
    if version in UNSIGNED:
        return Extrinsic(blake2_256(raw), raw[cursor.offset :], None)
    if version != SIGNED_V4:
        raise DecodeError(f"extrinsics of version 0x{version:02x} are not supported", cursor.offset - 1)
    signature, end = _decode_signature(runtime, raw, cursor.offset)
    return Extrinsic(blake2_256(raw), raw[end:], signature)


def _decode_signature(runtime: Runtime, raw: bytes, start: int) -> tuple[ExtrinsicSignature, int]:
    extrinsic = runtime.metadata.extrinsic
    address, offset = runtime.decode_at(extrinsic.address_type, raw, start)
    account = address["Id"] if isinstance(address, dict) and "Id" in address else address
    if not isinstance(account, bytes) or len(account) != ACCOUNT_SIZE:
        raise DecodeError("the signer is not an account of 32 bytes", start)
    multi_signature, extra_start = runtime.decode_at(extrinsic.signature_type, raw, offset)
    match multi_signature:
        case {"Sr25519": bytes() as signature}:
            kind: KeyKind = "sr25519"
        case {"Ed25519": bytes() as signature}:
            kind = "ed25519"
        case {"Ecdsa": bytes() as signature}:
            kind = "ecdsa"
        case _:
            raise DecodeError("the signature is neither sr25519, ed25519 nor ecdsa", offset)
    extras, end = decode_extras(runtime, raw, extra_start)
    terms = (extras.era, extras.nonce, extras.tip)
    return ExtrinsicSignature(account, kind, signature, *terms, extra=raw[extra_start:end]), end
