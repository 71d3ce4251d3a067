"""Sending the outbox: signed bytes are stored before they are sent, and sent again until their era is over.

What a node says of them is a hint. Whether they were executed is learned from finalized blocks only
(`storage.chain_log`), which also queue again what can no longer be executed.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from chain.keyring import Keyring
from chain.keys import Signer
from chain.node import Node, block_time_us, ss58_prefix
from chain.pallets import PalletTable
from chain.render import Head, Hopeless, NotYet, RenderedCall, render
from chain.rpc import RpcError
from chain.scale.errors import ScaleError
from chain.scale.extrinsic import Era, check_extensions, sign_extrinsic
from chain.scale.runtime import Runtime
from storage import submission
from storage.errors import Superseded
from storage.ids import new_id
from storage.lifecycle import ExtrinsicStatus
from storage.records import Signature
from storage.store import Storage
from storage.submission import Claimed

ERA_PERIOD_BLOCKS = 64
CLAIM_MAX = 100
LEASE_SECONDS = 10.0
WAIT_SECONDS = 5.0
"""How long an extrinsic waits for an entity to reach the chain, unless it is woken before."""
LIVE_MAX = 1000
"""How many extrinsics may be under way before no more are signed."""
LIVE_PER_ACCOUNT_MAX = 250
SEND_MAX = 100
RESEND_SECONDS = 12.0
STALE_SECONDS = 120.0
"""How old the best block of a node may be; one further behind would have us sign for the past."""
WAIT_SECONDS_MAX = 300.0
_ALREADY_THERE = frozenset({1013})
"""Answers of a pool that mean it has the bytes: already imported."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Sent:
    """Which extrinsic was sent, and when by the monotonic clock."""

    correlation_id: str
    at: float


@dataclass(frozen=True)
class _Base:
    """What signatures are made on: a finalized block, and the runtime and best block of the moment."""

    runtime: Runtime
    prefix: int
    genesis_hash: bytes
    birth_number: int
    birth_hash: bytes
    head: Head


class Submitter:
    """Signs and sends what is queued, over one connection."""

    def __init__(
        self,
        storage: Storage,
        node: Node,
        keyring: Keyring,
        genesis_hash: bytes,
        poll_seconds: float,
        pallets: PalletTable,
    ) -> None:
        self._storage = storage
        self._node = node
        self._keyring = keyring
        self._genesis_hash = genesis_hash
        self._poll_seconds = poll_seconds
        self._pallets = pallets
        self.sent: dict[bytes, Sent] = {}  # by extrinsic hash, what may still be executed
        self._token = new_id()

    async def run(self) -> None:
        """Submit for ever. Raises `RpcFailure`, `ScaleError` or a `Failure` of storage."""
        check_extensions(await self._node.runtime_at((await self._node.finalized_head()).hash))
        while True:
            live = await self._send_live()
            worked = live < LIVE_MAX and await self._sign_queued()
            if not worked:
                await asyncio.sleep(self._poll_seconds)

    async def _sign_queued(self) -> bool:
        """Sign and send what is due; whether there was anything."""
        claimed = await self._storage.commit(
            submission.claim,
            submission.Claim(token=self._token, lease_us=int(LEASE_SECONDS * 1_000_000), at_most=CLAIM_MAX),
        )
        if not claimed:
            return False
        base = await self._base()
        if base is None:
            await self._postpone(
                claimed, "the node is behind, or its chain finalizes too slowly", WAIT_SECONDS
            )
            return True
        ready: dict[bytes, tuple[Signer, list[tuple[Claimed, RenderedCall]]]] = {}
        waiting: dict[str, list[Claimed]] = {}
        hopeless: list[tuple[Claimed, str]] = []
        for item in claimed:
            try:
                call = render(item, base.runtime, base.head, self._pallets)
            except NotYet as wait:
                waiting.setdefault(str(wait), []).append(item)
            except Hopeless as reason:
                hopeless.append((item, str(reason)))
            else:
                signer = self._keyring.signer_of(item.extrinsic.signer)
                ready.setdefault(signer.account, (signer, []))[1].append((item, call))
        await asyncio.gather(
            *(self._postpone(items, why, _patience(items)) for why, items in waiting.items()),
            *(self._bury(item, why) for item, why in hopeless),
        )
        for signer, calls in ready.values():
            await self._sign(base, signer, calls)
        return True

    async def _base(self) -> _Base | None:
        """The block to be born at; None while what is signed now would be stillborn, or too late."""
        finalized, best = await self._node.finalized_head(), await self._node.best_head()
        runtime = await self._node.runtime_at(best.hash)
        now_us = time.time_ns() // 1000
        best_time_us = await self._node.time_us(runtime, best.hash) or now_us
        if (
            best.number - finalized.number >= ERA_PERIOD_BLOCKS // 2
            or now_us - best_time_us > STALE_SECONDS * 1_000_000
        ):
            return None
        return _Base(
            runtime=runtime,
            prefix=ss58_prefix(runtime),
            genesis_hash=self._genesis_hash,
            birth_number=finalized.number,
            birth_hash=finalized.hash,
            head=Head(best.number, best_time_us, block_time_us(runtime)),
        )

    async def _sign(self, base: _Base, signer: Signer, calls: Sequence[tuple[Claimed, RenderedCall]]) -> None:
        """Sign with the lowest nonces that are free, store, then send.

        Free is what the best block does not know and no live signature uses, so the gap that an expired
        extrinsic leaves is filled first.
        """
        address = signer.address(base.prefix)
        state = await self._storage.read(submission.account_state, address)
        # Asked after the state was read: what is no longer live is in this block, and its nonce used.
        best = await self._node.best_head()
        nonce = await self._node.account_nonce(base.runtime, signer.account, best.hash)
        free = max(0, LIVE_PER_ACCOUNT_MAX - len(state.live_nonces))
        later = [item for item, _ in calls[free:]]
        await self._postpone(later, "many extrinsics of this account are under way", WAIT_SECONDS)
        signed: list[submission.Signed] = []
        for item, call in calls[:free]:
            while nonce in state.live_nonces:
                nonce += 1
            try:
                signed.append(self._signed(base, signer, address, nonce, item, call))
            except ScaleError as error:
                await self._bury(item, str(error))
            else:
                nonce += 1
        if not signed:
            return
        batch = submission.SignedBatch(account_address=address, epoch=state.epoch, signed=tuple(signed))
        try:
            await self._storage.commit(submission.store_signatures, batch)
        except Superseded:  # another submitter was faster; what is still ours is due again at once
            await self._postpone([item for item, _ in calls[:free]], "", 0.0)
        else:
            await self._send([item.signature for item in signed])

    def _signed(
        self,
        base: _Base,
        signer: Signer,
        address: str,
        nonce: int,
        item: Claimed,
        call: RenderedCall,
    ) -> submission.Signed:
        extrinsic = sign_extrinsic(
            base.runtime,
            call.call,
            signer,
            nonce=nonce,
            era=Era.mortal(ERA_PERIOD_BLOCKS, base.birth_number),
            birth_hash=base.birth_hash,
            genesis_hash=base.genesis_hash,
        )
        assert extrinsic.death_block is not None, "a mortal era ends"
        return submission.Signed(
            token=self._token,
            signature=Signature(
                extrinsic_hash=extrinsic.hash,
                correlation_id=item.extrinsic.correlation_id,
                account_address=address,
                nonce=nonce,
                birth_block=extrinsic.birth_block,
                death_block=extrinsic.death_block,
                raw=extrinsic.raw,
                create_time_us=time.time_ns() // 1000,
            ),
            deadline_block=call.deadline_block,
        )

    async def _send_live(self) -> int:
        """Send again the bytes that may still be executed: after a crash, and now and then. How many live."""
        live = await self._storage.read(submission.live_hashes, None)
        for ended in self.sent.keys() - set(live):
            del self.sent[ended]
        now = time.monotonic()
        last_sent = {key: self.sent[key].at if key in self.sent else -math.inf for key in live}
        overdue = sorted(
            (key for key in live if now - last_sent[key] >= RESEND_SECONDS), key=last_sent.__getitem__
        )
        if overdue:
            await self._send(await self._storage.read(submission.signatures_of, overdue[:SEND_MAX]))
        return len(live)

    async def _send(self, signatures: Sequence[Signature]) -> None:
        if not signatures:
            return
        objections = await self._node.submit([signature.raw for signature in signatures])
        sent_at = time.monotonic()
        hints = [_hint(*pair) for pair in zip(signatures, objections, strict=True)]
        for hint in hints:
            self.sent[hint.extrinsic_hash] = Sent(hint.correlation_id, sent_at)
            if hint.objection:
                log.debug(hint.objection, correlation_id=hint.correlation_id)
        await asyncio.gather(*(self._storage.commit(submission.note_hints, hint) for hint in hints))

    async def _postpone(self, claimed: Sequence[Claimed], why: str, seconds: float) -> None:
        next_attempt_us = time.time_ns() // 1000 + int(seconds * 1_000_000)
        postponed = [
            submission.Postponed(
                token=self._token,
                correlation_id=item.extrinsic.correlation_id,
                next_attempt_us=next_attempt_us,
                error=why,
            )
            for item in claimed
        ]
        await asyncio.gather(*(self._storage.commit(submission.postpone, each) for each in postponed))

    async def _bury(self, item: Claimed, why: str) -> None:
        log.warning("an extrinsic is dead", correlation_id=item.extrinsic.correlation_id, error=why)
        hopeless = submission.Hopeless(
            token=self._token, correlation_id=item.extrinsic.correlation_id, error=why
        )
        with contextlib.suppress(Superseded):  # then it is another submitter's
            await self._storage.commit(submission.bury, hopeless)


def _patience(items: Sequence[Claimed]) -> float:
    """How long to wait for an entity: the longer, the longer it was waited for; its arrival wakes them."""
    waited_seconds = time.time() - min(item.extrinsic.create_time_us for item in items) / 1_000_000
    return min(max(waited_seconds / 4, WAIT_SECONDS), WAIT_SECONDS_MAX)


def _hint(signature: Signature, objection: RpcError | None) -> submission.Hint:
    taken = objection is None or objection.code in _ALREADY_THERE
    return submission.Hint(
        correlation_id=signature.correlation_id,
        extrinsic_hash=signature.extrinsic_hash,
        status=ExtrinsicStatus.SUBMITTED if taken else None,
        objection="" if taken else f"the node objects: {objection}",
    )
