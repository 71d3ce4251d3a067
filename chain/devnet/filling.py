"""Filling a chain with blocks quickly, so that there is something to catch up on.

The blocks are real but for one thing: the signatures of their extrinsics are zeros, and taken for good. The
extrinsics are immortal remarks with events, by //Ferdie: each pays its fee and leaves its events like any
other. A fork that retracts them finds them out: they are invalid, and lost.
"""

from collections.abc import Iterator

from chain.devnet.context import BlockContext
from chain.devnet.pallets import system
from chain.devnet.runtime import DevRuntime
from chain.devnet.transaction import Transaction, decode_transaction
from chain.keys import KeyKind, load_signer, ss58_encode
from chain.scale.extrinsic import Era, sign_extrinsic

FILLER = "//Ferdie"

FILL_BLOCKS_MAX = 100_000
FILL_EXTRINSICS_MAX = 1_000
FILL_EXTRINSICS = 6
"""With three events each and that of the inherent, a block has 19 events."""


class _ZeroSigner:
    """Signs everything with zeros."""

    kind: KeyKind = "sr25519"

    def __init__(self, account: bytes) -> None:
        self.account = account

    def address(self, prefix: int = 42) -> str:
        return ss58_encode(self.account, prefix)

    def sign(self, payload: bytes) -> bytes:
        return bytes(64)


_SIGNER = _ZeroSigner(load_signer(FILLER).account)


def filling_transactions(runtime: DevRuntime, block: BlockContext, count: int) -> Iterator[Transaction]:
    """Yield so many transactions that a block can take without looking at their signatures."""
    nonce = system.account_at(block, _SIGNER.account).nonce
    genesis_hash = system.genesis_hash(block)
    for position in range(count):
        remark = block.number.to_bytes(4, "little") + position.to_bytes(4, "little")
        call = runtime.codec.encode_call("System", "remark_with_event", {"remark": remark})
        signed = sign_extrinsic(
            runtime.codec,
            call,
            _SIGNER,
            nonce=nonce + position,
            era=Era.immortal(),
            birth_hash=genesis_hash,
            genesis_hash=genesis_hash,
        )
        transaction = decode_transaction(runtime, signed.raw)
        transaction.verified_for = (genesis_hash, runtime.codec)
        yield transaction
