"""The programs as their users run them: processes of their own, started, killed and started again."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.ports import free_port

START_SECONDS_MAX = 60.0
COMMAND = Path(sys.executable).with_name("chamberlain")
ROOT = Path(__file__).parents[2]
INHERITED = ("PATH", "HOME", "TMPDIR", "PYTHONPATH")


class Server:
    """`chamberlain serve` with these environment settings, on the same port whenever it is started.

    `command` is what is run, if something else is to be; what it says is added to the file `log`, if there is
    one.
    """

    def __init__(self, **settings: str) -> None:
        self.port = free_port()
        self.command: Sequence[str] = (str(COMMAND), "serve")
        self.log: Path | None = None
        self._settings = {"BIND_ADDR": f"127.0.0.1:{self.port}", "LOG_LEVEL": "warning"} | settings
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def process_id(self) -> int:
        """The id of the running process."""
        assert self._process is not None, "it is started first"
        return self._process.pid

    async def spawn(self) -> None:
        """Start, and do not wait."""
        if self.log is None:
            self._process = await _spawn(self.command, self._settings)
            return
        with self.log.open("a") as log:
            self._process = await _spawn(self.command, self._settings, stderr=log.fileno())

    async def start(self) -> None:
        """Start, and wait until it says that it serves."""
        await self.spawn()
        assert self._process is not None
        async with asyncio.timeout(START_SECONDS_MAX):
            async with grpc.aio.insecure_channel(self.address) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                while True:
                    with contextlib.suppress(grpc.RpcError):
                        answer = await health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True)
                        if answer.status == health_pb2.HealthCheckResponse.SERVING:
                            return
                    assert self._process.returncode is None, "the server has exited"
                    await asyncio.sleep(0.05)

    async def run_to_its_end(self) -> tuple[int, str]:
        """Start a server that cannot serve; its exit status, and what it says."""
        process = await _spawn(self.command, self._settings, stderr=asyncio.subprocess.PIPE)
        async with asyncio.timeout(START_SECONDS_MAX):
            _, said = await process.communicate()
        return process.returncode or 0, said.decode()

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """End it as an operator would; its exit status."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        return await process.wait()

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, **settings: str) -> AsyncIterator["Server"]:
        server = cls(**settings)
        try:
            await server.start()
            yield server
        finally:
            await server.kill()


@contextlib.asynccontextmanager
async def development_chain(
    *, block_time_ms: int, finality_lag: int, arguments: Sequence[str] = ()
) -> AsyncIterator[str]:
    """`chamberlain devnet` on a free port; its URL."""
    command = [str(COMMAND), "devnet", "--listen", "127.0.0.1:0", "--block-time-ms", str(block_time_ms)]
    command += ["--finality-lag", str(finality_lag), "--bidding-window", "100000", *arguments]
    process = await _spawn(command, {}, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_SECONDS_MAX):
            line = (await process.stdout.readline()).decode()
        yield line.split()[0]
    finally:
        process.kill()
        await process.wait()


async def _spawn(
    command: Sequence[str],
    settings: Mapping[str, str],
    stdout: int | None = asyncio.subprocess.DEVNULL,
    stderr: int | None = None,
) -> asyncio.subprocess.Process:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return await asyncio.create_subprocess_exec(
        *command,
        env={**inherited, **settings},
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
    )
