"""Telling early that an extrinsic is in a block, long before the block is final. A hint, never an outcome."""

import asyncio
from collections.abc import Mapping

import structlog

from chain.node import ChainError, Node
from chain.rpc import RpcError, RpcTimeout, SubscriptionOverflow
from chain.sender import Sent
from storage.lifecycle import ExtrinsicStatus
from storage.signatures import Hint, note_hints
from storage.store import Storage

RESUBSCRIBE_SECONDS = 0.5

log = structlog.get_logger(__name__)


async def hint_inclusion(storage: Storage, node: Node, sent: Mapping[bytes, Sent]) -> None:
    """Follow the best chain for ever, and note which of `sent` its blocks include.

    What the node refuses to tell is left out: it is only a hint. Raises `ConnectionLost` or a `Failure` of
    storage.
    """
    while True:
        try:
            await _follow(storage, node, sent)
        except (RpcError, RpcTimeout, SubscriptionOverflow, ChainError) as failure:
            log.debug("the best chain cannot be followed", error=str(failure))
        await asyncio.sleep(RESUBSCRIBE_SECONDS)


async def _follow(storage: Storage, node: Node, sent: Mapping[bytes, Sent]) -> None:
    subscription = node.client.subscribe("chain_subscribeNewHeads", unsubscribe="chain_unsubscribeNewHeads")
    async with subscription as heads:
        async for head in heads:
            if not sent:
                continue
            included = await node.extrinsic_hashes(int(head["number"], 16))
            hints = [
                Hint(
                    correlation_id=sent[extrinsic_hash].correlation_id,
                    extrinsic_hash=extrinsic_hash,
                    status=ExtrinsicStatus.IN_BLOCK,
                )
                for extrinsic_hash in included
                if extrinsic_hash in sent
            ]
            await asyncio.gather(*(storage.commit(note_hints, hint) for hint in hints))
