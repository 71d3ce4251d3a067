"""Sending the outbox: signed bytes are stored before they are sent, and sent again until their era is over.

What a node says of them is a hint. Whether they were executed is learned from finalized blocks only
(`storage.chain.log`), which also queue again what can no longer be executed.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from chain.balances import signer_balances
from chain.keyring import Keyring
from chain.keys import Signer, ss58_encode
from chain.node import Node, block_time_us, ss58_prefix
from chain.pallets import PalletTable
from chain.render import CannotRender, Head, NotYet, RenderedCall, render
from chain.scale.errors import ScaleError
from chain.scale.extrinsic import Era, check_extensions, sign_extrinsic
from chain.scale.runtime import Runtime
from chain.sender import Sender, Sent, cannot_pay
from storage.chain import log as chain_log
from storage.chain import submission
from storage.chain.submission import Claimed
from storage.errors import Superseded
from storage.ids import new_id
from storage.records import Signature
from storage.store import Storage

ERA_PERIOD_BLOCKS = 64
CLAIM_MAX = 200
LEASE_SECONDS = 10.0
WAIT_SECONDS = 5.0
"""How long an extrinsic waits for an entity to reach the chain, unless it is woken before."""
WAIT_SECONDS_MAX = 300.0
LIVE_MAX = 8192
"""How many extrinsics may be under way: the pool of a node has room for as many by default.

Accounts share it evenly, so that one whose extrinsics are stuck leaves room for the others.
"""
LIVE_PER_ACCOUNT_MAX = 512
LIVE_PER_ACCOUNT_MIN = 8
FUNDS_SECONDS = 6.0
"""How often it is looked whether an account that could not pay has more now."""
POVERTY_SECONDS_MAX = 600.0
"""How long an account is not signed for because it could not pay; then it is tried, for fees fall, too."""
WAKE_MAX = 10_000
"""How many extrinsics are woken when it has; those behind them come by themselves, after their waiting."""
STALE_SECONDS = 120.0
"""How old the best block of a node may be; one further behind would have us sign for the past."""

log = structlog.get_logger(__name__)

_Calls = list[tuple[Claimed, RenderedCall]]


@dataclass(frozen=True)
class _Base:
    """What signatures are made on: a finalized block, and the runtime and best block of the moment."""

    runtime: Runtime
    prefix: int
    birth_number: int
    birth_hash: bytes
    head: Head


class Submitter:
    """Signs what is queued, and has it sent, over one connection."""

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
        self._sender = Sender(storage, node, poll_seconds)
        self._token = new_id()
        self._runtime: Runtime | None = None  # the one whose extensions were checked
        self._next_funds_look = 0.0

    @property
    def sent(self) -> Mapping[bytes, Sent]:
        """What was sent and may still be executed, by extrinsic hash."""
        return self._sender.sent

    async def run(self) -> None:
        """Submit for ever. Raises `RpcFailure`, `ScaleError` or a `Failure` of storage."""
        tasks = [asyncio.create_task(self._sign_for_ever()), asyncio.create_task(self._sender.run())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    async def _sign_for_ever(self) -> None:
        await self._check((await self._node.finalized_head()).hash)
        while True:
            await self._look_for_funds()
            if not await self._sign_queued():
                await asyncio.sleep(self._poll_seconds)

    async def _check(self, block_hash: bytes) -> Runtime:
        """The runtime after a block. Raises `UnsupportedExtension` if it cannot be signed for."""
        runtime = await self._node.runtime_at(block_hash)
        if runtime is not self._runtime:
            check_extensions(runtime)
            self._runtime = runtime
        return runtime

    async def _sign_queued(self) -> bool:
        """Sign what is due; whether it is worth to look for more at once."""
        assert self._runtime is not None, "the runtime is checked first"
        free = await self._free_places(ss58_prefix(self._runtime))
        signers = self._keyring.names_of(lambda account: free[account] > 0)
        if not signers:
            return False
        claimed = await self._storage.commit(
            submission.claim,
            submission.Claim(
                token=self._token,
                lease_us=int(LEASE_SECONDS * 1_000_000),
                at_most=min(CLAIM_MAX, sum(free.values())),
                signers=signers,
            ),
        )
        if not claimed:
            return False
        base = await self._base()
        if base is None:
            why = "the node is behind, or its chain finalizes too slowly"
            await self._postpone(claimed, why, WAIT_SECONDS)
            return False
        calls = await self._rendered(claimed, base)
        for account, each in calls.items():
            await self._release([item for item, _ in each[free[account] :]])
        await self._sign(base, {account: each[: free[account]] for account, each in calls.items()})
        return True

    async def _free_places(self, prefix: int) -> dict[bytes, int]:
        """How many more extrinsics of each account may be under way."""
        live = await self._storage.read(submission.live_counts)
        share = max(LIVE_PER_ACCOUNT_MIN, LIVE_MAX // max(1, len(live)))
        return {
            signer.account: max(0, min(LIVE_PER_ACCOUNT_MAX, share) - live.get(signer.address(prefix), 0))
            for signer in self._keyring.signers()
        }

    async def _base(self) -> _Base | None:
        """The block to be born at; None while what is signed now would be stillborn, or too late."""
        finalized, best = await asyncio.gather(self._node.finalized_head(), self._node.best_head())
        runtime = await self._check(best.hash)
        now_us = time.time_ns() // 1000
        best_time_us = await self._node.time_us(runtime, best.hash) or now_us
        if best.number - finalized.number >= ERA_PERIOD_BLOCKS // 2:
            return None
        # A chain of one node may make blocks only when there is something to put into them.
        if now_us - best_time_us > STALE_SECONDS * 1_000_000 and await self._node.has_network():
            return None
        return _Base(
            runtime=runtime,
            prefix=ss58_prefix(runtime),
            birth_number=finalized.number,
            birth_hash=finalized.hash,
            head=Head(best.number, best_time_us, block_time_us(runtime)),
        )

    async def _rendered(self, claimed: Sequence[Claimed], base: _Base) -> dict[bytes, _Calls]:
        """The calls of what can be signed now, by account; what cannot is put off, or given up."""
        ready: dict[bytes, _Calls] = {}
        waiting: dict[str, list[Claimed]] = {}
        unsignable: list[tuple[Claimed, str]] = []
        for item in claimed:
            signer = self._keyring.signer_of(item.extrinsic.signer)
            poverty = self._sender.poor.get(signer.address(base.prefix))
            if poverty is not None:
                waiting.setdefault(cannot_pay(signer.address(base.prefix), poverty.free), []).append(item)
                continue
            try:
                call = render(item, base.runtime, base.head, self._pallets)
            except NotYet as wait:
                waiting.setdefault(str(wait), []).append(item)
            except CannotRender as reason:
                unsignable.append((item, str(reason)))
            else:
                ready.setdefault(signer.account, []).append((item, call))
        await asyncio.gather(
            *(self._postpone(items, why, _patience(items)) for why, items in waiting.items()),
            *(self._mark_dead(item, why) for item, why in unsignable),
        )
        return ready

    async def _sign(self, base: _Base, calls: Mapping[bytes, _Calls]) -> None:
        """Sign with the lowest nonces that are free, store, then have it sent.

        Free is what the best block does not know and no live signature uses, so the gap that an expired
        extrinsic leaves is filled first.
        """
        addresses = {
            account: self._keyring.signer_of(each[0][0].extrinsic.signer).address(base.prefix)
            for account, each in calls.items()
            if each
        }
        if not addresses:
            return
        states = await self._storage.read(submission.account_states, list(addresses.values()))
        cursor = await self._storage.read(chain_log.cursor)
        # Asked after the states were read: what is no longer live is in this block, and its nonce used.
        best = await self._node.best_head()
        if cursor is not None and best.number < cursor.block_number:
            why = "the node is behind what another one told of the chain"
            await self._postpone([item for each in calls.values() for item, _ in each], why, WAIT_SECONDS)
            return
        nonces = await self._node.accounts(base.runtime, list(addresses), best.hash)
        batches = []
        for (account, address), (nonce, _) in zip(addresses.items(), nonces, strict=True):
            state = states[address]
            signed = await self._signed_calls(base, address, nonce, state.live_nonces, calls[account])
            batches.append(
                submission.SignedBatch(account_address=address, epoch=state.epoch, signed=tuple(signed))
            )
        await asyncio.gather(*(self._store(batch) for batch in batches if batch.signed))

    async def _signed_calls(
        self, base: _Base, address: str, nonce: int, taken: frozenset[int], calls: _Calls
    ) -> list[submission.Signed]:
        signed: list[submission.Signed] = []
        for item, call in calls:
            while nonce in taken:
                nonce += 1
            signer = self._keyring.signer_of(item.extrinsic.signer)
            try:
                signed.append(self._signed(base, signer, address, nonce, item, call))
            except ScaleError as error:
                await self._mark_dead(item, str(error))
            else:
                nonce += 1
        return signed

    async def _store(self, batch: submission.SignedBatch) -> None:
        """Store signed bytes, then have them sent."""
        try:
            await self._storage.commit(submission.store_signatures, batch)
        except Superseded:  # another submitter was faster, or it was paused: what is still ours is due again
            await self._release([signed.signature.correlation_id for signed in batch.signed])
        else:
            await self._sender.put([signed.signature for signed in batch.signed])

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
            genesis_hash=self._genesis_hash,
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

    async def _look_for_funds(self) -> None:
        """Wake what waits for accounts that have more than when they could not pay, or waited for long."""
        poor, now = self._sender.poor, time.monotonic()
        if not poor or now < self._next_funds_look:
            return
        assert self._runtime is not None, "the runtime is checked first"
        prefix = ss58_prefix(self._runtime)
        signers = [signer for signer in self._keyring.signers() if signer.address(prefix) in poor]
        found = await signer_balances(self._node, [signer.account for signer in signers])
        richer = set()
        for each in found:
            address = ss58_encode(each.account, prefix)
            if each.free > poor[address].free or now - poor[address].since > POVERTY_SECONDS_MAX:
                richer.add(each.account)
                self._sender.forget_poverty(address)
        if richer:
            names = self._keyring.names_of(lambda account: account in richer)
            await self._storage.commit(submission.wake, submission.Wake(signers=names, at_most=WAKE_MAX))
        self._next_funds_look = time.monotonic() + FUNDS_SECONDS

    async def _release(self, claimed: Sequence[Claimed | str]) -> None:
        """Let go what was claimed and could not be signed; it is due again at once, in its place."""
        await self._let_go(claimed, None, None)

    async def _postpone(self, claimed: Sequence[Claimed], why: str, seconds: float) -> None:
        """Put off what was claimed, and say why."""
        await self._let_go(claimed, time.time_ns() // 1000 + int(seconds * 1_000_000), why)

    async def _let_go(
        self, claimed: Sequence[Claimed | str], next_attempt_us: int | None, why: str | None
    ) -> None:
        postponed = [
            submission.Postponed(
                token=self._token,
                correlation_id=item if isinstance(item, str) else item.extrinsic.correlation_id,
                next_attempt_us=next_attempt_us,
                error=why,
            )
            for item in claimed
        ]
        await asyncio.gather(*(self._storage.commit(submission.postpone, each) for each in postponed))

    async def _mark_dead(self, item: Claimed, why: str) -> None:
        log.warning("an extrinsic is dead", correlation_id=item.extrinsic.correlation_id, error=why)
        unsignable = submission.Unsignable(
            token=self._token, correlation_id=item.extrinsic.correlation_id, error=why
        )
        with contextlib.suppress(Superseded):  # then it is another submitter's
            await self._storage.commit(submission.mark_dead, unsignable)


def _patience(items: Sequence[Claimed]) -> float:
    """How long to wait for an entity: the longer, the longer it was waited for; its arrival wakes them."""
    waited_seconds = time.time() - min(item.extrinsic.create_time_us for item in items) / 1_000_000
    return min(max(waited_seconds / 4, WAIT_SECONDS), WAIT_SECONDS_MAX)
