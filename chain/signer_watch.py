"""The balances of the signers, asked for now and then: whoever wants to see them does not ask the chain."""

import asyncio
import time
from dataclasses import dataclass

import structlog

from chain.balances import signer_balances
from chain.keyring import Keyring
from chain.node import ChainError, Node, ss58_prefix
from chain.rpc import RpcFailure
from chain.scale.errors import ScaleError

LOOK_SECONDS = 30.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SignerAccount:
    """An account that signs, as the best block had it at `observe_time_us`; see `chain.balances`."""

    account_address: str
    free_balance: int
    next_nonce: int
    low: bool
    observe_time_us: int


class SignerWatch:
    """Remembers what the accounts of a keyring have; the default one comes first."""

    def __init__(self, keyring: Keyring) -> None:
        self.accounts: tuple[SignerAccount, ...] = ()
        self._signers = keyring.signers()

    async def run(self, node: Node) -> None:
        """Ask again and again, until cancelled. What cannot be asked for stays as it was."""
        while True:
            try:
                self.accounts = await self._look(node)
            except (RpcFailure, ChainError, ScaleError) as failure:
                log.debug("the balances of the signers cannot be read", error=str(failure))
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, node: Node) -> tuple[SignerAccount, ...]:
        runtime = await node.runtime_at(await node.best_hash())
        prefix = ss58_prefix(runtime)
        balances = await signer_balances(node, [signer.account for signer in self._signers])
        now_us = time.time_ns() // 1000
        return tuple(
            SignerAccount(
                account_address=signer.address(prefix),
                free_balance=balance.free,
                next_nonce=balance.nonce,
                low=balance.low,
                observe_time_us=now_us,
            )
            for signer, balance in zip(self._signers, balances, strict=True)
        )
