"""Submitters that crash and race, on a chain that loses, forks and stalls: every call once, none twice.

A seeded simulation. Two submitters take one step at a time, in any order, and begin anew whenever they crash.
The chain is a model with what matters here: nonces, eras that are checked at inclusion, blocks that are
dropped before they are final, a pool that loses what it holds. Storage and its rules are the real ones.
"""

import contextlib
import random
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import msgspec
import pytest

from storage.chain import log as chain_log
from storage.chain import outbox, signatures, submission
from storage.chain.outbox import NewCall
from storage.chain.signatures import Hint
from storage.chain.submission import Claim, Claimed, Signed, SignedBatch
from storage.errors import Refusal, Superseded
from storage.lifecycle import LIVE_EXTRINSIC, ExtrinsicStatus
from storage.records import Extrinsic, Signature
from storage.store import Storage
from tests.storage.blocks import Chain, Step, hash_of
from tests.storage.submitter import see

ACCOUNTS = {"ada": "5Ada", "ops": "5Ops"}
CALLS = 40
STEPS = 400
ERA_BLOCKS = 6
HEALING_ROUNDS_MAX = 100
SEEDS = range(6)


@dataclass
class ModelChain:
    """Its best chain, of which the first `final` blocks are final; what waits in the pool of its node."""

    reflected: Chain
    chance: random.Random

    def __post_init__(self) -> None:
        self.blocks: list[list[Signature]] = []
        self.final = 0
        self.pool: dict[bytes, Signature] = {}

    def nonce(self, address: str) -> int:
        return sum(each.account_address == address for block in self.blocks for each in block)

    def executed(self) -> Counter[str]:
        return Counter(each.correlation_id for block in self.blocks for each in block)

    def take(self, sent: Signature) -> None:
        if sent.nonce >= self.nonce(sent.account_address) and len(self.blocks) + 1 < sent.death_block:
            self.pool[sent.extrinsic_hash] = sent

    def seal(self, inclusion: float) -> None:
        """A block of what is ready, or of some of it."""
        number, block = len(self.blocks) + 1, list[Signature]()
        self.blocks.append(block)
        for each in sorted(self.pool.values(), key=lambda each: each.nonce):
            ready = each.nonce == self.nonce(each.account_address) and number < each.death_block
            if ready and self.chance.random() < inclusion:
                block.append(self.pool.pop(each.extrinsic_hash))

    def fork(self) -> None:
        """Drop the blocks that are not final; the pool gets some of their extrinsics back."""
        dropped = [each for block in self.blocks[self.final :] for each in block]
        del self.blocks[self.final :]
        for each in dropped:
            if self.chance.random() < 0.5:
                self.take(each)

    async def finalize(self, up_to: int) -> None:
        steps = [
            tuple(Step(each.extrinsic_hash) for each in block) for block in self.blocks[self.final : up_to]
        ]
        if steps:
            self.final = up_to
            item = msgspec.structs.replace(self.reflected.ingest(*steps), attempts_max=10_000)
            self.reflected.cursor = await self.reflected.storage.commit(chain_log.ingest, item)


class Simulation:
    def __init__(self, storage: Storage, chain: Chain, seed: int) -> None:
        self.storage = storage
        self.chance = random.Random(seed)
        self.chain = ModelChain(chain, self.chance)
        self.calls: list[str] = []
        self._signatures = 0

    async def submit(self, token: str, delivery: float) -> AsyncGenerator[None, None]:
        """One round of a submitter, which may be cut off wherever it yields."""
        claim = Claim(token=token, lease_us=0, at_most=self.chance.randint(1, 8))
        claimed = await self.storage.commit(submission.claim, claim)
        birth = self.chain.final
        yield
        states = await self.storage.read(submission.account_states, list(ACCOUNTS.values()))
        yield
        for name, address in ACCOUNTS.items():
            nonce, batch = self.chain.nonce(address), list[Signed]()
            for item in (each for each in claimed if each.extrinsic.signer == name):
                while nonce in states[address].live_nonces:
                    nonce += 1
                batch.append(Signed(token=token, signature=self._sign(item, address, nonce, birth)))
                nonce += 1
            yield
            stored = SignedBatch(account_address=address, epoch=states[address].epoch, signed=tuple(batch))
            try:
                await self.storage.commit(submission.store_signatures, stored)
            except Superseded:
                continue
            yield
            await self._send([each.signature for each in batch], delivery)

    async def send_again(self, delivery: float) -> None:
        live = await self.storage.read(signatures.live_to_send)
        hashes = [each.extrinsic_hash for each in live]
        await self._send(await self.storage.read(signatures.signatures_of, hashes), delivery)

    async def step(self, racers: dict[str, AsyncGenerator[None, None]]) -> None:
        """Something happens."""
        match self.chance.choices(range(8), (10, 1, 6, 3, 1, 1, 3, 1))[0]:
            case 0:
                await self._advance(racers, self.chance.choice("xy"))
            case 1:  # a crash
                crashed = racers.pop(self.chance.choice("xy"), None)
                if crashed is not None:
                    await crashed.aclose()
            case 2:
                self.chain.seal(inclusion=0.7)
            case 3:
                await self.chain.finalize(self.chance.randint(self.chain.final, len(self.chain.blocks)))
            case 4:
                self.chain.fork()
            case 5:
                self.chain.pool.clear()
            case 6:
                await self.send_again(delivery=0.8)
            case 7:
                await self._operate(self.chance.choice(self.calls))

    async def heal(self) -> None:
        """From now on everything works."""
        for _ in range(HEALING_ROUNDS_MAX):
            async for _step in self.submit("x", delivery=1.0):
                pass
            await self.send_again(delivery=1.0)
            self.chain.seal(inclusion=1.0)
            await self.chain.finalize(len(self.chain.blocks))
            open_states = {ExtrinsicStatus.QUEUED, *LIVE_EXTRINSIC}
            if not [row for row in await self.rows() if row.status in open_states]:
                return
        raise AssertionError("not everything came to its end")

    async def rows(self) -> list[Extrinsic]:
        return [await see(self.storage, call) for call in self.calls]

    async def _advance(self, racers: dict[str, AsyncGenerator[None, None]], token: str) -> None:
        """Let a submitter take a step, or all the steps to the end of its round."""
        racer = racers.setdefault(token, self.submit(token, delivery=0.8))
        to_its_end = self.chance.random() < 0.5
        try:
            await anext(racer)
            while to_its_end:
                await anext(racer)
        except StopAsyncIteration:
            del racers[token]

    async def _operate(self, call: str) -> None:
        """An operator cancels or requeues, if the rules allow it."""
        operation = self.chance.choice((outbox.cancel, outbox.requeue, outbox.requeue))
        with contextlib.suppress(Refusal):
            await self.storage.commit(operation, call)

    async def _send(self, stored: list[Signature], delivery: float) -> None:
        for signature in stored:
            if self.chance.random() < delivery:
                self.chain.take(signature)
            if self.chance.random() < 0.5:  # what a node says may be wrong
                hint = Hint(
                    correlation_id=signature.correlation_id,
                    extrinsic_hash=signature.extrinsic_hash,
                    status=self.chance.choice((ExtrinsicStatus.SUBMITTED, ExtrinsicStatus.IN_BLOCK, None)),
                    objection="stale",
                )
                await self.storage.commit(signatures.note_hints, hint)

    def _sign(self, item: Claimed, address: str, nonce: int, birth: int) -> Signature:
        self._signatures += 1
        return Signature(
            extrinsic_hash=hash_of("signed", self._signatures),
            correlation_id=item.extrinsic.correlation_id,
            account_address=address,
            nonce=nonce,
            birth_block=birth,
            death_block=birth + ERA_BLOCKS,
            raw=b"signed bytes",
        )


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_call_is_executed_at_most_once_and_in_the_end_exactly_once(
    chained: Storage, chain: Chain, seed: int
) -> None:
    simulation = Simulation(chained, chain, seed)
    for number in range(CALLS):
        new = NewCall(pallet="System", call="remark", payload="{}", signer=list(ACCOUNTS)[number % 2])
        simulation.calls.append((await chained.commit(outbox.enqueue_call, new)).correlation_id)
    racers: dict[str, AsyncGenerator[None, None]] = {}
    for _ in range(STEPS):
        await simulation.step(racers)
        assert max(simulation.chain.executed().values(), default=0) <= 1
    await simulation.heal()
    executed = simulation.chain.executed()
    for row in await simulation.rows():
        assert (row.status, executed[row.correlation_id]) in (
            (ExtrinsicStatus.FINALIZED, 1),
            (ExtrinsicStatus.CANCELLED, 0),
        )
