"""One connection of a client: its subscriptions, and the messages on the way to it."""

import asyncio
import json
import secrets
from collections.abc import Callable
from functools import partial
from typing import Protocol

from chain.devnet.block import Block
from chain.devnet.chain import DevChain
from chain.devnet.pool import Status
from chain.devnet.rpc.errors import Json, too_many_subscriptions
from chain.devnet.rpc.subscriptions import Subscription, TransactionWatch

SUBSCRIPTIONS_MAX = 1024
OUTGOING_MESSAGES_MAX = 4096
"""How many messages may wait for a client to read them. An answer waits for room, and no more calls are
read meanwhile; a notification too many cuts the connection."""


class Host(Protocol):
    """The node, as far as methods may steer it."""

    def drop_connections(self, spare: "Session") -> int:
        """Cut all other connections, and return how many there were."""


class Session:
    """A connection. It observes the chain on behalf of its subscriptions; `cut` ends it at once."""

    def __init__(self, chain: DevChain, host: Host, cut: Callable[[], None]) -> None:
        self.chain = chain
        self.host = host
        self.outgoing: asyncio.Queue[str] = asyncio.Queue(OUTGOING_MESSAGES_MAX)
        self._cut = cut
        self._subscriptions: dict[str, Subscription] = {}
        self._watches: dict[bytes, list[str]] = {}
        self._unannounced: set[str] = set()
        self._held_back: list[str] = []

    def subscribe(self, subscription: Subscription) -> str:
        """Add a subscription and return its id. Its notifications are held back until its id is on the way.

        Raises:
            RpcError: there are too many.
        """
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise too_many_subscriptions(SUBSCRIPTIONS_MAX)
        subscription_id = secrets.token_urlsafe(12)
        self._subscriptions[subscription_id] = subscription
        self._unannounced.add(subscription_id)
        if isinstance(subscription, TransactionWatch):
            self._watches.setdefault(subscription.transaction_hash, []).append(subscription_id)
        subscription.notify = partial(self._notify, subscription_id, subscription.method)
        subscription.begin()
        return subscription_id

    def unsubscribe(self, family: str, subscription_id: str) -> bool:
        """End a subscription of this family, and tell whether there was one."""
        subscription = self._subscriptions.get(subscription_id)
        if subscription is None or subscription.family != family:
            return False
        self._end(subscription_id)
        return True

    async def answer(self, response: str | None) -> None:
        """Send what a message is answered with, if anything, and after it what was held back for it."""
        if response is not None:
            await self.outgoing.put(response)
        self._unannounced.clear()
        for notification in self._held_back:
            self._enqueue(notification)
        self._held_back.clear()

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
            if watch.ended:
                self._end(subscription_id)

    def _end(self, subscription_id: str) -> None:
        subscription = self._subscriptions.pop(subscription_id)
        if isinstance(subscription, TransactionWatch):
            watching = self._watches[subscription.transaction_hash]
            watching.remove(subscription_id)
            if not watching:
                del self._watches[subscription.transaction_hash]

    def _notify(self, subscription_id: str, method: str, result: Json) -> None:
        params = {"subscription": subscription_id, "result": result}
        notification = json.dumps(
            {"jsonrpc": "2.0", "method": method, "params": params}, separators=(",", ":")
        )
        if subscription_id not in self._unannounced:
            self._enqueue(notification)
        elif len(self._held_back) < OUTGOING_MESSAGES_MAX:
            self._held_back.append(notification)
        else:
            self._cut()

    def _enqueue(self, notification: str) -> None:
        try:
            self.outgoing.put_nowait(notification)
        except asyncio.QueueFull:
            self._cut()
