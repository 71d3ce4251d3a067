"""The finalized chain as anybody can read it: block by block over RPC, past the server and its bridge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chain.node import EVENTS_KEY
from chain.rpc import RpcClient, RpcError
from chain.scale.events import EventRecord
from chain.scale.extrinsic import decode_extrinsic
from chain.scale.metadata import parse_metadata
from chain.scale.runtime import Runtime
from tests.torture.callers import Mark

BATCH_BLOCKS = 25

MARKED_BY = {
    "AgentRegistry.register_agent": "did",
    "Balances.transfer_allow_death": "value",
    "System.remark_with_event": "remark",
    "System.remark": "remark",
    "TaskMarket.create_task": "budget",
    "TaskMarket.submit_bid": "commitment",
    "TaskMarket.reveal_bid": "nonce",
    "TaskMarket.submit_result": "result_hash",
    # Of these, a task by the number that the chain gave it: its budget stands for it.
    "TaskMarket.close_bidding": "task_id",
    "TaskMarket.allocate_task": "task_id",
    "Escrow.release_payment": "task_id",
}
"""The argument of a call by which an intent is told from all others."""


@dataclass(frozen=True)
class Executed:
    """A signed extrinsic in a finalized block; `error` is empty if it succeeded."""

    block_number: int
    extrinsic_index: int
    hash: bytes
    mark: Mark
    error: str


@dataclass(frozen=True)
class Block:
    number: int
    hash: bytes
    parent_hash: bytes
    spec_version: int
    raw_events: bytes
    events: list[EventRecord]
    executed: list[Executed]


@dataclass(frozen=True)
class Ledger:
    """All blocks but genesis, and what the pallets have stored after the last of them."""

    blocks: list[Block]
    agents: dict[int, Any]
    tasks: dict[int, Any]
    escrows: dict[int, Any]
    bids: dict[tuple[int, int], Any]

    @classmethod
    async def read(cls, rpc: RpcClient) -> "Ledger":
        """Read the chain up to its finalized block; nothing may be made meanwhile."""
        return await _Reading(rpc).ledger()


class _Reading:
    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc
        self._runtimes: dict[int, Runtime] = {}
        self._budgets: dict[int, int] = {}  # by the chain's number of the task

    async def ledger(self) -> Ledger:
        head = await self._rpc.call("chain_getFinalizedHead")
        height = int((await self._rpc.call("chain_getHeader", head))["number"], 16)
        runtime = await self._runtime(head)
        agents = await self._by_number(runtime, head, "AgentRegistry", "Agents", "NextAgentId")
        tasks = await self._by_number(runtime, head, "TaskMarket", "Tasks", "NextTaskId")
        escrows = {number: await self._stored(runtime, head, "Escrow", "Escrows", number) for number in tasks}
        bids = {}
        for number in tasks:
            for agent in await self._stored(runtime, head, "TaskMarket", "Bidders", number) or ():
                bids[number, agent] = await self._stored(runtime, head, "TaskMarket", "Bids", number, agent)
        self._budgets = {number: task["budget"] for number, task in tasks.items()}
        blocks: list[Block] = []
        for first in range(1, height + 1, BATCH_BLOCKS):
            blocks += await self._blocks(range(first, min(first + BATCH_BLOCKS, height + 1)))
        return Ledger(blocks, agents, tasks, escrows, bids)

    async def _blocks(self, numbers: range) -> list[Block]:
        hashes = await self._all([("chain_getBlockHash", [n]) for n in (numbers[0] - 1, *numbers)])
        bodies = await self._all([("chain_getBlock", [each]) for each in hashes[1:]])
        events = await self._all([("state_getStorage", [EVENTS_KEY, each]) for each in hashes[1:]])
        blocks = []
        for place, number in enumerate(numbers):
            runtime = await self._runtime(hashes[place])
            block_hash, body = hashes[place + 1], bodies[place]["block"]
            blocks.append(self._block(runtime, number, block_hash, body, events[place]))
        return blocks

    def _block(self, runtime: Runtime, number: int, block_hash: str, body: Any, events: str) -> Block:
        raw_events = _bytes(events)
        records = runtime.decode_events(raw_events)
        assert int(body["header"]["number"], 16) == number
        executed = []
        for index, raw in enumerate(body["extrinsics"]):
            extrinsic = decode_extrinsic(runtime, _bytes(raw))
            if extrinsic.signature is None:
                continue
            call = runtime.decode_call(extrinsic.call)
            mark = self._mark(f"{call.pallet}.{call.name}", call.arguments)
            error = _error(runtime, [each for each in records if each.extrinsic_index == index])
            executed.append(Executed(number, index, extrinsic.hash, mark, error))
        return Block(
            number,
            _bytes(block_hash),
            _bytes(body["header"]["parentHash"]),
            runtime.spec_version,
            raw_events,
            records,
            executed,
        )

    def _mark(self, call: str, arguments: dict[str, Any]) -> Mark:
        value = arguments[MARKED_BY[call]]
        if MARKED_BY[call] == "task_id":
            return call, str(self._budgets[value])
        if isinstance(value, bytes):
            return call, value.decode() if MARKED_BY[call] == "did" else f"0x{value.hex()}"
        return call, str(value)

    async def _runtime(self, block_hash: str) -> Runtime:
        """The runtime of the state after a block."""
        version = await self._rpc.call("state_getRuntimeVersion", block_hash)
        number = int(version["specVersion"])
        if number not in self._runtimes:
            metadata = parse_metadata(_bytes(await self._rpc.call("state_getMetadata", block_hash)))
            self._runtimes[number] = Runtime(metadata, number, int(version["transactionVersion"]))
        return self._runtimes[number]

    async def _by_number(
        self, runtime: Runtime, head: str, pallet: str, item: str, next_number: str
    ) -> dict[int, Any]:
        end = await self._stored(runtime, head, pallet, next_number)
        return {number: await self._stored(runtime, head, pallet, item, number) for number in range(1, end)}

    async def _stored(self, runtime: Runtime, head: str, pallet: str, item: str, *keys: int) -> Any:
        key = f"0x{runtime.storage_key(pallet, item, *keys).hex()}"
        raw = await self._rpc.call("state_getStorage", key, head)
        return runtime.decode_storage(pallet, item, None if raw is None else _bytes(raw))

    async def _all(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        answers = await self._rpc.batch(calls)
        for answer in answers:
            if isinstance(answer, RpcError):
                raise answer
        return answers


def _error(runtime: Runtime, records: Sequence[EventRecord]) -> str:
    [outcome] = [
        each
        for each in records
        if each.pallet == "System" and each.name in ("ExtrinsicSuccess", "ExtrinsicFailed")
    ]
    if outcome.name == "ExtrinsicSuccess":
        return ""
    found = runtime.dispatch_error(outcome.fields["dispatch_error"])
    return found.name


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
