"""How many blocks to ask a node for at once, learned from its answers."""

RANGE_BLOCKS_FIRST = 16
RANGE_BLOCKS_MAX = 128
RANGE_BYTES_MAX = 2 * 1024 * 1024
"""How large the answer of a range should be; nodes refuse 15 MB, and a large one delays the calls behind."""
FAST_SECONDS = 1.0
"""A range that takes longer is not followed by a larger one."""
SLOW_SECONDS = 5.0
"""A range that takes longer is followed by a smaller one."""


class Pace:
    """Grows while answers are fast and small, halves when one is refused, slow or too large.

    It outlives connections: a node that hangs up because of a too large answer is asked for less next time.
    """

    def __init__(self) -> None:
        self.range_blocks = RANGE_BLOCKS_FIRST
        self.block_bytes = 0.0  # of an average block, of late

    def answered(self, blocks: int, size_bytes: int, seconds: float) -> None:
        """Learn from the answer of a range."""
        self.block_bytes = (
            (self.block_bytes + size_bytes / blocks) / 2 if self.block_bytes else size_bytes / blocks
        )
        if seconds > SLOW_SECONDS:
            self.refused(blocks)
        elif seconds < FAST_SECONDS and blocks >= self.range_blocks:
            self.range_blocks = min(2 * self.range_blocks, RANGE_BLOCKS_MAX)
        fitting = int(RANGE_BYTES_MAX / max(self.block_bytes, 1.0))
        self.range_blocks = max(1, min(self.range_blocks, fitting))

    def refused(self, blocks: int) -> None:
        """Learn that so many blocks were too many."""
        self.range_blocks = max(1, min(self.range_blocks, blocks // 2))
