"""Which extrinsics stand in the newest blocks of the best chain, final or not."""

import asyncio

from chain.node import Node


class NewestBlocks:
    """Asks for each block once, as long as it is among those that are looked at."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._extrinsics: dict[bytes, frozenset[bytes]] = {}  # by block hash

    async def extrinsics(self, first: int, last: int) -> frozenset[bytes]:
        """The hashes of the extrinsics of a range of blocks. Raises `RpcFailure`."""
        found = await asyncio.gather(*(self._node.block_hash(number) for number in range(first, last + 1)))
        hashes = [block_hash for block_hash in found if block_hash is not None]
        new = [block_hash for block_hash in hashes if block_hash not in self._extrinsics]
        bodies = await asyncio.gather(*(self._node.extrinsic_hashes(block_hash) for block_hash in new))
        known = self._extrinsics | dict(zip(new, bodies, strict=True))
        self._extrinsics = {block_hash: known[block_hash] for block_hash in hashes}
        return frozenset[bytes]().union(*self._extrinsics.values())
