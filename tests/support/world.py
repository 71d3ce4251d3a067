"""A development chain, a storage and the bridge between them, for tests of what they do together."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from chain.bridge import Bridge, BridgeSettings
from chain.devnet import DevChain, DevChainConfig, DevNode
from chain.keyring import Keyring
from chain.keys import Signer, load_signer
from chain.scale.extrinsic import Era, sign_extrinsic
from storage.chain import outbox
from storage.lifecycle import ExtrinsicStatus
from storage.market import agents, bids, results, tasks
from storage.records import Agent, Bid, Extrinsic, Receipt, Result, Task
from storage.store import Storage

T = TypeVar("T")

WAIT_SECONDS = 60.0
BLOCK_TIME_MS = 20
BUDGET = 1_000_000
NONCE = b"n" * 32
FINISHED = frozenset(
    {
        ExtrinsicStatus.FINALIZED,
        ExtrinsicStatus.FAILED,
        ExtrinsicStatus.CANCELLED,
        ExtrinsicStatus.DEAD,
    }
)


async def eventually(
    look: Callable[[], Awaitable[T | None]], what: str = "it", within_seconds: float = WAIT_SECONDS
) -> T:
    """What `look` finds as soon as it finds something; fails when it takes too long."""
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {within_seconds} s")


class World:
    """One market: its chain, its node, its storage."""

    def __init__(self, chain: DevChain, node: DevNode, storage: Storage) -> None:
        self.chain = chain
        self.node = node
        self.storage = storage

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, url: str = ":memory:", **config: Any) -> AsyncIterator["World"]:
        """A world whose storage is bound to its chain; the bridge is not running yet."""
        chain = DevChain(
            DevChainConfig(**{"block_time_ms": BLOCK_TIME_MS, "bidding_window_blocks": 100_000} | config)
        )
        async with DevNode(chain) as node:
            storage = Storage.open(url)
            await storage.prepare(chain.genesis.hash.hex())
            try:
                yield cls(chain, node, storage)
            finally:
                await storage.close()

    def bridge(self, **settings: Any) -> Bridge:
        given: dict[str, Any] = {
            "url": settings.get("url") or self.node.url,
            "keyring": Keyring.development(),
            "start_block": 1,
            "poll_seconds": 0.02,
        }
        return Bridge(self.storage, BridgeSettings(**given | settings))

    @contextlib.asynccontextmanager
    async def bridged(self, **settings: Any) -> AsyncIterator[Bridge]:
        """The bridge at work; at the end it is cut off as a crash would, wherever it is."""
        bridge = self.bridge(**settings)
        work = asyncio.create_task(bridge.run())
        try:
            yield bridge
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    # What clients of the service do

    async def register(self, agent_id: str) -> Receipt[Agent]:
        return await self.storage.commit(agents.register, agents.NewAgent(agent_id=agent_id))

    async def create_task(self, budget: int = BUDGET, seconds: float = 1000.0) -> Receipt[Task]:
        return await self.storage.commit(
            tasks.create,
            tasks.NewTask(
                requester_id="requester",
                description="count the stars",
                task_type="compute",
                max_budget=budget,
                deadline_us=int((time.time() + seconds) * 1_000_000),
                bidding_window_us=0,
            ),
        )

    async def bid(self, task: Task, agent_id: str, value: int) -> Receipt[Bid]:
        commitment = bids.commitment(value, NONCE, task.spec_hash, agent_id)
        new = bids.NewBid(task_id=task.task_id, agent_id=agent_id, commitment=commitment)
        return await self.storage.commit(bids.submit, new)

    async def reveal(self, task: Task, agent_id: str, value: int) -> Receipt[Bid]:
        reveal = bids.Reveal(task_id=task.task_id, agent_id=agent_id, value=value, nonce=NONCE)
        return await self.storage.commit(bids.reveal, reveal)

    async def submit_result(self, task: Task, agent_id: str) -> Receipt[Result]:
        new = results.NewResult(task_id=task.task_id, agent_id=agent_id, output=b"seventy")
        return await self.storage.commit(results.submit, new)

    # What they see

    async def task(self, task: Task) -> Task:
        return (await self.storage.fetch(tasks.get, task.task_id)).task

    async def extrinsic(self, receipt: Receipt[Any]) -> Extrinsic:
        return await self.storage.fetch(outbox.get, receipt.correlation_id)

    async def finished(self, *receipts: Receipt[Any]) -> list[Extrinsic]:
        """The extrinsics of the receipts, once each has ended."""

        async def one(receipt: Receipt[Any]) -> Extrinsic:
            async def look() -> Extrinsic | None:
                found = await self.extrinsic(receipt)
                return found if found.status in FINISHED else None

            return await eventually(look, f"the end of extrinsic {receipt.correlation_id}")

        return [await one(receipt) for receipt in receipts]

    async def succeeded(self, *receipts: Receipt[Any]) -> None:
        """Wait until each extrinsic was executed with success."""
        for extrinsic in await self.finished(*receipts):
            assert extrinsic.status == ExtrinsicStatus.FINALIZED, extrinsic

    async def agent(self, agent_id: str) -> Agent:
        return await self.storage.fetch(agents.get, agent_id)

    def account(self, secret: str) -> bytes:
        return load_signer(secret).account

    def address(self, secret: str) -> str:
        return load_signer(secret).address(42)

    def stored(self, pallet: str, item: str, *keys: Any) -> Any:
        """A value in the state of the best block."""
        codec = self.chain.runtime.codec
        raw = self.chain.best.state.get(codec.storage_key(pallet, item, *keys))
        return codec.decode_storage(pallet, item, raw)

    # What other clients of the chain do

    async def foreign_call(
        self, pallet: str, call: str, arguments: dict[str, Any], secret: str = "//Alice"
    ) -> bytes:
        """Execute a call that this service knows nothing of, and wait until it is final; its hash."""
        extrinsic_hash = self.submit_foreign_call(pallet, call, arguments, secret)

        async def look() -> bool:
            return self.times_executed(extrinsic_hash, only_final=True) == 1

        await eventually(look, f"{pallet}.{call} of another client")
        return extrinsic_hash

    def submit_foreign_call(
        self, pallet: str, call: str, arguments: dict[str, Any], secret: str = "//Alice"
    ) -> bytes:
        """Put a call that this service knows nothing of into the pool; its hash."""
        signer: Signer = load_signer(secret)
        codec = self.chain.runtime.codec
        birth = self.chain.finalized
        extrinsic = sign_extrinsic(
            codec,
            codec.encode_call(pallet, call, arguments),
            signer,
            nonce=self.chain.next_nonce(signer.account),
            era=Era.mortal(64, birth.number),
            birth_hash=birth.hash,
            genesis_hash=self.chain.genesis.hash,
        )
        self.chain.submit(extrinsic.raw)
        return extrinsic.hash

    def times_executed(self, extrinsic_hash: bytes, *, only_final: bool = False) -> int:
        """In how many blocks of the chain an extrinsic stands."""
        last = (self.chain.finalized if only_final else self.chain.best).number
        blocks = (self.chain.block_at(number) for number in range(last + 1))
        return sum(extrinsic_hash in block.extrinsic_hashes() for block in blocks if block)

    def calls_executed(self, pallet: str, event: str) -> int:
        """How many events of a kind the chain has."""
        found = 0
        for number in range(1, self.chain.best.number + 1):
            block = self.chain.block_at(number)
            assert block is not None
            found += sum(
                (record.pallet, record.name) == (pallet, event) for record in self.chain.events(block)
            )
        return found
