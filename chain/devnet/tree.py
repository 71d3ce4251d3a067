"""All blocks of a chain: the best branch, what of it is final, and the branches that were left."""

from collections.abc import Sequence

from chain.devnet.block import Block


class BlockTree:
    """Blocks by hash, and by number on the best branch. Blocks of branches that were left are kept."""

    def __init__(self, genesis: Block) -> None:
        self._blocks = {genesis.hash: genesis}
        self._best_branch = [genesis]
        self._finalized_number = genesis.number

    @property
    def genesis(self) -> Block:
        return self._best_branch[0]

    @property
    def best(self) -> Block:
        return self._best_branch[-1]

    @property
    def finalized(self) -> Block:
        return self._best_branch[self._finalized_number]

    @property
    def unfinalized_count(self) -> int:
        """Return how many blocks of the best branch are not final."""
        return self.best.number - self._finalized_number

    def get(self, block_hash: bytes) -> Block | None:
        """Return the block of this hash, whatever its branch."""
        return self._blocks.get(block_hash)

    def at(self, number: int) -> Block | None:
        """Return the block of this number on the best branch."""
        return self._best_branch[number] if 0 <= number < len(self._best_branch) else None

    def parent(self, block: Block) -> Block:
        """Return the block before this one; genesis is its own."""
        return self._blocks.get(block.header.parent_hash, block)

    def is_on_best_branch(self, block: Block) -> bool:
        """Tell whether the best branch leads through this block."""
        return self.at(block.number) is block

    def append(self, block: Block) -> None:
        """Make a child of the best block the best one."""
        assert block.header.parent_hash == self.best.hash
        self._blocks[block.hash] = block
        self._best_branch.append(block)

    def retract(self, depth: int) -> Sequence[Block]:
        """Leave the last blocks of the best branch, and return them, newest first.

        Raises:
            ValueError: there are not so many behind the finalized one.
        """
        if depth < 1:
            raise ValueError("a fork replaces at least 1 block")
        if depth > self.unfinalized_count:
            raise ValueError(
                f"cannot retract {depth} blocks: {self.unfinalized_count} follow the finalized block"
                f" {self._finalized_number}, and what is final is never retracted"
            )
        retracted = self._best_branch[-depth:]
        del self._best_branch[-depth:]
        return retracted[::-1]

    def finalize(self, number: int) -> Sequence[Block]:
        """Make the best branch final up to a number; return what became final by it, oldest first."""
        newly_final = self._best_branch[self._finalized_number + 1 : number + 1]
        self._finalized_number += len(newly_final)
        return newly_final
