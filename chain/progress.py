"""How far the reader is, for those who look at it. How fast that is, they tell by looking again."""

from chain.node import Header


class Progress:
    """What is known of the chain's finalized head and of the cursor; it outlives connections."""

    def __init__(self) -> None:
        self.finalized: Header | None = None
        self.cursor_number: int | None = None
        self.pruned_below: int | None = None

    def reached(self, number: int) -> None:
        """Note that everything up to a block is reflected."""
        self.cursor_number = number
