"""The transaction pool: what waits for a block, by account and nonce.

The transactions of an account are ready from its next nonce up to the first gap; those behind are future.
"""

import dataclasses
import enum
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator

from chain.devnet.refusal import AlreadyImported, ImmediatelyDropped, PriorityTooLow, TemporarilyBanned
from chain.devnet.transaction import Transaction, Validity

TRANSACTIONS_MAX = 8192
"""How many transactions the pool holds. One more is refused; a real node may drop another in its place."""

BAN_MS = 30 * 60 * 1000
"""How long the bytes of an included or invalid transaction are refused."""

BANNED_MAX = 4096
"""How many bans are remembered; one more forgets the oldest."""


class StatusKind(enum.StrEnum):
    """What became of a transaction, in the words of `author_extrinsicUpdate`."""

    READY = "ready"
    FUTURE = "future"
    IN_BLOCK = "inBlock"
    RETRACTED = "retracted"
    FINALITY_TIMEOUT = "finalityTimeout"
    FINALIZED = "finalized"
    USURPED = "usurped"
    DROPPED = "dropped"
    INVALID = "invalid"


TERMINAL = frozenset(
    {
        StatusKind.FINALITY_TIMEOUT,
        StatusKind.FINALIZED,
        StatusKind.USURPED,
        StatusKind.DROPPED,
        StatusKind.INVALID,
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """A step of a transaction. `hash` is the block it is or was in, or the transaction in its place."""

    kind: StatusKind
    hash: bytes | None = None


Report = Callable[[bytes, Status], None]


@dataclasses.dataclass(slots=True)
class Pooled:
    """A transaction in the pool. `valid_till` is the last block on top of which it is still valid.

    `told` is what was last reported of it: that it is ready, or future, or nothing yet.
    """

    transaction: Transaction
    priority: int
    valid_till: int
    arrival: int
    told: StatusKind | None = None


@dataclasses.dataclass(slots=True)
class _Queue:
    """The transactions of one account; those with nonces from `next_nonce` until `ready_end` are ready."""

    next_nonce: int
    ready_end: int
    by_nonce: dict[int, Pooled] = dataclasses.field(default_factory=dict)

    @property
    def ready_count(self) -> int:
        return self.ready_end - self.next_nonce

    def extend(self) -> None:
        """Count as ready what has no gap before it any more."""
        while self.ready_end in self.by_nonce:
            self.ready_end += 1


class TransactionPool:
    """Holds valid transactions and reports every change of their status."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._queues: dict[bytes, _Queue] = {}
        self._by_hash: dict[bytes, Pooled] = {}
        self._banned_until_ms: dict[bytes, int] = {}
        self._arrivals = itertools.count()

    def __len__(self) -> int:
        return len(self._by_hash)

    def check_unknown(self, transaction_hash: bytes, now_ms: int) -> None:
        """Refuse what is banned or held.

        Raises:
            TemporarilyBanned: these bytes were included or found invalid a short while ago.
            AlreadyImported: they are in the pool.
        """
        if self._banned_until_ms.get(transaction_hash, 0) > now_ms:
            raise TemporarilyBanned
        if transaction_hash in self._by_hash:
            raise AlreadyImported(transaction_hash)

    def ban(self, transaction_hashes: Iterable[bytes], now_ms: int) -> None:
        """Refuse these bytes for a while."""
        for transaction_hash in transaction_hashes:
            self._banned_until_ms.pop(transaction_hash, None)
            self._banned_until_ms[transaction_hash] = now_ms + BAN_MS
        while len(self._banned_until_ms) > BANNED_MAX:
            del self._banned_until_ms[next(iter(self._banned_until_ms))]

    def lift_ban(self, transaction_hashes: Iterable[bytes]) -> None:
        """Take these bytes again."""
        for transaction_hash in transaction_hashes:
            self._banned_until_ms.pop(transaction_hash, None)

    def told_of(self, transaction_hash: bytes) -> StatusKind | None:
        """What was last reported of a transaction; None of one that the pool does not hold."""
        pooled = self._by_hash.get(transaction_hash)
        return None if pooled is None else pooled.told

    def add(
        self,
        transaction: Transaction,
        validity: Validity,
        next_nonce: int,
        best_number: int,
        told: StatusKind | None = None,
    ) -> None:
        """Take a transaction that was validated on top of `best_number`, where `next_nonce` is its account's.

        `told` was reported of it before, when the pool held it on another branch.

        Raises:
            PriorityTooLow: another one has its account and nonce, and a tip that is not lower.
            ImmediatelyDropped: the pool is full.
        """
        queue = self._insert(transaction, validity, next_nonce, best_number)
        queue.by_nonce[transaction.nonce].told = told
        if transaction.nonce < queue.ready_end:
            self._tell(queue.by_nonce[transaction.nonce], StatusKind.READY)
        elif not self._promote(queue):
            self._tell(queue.by_nonce[transaction.nonce], StatusKind.FUTURE)

    def is_ready(self, transaction: Transaction) -> bool:
        """Tell whether the next block could take this transaction."""
        queue = self._queues.get(transaction.account)
        return (
            queue is not None and transaction.nonce in queue.by_nonce and transaction.nonce < queue.ready_end
        )

    def ready(self) -> Iterator[Transaction]:
        """Yield what is ready: highest tip first, then first come, and always in the order of nonces."""
        heads = [self._head(queue, queue.next_nonce) for queue in self._queues.values() if queue.ready_count]
        heapq.heapify(heads)
        while heads:
            _, _, nonce, queue = heapq.heappop(heads)
            yield queue.by_nonce[nonce].transaction
            if nonce + 1 < queue.ready_end:
                heapq.heappush(heads, self._head(queue, nonce + 1))

    def all(self) -> list[Transaction]:
        """Return everything that the pool holds, in the order of arrival."""
        held = sorted(self._by_hash.values(), key=lambda pooled: pooled.arrival)
        return [pooled.transaction for pooled in held]

    def next_nonce(self, account: bytes, next_nonce_on_chain: int) -> int:
        """Return the nonce behind all transactions of the account that are ready."""
        queue = self._queues.get(account)
        return next_nonce_on_chain if queue is None else queue.ready_end

    def reject(self, transaction: Transaction, now_ms: int) -> None:
        """Drop and ban a transaction that no block can take, and drop the ready ones that depend on it."""
        if transaction.hash not in self._by_hash:
            return
        queue = self._queues[transaction.account]
        nonce = queue.ready_end = transaction.nonce
        while (pooled := queue.by_nonce.pop(nonce, None)) is not None:
            self._forget(pooled, Status(StatusKind.INVALID))
            nonce += 1
        self._drop_if_empty(transaction.account)
        self.ban([transaction.hash], now_ms)

    def settle(
        self, included: Iterable[bytes], number: int, nonce_of: Callable[[bytes], int], now_ms: int
    ) -> None:
        """Follow a new best block: let go what it includes, what it made stale, and what dies with it."""
        included_hashes = set(included)
        self.ban(included_hashes, now_ms)
        for account in list(self._queues):
            queue = self._queues[account]
            next_nonce = nonce_of(account)
            self._let_go(queue, included_hashes, next_nonce, number, now_ms)
            self._move_start(queue, next_nonce)
            self._drop_if_empty(account)

    def rebase(
        self,
        validated: Iterable[tuple[Transaction, Validity]],
        nonce_of: Callable[[bytes], int],
        best_number: int,
    ) -> None:
        """Hold these instead, in this order: the best block is another one, and not a child of the last.

        What becomes of them is reported when the next block settles, unless there is no room for them.
        """
        told = {transaction_hash: pooled.told for transaction_hash, pooled in self._by_hash.items()}
        self._by_hash, self._queues = {}, {}
        for transaction, validity in validated:
            try:
                queue = self._insert(transaction, validity, nonce_of(transaction.account), best_number)
            except (PriorityTooLow, ImmediatelyDropped):
                self._report(transaction.hash, Status(StatusKind.DROPPED))
            else:
                queue.by_nonce[transaction.nonce].told = told.get(transaction.hash)
        for queue in self._queues.values():
            queue.extend()

    def drop(self, transaction_hash: bytes) -> bool:
        """Lose one transaction, and tell whether the pool held it. Those behind it wait for its nonce."""
        pooled = self._by_hash.get(transaction_hash)
        if pooled is None:
            return False
        account = pooled.transaction.account
        queue = self._queues[account]
        del queue.by_nonce[pooled.transaction.nonce]
        self._forget(pooled, Status(StatusKind.DROPPED))
        self._move_start(queue, queue.next_nonce)
        self._drop_if_empty(account)
        return True

    def clear(self) -> int:
        """Lose everything, as a node that restarts does, and return how many transactions that were."""
        lost = list(self._by_hash.values())
        self._queues.clear()
        for pooled in lost:
            self._forget(pooled, Status(StatusKind.DROPPED))
        return len(lost)

    def _let_go(self, queue: _Queue, included: set[bytes], next_nonce: int, number: int, now_ms: int) -> None:
        for nonce, pooled in list(queue.by_nonce.items()):
            if pooled.transaction.hash in included:
                del queue.by_nonce[nonce], self._by_hash[pooled.transaction.hash]
            elif nonce < next_nonce or pooled.valid_till <= number:
                del queue.by_nonce[nonce]
                self._forget(pooled, Status(StatusKind.INVALID))
                self.ban([pooled.transaction.hash], now_ms)

    def _insert(
        self, transaction: Transaction, validity: Validity, next_nonce: int, best_number: int
    ) -> _Queue:
        queue = self._queues.get(transaction.account) or _Queue(next_nonce, next_nonce)
        held = queue.by_nonce.get(transaction.nonce)
        if held is not None and held.priority >= validity.priority:
            raise PriorityTooLow(held.priority, validity.priority)
        if held is None and len(self) >= TRANSACTIONS_MAX:
            raise ImmediatelyDropped
        valid_till = best_number + validity.longevity
        pooled = Pooled(transaction, validity.priority, valid_till, next(self._arrivals))
        queue.by_nonce[transaction.nonce] = self._by_hash[transaction.hash] = pooled
        self._queues[transaction.account] = queue
        if held is not None:
            self._forget(held, Status(StatusKind.USURPED, transaction.hash))
        return queue

    def _move_start(self, queue: _Queue, next_nonce: int) -> None:
        """Tell anew what is ready, now that the account is at `next_nonce`."""
        queue.next_nonce = queue.ready_end = next_nonce
        queue.extend()
        for nonce in range(next_nonce, queue.ready_end):
            self._tell(queue.by_nonce[nonce], StatusKind.READY)
        for nonce, pooled in queue.by_nonce.items():
            if nonce >= queue.ready_end:
                self._tell(pooled, StatusKind.FUTURE)

    def _promote(self, queue: _Queue) -> bool:
        """Make ready what has no gap before it any more; tell whether anything was."""
        before = queue.ready_end
        queue.extend()
        for nonce in range(before, queue.ready_end):
            self._tell(queue.by_nonce[nonce], StatusKind.READY)
        return queue.ready_end > before

    def _tell(self, pooled: Pooled, kind: StatusKind) -> None:
        if pooled.told is not kind:
            pooled.told = kind
            self._report(pooled.transaction.hash, Status(kind))

    def _forget(self, pooled: Pooled, status: Status) -> None:
        del self._by_hash[pooled.transaction.hash]
        self._report(pooled.transaction.hash, status)

    def _drop_if_empty(self, account: bytes) -> None:
        if not self._queues[account].by_nonce:
            del self._queues[account]

    @staticmethod
    def _head(queue: _Queue, nonce: int) -> tuple[int, int, int, _Queue]:
        pooled = queue.by_nonce[nonce]
        return (-pooled.priority, pooled.arrival, nonce, queue)
