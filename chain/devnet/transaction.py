"""Signed transactions, and whether the next block may hold them.

The checks are those of a real runtime, in their order: the signature, then the signed extensions of
`frame_system` and of the payment of fees. Weights are not metered: a fee depends on the length alone.
"""

import dataclasses

from chain.devnet.context import BlockContext
from chain.devnet.pallets import balances, system, transaction_payment
from chain.devnet.refusal import InvalidReason, InvalidTransaction, UndecodableTransaction, UnknownValidity
from chain.devnet.runtime import DevRuntime
from chain.keys import verify
from chain.scale.calls import Call
from chain.scale.errors import ScaleError
from chain.scale.extrinsic import ExtrinsicSignature, decode_extrinsic, signing_payload
from chain.scale.runtime import Runtime

BLOCK_LENGTH_MAX = 5 * 1024 * 1024 * 3 // 4
"""Bytes of extrinsics in a block: the share of normal transactions in the usual 5 MiB."""

IMMORTAL_LONGEVITY = 2**64 - 1


@dataclasses.dataclass(slots=True)
class Transaction:
    """A signed extrinsic. `verified_for` is the birth hash and runtime for which its signature is good."""

    raw: bytes
    hash: bytes
    encoded_call: bytes
    call: Call
    signature: ExtrinsicSignature
    verified_for: tuple[bytes, Runtime] | None = None

    @property
    def account(self) -> bytes:
        return self.signature.account

    @property
    def nonce(self) -> int:
        return self.signature.nonce


@dataclasses.dataclass(frozen=True, slots=True)
class Validity:
    """What the pool needs to know. `longevity` counts blocks from the one that the check was for."""

    priority: int
    requires: tuple[bytes, ...]
    provides: tuple[bytes, ...]
    longevity: int


def decode_transaction(runtime: DevRuntime, raw: bytes) -> Transaction:
    """Read an extrinsic as clients submit it, with its length prefix.

    Raises:
        UndecodableTransaction: it is no extrinsic, or its call is none of this runtime.
        UnknownValidity: it is not signed.
    """
    try:
        extrinsic = decode_extrinsic(runtime.codec, raw)
        call = runtime.codec.decode_call(extrinsic.call)
    except ScaleError as error:
        raise UndecodableTransaction(str(error)) from error
    if extrinsic.signature is None:
        raise UnknownValidity
    return Transaction(raw, extrinsic.hash, extrinsic.call, call, extrinsic.signature)


def validate(block: BlockContext, transaction: Transaction) -> Validity:
    """Check that a transaction may be in this block or, if its nonce is not the next one, in a later one.

    Raises:
        InvalidTransaction: it may not.
    """
    _check_signature(block, transaction)
    death = transaction.signature.era.death(block.number)
    sender = system.account_at(block, transaction.account)
    if not system.exists(sender):
        raise InvalidTransaction(InvalidReason.PAYMENT)
    if transaction.nonce < sender.nonce:
        raise InvalidTransaction(InvalidReason.STALE)
    if len(transaction.raw) > BLOCK_LENGTH_MAX:
        raise InvalidTransaction(InvalidReason.EXHAUSTS_RESOURCES)
    fee = transaction_payment.fee_of(block.parameters, len(transaction.raw)) + transaction.signature.tip
    if fee > balances.spendable(sender):
        raise InvalidTransaction(InvalidReason.PAYMENT)
    waits = transaction.nonce > sender.nonce
    return Validity(
        priority=transaction.signature.tip,
        requires=(_tag(transaction.account, transaction.nonce - 1),) if waits else (),
        provides=(_tag(transaction.account, transaction.nonce),),
        longevity=IMMORTAL_LONGEVITY if death is None else death - block.number,
    )


def validate_for_inclusion(block: BlockContext, transaction: Transaction) -> None:
    """Check that a transaction may be the next one in this block.

    Raises:
        InvalidTransaction: it may not.
    """
    if validate(block, transaction).requires:
        raise InvalidTransaction(InvalidReason.FUTURE)


def _check_signature(block: BlockContext, transaction: Transaction) -> None:
    signature = transaction.signature
    birth_hash: bytes | None = system.BLOCK_HASHES.get(block, signature.era.birth(block.number))
    if birth_hash is None:
        raise InvalidTransaction(InvalidReason.ANCIENT_BIRTH_BLOCK)
    if (birth_hash, block.codec) == transaction.verified_for:  # all else that is signed never changes
        return
    payload = signing_payload(
        block.codec,
        transaction.encoded_call,
        era=signature.era,
        nonce=signature.nonce,
        tip=signature.tip,
        birth_hash=birth_hash,
        genesis_hash=system.genesis_hash(block),
    )
    if not verify(signature.kind, signature.account, payload, signature.signature):
        raise InvalidTransaction(InvalidReason.BAD_PROOF)
    transaction.verified_for = (birth_hash, block.codec)


def _tag(account: bytes, nonce: int) -> bytes:
    """Return what a transaction provides, and the next one of its account requires."""
    return account + nonce.to_bytes(4, "little")
