"""The node: a development chain served over WebSocket, with blocks made in time."""

import asyncio
import contextlib
import dataclasses
import http
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from chain.devnet.chain import DevChain
from chain.devnet.config import Sealing
from chain.devnet.faults import MESSAGE_BYTES_MAX, Fault, Faults
from chain.devnet.rpc import protocol
from chain.devnet.rpc.pins import Pins
from chain.devnet.rpc.pruning import Pruning
from chain.devnet.rpc.session import Session

CONNECTIONS_MAX = 100
"""As on real nodes. One more is closed at once."""

CLOSE_TIMEOUT_SECONDS = 1.0


@dataclasses.dataclass(slots=True)
class _Cut:
    """Connections are to be cut after so many more messages to them."""

    messages_left: int
    spare: Session | None


class DevNode:
    """Serves a chain while it is entered (`async with`), and makes its blocks if it is to be sealed by time.

    Port 0 takes a free port; `url` tells which. Several nodes may serve chains of their own in one process,
    or the same chain, of which only one of them may be the author; nodes of one chain share its pool. With a
    pruning window, a node refuses what lies so many blocks behind the finalized one; otherwise it is an
    archive. `faults` lets things go wrong.

    Raises:
        ValueError: the pruning window is out of range.
        OSError: on entering, the address is not available.
    """

    def __init__(
        self,
        chain: DevChain,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        pruning_blocks: int | None = None,
        author: bool = True,
    ) -> None:
        self.chain = chain
        self.pruning = Pruning(chain, pruning_blocks)
        self._author = author
        self.faults = Faults(chain.config.seed)
        self.pins = Pins()
        self._cut: _Cut | None = None
        self._address = (host, port)
        self._connections: dict[Session, ServerConnection] = {}
        self._server: Server | None = None
        self._sealing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        host, port = self._address
        self._server = await serve(
            self._serve_connection,
            host,
            port,
            process_request=self._refuse,
            max_size=MESSAGE_BYTES_MAX,
            compression=None,
            ping_interval=None,  # a client that reads only when it calls would miss pings
            close_timeout=CLOSE_TIMEOUT_SECONDS,
        )
        if self._author and self.chain.config.sealing is Sealing.INTERVAL:
            self._sealing = asyncio.create_task(self._seal_in_time())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        if self._sealing is not None:
            await _cancel(self._sealing)

    @property
    def url(self) -> str:
        """Return the WebSocket URL, once entered."""
        assert self._server is not None
        host, port = next(iter(self._server.sockets)).getsockname()[:2]
        return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"

    async def run(self) -> None:
        """Wait until cancelled. An error in making blocks is raised here."""
        await (self._sealing or asyncio.Event().wait())

    def drop_connections(self, spare: Session | None = None, after_messages: int = 0) -> int:
        """Cut all connections but one, without a closing handshake, and return how many there are.

        With `after_messages`, that happens once the node has sent so many messages to them, taken together.
        """
        connections = [
            connection for session, connection in self._connections.items() if session is not spare
        ]
        if after_messages:
            self._cut = _Cut(after_messages, spare)
            return len(connections)
        self._cut = None
        for connection in connections:
            connection.transport.abort()
        self.faults.struck[Fault.CONNECTION_DROPPED] += len(connections)
        return len(connections)

    def stop_chain_head(self) -> int:
        """Tell all followers of the chain to `stop`, and return how many there were."""
        return sum(session.stop_following() for session in list(self._connections))

    def clear_faults(self) -> None:
        """Switch all faults off, and cut no connection that was to be cut later."""
        self.faults.clear()
        self._cut = None

    async def _seal_in_time(self) -> None:
        """Make a block every block time; where the machine is late, blocks are left out, not made up for."""
        loop = asyncio.get_running_loop()
        block_time_seconds = self.chain.config.block_time_ms / 1000
        due = loop.time()
        while True:
            due = max(due + block_time_seconds, loop.time())
            await asyncio.sleep(due - loop.time())
            if not self.chain.sealing_paused:
                self.chain.seal()

    def _refuse(self, connection: ServerConnection, _request: Request) -> Response | None:
        if not self.faults.refuses_connection():
            return None
        return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "The node is away.\n")

    async def _serve_connection(self, connection: ServerConnection) -> None:
        if len(self._connections) >= CONNECTIONS_MAX:
            await connection.close(1013, "too many connections")
            return
        async with self._session(connection) as session:
            with contextlib.suppress(ConnectionClosed):
                async for message in connection:
                    await session.answer(await protocol.answer(session, message))

    @contextlib.asynccontextmanager
    async def _session(self, connection: ServerConnection) -> AsyncIterator[Session]:
        session = Session(self.chain, self, cut=connection.transport.abort)
        self._connections[session] = connection
        self.chain.observers.append(session)
        writer = asyncio.create_task(self._write(session, connection))
        try:
            yield session
        finally:
            self.chain.observers.remove(session)
            del self._connections[session]
            session.close()
            await _cancel(writer)

    async def _write(self, session: Session, connection: ServerConnection) -> None:
        """Send what is outgoing until cancelled; once the connection has ended, throw it away."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await connection.send(await session.outgoing.get())
                self._count_message(session)
        while True:
            await session.outgoing.get()  # so that nobody waits for room

    def _count_message(self, session: Session) -> None:
        """Cut the connections if this was the message to do so after."""
        if self._cut is not None and session is not self._cut.spare:
            self._cut.messages_left -= 1
            if not self._cut.messages_left:
                self.drop_connections(self._cut.spare)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
