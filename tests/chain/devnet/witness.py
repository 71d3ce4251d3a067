"""What is told of transactions, and how they are refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chain.devnet import DevChain, TransactionRefused
from chain.devnet.block import Block
from chain.devnet.pool import Status

REMARK = "System.remark"


@contextmanager
def refused(code: int, explanation: str | None = None) -> Iterator[None]:
    """Expect a refusal of this code, with this explanation."""
    with pytest.raises(TransactionRefused) as refusal:
        yield
    assert refusal.value.code == code
    if explanation is not None:
        assert refusal.value.explanation == explanation


class Witness:
    """Writes down what an observer of a chain is told."""

    def __init__(self, chain: DevChain) -> None:
        self.best: list[int] = []
        self.finalized: list[int] = []
        self.statuses: dict[bytes, list[str]] = {}
        chain.observers.append(self)

    def on_best_block(self, block: Block) -> None:
        self.best.append(block.number)

    def on_finalized_block(self, block: Block) -> None:
        self.finalized.append(block.number)

    def on_transaction(self, transaction_hash: bytes, status: Status) -> None:
        self.statuses.setdefault(transaction_hash, []).append(status.kind.value)
