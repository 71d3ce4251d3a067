"""A node as the bridge sees it: the few questions it asks, with typed answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chain.rpc import RpcClient, RpcError
from chain.runtimes import Runtimes
from chain.scale.runtime import Runtime
from chain.scale.storage_keys import blake2_256

EVENTS_KEY = "0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7"
"""The storage key of `System.Events`: twox128("System") and twox128("Events"), on every chain."""

SUBMIT = "author_submitExtrinsic"
SUBMIT_BATCH_MAX = 50
"""How many extrinsics are sent in one message."""

DEFAULT_SS58_PREFIX = 42
DEFAULT_BLOCK_TIME_MS = 6000


class ChainError(Exception):
    """What the node says does not fit what this database knows; the message says what to do."""


@dataclass(frozen=True)
class Header:
    number: int
    hash: bytes
    parent_hash: bytes


@dataclass(frozen=True)
class RawBlock:
    """A block as the node gives it: nothing is decoded."""

    header: Header
    extrinsics: list[bytes]
    events: bytes


class Node:
    """The node behind a connection. All methods raise `RpcFailure`."""

    def __init__(self, client: RpcClient, runtimes: Runtimes | None = None) -> None:
        self.client = client
        self._runtimes = runtimes or Runtimes()

    async def genesis_hash(self) -> bytes:
        return await self.hash_of(0)

    async def hash_of(self, number: int) -> bytes:
        """The hash of a block on the best chain; raises `ChainError` if there is none."""
        answer = await self.client.call("chain_getBlockHash", number)
        if not isinstance(answer, str):
            raise ChainError(f"the node has no block {number}")
        return _bytes(answer)

    async def finalized_head(self) -> Header:
        return await self.header(_bytes(await self.client.call("chain_getFinalizedHead")))

    async def best_head(self) -> Header:
        return await self.header(await self.best_hash())

    async def best_hash(self) -> bytes:
        return _bytes(await self.client.call("chain_getBlockHash"))

    async def header(self, block_hash: bytes) -> Header:
        answer = await self.client.call("chain_getHeader", _hex(block_hash))
        if answer is None:
            raise ChainError(f"the node does not know block {_hex(block_hash)}")
        return _header(answer, block_hash)

    async def blocks(self, first: int, last: int) -> list[RawBlock]:
        """The blocks of a range of the finalized chain, read in two round trips."""
        hashes = await self._all([("chain_getBlockHash", [number]) for number in range(first, last + 1)])
        calls: list[tuple[str, Sequence[Any]]] = []
        for block_hash in hashes:
            calls += [("chain_getBlock", [block_hash]), ("state_getStorage", [EVENTS_KEY, block_hash])]
        answers = await self._all(calls)
        blocks = []
        for position, block_hash in enumerate(hashes):
            block, events = answers[2 * position], answers[2 * position + 1]
            if block is None:
                raise ChainError(f"the node does not have block {first + position} any more")
            blocks.append(
                RawBlock(
                    header=_header(block["block"]["header"], _bytes(block_hash)),
                    extrinsics=[_bytes(raw) for raw in block["block"]["extrinsics"]],
                    events=_bytes(events) if events else b"\x00",
                )
            )
        return blocks

    async def extrinsic_hashes(self, block_number: int) -> list[bytes]:
        """The hashes of the extrinsics of a block on the best chain."""
        block_hash = await self.hash_of(block_number)
        answer = await self.client.call("chain_getBlock", _hex(block_hash))
        return [blake2_256(_bytes(raw)) for raw in answer["block"]["extrinsics"]] if answer else []

    async def runtime_at(self, block_hash: bytes) -> Runtime:
        """The runtime of the state after a block; blocks built on it are encoded by it."""
        return await self._runtimes.at(self.client, _hex(block_hash))

    async def time_us(self, runtime: Runtime, block_hash: bytes) -> int | None:
        """The time of a block as its author set it, if the chain keeps one."""
        if "Timestamp" not in runtime.metadata.pallets:
            return None
        now = await self._stored(runtime, block_hash, "Timestamp", "Now")
        return int(now) * 1000

    async def accounts(
        self, runtime: Runtime, accounts: Sequence[bytes], block_hash: bytes
    ) -> list[tuple[int, int]]:
        """The next nonce and the free balance of accounts in the state after a block; no balance is 0."""
        found = await asyncio.gather(
            *(self._stored(runtime, block_hash, "System", "Account", account) for account in accounts)
        )
        return [(int(each["nonce"]), int((each.get("data") or {}).get("free", 0))) for each in found]

    async def submit(self, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
        """Hand signed extrinsics to the pool of the node in this order; for each, its objection or None."""
        objections: list[RpcError | None] = []
        for start in range(0, len(extrinsics), SUBMIT_BATCH_MAX):
            objections += await self._submit(extrinsics[start : start + SUBMIT_BATCH_MAX])
        return objections

    async def _submit(self, extrinsics: Sequence[bytes]) -> list[RpcError | None]:
        try:
            answers = await self.client.batch([(SUBMIT, [_hex(raw)]) for raw in extrinsics])
        except RpcError as refusal:  # of the batch as a whole
            if len(extrinsics) == 1:
                return [refusal]
            middle = len(extrinsics) // 2
            return await self._submit(extrinsics[:middle]) + await self._submit(extrinsics[middle:])
        return [answer if isinstance(answer, RpcError) else None for answer in answers]

    async def _stored(self, runtime: Runtime, block_hash: bytes, pallet: str, item: str, *keys: Any) -> Any:
        key = runtime.storage_key(pallet, item, *keys)
        answer = await self.client.call("state_getStorage", _hex(key), _hex(block_hash))
        return runtime.decode_storage(pallet, item, _bytes(answer) if answer else None)

    async def _all(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """The answers of many calls, in flight at once.

        Not as one JSON-RPC batch: nodes limit its length, and the size of its one answer.
        """
        return await asyncio.gather(*(self.client.call(method, *params) for method, params in calls))


def ss58_prefix(runtime: Runtime) -> int:
    """The prefix of the chain's addresses."""
    return int(_constant(runtime, "System", "SS58Prefix", DEFAULT_SS58_PREFIX))


def block_time_us(runtime: Runtime) -> int:
    """How long a block takes: Babe says it, else it is twice the minimum period of timestamps."""
    milliseconds = _constant(runtime, "Babe", "ExpectedBlockTime", 0) or 2 * int(
        _constant(runtime, "Timestamp", "MinimumPeriod", 0)
    )
    return 1000 * (int(milliseconds) or DEFAULT_BLOCK_TIME_MS)


def _constant(runtime: Runtime, pallet: str, name: str, default: int) -> Any:
    known = runtime.metadata.pallets.get(pallet)
    return runtime.constant(pallet, name) if known is not None and name in known.constants else default


def _header(answer: Any, block_hash: bytes) -> Header:
    return Header(int(answer["number"], 16), block_hash, _bytes(answer["parentHash"]))


def _hex(raw: bytes) -> str:
    return f"0x{raw.hex()}"


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
