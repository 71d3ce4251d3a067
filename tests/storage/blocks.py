"""A chain as storage sees it: what a submitter signs, and the finalized blocks that a reader hands over."""

import hashlib
import itertools
from dataclasses import dataclass

import msgspec

from storage.chain import log as chain_log
from storage.chain import submission
from storage.chain.log import Cursor, Executed, Ingest, ReadBlock, ReportedFact
from storage.chain.signatures import Hint, note_hints
from storage.facts import Fact
from storage.lifecycle import ExtrinsicStatus
from storage.records import ChainBlock, ChainEvent, Signature
from storage.store import Storage

ACCOUNT = "5Account"
TOKEN = "submitter"
ERA_BLOCKS = 64
ATTEMPTS_MAX = 3


def hash_of(*parts: object) -> bytes:
    return hashlib.blake2b(repr(parts).encode(), digest_size=32).digest()


@dataclass(frozen=True)
class Step:
    """An extrinsic of a block: its hash, what it reports, and its error if it failed."""

    extrinsic_hash: bytes
    facts: tuple[Fact, ...] = ()
    error: str = ""


class Chain:
    """Signs what is queued, and finalizes blocks one after the other."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.cursor = Cursor(block_number=0, block_hash=hash_of("block", 0))
        self._numbers = itertools.count(1)

    async def begin(self) -> None:
        assert await self.storage.commit(chain_log.begin, self.cursor)

    async def sign(self, *correlation_ids: str, era_blocks: int = ERA_BLOCKS) -> list[bytes]:
        """Claim and sign queued extrinsics; their hashes."""
        state = (await self.storage.read(submission.account_states, [ACCOUNT]))[ACCOUNT]
        claim = submission.Claim(token=TOKEN, lease_us=0, at_most=1000)
        claimed = {
            item.extrinsic.correlation_id for item in await self.storage.commit(submission.claim, claim)
        }
        assert claimed >= set(correlation_ids), "they are queued and due"
        batch = submission.SignedBatch(
            account_address=ACCOUNT,
            epoch=state.epoch,
            signed=tuple(
                submission.Signed(token=TOKEN, signature=self.signature(correlation_id, era_blocks))
                for correlation_id in correlation_ids
            ),
        )
        await self.storage.commit(submission.store_signatures, batch)
        return [signed.signature.extrinsic_hash for signed in batch.signed]

    async def send(self, *correlation_ids: str, era_blocks: int = ERA_BLOCKS) -> list[bytes]:
        """Claim and sign queued extrinsics, and have a node take them; their hashes."""
        hashes = await self.sign(*correlation_ids, era_blocks=era_blocks)
        for correlation_id, extrinsic_hash in zip(correlation_ids, hashes, strict=True):
            hint = Hint(
                correlation_id=correlation_id,
                extrinsic_hash=extrinsic_hash,
                status=ExtrinsicStatus.SUBMITTED,
            )
            assert await self.storage.commit(note_hints, hint)
        return hashes

    def signature(self, correlation_id: str, era_blocks: int = ERA_BLOCKS) -> Signature:
        number = next(self._numbers)
        return Signature(
            extrinsic_hash=hash_of(correlation_id, number),
            correlation_id=correlation_id,
            account_address=ACCOUNT,
            nonce=number,
            birth_block=self.cursor.block_number,
            death_block=self.cursor.block_number + era_blocks,
            raw=f"signed bytes {number}".encode(),
        )

    async def finalize(self, correlation_id: str, *facts: Fact, error: str = "") -> None:
        """Sign an extrinsic, and finalize a block in which it was executed."""
        (extrinsic_hash,) = await self.sign(correlation_id)
        await self.block(Step(extrinsic_hash, facts, error))

    async def report(self, *facts: Fact) -> None:
        """Finalize a block with an extrinsic of somebody else's client."""
        await self.block(Step(hash_of("foreign", next(self._numbers)), facts))

    async def block(self, *steps: Step) -> None:
        await self.blocks(steps)

    async def blocks(self, *blocks: tuple[Step, ...]) -> None:
        """Finalize blocks, all ingested at once."""
        item = self.ingest(*blocks)
        self.cursor = await self.storage.commit(chain_log.ingest, item)

    async def undecodable_block(self, *steps: Step) -> None:
        """Finalize a block whose events cannot be decoded."""
        number = self.cursor.block_number + 1
        read = a_block(number, *steps)
        block = ReadBlock(
            block=msgspec.structs.replace(read.block, error="a type from the future", event_count=0),
            executed=tuple(
                msgspec.structs.replace(executed, error="could not be decoded", known=False)
                for executed in read.executed
            ),
        )
        item = Ingest(after=self.cursor, blocks=(block,), attempts_max=ATTEMPTS_MAX, retry_delay_us=0)
        self.cursor = await self.storage.commit(chain_log.ingest, item)

    async def pass_blocks(self, count: int) -> None:
        """Finalize empty blocks."""
        await self.blocks(*(() for _ in range(count)))

    def ingest(self, *blocks: tuple[Step, ...]) -> Ingest:
        first = self.cursor.block_number + 1
        return Ingest(
            after=self.cursor,
            blocks=tuple(a_block(number, *steps) for number, steps in enumerate(blocks, first)),
            attempts_max=ATTEMPTS_MAX,
            retry_delay_us=0,
        )


def a_block(number: int, *steps: Step) -> ReadBlock:
    """A block as the chain room reads it: its first event is of no extrinsic, the others follow."""
    events = [_event(number, 0, "System", "NewBlock", None)]
    facts: list[ReportedFact] = []
    for index, step in enumerate(steps):
        for fact in step.facts:
            facts.append(ReportedFact(event_index=len(events), fact=fact))
            events.append(_event(number, len(events), "Market", type(fact).__name__, index))
        outcome = "ExtrinsicFailed" if step.error else "ExtrinsicSuccess"
        events.append(_event(number, len(events), "System", outcome, index))
    return ReadBlock(
        block=ChainBlock(
            block_number=number,
            block_hash=hash_of("block", number),
            parent_hash=hash_of("block", number - 1),
            spec_version=1,
            block_time_us=number * 6_000_000,
            raw_events=b"raw",
            event_count=len(events),
        ),
        events=tuple(events),
        executed=tuple(
            Executed(extrinsic_hash=step.extrinsic_hash, extrinsic_index=index, error=step.error)
            for index, step in enumerate(steps)
        ),
        facts=tuple(facts),
    )


def _event(number: int, index: int, pallet: str, name: str, extrinsic_index: int | None) -> ChainEvent:
    return ChainEvent(
        block_number=number,
        event_index=index,
        pallet=pallet,
        event=name,
        payload="{}",
        extrinsic_index=extrinsic_index,
        block_time_us=number * 6_000_000,
    )
