"""How far the reader is, for those who look at it."""

import asyncio
from collections import deque

from chain.node import Header

RATE_SECONDS = 20.0
"""The span that the rate of reading is measured over."""
SAMPLES_MAX = 64
CATCHING_UP_BLOCKS = 10
"""A reader that is further behind is catching up."""


class Progress:
    """What is known of the chain's finalized head and of the cursor; it outlives connections."""

    def __init__(self) -> None:
        self.finalized: Header | None = None
        self.cursor_number: int | None = None
        self.pruned_below: int | None = None
        self._samples: deque[tuple[float, int]] = deque(maxlen=SAMPLES_MAX)

    def reached(self, number: int) -> None:
        """Note that everything up to a block is reflected."""
        now = asyncio.get_running_loop().time()
        self.cursor_number = number
        if not self._samples or now - self._samples[-1][0] >= RATE_SECONDS / SAMPLES_MAX:
            self._samples.append((now, number))

    @property
    def lag_blocks(self) -> int:
        if self.finalized is None or self.cursor_number is None:
            return 0
        return max(0, self.finalized.number - self.cursor_number)

    @property
    def catching_up(self) -> bool:
        return self.lag_blocks > CATCHING_UP_BLOCKS

    @property
    def blocks_per_second(self) -> float:
        """The rate of late; 0 before there is one."""
        now = asyncio.get_running_loop().time()
        recent = [sample for sample in self._samples if now - sample[0] <= RATE_SECONDS]
        if not recent or self.cursor_number is None or now <= recent[0][0]:
            return 0.0
        return (self.cursor_number - recent[0][1]) / (now - recent[0][0])
