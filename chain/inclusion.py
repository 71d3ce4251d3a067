"""Telling early that an extrinsic is in a block, long before the block is final. A hint, never an outcome."""

import asyncio
from collections.abc import Mapping

import structlog

from chain.node import ChainError, Node
from chain.rpc import RpcFailure
from chain.sender import Sent
from storage.chain.signatures import Hint, note_hints
from storage.errors import StorageError
from storage.lifecycle import ExtrinsicStatus
from storage.store import Storage

PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


async def hint_inclusion(storage: Storage, node: Node, sent: Mapping[bytes, Sent]) -> None:
    """Follow the best chain for ever, and note which of `sent` its blocks include.

    Whatever goes wrong is tried again after a pause, since nobody depends on hints.
    """
    while True:
        try:
            await _follow(storage, node, sent)
        except (RpcFailure, ChainError, StorageError) as failure:
            log.debug("inclusion cannot be told for now", error=str(failure))
        await asyncio.sleep(PAUSE_SECONDS)


async def _follow(storage: Storage, node: Node, sent: Mapping[bytes, Sent]) -> None:
    subscription = node.client.subscribe("chain_subscribeNewHeads", unsubscribe="chain_unsubscribeNewHeads")
    async with subscription as heads:
        async for head in heads:
            block_hash = await node.block_hash(int(head["number"], 16)) if sent else None
            if block_hash is None:
                continue  # nothing to look for, or retracted meanwhile
            included = await node.extrinsic_hashes(block_hash)
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
