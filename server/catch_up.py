"""How fast a database follows its chain, from looking at it now and then."""

from collections import deque
from typing import NamedTuple

LOOKS_MAX = 31
"""The looks that it is made of: half a minute, at one a second."""
FAR_BLOCKS = 100
"""So far behind the finalized head a catch-up begins."""
NEAR_BLOCKS = 10
"""So near to the finalized head it is over; chains finalize several blocks at once."""


class _Look(NamedTuple):
    seconds: float
    cursor: int
    lag_blocks: int


class CatchUp:
    """Made of looks at the cursor and the finalized head, by a clock that never goes back."""

    def __init__(self) -> None:
        self.under_way = False
        self._looks: deque[_Look] = deque(maxlen=LOOKS_MAX)

    def look(self, seconds: float, cursor: int, finalized: int) -> None:
        """Take in where the cursor and the finalized head are at a time."""
        if self._looks and cursor < self._looks[-1].cursor:
            self._looks.clear()  # the chain is read anew
        look = _Look(seconds, cursor, max(0, finalized - cursor))
        self._looks.append(look)
        self.under_way = look.lag_blocks > (NEAR_BLOCKS if self.under_way else FAR_BLOCKS - 1)

    @property
    def blocks_per_second(self) -> float:
        """How fast the cursor moves; 0 before the second look."""
        first, last = self._ends()
        passed = last.seconds - first.seconds
        return (last.cursor - first.cursor) / passed if passed > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """While catching up, how long that will take; None if the head is not coming nearer."""
        first, last = self._ends()
        passed, gained = last.seconds - first.seconds, first.lag_blocks - last.lag_blocks
        if not self.under_way or passed <= 0 or gained <= 0:
            return None
        return last.lag_blocks * passed / gained

    def _ends(self) -> tuple[_Look, _Look]:
        return (self._looks[0], self._looks[-1]) if self._looks else (_NEVER, _NEVER)


_NEVER = _Look(0.0, 0, 0)
