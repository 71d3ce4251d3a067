"""What commands that ask a server share: how it is named, and how it is told that it did not answer."""

import os
from typing import Any

import click
import grpc

from server.settings import Settings, default_text, environment_name, is_address

_VARIABLE = environment_name("bind_addr")
_DEFAULT = default_text(Settings.model_fields["bind_addr"])


class ServerAddress(click.ParamType[str]):
    """Where a server listens, in the words of BIND_ADDR."""

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
    help=f"The server to ask.  [env: {_VARIABLE}; default: {_DEFAULT}]",
)


def no_server(address: str) -> str:
    """What to say and to do if no server answers."""
    return (
        f"no server answers at {address}: start one with `chamberlain serve`, or name another with --address"
    )


def refusal(error: grpc.RpcError, address: str) -> click.ClickException:
    """What a server refused, in its words, as the end of a command; it is a `grpc.Call` as well."""
    status: grpc.StatusCode = error.code()
    details: str = error.details() or ""
    if status is grpc.StatusCode.UNAVAILABLE and not _is_ours(error):
        return click.ClickException(no_server(address))
    if status is grpc.StatusCode.UNIMPLEMENTED:
        return click.ClickException(f"what answers at {address} is no Chamberlain")
    return click.ClickException(f"{details} ({status.name})")


def _is_ours(error: grpc.RpcError) -> bool:
    """Whether a server said this, and not the transport: all that we refuse has details."""
    trailing: Any = error.trailing_metadata() or ()
    return any(key == "grpc-status-details-bin" for key, _ in trailing)
