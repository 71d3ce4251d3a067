"""`transaction_v1_*`: broadcasting transactions until told to stop.

Specification: https://paritytech.github.io/json-rpc-interface-spec/api/transaction.html
"""

import asyncio
import contextlib
from collections.abc import Callable

from chain.devnet.block import Block
from chain.devnet.refusal import TransactionRefused
from chain.devnet.rpc.errors import Json, invalid_operation
from chain.devnet.rpc.methods import METHODS, read_bytes
from chain.devnet.rpc.session import Session
from chain.devnet.rpc.subscriptions import Subscription

BROADCASTS_MAX = 16
"""How many transactions a connection may broadcast at once, as on real nodes."""


class Broadcast(Subscription):
    """A transaction that is submitted now and after every best block. Refusals are not told."""

    family = "transaction_v1_broadcast"

    def __init__(self, submit: Callable[[], bytes]) -> None:
        self._submit = submit

    def begin(self) -> None:
        self._try()

    def on_best_block(self, block: Block) -> None:
        asyncio.get_running_loop().call_soon(self._try)  # the chain must not be changed while it tells

    def close(self) -> None:
        self.ended = True

    def _try(self) -> None:
        if not self.ended:
            with contextlib.suppress(TransactionRefused):
                self._submit()


@METHODS.method("transaction_v1_broadcast")
def broadcast(session: Session, extrinsic: Json) -> Json:
    """Submit an extrinsic until told to stop, and return the operation's id; null if there are too many."""
    raw = read_bytes(extrinsic)
    if len(session.subscriptions(Broadcast.family)) >= BROADCASTS_MAX:
        return None
    return session.subscribe(Broadcast(lambda: session.submit(raw)))


@METHODS.method("transaction_v1_stop")
def stop(session: Session, operation_id: Json) -> Json:
    """Broadcast no longer; the extrinsic stays in the pool."""
    if not session.unsubscribe(Broadcast.family, operation_id):
        raise invalid_operation()
