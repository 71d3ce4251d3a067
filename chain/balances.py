"""What accounts have and where their nonces stand: `System.Account` at the best block."""

from collections.abc import Sequence
from dataclasses import dataclass

from chain.node import Node

LOW_BALANCE_DEPOSITS = 10
"""A balance below so many existential deposits is low."""


@dataclass(frozen=True)
class AccountBalance:
    """An account of 32 bytes: its next nonce, and its free balance in the chain's smallest unit.

    `low` if the balance is near the existential deposit, so that its extrinsics may soon fail.
    """

    account: bytes
    nonce: int
    free: int
    low: bool


async def signer_balances(node: Node, accounts: Sequence[bytes]) -> list[AccountBalance]:
    """The accounts as the best block has them, in this order. Raises `RpcFailure` or `ScaleError`."""
    best = await node.best_hash()
    runtime = await node.runtime_at(best)
    deposit = 0
    balances = runtime.metadata.pallets.get("Balances")
    if balances is not None and "ExistentialDeposit" in balances.constants:
        deposit = int(runtime.constant("Balances", "ExistentialDeposit"))
    return [
        AccountBalance(account, nonce, free, low=free < LOW_BALANCE_DEPOSITS * deposit)
        for account, (nonce, free) in zip(accounts, await node.accounts(runtime, accounts, best), strict=True)
    ]
