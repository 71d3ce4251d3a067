"""A proxy before a server, that is slow, falls silent, or cuts its connections at the worst moment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

CHUNK_BYTES = 1 << 16
LATE_CHUNKS_MAX = 1024


class Cut(Enum):
    """When a connection is cut: as soon as the client says `word`, before or after the server hears it.

    MUTE cuts nothing: the server hears it, and the client hears nothing any more, not even an end.
    """

    NEVER = "never"
    BEFORE = "before"
    AFTER = "after"
    MUTE = "mute"


class Proxy:
    """Passes bytes on between clients and 127.0.0.1:`server_port`; `cut` says what happens to `word`.

    What the server says comes `delay_seconds` later, as over a long line. While it is frozen, nothing
    passes in either direction, as if the server's machine stood still.
    """

    def __init__(self, server_port: int, word: bytes, delay_seconds: float = 0.0) -> None:
        self.cut = Cut.NEVER
        self.port = 0
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._server_port = server_port
        self._word = word
        self._delay_seconds = delay_seconds
        self._connections: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def before(
        cls, server_port: int, word: bytes = b"", delay_seconds: float = 0.0
    ) -> AsyncIterator["Proxy"]:
        proxy = cls(server_port, word, delay_seconds)
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()
            for connection in proxy._connections:
                connection.cancel()
            await asyncio.gather(*proxy._connections, return_exceptions=True)
            await server.wait_closed()

    def freeze(self) -> None:
        """Let nothing pass until `thaw`."""
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        said = asyncio.Event()
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(LATE_CHUNKS_MAX)
        ways = (
            asyncio.create_task(self._to_server(reader, server_writer, said)),
            asyncio.create_task(self._to_client(server_reader, said, late)),
            asyncio.create_task(self._deliver(late, writer)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.close()
            server_writer.close()
            self._connections.discard(connection)

    async def _to_server(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if self.cut is not Cut.NEVER and self._word in chunk:
                    if self.cut is Cut.BEFORE:
                        return
                    said.set()
                await self._thawed.wait()
                writer.write(chunk)
                await writer.drain()

    async def _to_client(
        self, reader: asyncio.StreamReader, said: asyncio.Event, late: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if said.is_set() and self.cut is Cut.MUTE:
                    continue
                if said.is_set():
                    return  # the server has done it, and the client will never hear
                await self._thawed.wait()
                await late.put((loop.time() + self._delay_seconds, chunk))
        await late.join()

    async def _deliver(self, late: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        """Hand to the client what is due."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while True:
                due, chunk = await late.get()
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())
                writer.write(chunk)
                await writer.drain()
                late.task_done()
