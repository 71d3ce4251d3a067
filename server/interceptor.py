"""The outermost layer of every call: one handler in front of all others, built once per method.

It intercepts as a generic handler, not as a `grpc.aio.ServerInterceptor`, since that detour alone costs a
tenth of a call. For each call it keeps what is known about it (`Call`), bounds and parses the request, turns
errors into statuses, ends calls that outlive the default deadline, and knows what is in flight, so that the
server can drain. It logs nothing and starts no task, so that a call passes it in a microsecond or two.
"""

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError
from grpc.aio import AbortError, ServicerContext

from server.errors import InvalidField, RequestTooLarge, Violation, abort
from server.traces import trace_id_of
from storage.audit.deeds import ANONYMOUS, Deed
from storage.errors import CommitUnknown, DeadlineExceeded, Failure, ShuttingDown

if TYPE_CHECKING:
    from server.metrics.calls import CallMeter

OVERDUE_CHECK_SECONDS = 0.5
"""How often calls are looked for that have outlived the default deadline."""
QUIET_SECONDS = 0.01
"""How long nothing may come before a drain is over; under load calls come every fraction of that."""

Context: TypeAlias = "ServicerContext[Any, Any]"
Handler: TypeAlias = Any  # grpc.RpcMethodHandler, whose types do not know asynchronous methods
Parse = Callable[[bytes], Any]


class Call:
    """One call in flight."""

    __slots__ = (
        "_committing", "_deed", "_loop", "_task", "_timeout_seconds", "busy", "context", "correlation_id",
        "ended_by", "method", "start",
    )  # fmt: skip

    def __init__(self, method: str, context: Context, timeout_seconds: float) -> None:
        self.method = method
        self.context = context
        self.correlation_id = ""  # of the extrinsic that the call asked for
        self.ended_by: Failure | None = None
        self.busy = False  # writing a message
        self._committing = False
        self._deed: Deed | None = None
        self._timeout_seconds = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self.start = self._loop.time()

    def deadline(self) -> float:
        """When the call must be answered, by the clock of the event loop."""
        remaining: float | None = self.context.time_remaining()
        if remaining is None:
            return self.start + self._timeout_seconds
        return self._loop.time() + remaining

    def restart(self) -> None:
        """Count the default deadline from now: a message of the client has come."""
        self.start = self._loop.time()
        self._committing = False

    @property
    def deed(self) -> Deed:
        """The actor of the call for the audit log, and its method as `Service/Method`."""
        if self._deed is None:
            self._deed = _deed(self.method, trace_id_of(self.context.invocation_metadata()))
        return self._deed

    @property
    def task(self) -> asyncio.Task[Any]:
        assert self._task is not None
        return self._task

    def end(self, failure: Failure) -> None:
        """End the call with the status of `failure`, but not in the middle of a message."""
        if self.ended_by is None:
            self.ended_by = failure
            if not self.busy:
                self.task.cancel()

    def enter_commit(self) -> None:
        """Note that what the call asked for is being committed."""
        self._committing = True

    def leave_commit(self) -> None:
        """Note that the call was ended while it waited; a commit that was begun may still come."""
        if self.ended_by is not None and self._committing:
            self.ended_by = CommitUnknown()


_current: ContextVar[Call] = ContextVar("call")


def current_call() -> Call:
    """The call that the running task handles. Raises `LookupError` outside of one."""
    return _current.get()


@functools.lru_cache(maxsize=256)
def _deed(method: str, trace_id: str) -> Deed:
    return Deed(actor=ANONYMOUS, method=method.rpartition(".")[2], trace_id=trace_id)


Take = Callable[[Call, Any], Any]
"""Makes of what came from the transport what a method takes."""


class CallInterceptor(grpc.GenericRpcHandler):
    """Stands in front of `handlers`; see the module.

    `timeout_seconds` bounds unary calls whose client has set no deadline. `meter` counts calls, if there is
    one.
    """

    def __init__(
        self,
        handlers: Sequence[grpc.GenericRpcHandler],
        *,
        request_bytes_max: int,
        timeout_seconds: float,
        meter: "CallMeter | None" = None,
    ) -> None:
        self._inner = handlers
        self._request_bytes_max = request_bytes_max
        self._timeout_seconds = timeout_seconds
        self._meter = meter
        self._handlers: dict[str, Handler] = {}
        # In the order of their start, as dictionaries keep it.
        self._unary: dict[Call, None] = {}
        self._streams: dict[Call, None] = {}
        self._draining = False
        self._refused = 0  # calls that came while draining

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler:
        """The handler of a method, wrapped; None if there is no such method."""
        method = handler_call_details.method
        handler = self._handlers.get(method)
        if handler is None:
            found = (inner.service(handler_call_details) for inner in self._inner)
            handler = next((one for one in found if one is not None), None)
            if handler is not None:
                handler = self._handlers[method] = self._wrap(method, handler)
            elif self._meter is not None:
                self._meter.unknown()
        return handler

    async def end_overdue(self) -> None:
        """End unary calls that outlive the default deadline; runs until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(OVERDUE_CHECK_SECONDS)
            latest = loop.time() - self._timeout_seconds
            for call in list(self._unary):
                if call.start > latest:
                    break
                if call.context.time_remaining() is None:
                    call.end(DeadlineExceeded())

    @property
    def unary_calls(self) -> int:
        """How many unary calls are in flight."""
        return len(self._unary)

    @property
    def streams(self) -> int:
        """How many response streams are open."""
        return len(self._streams)

    async def drain(self, at_most_seconds: float) -> None:
        """Refuse new calls, end all streams after the message they are sending, and let calls finish.

        Requests may still be in transit: the drain is over when none has arrived for a moment.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + at_most_seconds
        self._draining = True
        for call in list(self._streams):
            call.end(ShuttingDown())
        seen = -1
        while (self._unary or self._streams or self._refused != seen) and loop.time() < deadline:
            seen = self._refused
            await asyncio.sleep(QUIET_SECONDS)

    async def ended(self) -> None:
        """Wait for all calls in flight, also for those whose client has left."""
        while tasks := {call.task for call in (*self._unary, *self._streams)}:
            await asyncio.wait(tasks)

    def _wrap(self, method: str, handler: Handler) -> Handler:
        if not handler.response_streaming and not handler.request_streaming:
            return grpc.unary_unary_rpc_method_handler(
                self._unary_handler(method, handler), response_serializer=handler.response_serializer
            )
        if not handler.request_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._stream_handler(method, handler.unary_stream, _parsing(self._parser(handler))),
                response_serializer=handler.response_serializer,
            )
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._stream_handler(method, handler.stream_stream, _as_it_is),
                handler.request_deserializer,
                handler.response_serializer,
            )
        parse = self._parser(handler)
        return grpc.stream_unary_rpc_method_handler(
            self._stream_handler(method, handler.stream_unary, lambda call, raw: _Requests(call, raw, parse)),
            response_serializer=handler.response_serializer,
        )

    def _unary_handler(self, method: str, handler: Handler) -> Callable[[Any, Context], Awaitable[Any]]:
        behave: Callable[[Any, Context], Awaitable[Any]] = handler.unary_unary
        parse = self._parser(handler)
        calls, timeout_seconds = self._unary, self._timeout_seconds
        ours = not method.startswith("/grpc.")  # health is told to whoever asks, to the end

        async def respond(raw: bytes, context: Context) -> Any:
            call = Call(method, context, timeout_seconds)
            calls[call] = None
            _current.set(call)
            try:
                if self._draining and ours:
                    self._refused += 1
                    raise ShuttingDown
                return await behave(parse(raw), context)
            except AbortError:
                raise
            except asyncio.CancelledError:
                if call.ended_by is None:
                    raise  # the client has left
                await abort(context, call.ended_by)
            except Exception as error:
                await abort(context, error)
            finally:
                del calls[call]

        return respond if self._meter is None else self._meter.unary(method, respond)

    def _stream_handler(
        self, method: str, behave: Callable[..., Any], take: Take
    ) -> Callable[[Any, Context], Awaitable[Any]]:
        calls, timeout_seconds = self._streams, self._timeout_seconds
        generates = inspect.isasyncgenfunction(behave)

        async def respond(request: Any, context: Context) -> Any:
            call = Call(method, context, timeout_seconds)
            calls[call] = None
            _current.set(call)
            try:
                if self._draining:
                    self._refused += 1
                    raise ShuttingDown
                answers = behave(take(call, request), context)
                return await (_send(call, answers) if generates else answers)
            except AbortError:
                raise
            except asyncio.CancelledError:
                if call.ended_by is None:
                    raise
                await abort(context, call.ended_by)
            except Exception as error:
                await abort(context, error)
            finally:
                del calls[call]

        return respond if self._meter is None else self._meter.stream(method, respond)

    def _parser(self, handler: Handler) -> Parse:
        """The function that bounds and parses a request."""
        parse, request_bytes_max = handler.request_deserializer or bytes, self._request_bytes_max

        def bounded(raw: bytes) -> Any:
            if len(raw) > request_bytes_max:
                raise RequestTooLarge(len(raw), request_bytes_max)
            try:
                return parse(raw)
            except DecodeError as error:
                raise InvalidField([Violation("", "is not a message of its type")]) from error

        return bounded


class _Requests:
    """The messages of a client stream, bounded in size and parsed."""

    def __init__(self, call: Call, raw: AsyncIterable[bytes], parse: Parse) -> None:
        self._call = call
        self._raw = aiter(raw)
        self._parse = parse

    def __aiter__(self) -> "_Requests":
        return self

    async def __anext__(self) -> Any:
        raw = await anext(self._raw)
        self._call.restart()
        return self._parse(raw)


def _parsing(parse: Parse) -> Take:
    return lambda call, raw: parse(raw)


def _as_it_is(call: Call, requests: Any) -> Any:
    return requests


async def _send(call: Call, messages: AsyncGenerator[Any, None]) -> None:
    async with contextlib.aclosing(messages):
        async for message in messages:
            call.busy = True
            await call.context.write(message)
            call.busy = False
            if call.ended_by is not None:
                raise call.ended_by
