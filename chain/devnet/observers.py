"""Telling what happens on a chain, while it happens."""

from collections.abc import Iterable
from typing import Protocol

from chain.devnet.block import Block
from chain.devnet.pool import Status, StatusKind


class ChainObserver(Protocol):
    """Who wants to be told what happens, while it happens. The chain must not be changed in return."""

    def on_best_block(self, block: Block) -> None:
        """Take notice of a new best block: a child of the last, or the first one of a fork's branch."""

    def on_finalized_block(self, block: Block) -> None:
        """Take notice that this block is final, and with it all blocks before it."""

    def on_transaction(self, transaction_hash: bytes, status: Status) -> None:
        """Take notice of a transaction's new status."""


class Observers(list[ChainObserver]):
    """All of them, told in the order in which they came."""

    def tell_of_best(self, block: Block) -> None:
        """Tell of a new best block."""
        for observer in self:
            observer.on_best_block(block)

    def tell_of_finalized(self, block: Block) -> None:
        """Tell of a block that is final with all before it."""
        for observer in self:
            observer.on_finalized_block(block)

    def tell_of_transaction(self, transaction_hash: bytes, status: Status) -> None:
        """Tell of a transaction's new status."""
        for observer in self:
            observer.on_transaction(transaction_hash, status)

    def tell_of_extrinsics(self, block: Block, kind: StatusKind) -> None:
        """Tell of the new status that all extrinsics of a block have by it."""
        self.tell_of_transactions(block.extrinsic_hashes(), Status(kind, block.hash))

    def tell_of_transactions(self, transaction_hashes: Iterable[bytes], status: Status) -> None:
        """Tell of the new status that several transactions have."""
        for transaction_hash in transaction_hashes:
            self.tell_of_transaction(transaction_hash, status)
