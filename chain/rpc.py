"""A client of a node's JSON-RPC 2.0 over WebSocket.

One client is one connection: when that is gone, so is the client, and whoever owns it makes another.
Calls, batches and subscriptions share the connection and may run at the same time, from one event loop.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.frames import CloseCode
from websockets.uri import parse_uri

from chain.rpc_errors import (
    BATCH_CODES,
    ConnectionLost,
    Json,
    ResponseTooLarge,
    RpcError,
    RpcFailure,
    RpcTimeout,
    SubscriptionOverflow,
    TooMuchAsked,
    raise_again,
    rpc_error,
)
from chain.rpc_subscription import Subscription

__all__ = [
    "ConnectionLost", "Json", "ResponseTooLarge", "RpcClient", "RpcError", "RpcFailure", "RpcTimeout",
    "Subscription", "SubscriptionOverflow", "TooMuchAsked",
]  # fmt: skip

RESPONSE_BYTES_MAX = 32 * 1024 * 1024
"""Twice what a node sends at most by default (15 MiB), batches included."""

IN_FLIGHT_MAX = 64
"""Calls and batches waiting for their answers; more wait for their turn, within their timeout."""

PING_INTERVAL_SECONDS = 10.0
"""How often the node is pinged; a ping that is not answered in as long means that it is gone."""

SUBSCRIPTION_ENDED = 0
"""The code of the RpcError that a subscription raises which the node ended by itself."""

CLOSE_TIMEOUT_SECONDS = 2.0
"""How long a goodbye may take: closing the connection, or ending a subscription."""


class _Exchange:
    """A call or a batch in flight: a future of its answers, by position, or of why there are none."""

    def __init__(self, length: int, *, as_batch: bool, subscription: Subscription | None) -> None:
        self.as_batch = as_batch
        self.outcome: asyncio.Future[list[Json | RpcError] | RpcFailure]
        self.outcome = asyncio.get_running_loop().create_future()
        self.subscription = subscription
        self._answers: list[Json | RpcError] = [None] * length
        self._missing = length

    def settle(self, position: int, answer: Json | RpcError) -> None:
        self._answers[position] = answer
        self._missing -= 1
        if self._missing == 0:
            self._end(self._answers)

    def fail(self, failure: RpcFailure) -> None:
        self._end(failure)

    def _end(self, outcome: list[Json | RpcError] | RpcFailure) -> None:
        if not self.outcome.done():
            self.outcome.set_result(outcome)


class _ErrorObject(msgspec.Struct):
    code: int
    message: str
    data: Json = None


class _Notification(msgspec.Struct):
    subscription: str | int
    result: Json = None
    error: Json = None


class _Message(msgspec.Struct):
    """What a node sends: an answer, which has an id, or a notification, which has parameters."""

    id: int | None = None
    result: Json = None
    error: _ErrorObject | None = None
    params: _Notification | None = None


decode_message = msgspec.json.Decoder(_Message | list[_Message]).decode


class RpcClient:
    """A connection to a node at `ws://…` or `wss://…`. Raises ValueError for any other URL."""

    def __init__(
        self,
        url: str,
        *,
        call_timeout_seconds: float = 30.0,
        response_bytes_max: int = RESPONSE_BYTES_MAX,
        in_flight_max: int = IN_FLIGHT_MAX,
    ) -> None:
        self.node = _node_name(url)
        self._url = url
        self._call_timeout_seconds = call_timeout_seconds
        self._response_bytes_max = response_bytes_max
        self._turns = asyncio.Semaphore(in_flight_max)
        self._next_id = 0
        self._exchanges: dict[int, tuple[_Exchange, int]] = {}
        self._subscriptions: dict[str | int, Subscription] = {}
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._lost: ConnectionLost | None = None

    # -- the connection

    @property
    def connected(self) -> bool:
        return self._connection is not None and self._lost is None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connects, once in the life of a client. Raises ConnectionLost if that fails."""
        assert self._connection is None, "a client connects once"
        try:
            self._connection = await connect(
                self._url,
                open_timeout=self._call_timeout_seconds,
                close_timeout=CLOSE_TIMEOUT_SECONDS,
                ping_interval=PING_INTERVAL_SECONDS,
                ping_timeout=PING_INTERVAL_SECONDS,
                max_size=self._response_bytes_max,
                compression=None,  # nodes do not offer it, and it would bypass the limit on memory
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            self._lost = ConnectionLost(f"cannot connect to {self.node}: {error}")
            raise self._lost from error
        self._reader = asyncio.create_task(self._read(self._connection), name=f"rpc reader {self.node}")

    async def close(self) -> None:
        """Ends the connection, and with ConnectionLost everything that waits on it. May be called twice."""
        self._lose(ConnectionLost(f"the connection to {self.node} was closed"))
        if self._connection is not None:
            await self._connection.close()
        if self._reader is not None:
            await self._reader

    # -- calls

    async def call(self, method: str, *params: Json, timeout_seconds: float | None = None) -> Json:
        """The result of a method. Raises RpcError, RpcTimeout, ConnectionLost."""
        [answer] = await self._exchange([(method, params)], as_batch=False, timeout_seconds=timeout_seconds)
        if isinstance(answer, RpcError):
            raise answer
        return answer

    async def batch(self, calls: Sequence[tuple[str, Sequence[Json]]]) -> list[Json | RpcError]:
        """The results of several methods, in one message and in the order of the calls.

        A call that the node refuses has its RpcError in the place of its result. Raises RpcTimeout,
        ConnectionLost, and TooMuchAsked if the node refuses the batch as a whole, for its length or for
        the size of its answer. It does not say which batch that is: all in flight are refused.
        """
        return await self._exchange(calls, as_batch=True) if calls else []

    @asynccontextmanager
    async def subscribe(self, method: str, *params: Json, unsubscribe: str) -> AsyncIterator[Subscription]:
        """The notifications of a subscription, which is ended by the method `unsubscribe` on the way out.

        Raises RpcError, RpcTimeout, ConnectionLost if the node does not subscribe.
        """
        subscription = Subscription()
        [answer] = await self._exchange([(method, params)], as_batch=False, subscription=subscription)
        if isinstance(answer, RpcError):
            raise answer
        try:
            yield subscription
        finally:
            self._subscriptions.pop(answer, None)
            await self._say_goodbye(unsubscribe, answer)

    # -- behind the calls

    async def _exchange(
        self,
        calls: Sequence[tuple[str, Sequence[Json]]],
        *,
        as_batch: bool,
        timeout_seconds: float | None = None,
        subscription: Subscription | None = None,
    ) -> list[Json | RpcError]:
        """Sends the calls and waits for all their answers."""
        exchange = _Exchange(len(calls), as_batch=as_batch, subscription=subscription)
        timeout_seconds = timeout_seconds or self._call_timeout_seconds
        requests = [self._request(method, params) for method, params in calls]
        message = msgspec.json.encode(requests if as_batch else requests[0])
        try:
            async with asyncio.timeout(timeout_seconds), self._turns:
                for position, request in enumerate(requests):
                    self._exchanges[request["id"]] = (exchange, position)
                await self._send(message)
                outcome = await exchange.outcome
        except TimeoutError:
            methods = ", ".join(sorted({method for method, _ in calls}))
            raise RpcTimeout(f"{self.node} did not answer {methods} within {timeout_seconds:g} s") from None
        finally:
            for request in requests:
                self._exchanges.pop(request["id"], None)
        if isinstance(outcome, RpcFailure):
            raise_again(outcome)
        return outcome

    def _request(self, method: str, params: Sequence[Json]) -> dict[str, Json]:
        self._next_id += 1
        return {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params}

    async def _send(self, message: bytes) -> None:
        if self._lost is not None:
            raise_again(self._lost)
        assert self._connection is not None, "a client connects before it calls"
        try:
            await self._connection.send(message, text=True)
        except ConnectionClosed as error:
            raise self._why_lost(error) from error

    async def _say_goodbye(self, unsubscribe: str, subscription_id: str | int) -> None:
        """Asks the node to end a subscription. Nobody waits for the answer: what still comes is dropped."""
        request = self._request(unsubscribe, (subscription_id,))
        with suppress(TimeoutError, ConnectionLost):
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await self._send(msgspec.json.encode(request))

    async def _read(self, connection: ClientConnection) -> None:
        """Takes what the node sends until the connection is gone."""
        try:
            while True:
                self._receive(await connection.recv(decode=False))
        except ConnectionClosed as error:
            self._lose(self._why_lost(error))
        except msgspec.DecodeError as error:
            self._lose(ConnectionLost(f"{self.node} sent what is not JSON-RPC: {error}"))
            await connection.close(CloseCode.PROTOCOL_ERROR)
        finally:
            self._lose(ConnectionLost(f"the connection to {self.node} is not read any more"))

    def _receive(self, raw: bytes) -> None:
        decoded = decode_message(raw)
        for message in decoded if isinstance(decoded, list) else (decoded,):
            if message.params is not None:
                self._notify(message.params)
            elif message.id is not None:
                self._settle(message.id, message)
            elif message.error is not None:
                self._refuse_all(_rpc_error(message.error))

    def _notify(self, notification: _Notification) -> None:
        """Hands a notification to its subscription. One that nobody waits for is dropped."""
        subscription = self._subscriptions.get(notification.subscription)
        if subscription is None:
            return
        if notification.error is None:
            subscription.add(notification.result)
        else:
            ended = "the node ended the subscription"
            subscription.fail(RpcError(SUBSCRIPTION_ENDED, ended, notification.error))

    def _settle(self, request_id: int, message: _Message) -> None:
        """Hands an answer to its call. One that comes after its timeout is dropped."""
        exchange, position = self._exchanges.pop(request_id, (None, 0))
        if exchange is None:
            return
        if message.error is not None:
            exchange.settle(position, _rpc_error(message.error))
            return
        if exchange.subscription is not None and isinstance(message.result, str | int):
            # Not later, in the task that waits: the first notification may be the very next message.
            self._subscriptions[message.result] = exchange.subscription
        exchange.settle(position, message.result)

    def _refuse_all(self, error: RpcError) -> None:
        """Answers with an error that has no id everything in flight that it may be about.

        The node could not read a message, or refuses a batch, and does not say which.
        """
        only_batches = error.code in BATCH_CODES
        for exchange, _ in self._exchanges.values():
            if exchange.as_batch or not only_batches:
                exchange.fail(error)

    def _lose(self, lost: ConnectionLost) -> None:
        """Ends everything that waits on the connection. Only the first reason counts."""
        if self._lost is not None:
            return
        self._lost = lost
        for exchange, _ in self._exchanges.values():
            exchange.fail(lost)
        for subscription in self._subscriptions.values():
            subscription.fail(lost)

    def _why_lost(self, closed: ConnectionClosed) -> ConnectionLost:
        said = None if closed.rcvd_then_sent else closed.sent
        if said is not None and said.code == CloseCode.MESSAGE_TOO_BIG:
            return ResponseTooLarge(f"{self.node} sent more than {self._response_bytes_max} bytes at once")
        return ConnectionLost(f"the connection to {self.node} is gone: {closed}")


def _node_name(url: str) -> str:
    """The node as it may be shown: without the user, password, path and query of its URL."""
    try:
        node = parse_uri(url)
    except (WebSocketException, ValueError):
        raise ValueError(
            "the URL of a node looks like ws://127.0.0.1:9944 or wss://example.org/path"
        ) from None
    return f"{'wss' if node.secure else 'ws'}://{node.host}:{node.port}"


def _rpc_error(error: _ErrorObject) -> RpcError:
    return rpc_error(error.code, error.message, error.data)
