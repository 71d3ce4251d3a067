"""The bridge between storage and a chain: one connection, a reader and a submitter on it, for ever.

It survives everything that a node or a database can do to it: whatever fails, it connects anew after a
pause, and goes on from what is stored.
"""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from chain.inclusion import hint_inclusion
from chain.keyring import Keyring
from chain.node import ChainError, Node
from chain.reader import Reader
from chain.rpc import RpcClient, RpcFailure
from chain.runtimes import Runtimes
from chain.scale.errors import ScaleError
from chain.signer_watch import SignerAccount, SignerWatch
from chain.submitter import Submitter
from storage.errors import StorageError
from storage.store import Storage

PAUSE_SECONDS_MIN = 0.25
PAUSE_SECONDS_MAX = 15.0
STEADY_SECONDS = 30.0
"""A connection that held this long starts the pauses anew."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class BridgeSettings:
    """Where the chain is and how to speak with it.

    `start_block` is the first block to read into a database that has read none; the next finalized one
    if None. `metadata` is a file with the SCALE metadata of the chain's present runtime, to be used
    instead of asking the node for it. `attempts_max` is how many attempts of an extrinsic may come to
    nothing before it is given up.
    """

    url: str
    keyring: Keyring
    start_block: int | None = None
    metadata: Path | None = None
    poll_seconds: float = 0.5
    attempts_max: int = 5
    submit: bool = True


@dataclass(frozen=True)
class BridgeStatus:
    """How the bridge is. `connections` is how often a node was connected; `signers` were asked of late."""

    connected: bool
    endpoint: str
    genesis_hash: str
    finalized_number: int | None
    finalized_hash: bytes
    last_error: str
    connections: int = 0
    signers: tuple[SignerAccount, ...] = ()


class Bridge:
    """Keeps storage and chain together; `run` is its only work."""

    def __init__(self, storage: Storage, settings: BridgeSettings) -> None:
        """Raises ValueError for a URL that is none, and OSError or ValueError for the file of metadata."""
        self._storage = storage
        self._settings = settings
        self._runtimes = Runtimes(settings.metadata)
        self._connected = False
        self._reader: Reader | None = None
        self._connections = 0
        self._signers = SignerWatch(settings.keyring)
        self._reading_error = ""
        self._sending_error = ""
        self._endpoint = RpcClient(settings.url).node

    def status(self) -> BridgeStatus:
        """How the bridge is now."""
        finalized = self._reader.finalized if self._reader else None
        return BridgeStatus(
            connected=self._connected,
            endpoint=self._endpoint,
            genesis_hash=self._storage.binding,
            finalized_number=finalized.number if finalized else None,
            finalized_hash=finalized.hash if finalized else b"",
            last_error=self._reading_error or self._sending_error,
            connections=self._connections,
            signers=self._signers.accounts,
        )

    async def genesis_hash(self) -> str:
        """Ask the node which chain it follows, in hexadecimal. Raises `RpcFailure`."""
        async with RpcClient(self._settings.url) as client:
            return (await Node(client).genesis_hash()).hex()

    async def run(self) -> None:
        """Read and submit for ever; the storage must be prepared."""
        pause = PAUSE_SECONDS_MIN
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                await self._work()
            except (RpcFailure, ChainError, ScaleError, StorageError) as failure:
                self._note(str(failure) or type(failure).__name__)
            except Exception:
                log.exception("the bridge failed")
                self._note("an internal error, see the log of the server")
            finally:
                self._connected = False
            if loop.time() - started > STEADY_SECONDS:
                pause = PAUSE_SECONDS_MIN
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def _work(self) -> None:
        async with RpcClient(self._settings.url) as client:
            node = Node(client, self._runtimes)
            genesis_hash = await node.genesis_hash()
            if genesis_hash.hex() != self._storage.binding:
                raise ChainError(
                    f"the node follows the chain with genesis 0x{genesis_hash.hex()}, this database is"
                    f" bound to 0x{self._storage.binding}: point CHAIN_WS_URL at a node of that chain"
                )
            self._connected = True
            self._connections += 1
            self._reader = Reader(
                self._storage,
                node,
                self._settings.start_block,
                self._settings.attempts_max,
                self._note_progress,
            )
            cursor = await self._reader.begin()
            jobs = [self._reader.run(cursor)]
            if self._settings.submit:
                jobs += [self._submit(node, genesis_hash), self._signers.run(node)]
            await _until_one_ends(jobs)

    async def _submit(self, node: Node, genesis_hash: bytes) -> None:
        """Submit for ever. A chain that cannot be signed for is read all the same."""
        while True:
            submitter = Submitter(
                self._storage, node, self._settings.keyring, genesis_hash, self._settings.poll_seconds
            )
            self._sending_error = ""
            hints = asyncio.create_task(hint_inclusion(self._storage, node, submitter.sent))
            try:
                await submitter.run()
            except ScaleError as error:
                self._sending_error = f"nothing can be signed: {error}"
                log.error(self._sending_error)
            finally:
                hints.cancel()
                await asyncio.gather(hints, return_exceptions=True)
            await asyncio.sleep(PAUSE_SECONDS_MAX)

    def _note_progress(self) -> None:
        self._reading_error = ""

    def _note(self, error: str) -> None:
        if error != self._reading_error:
            log.warning("the chain cannot be followed", endpoint=self._endpoint, error=error)
        self._reading_error = error


async def _until_one_ends(jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run jobs until one of them ends, end the others, and raise what it raised.

    Not a task group: in Python 3.11 one whose task fails while it is cancelled forgets the cancellation.
    """
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()
