"""Timestamp: the author of a block says when it was made."""

from chain.devnet.context import BlockContext
from chain.devnet.pallet import Pallet
from chain.devnet.typeinfo import U64, CompactU64

PALLET = Pallet("Timestamp", 1, "pallet_timestamp")

NOW = PALLET.value("Now", U64, "The time of this block, in milliseconds since 1970.", default=0)

PALLET.constant(
    "MinimumPeriod",
    U64,
    lambda parameters: parameters.minimum_period_ms,
    "The least time between blocks, in milliseconds: half of what is expected.",
)


@PALLET.inherent
def set_(block: BlockContext, now: CompactU64) -> None:
    """Set the time of this block, in milliseconds since 1970."""
    NOW.put(block, now)
