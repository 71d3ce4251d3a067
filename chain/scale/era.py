"""The mortality of an extrinsic: for which blocks it is valid.

Format: `sp_runtime::generic::Era`. A mortal extrinsic is born at a block, whose hash it signs, and
dies `period` blocks later; it can be included in the blocks between.
"""

from dataclasses import dataclass, field

from chain.scale.errors import DecodeError
from chain.scale.values import Value

PERIOD_BLOCKS_MIN = 4
PERIOD_BLOCKS_MAX = 1 << 16

PHASES_MAX = 1 << 12
"""A phase is stored in 12 bits: in longer periods, births are rounded down to a multiple."""


@dataclass(frozen=True, slots=True)
class Era:
    """Either immortal (`period` 0), or born at a block whose number is `phase` modulo `period`.

    `birth_block` is known where the era was made from a block (`mortal`), not where it was decoded.
    """

    period: int
    phase: int
    birth_block: int | None = field(default=None, compare=False)

    @classmethod
    def immortal(cls) -> "Era":
        """Valid for ever. It signs the genesis hash as its birth hash."""
        return cls(0, 0, birth_block=0)

    @classmethod
    def mortal(cls, period: int, birth_block: int) -> "Era":
        """Valid from the block after `birth_block` for `period` blocks, a power of two from 4 to 65536.

        The birth block of the result is what must be signed: with a period over 4096 it may lie up
        to `period / 4096 - 1` blocks earlier. Raises ValueError for another period or a negative block.
        """
        if not PERIOD_BLOCKS_MIN <= period <= PERIOD_BLOCKS_MAX or period.bit_count() != 1:
            raise ValueError(f"an era's period is a power of two from 4 to 65536 blocks, not {period}")
        if birth_block < 0:
            raise ValueError(f"an era cannot be born at block {birth_block}")
        birth_block -= birth_block % _phase_step(period)
        return cls(period, birth_block % period, birth_block)

    @property
    def is_immortal(self) -> bool:
        return self.period == 0

    def birth(self, current_block: int) -> int:
        """The block at which the era was born, seen from a block of its life; 0 if immortal."""
        if self.is_immortal:
            return 0
        return (max(current_block, self.phase) - self.phase) // self.period * self.period + self.phase

    def death(self, current_block: int) -> int | None:
        """The first block that cannot include the extrinsic any more, seen from a block of its life."""
        return None if self.is_immortal else self.birth(current_block) + self.period

    def encode(self) -> bytes:
        """One byte if immortal, else two."""
        if self.is_immortal:
            return b"\x00"
        exponent = self.period.bit_length() - 1
        number = (self.phase // _phase_step(self.period)) << 4 | (exponent - 1)
        return number.to_bytes(2, "little")

    @classmethod
    def decode(cls, raw: bytes) -> "Era":
        """The era of its one or two bytes. Raises DecodeError."""
        if raw == b"\x00":
            return cls.immortal()
        if len(raw) != 2 or raw[0] == 0:
            raise DecodeError("an era is a zero, or two bytes of which the first is none", 0)
        number = int.from_bytes(raw, "little")
        period = 2 << (number & 0b1111)
        phase = (number >> 4) * _phase_step(period)
        if period < PERIOD_BLOCKS_MIN or phase >= period:
            raise DecodeError(f"an era of {period} blocks cannot have the phase {phase}", 0)
        return cls(period, phase)

    def to_value(self) -> Value:
        """The value that metadata describes: an enum whose variants carry the first byte in their names."""
        first, *rest = self.encode()
        return {f"Mortal{first}": rest[0]} if rest else "Immortal"

    @classmethod
    def from_value(cls, value: Value) -> "Era":
        """The era of a decoded value. Raises DecodeError."""
        if value == "Immortal":
            return cls.immortal()
        [(name, second)] = value.items()
        return cls.decode(bytes((int(name.removeprefix("Mortal")), second)))


def _phase_step(period: int) -> int:
    return max(period // PHASES_MAX, 1)
