"""Telling early that an extrinsic is in a block, long before the block is final. A hint, never an outcome."""

import asyncio
from collections.abc import Mapping

from chain.node import Node
from chain.sender import Sent
from storage.lifecycle import ExtrinsicStatus
from storage.signatures import Hint, note_hints
from storage.store import Storage


async def hint_inclusion(storage: Storage, node: Node, sent: Mapping[bytes, Sent]) -> None:
    """Follow the best chain for ever, and note which of `sent` its blocks include.

    Raises `RpcFailure` or a `Failure` of storage.
    """
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
