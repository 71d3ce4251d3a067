"""A node as the bridge sees it: the few questions it asks, with typed answers."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from chain.rpc import RpcClient, RpcError, TooMuchAsked
from chain.rpc_errors import BATCHES_NOT_SUPPORTED
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


class PrunedBlock(ChainError):
    """The node has discarded the state or the body of a finalized block, or never had it."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"the node cannot give block {number} any more: {why}")
        self.number = number


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


@dataclass(frozen=True)
class BlockRange:
    """Consecutive blocks, each with the runtime that encoded it; `size_bytes` is that of the answers."""

    blocks: list[tuple[RawBlock, Runtime]]
    size_bytes: int


class Node:
    """The node behind a connection. All methods raise `RpcFailure`."""

    def __init__(self, client: RpcClient, runtimes: Runtimes | None = None) -> None:
        self.client = client
        self._runtimes = runtimes or Runtimes()
        self._takes_batches = True

    async def genesis_hash(self) -> bytes:
        return await self.hash_of(0)

    async def hash_of(self, number: int) -> bytes:
        """The hash of a block on the best chain; raises `ChainError` if there is none."""
        block_hash = await self.block_hash(number)
        if block_hash is None:
            raise ChainError(f"the node has no block {number}")
        return block_hash

    async def block_hash(self, number: int) -> bytes | None:
        """The hash of a block on the best chain, if there is one."""
        answer = await self.client.call("chain_getBlockHash", number)
        return _bytes(answer) if isinstance(answer, str) else None

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

    async def blocks(self, first: int, last: int) -> BlockRange:
        """The blocks of a range of the finalized chain, which begins at 1 or later, in two round trips.

        Raises `TooMuchAsked`, and `PrunedBlock` for the first block that the node does not have.
        """
        as_batch = last > first  # the answer of one block alone may be too large for a batch
        numbers = range(first - 1, last + 1)
        hashes = await self._all([("chain_getBlockHash", [number]) for number in numbers], as_batch=as_batch)
        for number, block_hash in enumerate(hashes, first - 1):
            if isinstance(block_hash, RpcError):
                raise block_hash
            if block_hash is None:
                raise PrunedBlock(max(number, first), "it has no such block")
        calls: list[tuple[str, Sequence[Any]]] = [
            ("chain_getBlock", [block_hash]) for block_hash in hashes[1:]
        ]
        calls += [("state_getStorage", [EVENTS_KEY, block_hash]) for block_hash in hashes[1:]]
        # Blocks are encoded by the runtime of the state that they are built on.
        calls += [("state_getRuntimeVersion", [block_hash]) for block_hash in (hashes[0], hashes[-2])]
        answers = await self._all(calls, as_batch=as_batch)
        count = last - first + 1
        blocks = [
            _raw_block(first + place, hashes[place + 1], answers[place], answers[count + place])
            for place in range(count)
        ]
        versions = [
            _version(answer, number) for answer, number in zip(answers[-2:], (first, last), strict=True)
        ]
        runtimes = await self._runtimes_between(blocks, versions)
        size_bytes = sum(2 * (len(raw.events) + sum(map(len, raw.extrinsics))) for raw in blocks)
        return BlockRange(list(zip(blocks, runtimes, strict=True)), size_bytes)

    async def _runtimes_between(self, blocks: Sequence[RawBlock], versions: Sequence[Any]) -> list[Runtime]:
        """The runtime of each block, given the versions of the first and the last.

        Versions only grow, so a range whose ends agree is not looked into.
        """
        first, last = [
            await self._runtimes.of(version, self.client, _hex(raw.header.parent_hash))
            for version, raw in zip(versions, (blocks[0], blocks[-1]), strict=True)
        ]
        if first.spec_version == last.spec_version:
            return [first] * len(blocks)
        middle = len(blocks) // 2
        left = await self._version_at(blocks[middle - 1])
        right = await self._version_at(blocks[middle])
        return await self._runtimes_between(
            blocks[:middle], (versions[0], left)
        ) + await self._runtimes_between(blocks[middle:], (right, versions[1]))

    async def _version_at(self, raw: RawBlock) -> Any:
        return await self.client.call("state_getRuntimeVersion", _hex(raw.header.parent_hash))

    async def _keeps(self, number: int) -> bool:
        """Whether the node has a block of the best chain, and the state that it was built on."""
        block_hash = await self.client.call("chain_getBlockHash", number)
        parent_hash = await self.client.call("chain_getBlockHash", number - 1)
        if block_hash is None or parent_hash is None:
            return False
        try:
            if await self.client.call("chain_getBlock", block_hash) is None:
                return False
            await self.client.call("state_getRuntimeVersion", parent_hash)
        except RpcError as error:
            if not _says_discarded(error):
                raise
            return False
        return True

    async def first_kept(self, low: int, high: int) -> int:
        """The first of a range of blocks that the node can still give with its events; `high` + 1 if none.

        What is discarded is always the oldest.
        """
        high += 1
        while low < high:
            middle = (low + high) // 2
            if await self._keeps(middle):
                high = middle
            else:
                low = middle + 1
        return low

    async def extrinsic_hashes(self, block_hash: bytes) -> frozenset[bytes]:
        """The hashes of the extrinsics of a block; none if the node does not have it."""
        answer = await self.client.call("chain_getBlock", _hex(block_hash))
        raw_extrinsics = answer["block"]["extrinsics"] if answer else ()
        return frozenset(blake2_256(_bytes(raw)) for raw in raw_extrinsics)

    async def bodies(self, hashes: Sequence[bytes]) -> list[list[bytes] | None]:
        """The extrinsics of blocks; None for a block whose body is discarded."""
        calls = [("chain_getBlock", [_hex(block_hash)]) for block_hash in hashes]
        answers = await self._all(calls, as_batch=len(calls) > 1)
        for answer in answers:
            if isinstance(answer, RpcError) and not _says_discarded(answer):
                raise answer
        return [
            [_bytes(raw) for raw in answer["block"]["extrinsics"]]
            if answer is not None and not isinstance(answer, RpcError)
            else None
            for answer in answers
        ]

    async def runtime_of(self, spec_version: int, block_hash: bytes) -> Runtime:
        """The runtime of a version, which a block's state has; raises `ChainError` if it is discarded."""
        known = self._runtimes.known(spec_version)
        if known is not None:
            return known
        try:
            return await self.runtime_at(block_hash)
        except RpcError as error:
            if not _says_discarded(error):
                raise
        head = await self.runtime_at((await self.finalized_head()).hash)
        if head.spec_version != spec_version:
            raise ChainError(
                f"the node has discarded the runtime of version {spec_version}: set CHAIN_ARCHIVE_URL"
            )
        return head

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
        calls = [(SUBMIT, [_hex(raw)]) for raw in extrinsics]
        try:
            answers = await self._all(calls, as_batch=len(calls) > 1)
        except TooMuchAsked as refusal:
            if len(extrinsics) == 1:
                return [refusal]
            middle = len(extrinsics) // 2
            return await self._submit(extrinsics[:middle]) + await self._submit(extrinsics[middle:])
        return [answer if isinstance(answer, RpcError) else None for answer in answers]

    async def _stored(self, runtime: Runtime, block_hash: bytes, pallet: str, item: str, *keys: Any) -> Any:
        key = runtime.storage_key(pallet, item, *keys)
        answer = await self.client.call("state_getStorage", _hex(key), _hex(block_hash))
        return runtime.decode_storage(pallet, item, _bytes(answer) if answer else None)

    async def _all(self, calls: Sequence[tuple[str, Sequence[Any]]], *, as_batch: bool) -> list[Any]:
        """The answers of many calls; those that are refused have the `RpcError` in their place.

        Raises `TooMuchAsked` if the node refuses the whole, or the answer of one of them.
        """
        answers = await self._batch(calls) if as_batch and self._takes_batches else None
        if answers is None:
            answers = await asyncio.gather(*(self._answer(method, params) for method, params in calls))
        for answer in answers:
            if isinstance(answer, TooMuchAsked):
                raise answer
        return answers

    async def _batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any] | None:
        """The answers of a batch, or None if the node takes none."""
        try:
            return await self.client.batch(calls)
        except TooMuchAsked as refusal:
            if refusal.code != BATCHES_NOT_SUPPORTED:
                raise
            self._takes_batches = False
            return None

    async def _answer(self, method: str, params: Sequence[Any]) -> Any:
        try:
            return await self.client.call(method, *params)
        except RpcError as error:
            return error


OpenNode = Callable[[], AbstractAsyncContextManager[Node]]
"""Connects to a node for as long as it is entered. Raises `RpcFailure` or `ChainError`."""


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


def _raw_block(number: int, block_hash: str, body: Any, events: Any) -> RawBlock:
    for answer in (body, events):
        if isinstance(answer, RpcError):
            raise PrunedBlock(number, str(answer)) if _says_discarded(answer) else answer
    if body is None:
        raise PrunedBlock(number, "its body is discarded")
    return RawBlock(
        header=_header(body["block"]["header"], _bytes(block_hash)),
        extrinsics=[_bytes(raw) for raw in body["block"]["extrinsics"]],
        events=_bytes(events) if events else b"\x00",
    )


def _version(answer: Any, number: int) -> Any:
    if isinstance(answer, RpcError):
        raise PrunedBlock(number, str(answer)) if _says_discarded(answer) else answer
    return answer


def _says_discarded(error: RpcError) -> bool:
    """Whether an error is that of a state that was pruned; its code 4003 stands for other things as well."""
    return "discarded" in str(error)


def _header(answer: Any, block_hash: bytes) -> Header:
    return Header(int(answer["number"], 16), block_hash, _bytes(answer["parentHash"]))


def _hex(raw: bytes) -> str:
    return f"0x{raw.hex()}"


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
