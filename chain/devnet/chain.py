"""The development chain itself: a state machine without any input or output of its own."""

import contextlib
import enum
import secrets
from collections.abc import Iterable, Iterator, Sequence

from chain.devnet.admission import admit, admit_again, nonces_in, rebase
from chain.devnet.block import Block, blake2_256
from chain.devnet.config import DevChainConfig, Sealing, check_finality
from chain.devnet.context import Snapshot
from chain.devnet.execution import BlockBuilder, genesis_block, next_block
from chain.devnet.filling import FILL_EXTRINSICS, filling_transactions
from chain.devnet.frame import AccountInfo
from chain.devnet.observers import Observers
from chain.devnet.pallets import balances, system
from chain.devnet.pool import Status, StatusKind, TransactionPool
from chain.devnet.refusal import InvalidTransaction, TransactionRefused
from chain.devnet.revision import Change
from chain.devnet.runtime import DevRuntime, Genesis
from chain.devnet.transaction import Transaction, decode_transaction
from chain.devnet.tree import BlockTree
from chain.devnet.upgrades import Runtimes
from chain.keys import load_signer
from chain.scale.events import EventRecord

ARBITER = "//Arbiter"
ENDOWED = ("//Alice", "//Bob", "//Charlie", "//Dave", "//Eve", "//Ferdie", ARBITER)
ENDOWMENT_PLANCK = 10**18

FINALITY_WATCHED_BLOCKS = 512
"""A transaction that is so many blocks deep and not final is no longer watched, as on real nodes."""

FORK_LENGTH_MAX = 1000


class Retracted(enum.StrEnum):
    """What becomes of the transactions in the blocks that a fork retracts.

    They go back to the pool where they are still valid, and the new branch includes what is in the pool; or
    they go back to the pool and the new branch is empty, so that a later block includes them; or they are
    lost, and the new branch is empty.
    """

    INCLUDE = "include"
    POOL = "pool"
    LOSE = "lose"


class DevChain:
    """A chain of blocks with its pool. Not thread-safe."""

    def __init__(self, config: DevChainConfig | None = None) -> None:
        self.config = config or DevChainConfig()
        self._runtimes = Runtimes(self.config, load_signer(ARBITER).account)
        self.finality_lag_blocks = self.config.finality_lag_blocks
        self.finality_step_blocks = self.config.finality_step_blocks
        self.finality_paused = False
        self.sealing_paused = False
        self.observers = Observers()
        started_ms = self.config.genesis_time_ms
        self._genesis_time_ms = self.config.clock() if started_ms is None else started_ms
        self._tree = BlockTree(genesis_block(self._runtimes.first, _genesis(self.config.seed)))
        self._forks = 0
        self._pool = TransactionPool(self.observers.tell_of_transaction)
        self._next_block = next_block(self.runtime, self.best)

    @property
    def genesis(self) -> Block:
        return self._tree.genesis

    @property
    def best(self) -> Block:
        return self._tree.best

    @property
    def finalized(self) -> Block:
        return self._tree.finalized

    @property
    def runtime(self) -> DevRuntime:
        """Return the runtime of the block after the best one."""
        return self.runtime_at(self.best)

    # Transactions

    def submit(self, raw: bytes) -> bytes:
        """Put an extrinsic into the pool, return its hash. With instant sealing, a ready one makes a block.

        Raises:
            TransactionRefused: in the words of a real node, see `refusal`.
        """
        transaction_hash = blake2_256(raw)
        self._pool.check_unknown(transaction_hash, self._now_ms)
        transaction = decode_transaction(self.runtime, raw)
        try:
            admit(self._pool, self._next_block, transaction)
        except InvalidTransaction:
            self._pool.ban([transaction_hash], self._now_ms)
            raise
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

    def drop(self, transaction_hash: bytes) -> bool:
        """Lose one transaction of the pool, and tell whether there was such a one."""
        return self._pool.drop(transaction_hash)

    def ban(self, transaction_hash: bytes) -> None:
        """Lose a transaction, and refuse its bytes for half an hour of the chain's time."""
        self._pool.drop(transaction_hash)
        self._pool.ban([transaction_hash], self._now_ms)

    def lift_ban(self, transaction_hash: bytes) -> None:
        """Take these bytes again."""
        self._pool.lift_ban([transaction_hash])

    def clear_pool(self) -> int:
        """Lose all transactions in the pool and return how many those were."""
        return self._pool.clear()

    # Blocks

    def seal(self, count: int = 1) -> Block:
        """Make that many blocks of what is ready, finalize what is old enough, and return the last block."""
        for _ in range(count):
            self._seal_one(self.pending())
        return self.best

    def fill(self, count: int, extrinsics: int = FILL_EXTRINSICS) -> Block:
        """Make that many blocks of extrinsics that nobody signed, see `filling`, and return the last block.

        The pool is left alone. This makes about a thousand blocks per second.
        """
        for _ in range(count):
            self._seal_one(filling_transactions(self.runtime, self._next_block, extrinsics))
        return self.best

    def fork(
        self, depth: int, length: int | None = None, retracted: Retracted = Retracted.INCLUDE
    ) -> Sequence[Block]:
        """Replace the last `depth` blocks by a branch of `length` others, by default one more; return it.

        Watchers of the transactions in the blocks that are left are told `retracted` first. Then the branch
        is made block by block, each of them the best one in its turn.

        Raises:
            ValueError: the blocks that are to be left are not all behind the finalized one, or the branch
                would not be longer than they are, or it is longer than FORK_LENGTH_MAX.
        """
        length = depth + 1 if length is None else length
        if not depth < length <= FORK_LENGTH_MAX:
            raise ValueError(f"a branch that replaces {depth} blocks has {depth + 1} to {FORK_LENGTH_MAX}")
        blocks = self._tree.retract(depth)
        self._forks += 1
        self._next_block = next_block(self.runtime, self.best)
        returned = self._take_back(blocks, retracted)
        undecided = rebase(self._pool, self._next_block, returned)
        branch = []
        for _ in range(length):
            branch.append(self._seal_one(self.pending() if retracted is Retracted.INCLUDE else ()))
            undecided = admit_again(self._pool, self._next_block, undecided)
        self._reject([each.transaction for each in undecided])
        return branch

    def finalize(self, number: int | None = None) -> Block:
        """Make the best block final now, or the best chain up to a number, whatever the lag and the pause.

        Raises:
            ValueError: there is no block of this number.
        """
        if number is None:
            number = self.best.number
        if number > self.best.number:
            raise ValueError(f"the best block is {self.best.number}, so {number} cannot be final")
        self._finalize_up_to(number)
        return self.finalized

    def set_finality_lag(self, lag_blocks: int, step_blocks: int = 1) -> None:
        """Finalize so many blocks behind the best one from now on, `step_blocks` at least at once.

        What is old enough becomes final now, unless finality is paused.

        Raises:
            ValueError: a number is out of range.
        """
        check_finality(lag_blocks, step_blocks)
        self.finality_lag_blocks, self.finality_step_blocks = lag_blocks, step_blocks
        self._finalize_what_is_due()

    def pause_finality(self) -> None:
        """Let finality stall: nothing becomes final but on demand."""
        self.finality_paused = True

    def resume_finality(self) -> None:
        """Let finality go on, from what is old enough by now, all at once."""
        self.finality_paused = False
        self._finalize_what_is_due()

    def upgrade_runtime(self, changes: Iterable[Change] = tuple(Change), at: int | None = None) -> int:
        """Let the next block, or the one of number `at`, upgrade the runtime; return its number.

        That block itself, its events included, is still made by the runtime before. A fork that replaces it
        upgrades at the same number again.

        Raises:
            ValueError: there is such a block already, or an upgrade in it, or UPGRADES_MAX are reached.
        """
        number = self.best.number + 1 if at is None else at
        if number <= self.best.number:
            raise ValueError(f"block {number} is made already: the best one is {self.best.number}")
        self._runtimes.schedule(changes, number)
        return number

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
        return self._tree.get(block_hash)

    def block_at(self, number: int) -> Block | None:
        """Return the block of that number on the best chain."""
        return self._tree.at(number)

    def is_on_best_chain(self, block: Block) -> bool:
        """Tell whether the best chain leads through this block."""
        return self._tree.is_on_best_branch(block)

    def account(self, account: bytes, at: Block | None = None) -> AccountInfo:
        """Return what an account has at a block, the best one by default."""
        return system.account_at(self.snapshot(at), account)

    def events(self, block: Block) -> list[EventRecord]:
        """Return the events of a block."""
        events = system.EVENTS.raw(self.snapshot(block))
        if events is None:
            return []
        return self.runtime_at(self._tree.parent(block)).codec.decode_events(events)

    def snapshot(self, at: Block | None = None) -> Snapshot:
        """Return the state of a block, the best one by default, for the pallets' storage items to read."""
        block = at or self.best
        return Snapshot(self.runtime_at(block).codec, block.state)

    def runtime_at(self, block: Block) -> DevRuntime:
        """Return the runtime in a block's state: that of its children, and not always that of the block."""
        return self._runtimes.at(block)

    # Inside

    def _seal_one(self, transactions: Iterable[Transaction]) -> Block:
        builder = BlockBuilder(
            self.runtime,
            self.best,
            self._next_timestamp_ms(),
            branch=self._forks,
            upgrade=self._runtimes.upgrade_after(self.best),
        )
        self._push_all(transactions, builder)
        block = builder.build()
        self._tree.append(block)
        self._next_block = next_block(self.runtime, block)
        self.observers.tell_of_best(block)
        self.observers.tell_of_extrinsics(block, StatusKind.IN_BLOCK)
        self._pool.settle(
            block.extrinsic_hashes(), block.number, nonces_in(self._next_block), block.timestamp_ms
        )
        self._finalize_what_is_due()
        self._give_up_watching(block.number - FINALITY_WATCHED_BLOCKS)
        return block

    def _take_back(self, blocks: Sequence[Block], retracted: Retracted) -> list[Transaction]:
        """Retract these blocks, newest first, and return their transactions unless those are lost."""
        returned: list[Transaction] = []
        for block in blocks:
            hashes = block.extrinsic_hashes()
            self.observers.tell_of_extrinsics(block, StatusKind.RETRACTED)
            self._pool.lift_ban(hashes)
            if retracted is Retracted.LOSE:
                self.observers.tell_of_transactions(hashes, Status(StatusKind.DROPPED))
            else:
                returned = [*self._signed_transactions(block), *returned]
        return returned

    def _reject(self, transactions: Sequence[Transaction]) -> None:
        hashes = [transaction.hash for transaction in transactions]
        self._pool.ban(hashes, self._now_ms)
        self.observers.tell_of_transactions(hashes, Status(StatusKind.INVALID))

    def _signed_transactions(self, block: Block) -> Iterator[Transaction]:
        runtime = self.runtime_at(self._tree.parent(block))
        for raw in block.extrinsics:
            with contextlib.suppress(TransactionRefused):  # the inherent is not signed
                yield decode_transaction(runtime, raw)

    def _push_all(self, transactions: Iterable[Transaction], builder: BlockBuilder) -> None:
        """Push them as far as there is room. What is found invalid is lost to later blocks, too."""
        invalid: dict[bytes, Transaction] = {}
        for transaction in transactions:
            if transaction.account in invalid:
                continue
            if not builder.has_room_for(transaction):
                break
            try:
                builder.push(transaction)
            except InvalidTransaction:
                invalid[transaction.account] = transaction
        for transaction in invalid.values():
            self._pool.reject(transaction, self._now_ms)

    def _finalize_what_is_due(self) -> None:
        due = self.best.number - self.finality_lag_blocks
        if not self.finality_paused and due - self.finalized.number >= self.finality_step_blocks:
            self._finalize_up_to(due)

    def _finalize_up_to(self, number: int) -> None:
        newly_final = self._tree.finalize(number)
        if not newly_final:
            return
        self.observers.tell_of_finalized(self.finalized)
        for block in newly_final:
            self.observers.tell_of_extrinsics(block, StatusKind.FINALIZED)

    def _give_up_watching(self, number: int) -> None:
        block = self.block_at(number)
        if block is not None and number > self.finalized.number:
            self.observers.tell_of_extrinsics(block, StatusKind.FINALITY_TIMEOUT)

    @property
    def _now_ms(self) -> int:
        """Return the time of the best block, for genesis that of the chain's beginning."""
        return max(self.best.timestamp_ms, self._genesis_time_ms)

    def _next_timestamp_ms(self) -> int:
        number = self.best.number + 1
        if self.config.steady_clock or self.config.sealing is Sealing.MANUAL:
            return self._genesis_time_ms + number * self.config.block_time_ms
        earliest_ms = self.best.timestamp_ms + self.runtime.parameters.minimum_period_ms
        return max(self.config.clock(), earliest_ms)


def _genesis(seed: str | None) -> Genesis:
    endowments = {load_signer(uri).account: ENDOWMENT_PLANCK for uri in ENDOWED}
    endowments[balances.TREASURY] = balances.EXISTENTIAL_DEPOSIT
    return Genesis(secrets.token_bytes(32) if seed is None else blake2_256(seed.encode()), endowments)
