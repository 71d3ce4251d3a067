"""Building a block: its own doings, its inherent, and transactions one by one."""

from chain.devnet.block import Block, Header, blake2_256, extrinsics_commitment, state_commitment
from chain.devnet.context import BlockContext, DispatchFailure
from chain.devnet.frame import DIGEST_ITEM
from chain.devnet.metadata import EXTRINSIC_VERSION
from chain.devnet.pallets import system, timestamp, transaction_payment
from chain.devnet.pallets.transaction_payment import TransactionFeePaid
from chain.devnet.revision import Revision
from chain.devnet.runtime import CODE_KEY, DevRuntime, Genesis
from chain.devnet.state import Overlay, State
from chain.devnet.transaction import BLOCK_LENGTH_MAX, Transaction, validate_for_inclusion
from chain.scale.calls import Call
from chain.scale.primitives import encode_compact
from chain.scale.values import Value

BLOCK_TRANSACTIONS_MAX = 5_000
"""Stands for the weight limit of a real block."""

CONSENSUS_ENGINE = b"dev_"
"""Marks the digest item that says in which slot, a block time long, and on which branch a block was made."""

_NO_HASH = bytes(32)


def genesis_block(runtime: DevRuntime, genesis: Genesis) -> Block:
    """Return block 0."""
    entries = runtime.genesis_entries(genesis)
    header = Header(_NO_HASH, 0, state_commitment(_NO_HASH, entries), extrinsics_commitment(()), ())
    return Block(header, blake2_256(header.encode()), (), 0, State(entries))


def next_block(runtime: DevRuntime, parent: Block) -> BlockContext:
    """Return the block after `parent`, begun but empty: what transactions are validated against."""
    overlay = Overlay(parent.state)
    block = BlockContext(parent.number + 1, runtime.parameters, runtime.codec, overlay, runtime.dispatch)
    system.begin_block(block, parent.hash)
    return block


class BlockBuilder:
    """A block while it is being built. Siblings differ by their `branch`, whatever else is in them.

    It is executed by the runtime in its parent's state, and may leave an `upgrade` of that in its own.
    """

    def __init__(
        self,
        runtime: DevRuntime,
        parent: Block,
        timestamp_ms: int,
        *,
        branch: int,
        upgrade: Revision | None = None,
    ) -> None:
        self._runtime = runtime
        self._parent = parent
        self._timestamp_ms = timestamp_ms
        self._block = next_block(runtime, parent)
        self._extrinsics: list[bytes] = []
        self._length = 0
        self._logs = self._put_digest(branch, upgrade)
        runtime.run_hooks(self._block)
        if upgrade is not None:
            self._block.state.put(CODE_KEY, upgrade.code)
            self._block.deposit(system.CodeUpdated())
        self._set_timestamp()

    def has_room_for(self, transaction: Transaction) -> bool:
        """Tell whether the limits of a block allow this one, too."""
        too_many = len(self._extrinsics) >= BLOCK_TRANSACTIONS_MAX
        return not too_many and self._length + len(transaction.raw) <= BLOCK_LENGTH_MAX

    def push(self, transaction: Transaction) -> None:
        """Execute a transaction as the next one of the block.

        It is in the block, and its fee is paid, even if its call fails.

        Raises:
            InvalidTransaction: it may not be in this block, which is as it was.
        """
        validate_for_inclusion(self._block, transaction)
        system.increment_nonce(self._block, transaction.account)
        paid = transaction_payment.charge(
            self._block, transaction.account, len(transaction.raw), transaction.signature.tip
        )
        self._execute(transaction.raw, transaction.call, transaction.account, paid)

    def build(self) -> Block:
        """Return the finished block."""
        block = self._block
        system.store_events(block)
        header = Header(
            self._parent.hash,
            block.number,
            state_commitment(self._parent.header.state_root, block.state.changes),
            extrinsics_commitment(self._extrinsics),
            self._logs,
        )
        return Block(
            header,
            blake2_256(header.encode()),
            tuple(self._extrinsics),
            self._timestamp_ms,
            self._parent.state.child(block.state.changes),
        )

    def _put_digest(self, branch: int, upgrade: Revision | None) -> tuple[bytes, ...]:
        slot = self._timestamp_ms // self._runtime.parameters.block_time_ms
        made = slot.to_bytes(8, "little") + branch.to_bytes(4, "little")
        logs: list[Value] = [{"PreRuntime": (CONSENSUS_ENGINE, made)}]
        if upgrade is not None:
            logs.append("RuntimeEnvironmentUpdated")
        system.DIGEST.put(self._block, {"logs": logs})
        return tuple(self._runtime.encode(DIGEST_ITEM, log) for log in logs)

    def _set_timestamp(self) -> None:
        call = Call(timestamp.PALLET.name, "set", {"now": self._timestamp_ms})
        body = bytes((EXTRINSIC_VERSION,)) + self._runtime.codec.encode_call(
            call.pallet, call.name, call.arguments
        )
        self._execute(encode_compact(len(body)) + body, call, None, None)

    def _execute(self, raw: bytes, call: Call, signer: bytes | None, paid: TransactionFeePaid | None) -> None:
        block, failure = self._block, None
        block.enter_extrinsic(len(self._extrinsics))
        self._extrinsics.append(raw)
        self._length += len(raw)
        dispatch = system.NORMAL_DISPATCH if signer else system.MANDATORY_DISPATCH
        try:
            block.dispatch(call, signer)
        except DispatchFailure as refusal:
            failure = refusal
        if paid is not None:
            block.deposit(paid)
        if failure is None:
            block.deposit(system.ExtrinsicSuccess(dispatch_info=dispatch))
        else:
            block.deposit(system.ExtrinsicFailed(dispatch_error=failure.value, dispatch_info=dispatch))
