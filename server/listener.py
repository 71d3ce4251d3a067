"""Listening on an address, and the options of the transport."""

import errno
import socket
from collections.abc import Iterable
from typing import Any

from grpc import GenericRpcHandler
from grpc.aio import Server


class Routes:
    """The handlers that the generated `add_…_to_server` functions register, when given this for a server.

    `services` are the full names of the services that were added, in that order. The functions also register
    each method by its name, and at every call gRPC's asyncio server waits for a future of
    each such method: a cost per call that grows with the number of methods, a tenth of a call at 35. Generic
    handlers share one.
    """

    def __init__(self, handlers: Iterable[GenericRpcHandler]) -> None:
        self.handlers = list(handlers)
        self.services: list[str] = []

    def add_generic_rpc_handlers(self, handlers: Iterable[GenericRpcHandler]) -> None:
        self.handlers.extend(handlers)

    def add_registered_method_handlers(self, service_name: str, handlers: Any) -> None:
        """Note the service; its methods are left out."""
        self.services.append(service_name)


class PortTaken(Exception):
    """The address to listen on is in use, or does not belong to this machine."""


def channel_options(request_bytes_max: int) -> list[tuple[str, int]]:
    """The options of the transport, for requests of at most `request_bytes_max`."""
    return [
        ("grpc.so_reuseport", 0),  # else a second server silently takes half of the calls
        # Above the size limit the interceptor refuses with details; far above it, the transport without them.
        ("grpc.max_receive_message_length", 4 * request_bytes_max),
        ("grpc.max_send_message_length", -1),
        # Detects clients that vanished silently; clients may send pings as often.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]


def listen(server: Server, address: str) -> int:
    """Bind the server; the port. Raises `PortTaken`."""
    if not address.startswith("unix:"):
        _probe(address)
    try:
        return server.add_insecure_port(address)
    except RuntimeError:
        raise PortTaken(f"cannot listen on {address}") from None


def _probe(address: str) -> None:
    """Bind the address briefly: unlike gRPC's core, the socket reports why it cannot be bound."""
    host, _, port = address.rpartition(":")
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"{address} is already in use: choose another BIND_ADDR") from None
        raise PortTaken(f"cannot listen on {address}: {error.strerror}") from None
