"""The bridge between storage and a chain: one connection, a reader and a submitter on it, for ever.

Of several processes on one database all submit, and one reads.

It survives everything that a node or a database can do to it: whatever fails, it connects anew after a
pause, and goes on from what is stored.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from chain.endpoints import Endpoints
from chain.inclusion import hint_inclusion
from chain.keyring import Keyring
from chain.node import ChainError, Node
from chain.pace import Pace
from chain.pallets import DEFAULT, PalletTable
from chain.pallets_check import missing_in
from chain.progress import Progress
from chain.raw_calls import Misfit, misfit
from chain.reader import Reader
from chain.rpc import RpcClient, RpcFailure
from chain.runtimes import Runtimes
from chain.scale.errors import ScaleError
from chain.scale.runtime import Runtime
from chain.signer_watch import SignerAccount, SignerWatch
from chain.submitter import Submitter
from storage.chain import log as chain_log
from storage.errors import StorageError
from storage.store import Storage

PAUSE_SECONDS_MIN = 0.25
PAUSE_SECONDS_MAX = 15.0
STEADY_SECONDS = 30.0
"""A connection that held this long starts the pauses anew."""
GENESIS_SECONDS_MAX = 5.0
"""How long a node may take to say which chain it follows; the start of a server waits for all of them."""
ELECTION_SECONDS = 2.0
"""How often a process that does not read tries to become the one that does."""
RUNTIME_SECONDS_MAX = 2.0
"""How long a caller waits until the node has said which runtime the chain has."""
STALLED_SECONDS = 90.0
"""A node that finalizes nothing for so long is left for the next one, if there is one."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class BridgeSettings:
    """Where the chain is and how to speak with it.

    `url` may be several, separated by commas: when one node fails, the next one is tried. `archive_url` is a
    node that has pruned nothing, asked only for blocks that the others have pruned. `start_block`
    is the first block to read into a database that has read none; the next finalized one if None. `metadata`
    is a file with the SCALE metadata of the chain's present runtime, to be used instead of asking the node.
    `pallets` is the table of the chain's calls and events. `attempts_max` is how many attempts of an
    extrinsic may come to nothing before it is given up.
    """

    url: str
    keyring: Keyring
    archive_url: str | None = None
    start_block: int | None = None
    metadata: Path | None = None
    pallets: PalletTable = DEFAULT
    poll_seconds: float = 0.5
    attempts_max: int = 5
    submit: bool = True


@dataclass(frozen=True)
class BridgeStatus:
    """How the bridge of this process is.

    `pruned_below` is set while blocks below it are needed that the node has discarded. `is_reader` says
    whether this process reads the chain; if another one does, the numbers here are what this one saw of it.
    `connections` is how often a node was connected; `signers` were asked of late.
    """

    connected: bool
    endpoint: str
    genesis_hash: str
    finalized_number: int | None
    finalized_hash: bytes
    last_error: str
    cursor_number: int | None = None
    pruned_below: int | None = None
    is_reader: bool = False
    missing_in_runtime: tuple[str, ...] = ()
    """What the table of calls and events names and the runtime does not have; empty until it is known."""
    connections: int = 0
    signers: tuple[SignerAccount, ...] = ()


class Bridge:
    """Keeps storage and chain together; `run` is its only work."""

    def __init__(self, storage: Storage, settings: BridgeSettings) -> None:
        """Raises ValueError for a URL that is none, and OSError or ValueError for the file of metadata."""
        self._storage = storage
        self._settings = settings
        self._endpoints = Endpoints(settings.url)
        self._archive = None if settings.archive_url is None else Endpoints(settings.archive_url)
        self._runtimes = Runtimes(settings.metadata)
        self._pace = Pace()
        self._progress = Progress()
        self._connected = False
        self._is_reader = False
        self._connections = 0
        self._signers = SignerWatch(settings.keyring)
        self._reading_error = ""
        self._sending_error = ""
        self._missing: tuple[str, ...] = ()
        self._node: Node | None = None  # that is connected, and whose runtime is known
        self._runtime: Runtime | None = None

    def status(self) -> BridgeStatus:
        """How the bridge is now."""
        finalized = self._progress.finalized
        return BridgeStatus(
            connected=self._connected,
            endpoint=self._endpoints.name,
            genesis_hash=self._storage.binding,
            finalized_number=finalized.number if finalized else None,
            finalized_hash=finalized.hash if finalized else b"",
            last_error=self._reading_error or self._sending_error,
            cursor_number=self._progress.cursor_number,
            pruned_below=self._progress.pruned_below,
            is_reader=self._is_reader,
            missing_in_runtime=self._missing,
            connections=self._connections,
            signers=self._signers.accounts,
        )

    async def genesis_hash(self) -> str:
        """Ask the nodes which chain they follow, in hexadecimal.

        If they disagree, the chain of this database counts. Raises `RpcFailure` if no node answers,
        `ChainError` if they disagree and none fits, or a `Failure` of storage.
        """
        answers = await asyncio.gather(*map(_ask_genesis, self._endpoints.urls), return_exceptions=True)
        found = {answer for answer in answers if isinstance(answer, str)}
        if len(found) == 1:
            return found.pop()
        if found:
            bound = await self._storage.bound_to()
            if bound in found:
                return bound
            raise ChainError("the nodes of CHAIN_WS_URL follow different chains")
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        raise failures[0]

    async def misfit(self, pallet: str, call: str, payload: str) -> Misfit | None:
        """Why a raw call does not fit the runtime of the best block; None if it does, or nobody knows.

        Chains are upgraded, and the runtime that was seen last may be an old one: before a call is found
        wrong, the node is asked. One that does not answer, or is away, finds nothing wrong.
        """
        node, runtime = self._node, self._runtime
        if node is None or runtime is None or misfit(pallet, call, payload, runtime) is None:
            return None
        try:
            async with asyncio.timeout(RUNTIME_SECONDS_MAX):
                self._runtime = runtime = await node.runtime_at(await node.best_hash())
        except (TimeoutError, RpcFailure, ScaleError):
            return None
        return misfit(pallet, call, payload, runtime)

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
                self._connected = self._is_reader = False
                self._node = None
            if loop.time() - started > STEADY_SECONDS:
                pause = PAUSE_SECONDS_MIN
            all_tried = self._endpoints.turn()
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311
            if all_tried:
                pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def _work(self) -> None:
        async with self._open(self._endpoints) as node:
            self._connected = True
            self._connections += 1
            await self._compare(node)
            begun = asyncio.Event()
            jobs = [self._read(node, begun)]
            if self._settings.submit:
                jobs += [self._submit(node, begun), self._signers.run(node)]
            await _until_one_ends(jobs)

    async def _compare(self, node: Node) -> None:
        """Tell what the runtime lacks of the table. All else works on: the chain may never need it."""
        self._runtime = runtime = await node.runtime_at((await node.finalized_head()).hash)
        self._node = node
        missing = missing_in(self._settings.pallets, runtime)
        if missing and missing != self._missing:
            log.warning("the runtime lacks calls or events of the table", missing=missing)
        self._missing = missing

    async def _read(self, node: Node, begun: asyncio.Event) -> None:
        """Read for ever whenever this process is the one that reads; look on while it is not.

        `begun` is set as soon as the database has a cursor.
        """
        reader = Reader(
            self._storage,
            node,
            self._settings.start_block,
            attempts_max=self._settings.attempts_max,
            pace=self._pace,
            progress=self._progress,
            pallets=self._settings.pallets,
            open_archive=None if self._archive is None else partial(self._open, self._archive),
            stalled_seconds=STALLED_SECONDS if len(self._endpoints) > 1 else None,
            on_progress=self._note_progress,
        )
        while True:
            lock = await self._storage.try_lock_chain()
            if lock is None:
                await self._look_on(node, begun)
                continue
            try:
                await reader.begin()
                self._is_reader = True
                begun.set()
                await _until_one_ends([reader.run(), lock.hold()])
            finally:
                self._is_reader = False
                await lock.release()

    async def _look_on(self, node: Node, begun: asyncio.Event) -> None:
        """Note, while another process reads, how far it is."""
        cursor = await self._storage.read(chain_log.cursor)
        self._progress.finalized = await node.finalized_head()
        if cursor is not None:
            self._progress.reached(cursor.block_number)
            begun.set()
        self._note_progress()
        await asyncio.sleep(ELECTION_SECONDS)

    @contextlib.asynccontextmanager
    async def _open(self, endpoints: Endpoints) -> AsyncIterator[Node]:
        """Connect to the present node of a list. Raises `ChainError` if it follows another chain."""
        async with RpcClient(endpoints.url) as client:
            node = Node(client, self._runtimes)
            genesis_hash = (await node.genesis_hash()).hex()
            if genesis_hash != self._storage.binding:
                setting = "CHAIN_ARCHIVE_URL" if endpoints is self._archive else "CHAIN_WS_URL"
                raise ChainError(
                    f"{client.node} follows the chain with genesis 0x{genesis_hash}, this database is"
                    f" bound to 0x{self._storage.binding}: point {setting} at nodes of that chain"
                )
            yield node

    async def _submit(self, node: Node, begun: asyncio.Event) -> None:
        """Submit for ever. A chain that cannot be signed for is read all the same."""
        await begun.wait()  # what is executed in a block that is never read would be signed again
        genesis_hash = bytes.fromhex(self._storage.binding)
        while True:
            submitter = Submitter(
                self._storage,
                node,
                self._settings.keyring,
                genesis_hash,
                self._settings.poll_seconds,
                self._settings.pallets,
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
            log.warning("the chain cannot be followed", endpoint=self._endpoints.name, error=error)
        self._reading_error = error


async def _ask_genesis(url: str) -> str:
    async with RpcClient(url, call_timeout_seconds=GENESIS_SECONDS_MAX) as client:
        return (await Node(client).genesis_hash()).hex()


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
