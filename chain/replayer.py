"""Rebuilding from the blocks that are stored: decoded anew, and their facts projected once more.

Events are stored raw, since nodes discard the state that holds them. Extrinsics are not, since nodes keep
the bodies of blocks unless they are told otherwise; they are asked for again, of the archive if there is one.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

import structlog

from chain.block_reader import read_block
from chain.node import ChainError, Header, Node, OpenNode, RawBlock
from chain.pace import Pace
from chain.pallets import PalletTable
from chain.portions import in_portions
from chain.rpc import ResponseTooLarge, RpcError, RpcFailure, RpcTimeout, TooMuchAsked
from chain.scale.errors import ScaleError
from storage.chain import replay
from storage.chain.log import Cursor, ReadBlock
from storage.chain.replay import PlacedFact
from storage.errors import StorageError
from storage.records import ChainBlock
from storage.store import Storage

PAGE_BLOCKS = 64
FACTS_AHEAD_MAX = 200_000
"""Facts that are gathered before they are projected; entities with more go through their past in parts."""
PROJECTION_FACTS_MAX = 500
"""Facts that one transaction projects, unless one entity has more."""

_KEYS = ("chain_agent_id", "chain_task_id", "chain_agreement_id")
"""What names the entity of a fact; the last of these that it has."""

log = structlog.get_logger(__name__)


class Replayer:
    """Does the replays that are asked for, of what is stored up to a cursor that does not move meanwhile."""

    def __init__(
        self,
        storage: Storage,
        node: Node,
        pallets: PalletTable,
        pace: Pace,
        open_archive: OpenNode | None,
    ) -> None:
        self._storage = storage
        self._node = node
        self._pallets = pallets
        self._pace = pace
        self._open_archive = open_archive

    async def run(self, cursor: Cursor) -> None:
        """Do what is asked for; nothing, if nothing is. Raises `ConnectionLost` or a `Failure` of storage.

        Nothing new is read meanwhile, so what the node refuses or does not answer gives the replay up.
        """
        while (first := await self._wanted()) is not None:
            log.info("replaying the chain", first=first, last=cursor.block_number)
            error = ""
            try:
                async with self._source() as node:
                    await self._replay(node, first, cursor)
            except (ChainError, ScaleError, RpcError, RpcTimeout) as failure:
                error = str(failure)
                log.error("the replay of the chain was given up", error=error)
            await self._storage.commit(replay.finish, replay.Finish(first_block=first, error=error))

    async def _wanted(self) -> int | None:
        asked = await self._storage.read(replay.state)
        return None if asked is None else asked.first_block

    @contextlib.asynccontextmanager
    async def _source(self) -> AsyncIterator[Node]:
        """The node to read bodies and runtimes from; an archive that cannot be used gives the replay up."""
        if self._open_archive is None:
            yield self._node
            return
        try:
            async with self._open_archive() as archive:
                yield archive
        except RpcFailure as failure:
            raise ChainError(f"the node at CHAIN_ARCHIVE_URL: {failure}") from failure

    async def _replay(self, node: Node, first: int, cursor: Cursor) -> None:
        gathered: list[PlacedFact] = []
        page = await self._page(first)
        while page:
            decoded = await self._decode(node, page)
            for portion in in_portions(decoded):
                rewrite = replay.Rewrite(cursor=cursor, blocks=tuple(portion))
                await self._storage.commit(replay.rewrite, rewrite)
            gathered += _placed(decoded)
            if len(gathered) >= FACTS_AHEAD_MAX:
                await self._project(gathered, cursor)
                gathered = []
            page = await self._page(page[-1].block_number + 1)
        await self._project(gathered, cursor)

    async def _page(self, first: int) -> list[ChainBlock]:
        return await self._storage.read(replay.blocks, first, PAGE_BLOCKS)

    async def _decode(self, node: Node, page: Sequence[ChainBlock]) -> list[ReadBlock]:
        bodies = await self._bodies(node, [block.block_hash for block in page])
        decoded = []
        for block, extrinsics in zip(page, bodies, strict=True):
            if extrinsics is None:
                raise ChainError(f"the node has discarded the body of block {block.block_number}")
            runtime = await node.runtime_of(block.spec_version, block.parent_hash)
            header = Header(block.block_number, block.block_hash, block.parent_hash)
            raw = RawBlock(header, extrinsics, block.raw_events)
            decoded.append(read_block(raw, runtime, self._pallets))
            await asyncio.sleep(0)  # a large block takes a while, and calls are waiting
        return decoded

    async def _bodies(self, node: Node, hashes: Sequence[bytes]) -> list[list[bytes] | None]:
        """The extrinsics of blocks, as many asked for at once as the node gives; see `Node.bodies`."""
        bodies: list[list[bytes] | None] = []
        while len(bodies) < len(hashes):
            asked = hashes[len(bodies) : len(bodies) + self._pace.range_blocks]
            try:
                bodies += await node.bodies(asked)
            except ResponseTooLarge:
                self._pace.refused(len(asked))  # the connection is gone; the next one is asked for less
                raise
            except (TooMuchAsked, RpcTimeout):
                self._pace.refused(len(asked))
                if len(asked) == 1:
                    raise
        return bodies

    async def _project(self, gathered: Sequence[PlacedFact], cursor: Cursor) -> None:
        for group in _in_groups(gathered):
            await self._project_group(group, cursor)

    async def _project_group(self, group: Sequence[Sequence[PlacedFact]], cursor: Cursor) -> None:
        """Project the facts of some entities; one for which that fails is left as it is."""
        placed = tuple(fact for entity in group for fact in entity)
        try:
            await self._storage.commit(replay.project, replay.Projection(cursor=cursor, facts=placed))
        except StorageError:
            raise
        except Exception:
            if len(group) > 1:
                for entity in group:
                    await self._project_group([entity], cursor)
            else:
                log.exception("facts cannot be projected", first_block=placed[0].block_number)


def _placed(blocks: Iterable[ReadBlock]) -> Iterator[PlacedFact]:
    """The facts of blocks, each with where it stands and what caused it."""
    for read in blocks:
        hashes = {executed.extrinsic_index: executed.extrinsic_hash for executed in read.executed}
        for reported in read.facts:
            index = read.events[reported.event_index].extrinsic_index
            yield PlacedFact(
                block_number=read.block.block_number,
                event_index=reported.event_index,
                extrinsic_hash=b"" if index is None else hashes.get(index, b""),
                fact=reported.fact,
            )


def _in_groups(gathered: Sequence[PlacedFact]) -> Iterator[list[list[PlacedFact]]]:
    """Facts by entity, and entities in groups for one transaction each; what others refer to comes first."""
    kinds: tuple[dict[Any, list[PlacedFact]], ...] = tuple({} for _ in range(len(_KEYS) + 1))
    for placed in gathered:
        kind, key = _entity(placed)
        kinds[kind].setdefault(key, []).append(placed)
    for entities in kinds:
        group: list[list[PlacedFact]] = []
        for entity in entities.values():
            if group and sum(map(len, group)) + len(entity) > PROJECTION_FACTS_MAX:
                yield group
                group = []
            group.append(entity)
        if group:
            yield group


def _entity(placed: PlacedFact) -> tuple[int, Any]:
    """The kind of entity that a fact is about, by its place in `_KEYS`, and which one it is.

    A fact may name several: an agreement is of a task and an agent, a task's fact may name an agent. Facts
    that name none are about the standing of an account; they add up, and need not stay together.
    """
    for name in reversed(_KEYS):
        if (key := getattr(placed.fact, name, None)) is not None:
            return _KEYS.index(name), key
    return len(_KEYS), (placed.block_number, placed.event_index)
