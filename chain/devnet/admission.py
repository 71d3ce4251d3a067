"""Letting transactions into the pool: those that are valid on top of the best block.

`block` is always the block after the best one, begun but empty.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from chain.devnet.context import BlockContext
from chain.devnet.pallets import system
from chain.devnet.pool import StatusKind, TransactionPool
from chain.devnet.refusal import InvalidTransaction, TransactionRefused
from chain.devnet.transaction import Transaction, Validity, validate


class Undecided(NamedTuple):
    """A transaction that is not valid yet on a branch, and what the pool last reported of it."""

    transaction: Transaction
    told: StatusKind | None


def admit(
    pool: TransactionPool, block: BlockContext, transaction: Transaction, told: StatusKind | None = None
) -> None:
    """Put a transaction into the pool, of which `told` was reported before.

    Raises:
        TransactionRefused: it is invalid, or the pool does not take it.
    """
    validity = validate(block, transaction)
    pool.add(transaction, validity, nonces_in(block)(transaction.account), block.number - 1, told)


def admit_again(
    pool: TransactionPool, block: BlockContext, undecided: Iterable[Undecided]
) -> list[Undecided]:
    """Put the transactions that have become valid into the pool, and return the rest."""
    refused = []
    for each in undecided:
        try:
            admit(pool, block, each.transaction, each.told)
        except TransactionRefused:
            refused.append(each)
    return refused


def rebase(pool: TransactionPool, block: BlockContext, returned: Iterable[Transaction]) -> list[Undecided]:
    """Bring the pool to another branch: to what a fork returned to it, and then what it held.

    Return what is not valid at the branch's beginning. It may be so further up: its account may first have
    to be paid.
    """
    valid: list[tuple[Transaction, Validity]] = []
    undecided: list[Undecided] = []
    for transaction in [*returned, *pool.all()]:
        try:
            valid.append((transaction, validate(block, transaction)))
        except InvalidTransaction:
            undecided.append(Undecided(transaction, pool.told_of(transaction.hash)))
    pool.rebase(valid, nonces_in(block), block.number - 1)
    return undecided


def nonces_in(block: BlockContext) -> Callable[[bytes], int]:
    """Return what tells the nonce that an account's transaction in this block must have."""
    return lambda account: system.account_at(block, account).nonce
