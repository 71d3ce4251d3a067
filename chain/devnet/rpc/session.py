"""One connection of a client: its subscriptions, and the notifications on the way to it."""

import asyncio
import json
import secrets
from collections.abc import Callable
from typing import Protocol

from chain.devnet.block import Block
from chain.devnet.chain import DevChain
from chain.devnet.pool import Status
from chain.devnet.rpc.errors import Json, too_many_subscriptions
from chain.devnet.rpc.subscriptions import Subscription, TransactionWatch

SUBSCRIPTIONS_MAX = 1024
NOTIFICATIONS_MAX = 4096
"""How many notifications may wait for a client to read them. One more cuts the connection."""


class Host(Protocol):
    """The node, as far as methods may steer it."""

    def drop_connections(self, spare: "Session") -> int:
        """Cut all other connections, and return how many there were."""


class Session:
    """A connection. It observes the chain on behalf of its subscriptions."""

    def __init__(self, chain: DevChain, host: Host, cut: Callable[[], None]) -> None:
        self.chain = chain
        self.host = host
        self.notifications: asyncio.Queue[str] = asyncio.Queue(NOTIFICATIONS_MAX)
        self._cut = cut
        self._subscriptions: dict[str, Subscription] = {}
        self._watches: dict[bytes, list[str]] = {}
        self._unannounced: list[str] = []

    def subscribe(self, subscription: Subscription) -> str:
        """Add a subscription and return its id; it is silent until `announce`.

        Raises:
            RpcError: there are too many.
        """
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise too_many_subscriptions(SUBSCRIPTIONS_MAX)
        subscription_id = secrets.token_urlsafe(12)
        self._subscriptions[subscription_id] = subscription
        self._unannounced.append(subscription_id)
        if isinstance(subscription, TransactionWatch):
            self._watches.setdefault(subscription.transaction_hash, []).append(subscription_id)
        return subscription_id

    def unsubscribe(self, family: str, subscription_id: str) -> bool:
        """End a subscription of this family, and tell whether there was one."""
        subscription = self._subscriptions.get(subscription_id)
        if subscription is None or subscription.family != family:
            return False
        self._end(subscription_id)
        return True

    def announce(self) -> None:
        """Let new subscriptions speak: the answers with their ids are on the way."""
        while self._unannounced:
            subscription_id = self._unannounced.pop()
            subscription = self._subscriptions.get(subscription_id)
            if subscription is not None:
                self._start(subscription_id, subscription)

    def on_best_block(self, block: Block) -> None:
        for subscription in list(self._subscriptions.values()):
            subscription.on_best_block(block)

    def on_finalized_block(self, block: Block) -> None:
        for subscription in list(self._subscriptions.values()):
            subscription.on_finalized_block(block)

    def on_transaction(self, transaction_hash: bytes, status: Status) -> None:
        for subscription_id in list(self._watches.get(transaction_hash, ())):
            watch = self._subscriptions[subscription_id]
            assert isinstance(watch, TransactionWatch)
            watch.on_status(status)
            if watch.ended and subscription_id not in self._unannounced:
                self._end(subscription_id)

    def _start(self, subscription_id: str, subscription: Subscription) -> None:
        def send(result: Json) -> None:
            params = {"subscription": subscription_id, "result": result}
            self._enqueue({"jsonrpc": "2.0", "method": subscription.method, "params": params})

        subscription.start(send)
        if subscription.ended:
            self._end(subscription_id)

    def _end(self, subscription_id: str) -> None:
        subscription = self._subscriptions.pop(subscription_id)
        if isinstance(subscription, TransactionWatch):
            watching = self._watches[subscription.transaction_hash]
            watching.remove(subscription_id)
            if not watching:
                del self._watches[subscription.transaction_hash]

    def _enqueue(self, message: Json) -> None:
        try:
            self.notifications.put_nowait(json.dumps(message, separators=(",", ":")))
        except asyncio.QueueFull:
            self._cut()
