"""That an extrinsic is in a block is told before the block is final, also after the node refused to tell."""

import pytest

from chain.node import Node
from chain.rpc import RpcError
from storage.chain import outbox
from storage.chain.outbox import NewCall
from storage.lifecycle import ExtrinsicStatus
from storage.records import Extrinsic, Receipt
from tests.support.world import World, eventually


async def test_inclusion_is_told_again_after_the_node_refused_to_show_a_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown, refused = Node.extrinsic_hashes, list[bytes]()

    async def refuse_the_first(node: Node, block_hash: bytes) -> frozenset[bytes]:
        if not refused:
            refused.append(block_hash)
            raise RpcError(-32008, "Response is too big")
        return await shown(node, block_hash)

    monkeypatch.setattr(Node, "extrinsic_hashes", refuse_the_first)
    async with World.open(finality_lag_blocks=5) as world:
        world.chain.pause_sealing()
        receipts: list[Receipt[Extrinsic]] = []

        async def one_is_told() -> bool:
            """Seal what was sent, or ask for more; blocks that are sealed meanwhile may be passed over."""
            if world.chain.pending():
                world.chain.seal()
                call = NewCall(
                    pallet="System", call="remark", payload=f'{{"remark":"0x{len(receipts):04x}"}}'
                )
                receipts.append(await world.storage.commit(outbox.enqueue_call, call))
            statuses = [(await world.extrinsic(receipt)).status for receipt in receipts]
            return ExtrinsicStatus.IN_BLOCK in statuses

        call = NewCall(pallet="System", call="remark", payload='{"remark":"0x"}')
        await world.storage.commit(outbox.enqueue_call, call)
        async with world.bridged() as bridge:
            await eventually(one_is_told, "the inclusion")
            assert refused
            assert bridge.status().connections == 1
