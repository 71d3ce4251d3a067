"""The HTTP endpoint of METRICS_BIND: `/metrics` for Prometheus, `/healthz` for health checks.

It runs in threads of its own. A client that stalls is cut off, and a client above the limit is turned away.
"""

import contextlib
import errno
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import make_wsgi_app

from server.listener import PortTaken

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STALLED_SECONDS = 5.0
REQUESTS_MAX = 8
"""How many are answered at once."""
POLL_SECONDS = 0.05
"""How long the end of the endpoint may wait for its thread."""


class _Handler(WSGIRequestHandler):
    timeout = STALLED_SECONDS

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Scrapes are not logged."""

    def log_error(self, *args: Any) -> None:
        """Nor are clients that ask for nonsense, or stall."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, *given: Any) -> None:
        self._turns = threading.Semaphore(REQUESTS_MAX)
        super().__init__(*given)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # without asking the name service for our name
        self.server_name, self.server_port = "", self.server_address[1]
        self.setup_environ()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self._turns.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._turns.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that disconnected is not worth a log line."""


@contextlib.contextmanager
def endpoint(address: str, registry: CollectorRegistry, healthy: Callable[[], bool]) -> Iterator[int]:
    """Serve at `host:port` meanwhile; yields the port. Raises `PortTaken`."""
    server = _bind(address)
    server.set_app(_application(make_wsgi_app(registry), healthy))
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _bind(address: str) -> _Server:
    host, _, port = address.rpartition(":")
    try:
        family, _, _, _, target = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]

        class Server(_Server):
            address_family = family

        return Server((str(target[0]), int(target[1])), _Handler)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"{address} is taken: choose another METRICS_BIND") from None
        raise PortTaken(f"cannot listen on {address}, the METRICS_BIND: {error.strerror}") from None


def _application(metrics: "WSGIApplication", healthy: Callable[[], bool]) -> "WSGIApplication":
    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                return metrics(environ, start)
            case "/healthz":
                status, text = (
                    ("200 OK", b"serving\n") if healthy() else ("503 Not Serving", b"not serving\n")
                )
            case _:
                status, text = "404 Not Found", b"/metrics and /healthz are here\n"
        start(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text)))])
        return [text]

    return answer
