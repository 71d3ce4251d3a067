"""What a node no longer has: the states, and the bodies, of blocks far behind the finalized one.

The chain itself keeps everything, so that a pruned node and an archive can serve the same chain. Genesis is
pruned like every other block. Formats and limits are those of `--state-pruning` and `--blocks-pruning`.
"""

from chain.devnet.block import Block
from chain.devnet.chain import DevChain

WINDOW_BLOCKS_MAX = 10_000_000


class Pruning:
    """Tells what a node has discarded; with a window of None, it is an archive and has everything."""

    def __init__(self, chain: DevChain, window_blocks: int | None) -> None:
        """Keep so many blocks behind the finalized one.

        Raises:
            ValueError: the window is out of range.
        """
        self._chain = chain
        self._window_blocks: int | None = None
        self.set_window(window_blocks)

    def set_window(self, blocks: int | None) -> None:
        """Keep so many blocks behind the finalized one from now on; raise ValueError for a wrong number."""
        if blocks is not None and not 1 <= blocks <= WINDOW_BLOCKS_MAX:
            raise ValueError(f"the pruning window is 1 to {WINDOW_BLOCKS_MAX} blocks")
        self._window_blocks = blocks

    def has_discarded(self, block: Block) -> bool:
        """Tell whether the state and the body of a block are gone; its header never is."""
        if self._window_blocks is None:
            return False
        finalized = self._chain.finalized.number
        if block.number <= finalized and not self._chain.is_on_best_chain(block):
            return True
        return block.number < finalized - self._window_blocks
