"""The receiving end of a subscription to a node's notifications."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from chain.rpc_errors import Json, RpcFailure, SubscriptionOverflow, raise_again

SUBSCRIPTION_BUFFER_MAX = 1024
"""Notifications that wait to be taken. One more ends the subscription with SubscriptionOverflow."""


class Subscription(AsyncIterator[Json]):
    """The notifications of one subscription, in order.

    Iteration never ends by itself: it raises ConnectionLost, after all that was received has been
    taken, or SubscriptionOverflow.
    """

    def __init__(self) -> None:
        self._waiting: deque[Json] = deque()
        self._changed = asyncio.Event()
        self._failure: RpcFailure | None = None

    async def __anext__(self) -> Json:
        while not self._waiting:
            if self._failure is not None:
                raise_again(self._failure)
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()

    async def newest(self) -> Json:
        """Wait as the iteration does, and take only the last notification of those that are there."""
        taken = await anext(self)
        if self._waiting:
            taken = self._waiting[-1]
            self._waiting.clear()
        return taken

    def add(self, notification: Json) -> None:
        if self._failure is not None:
            return
        if len(self._waiting) >= SUBSCRIPTION_BUFFER_MAX:
            self._waiting.clear()
            self.fail(SubscriptionOverflow(f"more than {SUBSCRIPTION_BUFFER_MAX} notifications are waiting"))
        else:
            self._waiting.append(notification)
            self._changed.set()

    def fail(self, failure: RpcFailure) -> None:
        self._failure = failure
        self._changed.set()
