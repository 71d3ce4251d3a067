"""One connection of a client: its subscriptions, and the messages on the way to it."""

import asyncio
import dataclasses
import json
import secrets
from collections.abc import Callable
from functools import partial
from typing import Protocol

from chain.devnet.block import Block, blake2_256
from chain.devnet.chain import DevChain
from chain.devnet.faults import Faults, NotificationKind
from chain.devnet.pool import Status
from chain.devnet.rpc.errors import Json, too_many_subscriptions
from chain.devnet.rpc.follow import Follow
from chain.devnet.rpc.pins import Pins
from chain.devnet.rpc.pruning import Pruning
from chain.devnet.rpc.subscriptions import Subscription, TransactionWatch

SUBSCRIPTIONS_MAX = 1024
OUTGOING_MESSAGES_MAX = 4096
"""How many messages may wait for a client to read them. An answer waits for room, and no more calls are
read meanwhile; a notification too many cuts the connection."""

DELAYED_ANSWERS_MAX = 256
"""How many answers of a connection a fault delays at once. The next ones are sent at once."""


class Host(Protocol):
    """The node, as far as methods may steer it. All connections share its faults and its pinned blocks."""

    faults: Faults
    pins: Pins
    pruning: Pruning

    def drop_connections(self, spare: "Session", after_messages: int) -> int:
        """Cut all other connections, now or after so many messages, and return how many there are."""

    def stop_chain_head(self) -> int:
        """Stop what every `chainHead_v1_follow` has begun, and return how many those were."""

    def clear_faults(self) -> None:
        """Switch all faults off."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a message, and how long a fault lets it wait."""

    text: str
    delay_seconds: float = 0


@dataclasses.dataclass(slots=True)
class _Consequences:
    """What a message has brought about and what may be sent only after its answer."""

    subscriptions: list[str] = dataclasses.field(default_factory=list)
    notices: list[Callable[[], None]] = dataclasses.field(default_factory=list)


class Session:
    """A connection. It observes the chain on behalf of its subscriptions; `cut` ends it at once."""

    def __init__(self, chain: DevChain, host: Host, cut: Callable[[], None]) -> None:
        self.chain = chain
        self.host = host
        self.outgoing: asyncio.Queue[str] = asyncio.Queue(OUTGOING_MESSAGES_MAX)
        self._cut = cut
        self._subscriptions: dict[str, Subscription] = {}
        self._watches: dict[bytes, list[str]] = {}
        self._consequences = _Consequences()
        self._held_back: dict[str, list[str]] = {}
        self._delayed: set[asyncio.Task[None]] = set()

    # What methods do

    def submit(self, raw: bytes) -> bytes:
        """Put an extrinsic into the pool, or into the black hole that is open, and return its hash.

        Raises:
            TransactionRefused: in the words of a real node, see `refusal`.
        """
        if self.host.faults.swallows_extrinsic(self.chain.best.number):
            return blake2_256(raw)
        return self.chain.submit(raw)

    def subscribe(self, subscription: Subscription) -> str:
        """Add a subscription and return its id. Its notifications are held back until its id is on the way.

        Raises:
            RpcError: there are too many.
        """
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise too_many_subscriptions(SUBSCRIPTIONS_MAX)
        subscription_id = secrets.token_urlsafe(12)
        self._subscriptions[subscription_id] = subscription
        self._held_back[subscription_id] = []
        self._consequences.subscriptions.append(subscription_id)
        if isinstance(subscription, TransactionWatch):
            self._watches.setdefault(subscription.transaction_hash, []).append(subscription_id)
        if subscription.kind is not None:
            subscription.notify = partial(self._notify, subscription_id, subscription.kind)
        subscription.begin()
        self._end_if_over(subscription_id)
        return subscription_id

    def subscription(self, family: str, subscription_id: Json) -> Subscription | None:
        """Return the subscription of this family and id."""
        subscription = self._subscriptions.get(subscription_id) if isinstance(subscription_id, str) else None
        return subscription if subscription is not None and subscription.family == family else None

    def subscriptions(self, family: str) -> list[Subscription]:
        """Return all subscriptions of this family."""
        return [each for each in self._subscriptions.values() if each.family == family]

    def unsubscribe(self, family: str, subscription_id: Json) -> bool:
        """End a subscription of this family, and tell whether there was one."""
        if self.subscription(family, subscription_id) is None:
            return False
        self._end(subscription_id)
        return True

    def after_answer(self, notice: Callable[[], None]) -> None:
        """Do something as soon as the answer to the present message is on the way."""
        self._consequences.notices.append(notice)

    def stop_following(self) -> int:
        """Stop all subscriptions that follow the chain, and return how many those were."""
        stopped = 0
        for subscription_id, subscription in list(self._subscriptions.items()):
            if isinstance(subscription, Follow):
                subscription.stop()
                self._end(subscription_id)
                stopped += 1
        return stopped

    # What the connection does

    async def answer(self, answer: Answer | None) -> None:
        """Send what a message is answered with, if anything, and after it what was held back for it."""
        consequences, self._consequences = self._consequences, _Consequences()
        if answer is None or answer.delay_seconds == 0 or len(self._delayed) >= DELAYED_ANSWERS_MAX:
            await self._deliver(answer, consequences)
        else:
            delayed = asyncio.create_task(self._deliver_late(answer, consequences))
            self._delayed.add(delayed)
            delayed.add_done_callback(self._delayed.discard)

    def close(self) -> None:
        """Let go of everything that was held for the connection."""
        for delayed in self._delayed:
            delayed.cancel()
        for subscription_id in list(self._subscriptions):
            self._end(subscription_id)

    # What the chain tells

    def on_best_block(self, block: Block) -> None:
        for subscription_id, subscription in list(self._subscriptions.items()):
            subscription.on_best_block(block)
            self._end_if_over(subscription_id)

    def on_finalized_block(self, block: Block) -> None:
        for subscription_id, subscription in list(self._subscriptions.items()):
            subscription.on_finalized_block(block)
            self._end_if_over(subscription_id)

    def on_transaction(self, transaction_hash: bytes, status: Status) -> None:
        for subscription_id in list(self._watches.get(transaction_hash, ())):
            watch = self._subscriptions[subscription_id]
            assert isinstance(watch, TransactionWatch)
            watch.on_status(status)
            self._end_if_over(subscription_id)

    # Inside

    def _end_if_over(self, subscription_id: str) -> None:
        subscription = self._subscriptions.get(subscription_id)
        if subscription is not None and subscription.ended:
            self._end(subscription_id)

    def _end(self, subscription_id: str) -> None:
        subscription = self._subscriptions.pop(subscription_id)
        subscription.close()
        if isinstance(subscription, TransactionWatch):
            watching = self._watches[subscription.transaction_hash]
            watching.remove(subscription_id)
            if not watching:
                del self._watches[subscription.transaction_hash]

    async def _deliver_late(self, answer: Answer, consequences: _Consequences) -> None:
        await asyncio.sleep(answer.delay_seconds)
        await self._deliver(answer, consequences)

    async def _deliver(self, answer: Answer | None, consequences: _Consequences) -> None:
        if answer is not None:
            await self.outgoing.put(answer.text)
        for subscription_id in consequences.subscriptions:
            for notification in self._held_back.pop(subscription_id):
                self._enqueue(notification)
        for notice in consequences.notices:
            notice()

    def _notify(self, subscription_id: str, kind: NotificationKind, result: Json) -> None:
        params = {"subscription": subscription_id, "result": result}
        notification = json.dumps({"jsonrpc": "2.0", "method": kind, "params": params}, separators=(",", ":"))
        for _ in range(self.host.faults.copies_of(kind)):
            self._send(subscription_id, notification)

    def _send(self, subscription_id: str, notification: str) -> None:
        held_back = self._held_back.get(subscription_id)
        if held_back is None:
            self._enqueue(notification)
        elif len(held_back) < OUTGOING_MESSAGES_MAX:
            held_back.append(notification)
        else:
            self._cut()

    def _enqueue(self, notification: str) -> None:
        try:
            self.outgoing.put_nowait(notification)
        except asyncio.QueueFull:
            self._cut()
