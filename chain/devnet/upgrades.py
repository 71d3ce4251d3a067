"""The runtimes of a chain: which one a block's state holds, and which blocks upgrade it."""

from collections.abc import Iterable

from chain.devnet.block import Block
from chain.devnet.config import DevChainConfig
from chain.devnet.revision import FIRST, Change, Revision
from chain.devnet.runtime import CODE_KEY, DevRuntime
from chain.devnet.runtime_api import APIS

UPGRADES_MAX = 100


class Runtimes:
    """Runtimes by what a state holds under `:code`, each made when it is first wanted."""

    def __init__(self, config: DevChainConfig, arbiter: bytes) -> None:
        self._config = config
        self._arbiter = arbiter
        self._runtimes: dict[bytes, DevRuntime] = {}
        self._upgrades: dict[int, frozenset[Change]] = {}
        self.first = self._of(FIRST)

    def at(self, block: Block) -> DevRuntime:
        """Return the runtime in a block's state: that of its children, and not always that of the block."""
        code = block.state.get(CODE_KEY)
        assert code is not None
        return self._runtimes[code]

    def schedule(self, changes: Iterable[Change], number: int) -> None:
        """Let the block of this number, on whatever branch, upgrade the runtime.

        Raises:
            ValueError: it does so already, or UPGRADES_MAX are reached.
        """
        if number in self._upgrades:
            raise ValueError(f"block {number} upgrades the runtime already")
        if len(self._upgrades) >= UPGRADES_MAX:
            raise ValueError(f"a chain has at most {UPGRADES_MAX} upgrades")
        self._upgrades[number] = frozenset(changes)

    def upgrade_after(self, parent: Block) -> Revision | None:
        """Return what the child of this block upgrades the runtime to, if it does."""
        changes = self._upgrades.get(parent.number + 1)
        return None if changes is None else self._of(self.at(parent).revision.after(changes)).revision

    def _of(self, revision: Revision) -> DevRuntime:
        runtime = self._runtimes.get(revision.code)
        if runtime is None:
            runtime = self._runtimes[revision.code] = DevRuntime(
                APIS,
                block_time_ms=self._config.block_time_ms,
                bidding_window_blocks=self._config.bidding_window_blocks,
                base_fee_planck=self._config.base_fee_planck,
                byte_fee_planck=self._config.byte_fee_planck,
                arbiter=self._arbiter,
                revision=revision,
            )
        return runtime
