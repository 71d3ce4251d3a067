"""The blocks that `chainHead_v1_follow` holds for its clients."""

import collections

PINNED_BLOCKS_MAX = 512
"""How many different blocks all subscriptions of a node may have pinned, as on real nodes."""


class Pins:
    """Counts who holds which block."""

    def __init__(self) -> None:
        self._holders: collections.Counter[bytes] = collections.Counter()

    def __len__(self) -> int:
        return len(self._holders)

    def pin(self, block_hash: bytes) -> bool:
        """Hold a block for one more subscription, and tell whether there was room for it."""
        if block_hash not in self._holders and len(self) >= PINNED_BLOCKS_MAX:
            return False
        self._holders[block_hash] += 1
        return True

    def unpin(self, block_hash: bytes) -> None:
        """Hold it for one subscription less."""
        self._holders[block_hash] -= 1
        if not self._holders[block_hash]:
            del self._holders[block_hash]
