"""Sending signed bytes that are stored: at once, and again until they cannot be executed any more."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from chain.balances import signer_balances
from chain.keys import ss58_decode
from chain.newest_blocks import NewestBlocks
from chain.node import Node
from chain.pool_answers import Answer, classify
from chain.rpc import RpcError
from storage.chain import log as chain_log
from storage.chain import signatures
from storage.chain.signatures import Hint, Live
from storage.lifecycle import ExtrinsicStatus
from storage.records import Signature
from storage.store import Storage

RESEND_SECONDS = 12.0
"""How long after it was sent a signature is sent again."""
LOOKS_PER_RESEND = 10
"""How often, in that time, it is looked for what is to be sent again."""
RESEND_MAX = 250
"""How many are sent again at a time, the accounts by turns, lowest nonces first."""
BATCHES_WAITING_MAX = 4
"""How many batches of new signatures may wait to be sent before no more are signed."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Sent:
    """Which extrinsic was sent, whose account signed it, and when by the monotonic clock."""

    correlation_id: str
    account_address: str
    at: float


@dataclass(frozen=True)
class Poverty:
    """What an account had when it could not pay, and when that was, by the monotonic clock."""

    free: int
    since: float


class Sender:
    """Sends over one connection.

    `poor` are the accounts, by address, that a node found unable to pay.
    """

    def __init__(self, storage: Storage, node: Node, poll_seconds: float) -> None:
        self.sent: dict[bytes, Sent] = {}  # by extrinsic hash, what may still be executed
        self.poor: dict[str, Poverty] = {}
        self._storage = storage
        self._node = node
        self._poll_seconds = poll_seconds
        self._newest_blocks = NewestBlocks(node)
        self._new: asyncio.Queue[Sequence[Signature]] = asyncio.Queue(BATCHES_WAITING_MAX)

    async def put(self, stored: Sequence[Signature]) -> None:
        """Have new signatures sent, in this order; waits while too many batches are waiting."""
        self._note_sent(stored)  # from now on, so that it is not sent again while it waits
        await self._new.put(stored)

    async def run(self) -> None:
        """Send for ever. Raises `RpcFailure` or a `Failure` of storage."""
        next_look = 0.0
        while True:
            if time.monotonic() >= next_look:
                await self._send_again()
                next_look = time.monotonic() + RESEND_SECONDS / LOOKS_PER_RESEND
            try:
                async with asyncio.timeout(self._poll_seconds):
                    stored = await self._new.get()
            except TimeoutError:
                continue
            await self._send(stored)

    def forget_poverty(self, address: str) -> None:
        """An account can pay again, perhaps: what it signed is sent again at once."""
        self.poor.pop(address, None)
        for key in [key for key, sent in self.sent.items() if sent.account_address == address]:
            del self.sent[key]

    async def _send_again(self) -> None:
        """Send what may have been lost: after a crash of ours, or with the pool of the node.

        The lowest nonce of an account that is not on the chain yet tells: if the node did not have it any
        more, all that follow it are sent as well. So is what no node ever took, but for accounts that cannot
        pay. Never what is in a block already: if it has emptied its account, which lost its nonce with that,
        the same bytes are valid again.
        """
        cursor = await self._storage.read(chain_log.cursor)  # what is live afterwards is not before it
        live = await self._storage.read(signatures.live_to_send)
        for ended in self.sent.keys() - {each.extrinsic_hash for each in live}:
            del self.sent[ended]
        now = time.monotonic()
        overdue = [each for each in _in_turn(live) if now - self._sent_at(each) >= RESEND_SECONDS]
        if not overdue:
            return
        best_number = (await self._node.best_head()).number
        overdue = [each for each in overdue if each.death_block > best_number + 1]
        if not overdue:
            return
        reflected = max(min(each.birth_block for each in overdue), cursor.block_number if cursor else 0)
        included = await self._newest_blocks.extrinsics(reflected + 1, best_number)
        overdue = [each for each in overdue if each.extrinsic_hash not in included]
        lowest = await self._lowest_unexecuted([each for each in live if each.extrinsic_hash not in included])
        probes = [
            each
            for each in overdue
            if each.extrinsic_hash in lowest or not (each.known or each.account_address in self.poor)
        ][:RESEND_MAX]
        lost = await self._send(await self._stored(probes))
        probed = {each.extrinsic_hash for each in probes}
        rest = [
            each for each in overdue if each.account_address in lost and each.extrinsic_hash not in probed
        ]
        await self._send(await self._stored(rest[:RESEND_MAX]))

    async def _lowest_unexecuted(self, live: Sequence[Live]) -> set[bytes]:
        """Of each account, the signature with the lowest nonce that the best block does not know."""
        addresses = sorted({each.account_address for each in live})
        used = await signer_balances(self._node, [ss58_decode(address) for address in addresses])
        next_nonce = {address: account.nonce for address, account in zip(addresses, used, strict=True)}
        lowest: dict[str, bytes] = {}
        for each in live:
            if each.nonce >= next_nonce[each.account_address]:
                lowest.setdefault(each.account_address, each.extrinsic_hash)
        return set(lowest.values())

    async def _stored(self, live: Sequence[Live]) -> list[Signature]:
        if not live:
            return []
        return await self._storage.read(signatures.signatures_of, [each.extrinsic_hash for each in live])

    async def _send(self, stored: Sequence[Signature]) -> set[str]:
        """Send bytes and note what the node says; the accounts of those that it had not known."""
        if not stored:
            return set()
        objections = await self._node.submit([signature.raw for signature in stored])
        self._note_sent(stored)
        answers = [classify(objection) for objection in objections]
        await self._notice_poverty(stored, answers)
        hints = [self._hint(*each) for each in zip(stored, objections, answers, strict=True)]
        await asyncio.gather(*(self._storage.commit(signatures.note_hints, hint) for hint in hints))
        return {
            signature.account_address
            for signature, objection in zip(stored, objections, strict=True)
            if objection is None
        }

    async def _notice_poverty(self, stored: Sequence[Signature], answers: Sequence[Answer]) -> None:
        poor = {
            signature.account_address
            for signature, answer in zip(stored, answers, strict=True)
            if answer == Answer.FUNDS
        }
        if poor:
            addresses = sorted(poor)
            found = await signer_balances(self._node, [ss58_decode(address) for address in addresses])
            for address, account in zip(addresses, found, strict=True):
                if address not in self.poor:
                    log.warning(cannot_pay(address, account.free))
                self.poor[address] = Poverty(account.free, time.monotonic())

    def _hint(self, signature: Signature, objection: RpcError | None, answer: Answer) -> Hint:
        text = ""
        if answer == Answer.FUNDS:
            text = cannot_pay(signature.account_address, self.poor[signature.account_address].free)
        elif answer != Answer.TAKEN:
            text = f"the node objects: {objection}"
        return Hint(
            correlation_id=signature.correlation_id,
            extrinsic_hash=signature.extrinsic_hash,
            status=ExtrinsicStatus.SUBMITTED if answer == Answer.TAKEN else None,
            objection=text,
            excused=answer in (Answer.FUNDS, Answer.BUSY),
        )

    def _note_sent(self, stored: Sequence[Signature]) -> None:
        now = time.monotonic()
        for each in stored:
            self.sent[each.extrinsic_hash] = Sent(each.correlation_id, each.account_address, now)

    def _sent_at(self, live: Live) -> float:
        sent = self.sent.get(live.extrinsic_hash)
        return -math.inf if sent is None else sent.at


def _in_turn(live: Sequence[Live]) -> list[Live]:
    """First the lowest nonce of each account, then the next of each: none waits for the whole of another."""
    seen: Counter[str] = Counter()
    turns: list[tuple[int, Live]] = []
    for each in live:
        turns.append((seen[each.account_address], each))
        seen[each.account_address] += 1
    return [each for _, each in sorted(turns, key=lambda turn: turn[0])]


def cannot_pay(address: str, free: int) -> str:
    """What is told of an account without funds."""
    return f"account {address} cannot pay: it has {free} free; its extrinsics wait until it has more"
