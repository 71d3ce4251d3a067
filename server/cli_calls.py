"""How commands call a server: its address, the calls, and how a command ends if a call fails."""

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click
import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from server.cli_output import printable
from server.settings import Settings, default_text, environment_name, is_address

CALL_SECONDS = 30.0
_VARIABLE = environment_name("bind_addr")
_DEFAULT = default_text(Settings.model_fields["bind_addr"])

Answer = TypeVar("Answer")
Message = TypeVar("Message")


class ServerAddress(click.ParamType[str]):
    """The address of a server, in the format of BIND_ADDR."""

    name = "host:port"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_address(value):
            self.fail(f"expected host:port, [IPv6]:port or unix:/path, not {value!r}", param, ctx)
        return value


address_option = click.option(
    "--address",
    metavar="HOST:PORT",
    type=ServerAddress(),
    default=lambda: os.environ.get(_VARIABLE) or _DEFAULT,
    help=f"The address of the server.  [env: {_VARIABLE}; default: {_DEFAULT}]",
)


class Refused(click.ClickException):
    """Ends a command with the message of the error; `reason` is that of the contract, or empty."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(printable(message))
        self.reason = reason


class Server:
    """A server to ask, over a channel to its address."""

    def __init__(self, address: str, channel: grpc.Channel) -> None:
        self.address = address
        self._channel = channel

    def stub(self, kind: Callable[[grpc.Channel], object]) -> Any:
        """The client of one of its services; `kind` is a generated class of stubs."""
        return kind(self._channel)

    def ask(
        self, method: Callable[..., Answer], request: object, *, timeout_seconds: float = CALL_SECONDS
    ) -> Answer:
        """Call a unary method. Raises `Refused`, which ends the command."""
        try:
            return method(request, timeout=timeout_seconds)
        except grpc.RpcError as error:
            raise _refused(error, self.address) from None

    def pages(
        self,
        method: Callable[..., Any],
        request: Any,
        items: str,
        *,
        page_size: int,
        limit: int | None = None,
    ) -> Iterator[Any]:
        """The pages of a list, until its end or until they hold `limit` `items`. Raises `Refused`."""
        found = 0
        while limit is None or found < limit:
            request.page_size = page_size if limit is None else min(page_size, limit - found)
            page = self.ask(method, request)
            yield page
            found += len(getattr(page, items))
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    def follow(self, method: Callable[..., Iterable[Message]], request: object) -> Iterator[Message]:
        """The messages of a streaming method, for as long as it takes. Raises `Refused`."""
        try:
            yield from method(request)
        except grpc.RpcError as error:
            raise _refused(error, self.address) from None


def asks_a_server(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--address`, and the server there as its first argument."""

    @address_option
    @functools.wraps(command)
    def connected(address: str, **given: Any) -> None:
        with grpc.insecure_channel(address) as channel:
            command(Server(address, channel), **given)

    return connected


def _refused(error: grpc.RpcError, address: str) -> Refused:
    """The end of a command whose call failed; the error is a `grpc.Call`, too."""
    code: grpc.StatusCode = error.code()
    reason = _reason(error)
    if reason:
        return Refused(f"{error.details()} ({code.name})", reason)
    if code is grpc.StatusCode.UNAVAILABLE:  # from the transport, not from a server
        return Refused(
            f"no server responds at {address}: start one with `chamberlain serve`,"
            " or name another with --address"
        )
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Refused(f"the server at {address} did not respond in time")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return Refused(f"{address} is not a Chamberlain server")
    return Refused(f"{error.details()} ({code.name})")


def _reason(error: Any) -> str:
    """The reason in the error; empty if it is not from a Chamberlain server: their errors all have one."""
    status = rpc_status.from_call(error)
    info = ErrorInfo()
    if status is None or not any(detail.Unpack(info) for detail in status.details):
        return ""
    return info.reason
