"""The development chain itself: a state machine without any input or output of its own."""

import dataclasses
import enum
import secrets
import time
from collections.abc import Callable
from typing import Protocol

from chain.devnet.block import Block, blake2_256
from chain.devnet.context import Snapshot
from chain.devnet.execution import BlockBuilder, genesis_block, next_block
from chain.devnet.frame import AccountInfo
from chain.devnet.pallets import balances, system
from chain.devnet.pool import Status, StatusKind, TransactionPool
from chain.devnet.refusal import InvalidTransaction
from chain.devnet.runtime import DevRuntime, Genesis
from chain.devnet.runtime_api import APIS
from chain.devnet.transaction import Transaction, decode_transaction, validate
from chain.keys import load_signer
from chain.scale.events import EventRecord

ARBITER = "//Arbiter"
ENDOWED = ("//Alice", "//Bob", "//Charlie", "//Dave", "//Eve", "//Ferdie", ARBITER)
ENDOWMENT_PLANCK = 10**18

BLOCK_TIME_MS_MIN = 2
FINALITY_LAG_BLOCKS_MAX = 100_000
FEE_PLANCK_MAX = 10**18


class Sealing(enum.StrEnum):
    """When blocks are made: every block time, for every transaction that is ready, or only on demand."""

    INTERVAL = "interval"
    INSTANT = "instant"
    MANUAL = "manual"


def wall_clock_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DevChainConfig:
    """How a development chain behaves.

    Without a `seed` every chain has a genesis hash of its own. With manual sealing, the time of a block is
    the genesis time plus its number times the block time; otherwise it is what `clock` says, but at least
    half a block time after the block before. A manually sealed chain with a seed and a genesis time is
    reproducible bit by bit. A block is final once `finality_lag_blocks` blocks follow it. A transaction costs
    the base fee and, for each of its bytes, the byte fee; both may be 0.

    Raises:
        ValueError: a number is out of range.
    """

    seed: str | None = None
    sealing: Sealing = Sealing.INTERVAL
    block_time_ms: int = 1000
    finality_lag_blocks: int = 2
    bidding_window_blocks: int = 300
    base_fee_planck: int = 1_000_000
    byte_fee_planck: int = 1_000
    genesis_time_ms: int | None = None
    clock: Callable[[], int] = wall_clock_ms

    def __post_init__(self) -> None:
        if self.block_time_ms < BLOCK_TIME_MS_MIN:
            raise ValueError(f"the block time is at least {BLOCK_TIME_MS_MIN} ms")
        if self.bidding_window_blocks < 1:
            raise ValueError("the bidding window is at least 1 block")
        if not all(0 <= fee <= FEE_PLANCK_MAX for fee in (self.base_fee_planck, self.byte_fee_planck)):
            raise ValueError(f"the fees are 0 to {FEE_PLANCK_MAX} planck")
        _check_lag(self.finality_lag_blocks)


class ChainObserver(Protocol):
    """Who wants to be told what happens, while it happens. The chain must not be changed in return."""

    def on_best_block(self, block: Block) -> None:
        """Take notice of a new best block."""

    def on_finalized_block(self, block: Block) -> None:
        """Take notice that this block is final, and with it all blocks before it."""

    def on_transaction(self, transaction_hash: bytes, status: Status) -> None:
        """Take notice of a transaction's new status."""


class DevChain:
    """A chain of blocks with its pool. Not thread-safe."""

    def __init__(self, config: DevChainConfig | None = None) -> None:
        self.config = config or DevChainConfig()
        self.runtime = DevRuntime(
            APIS,
            block_time_ms=self.config.block_time_ms,
            bidding_window_blocks=self.config.bidding_window_blocks,
            base_fee_planck=self.config.base_fee_planck,
            byte_fee_planck=self.config.byte_fee_planck,
            arbiter=load_signer(ARBITER).account,
        )
        self.genesis = genesis_block(self.runtime, _genesis(self.config.seed))
        self.best = self.finalized = self.genesis
        self.finality_lag_blocks = self.config.finality_lag_blocks
        self.sealing_paused = False
        self.observers: list[ChainObserver] = []
        started_ms = self.config.genesis_time_ms
        self._genesis_time_ms = self.config.clock() if started_ms is None else started_ms
        self._blocks = {self.genesis.hash: self.genesis}
        self._canonical = [self.genesis]
        self._pool = TransactionPool(self._report)
        self._next_block = next_block(self.runtime, self.best)

    # Transactions

    def submit(self, raw: bytes) -> bytes:
        """Put an extrinsic into the pool, return its hash. With instant sealing, a ready one makes a block.

        Raises:
            TransactionRefused: in the words of a real node, see `refusal`.
        """
        transaction_hash = blake2_256(raw)
        self._pool.check_unknown(transaction_hash, self.best.timestamp_ms)
        transaction = decode_transaction(self.runtime, raw)
        try:
            validity = validate(self._next_block, transaction)
        except InvalidTransaction:
            self._pool.ban([transaction_hash], self.best.timestamp_ms)
            raise
        nonce_on_chain = self.account(transaction.account).nonce
        self._pool.add(transaction, validity, nonce_on_chain, self.best.number)
        if (
            self.config.sealing is Sealing.INSTANT
            and not self.sealing_paused
            and self._pool.is_ready(transaction)
        ):
            self.seal()
        return transaction_hash

    def pending(self) -> list[Transaction]:
        """Return the transactions that are ready, in the order in which a block would take them."""
        return list(self._pool.ready())

    def next_nonce(self, account: bytes) -> int:
        """Return the nonce behind all transactions of the account that are on the chain or ready."""
        return self._pool.next_nonce(account, self.account(account).nonce)

    def clear_pool(self) -> int:
        """Lose all transactions in the pool and return how many those were."""
        return self._pool.clear()

    # Blocks

    def seal(self, count: int = 1) -> Block:
        """Make that many blocks of what is ready, finalize what is old enough, and return the last block."""
        for _ in range(count):
            self._seal_one()
        return self.best

    def finalize(self) -> Block:
        """Make the best block final now, whatever the lag."""
        self._finalize_up_to(self.best.number)
        return self.finalized

    def set_finality_lag(self, blocks: int) -> None:
        """Finalize so many blocks behind the best one from now on; what is old enough at once.

        Raises:
            ValueError: the number is out of range.
        """
        _check_lag(blocks)
        self.finality_lag_blocks = blocks
        self._finalize_up_to(self.best.number - blocks)

    def pause_sealing(self) -> None:
        """Make no blocks but on demand."""
        self.sealing_paused = True

    def resume_sealing(self) -> None:
        """Make blocks again; with instant sealing, what has become ready meanwhile makes one at once."""
        self.sealing_paused = False
        if self.config.sealing is Sealing.INSTANT and self.pending():
            self.seal()

    # What is on the chain

    def block(self, block_hash: bytes) -> Block | None:
        """Return a block by its hash."""
        return self._blocks.get(block_hash)

    def block_at(self, number: int) -> Block | None:
        """Return the block of that number on the best chain."""
        return self._canonical[number] if 0 <= number < len(self._canonical) else None

    def account(self, account: bytes, at: Block | None = None) -> AccountInfo:
        """Return what an account has at a block, the best one by default."""
        return system.account_at(self.snapshot(at), account)

    def events(self, block: Block) -> list[EventRecord]:
        """Return the events of a block."""
        events = system.EVENTS.raw(self.snapshot(block))
        return [] if events is None else self.runtime.codec.decode_events(events)

    def snapshot(self, at: Block | None = None) -> Snapshot:
        """Return the state of a block, the best one by default, for the pallets' storage items to read."""
        return Snapshot(self.runtime.codec, (at or self.best).state)

    # Inside

    def _seal_one(self) -> None:
        builder = BlockBuilder(self.runtime, self.best, self._next_timestamp_ms())
        self._fill(builder)
        block = builder.build()
        self._blocks[block.hash] = block
        self._canonical.append(block)
        self.best = block
        self._next_block = next_block(self.runtime, block)
        for observer in self.observers:
            observer.on_best_block(block)
        included = block.extrinsic_hashes()
        for transaction_hash in included:
            self._report(transaction_hash, Status(StatusKind.IN_BLOCK, block.hash))
        self._pool.settle(
            included, block.number, lambda account: self.account(account).nonce, block.timestamp_ms
        )
        self._finalize_up_to(block.number - self.finality_lag_blocks)

    def _fill(self, builder: BlockBuilder) -> None:
        """Push what is ready, as far as there is room. What is found invalid is lost to later blocks, too."""
        invalid: dict[bytes, Transaction] = {}
        for transaction in self.pending():
            if transaction.account in invalid:
                continue
            if not builder.has_room_for(transaction):
                break
            try:
                builder.push(transaction)
            except InvalidTransaction:
                invalid[transaction.account] = transaction
        for transaction in invalid.values():
            self._pool.reject(transaction, self.best.timestamp_ms)

    def _finalize_up_to(self, number: int) -> None:
        if number <= self.finalized.number:
            return
        newly_final = self._canonical[self.finalized.number + 1 : number + 1]
        self.finalized = newly_final[-1]
        for observer in self.observers:
            observer.on_finalized_block(self.finalized)
        for block in newly_final:
            for transaction_hash in block.extrinsic_hashes():
                self._report(transaction_hash, Status(StatusKind.FINALIZED, block.hash))

    def _next_timestamp_ms(self) -> int:
        number = self.best.number + 1
        if self.config.sealing is Sealing.MANUAL:
            return self._genesis_time_ms + number * self.config.block_time_ms
        earliest_ms = self.best.timestamp_ms + self.runtime.parameters.minimum_period_ms
        return max(self.config.clock(), earliest_ms)

    def _report(self, transaction_hash: bytes, status: Status) -> None:
        for observer in self.observers:
            observer.on_transaction(transaction_hash, status)


def _genesis(seed: str | None) -> Genesis:
    endowments = {load_signer(uri).account: ENDOWMENT_PLANCK for uri in ENDOWED}
    endowments[balances.TREASURY] = balances.EXISTENTIAL_DEPOSIT
    return Genesis(secrets.token_bytes(32) if seed is None else blake2_256(seed.encode()), endowments)


def _check_lag(blocks: int) -> None:
    if not 0 <= blocks <= FINALITY_LAG_BLOCKS_MAX:
        raise ValueError(f"the finality lag is 0 to {FINALITY_LAG_BLOCKS_MAX} blocks")
