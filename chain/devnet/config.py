"""How a development chain is set up."""

import dataclasses
import enum
import time
from collections.abc import Callable, Mapping

BLOCK_TIME_MS_MIN = 2
BLOCK_TIME_MS_MAX = 86_400_000
FINALITY_LAG_BLOCKS_MAX = 100_000
FINALITY_STEP_BLOCKS_MAX = 10_000
FEE_PLANCK_MAX = 10**18
GENESIS_TIME_MS_MAX = 10**13
"""In the year 2286; the timestamps of blocks have room for what follows."""


class Sealing(enum.StrEnum):
    """When blocks are made: every block time, for every transaction that is ready, or only on demand."""

    INTERVAL = "interval"
    INSTANT = "instant"
    MANUAL = "manual"


def wall_clock_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DevChainConfig:
    """How a development chain behaves.

    Without a `seed` every chain has a genesis hash of its own. With manual sealing, or where `steady_clock`
    says so, the time of a block is the genesis time plus its number times the block time; otherwise it is
    what `clock` says, but at least half a block time after the block before. Two chains with a steady clock,
    one seed and one genesis time that are told the same make the same blocks, bit by bit.

    Finality moves as soon as it can by `finality_step_blocks` at least, and leaves `finality_lag_blocks`
    blocks behind the final one. Finalized heads skip heights where the step is more than 1.

    A transaction costs the base fee and, for each of its bytes, the byte fee; both may be 0.

    `names` are other names for pallets, calls, events and fields, see `names.renamed`.

    Raises:
        ValueError: a number is out of range.
    """

    seed: str | None = None
    sealing: Sealing = Sealing.INTERVAL
    block_time_ms: int = 1000
    finality_lag_blocks: int = 2
    finality_step_blocks: int = 1
    bidding_window_blocks: int = 300
    base_fee_planck: int = 1_000_000
    byte_fee_planck: int = 1_000
    genesis_time_ms: int | None = None
    steady_clock: bool = False
    clock: Callable[[], int] = wall_clock_ms
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not BLOCK_TIME_MS_MIN <= self.block_time_ms <= BLOCK_TIME_MS_MAX:
            raise ValueError(f"the block time is {BLOCK_TIME_MS_MIN} to {BLOCK_TIME_MS_MAX} ms")
        if self.bidding_window_blocks < 1:
            raise ValueError("the bidding window is at least 1 block")
        if self.genesis_time_ms is not None and not 0 <= self.genesis_time_ms <= GENESIS_TIME_MS_MAX:
            raise ValueError(f"the genesis time is 0 to {GENESIS_TIME_MS_MAX} ms")
        if not all(0 <= fee <= FEE_PLANCK_MAX for fee in (self.base_fee_planck, self.byte_fee_planck)):
            raise ValueError(f"the fees are 0 to {FEE_PLANCK_MAX} planck")
        check_finality(self.finality_lag_blocks, self.finality_step_blocks)


def check_finality(lag_blocks: int, step_blocks: int) -> None:
    """Raise ValueError for a finality lag or step that is out of range."""
    if not 0 <= lag_blocks <= FINALITY_LAG_BLOCKS_MAX:
        raise ValueError(f"the finality lag is 0 to {FINALITY_LAG_BLOCKS_MAX} blocks")
    if not 1 <= step_blocks <= FINALITY_STEP_BLOCKS_MAX:
        raise ValueError(f"the finality step is 1 to {FINALITY_STEP_BLOCKS_MAX} blocks")
