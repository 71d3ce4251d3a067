"""The parts of SCALE that need no type registry: compact integers, and a cursor over bytes.

Format: https://docs.substrate.io/reference/scale-codec/ and `parity-scale-codec`.
"""

from collections.abc import Callable
from typing import TypeVar

from chain.scale.errors import DecodeError

Item = TypeVar("Item")

COMPACT_MAX = 2**536 - 1
"""The largest compact integer: 67 bytes after the prefix."""

LENGTH_MAX = 2**32 - 1
"""The longest text or sequence: lengths are `Compact<u32>`."""


def encode_compact(number: int) -> bytes:
    """The shortest compact encoding of an integer from 0 to `COMPACT_MAX`."""
    if not 0 <= number <= COMPACT_MAX:
        raise ValueError(f"a compact integer lies between 0 and 2^536 - 1, not {number}")
    if number < 1 << 6:
        return bytes((number << 2,))
    if number < 1 << 14:
        return (number << 2 | 0b01).to_bytes(2, "little")
    if number < 1 << 30:
        return (number << 2 | 0b10).to_bytes(4, "little")
    size = (number.bit_length() + 7) // 8
    return bytes(((size - 4) << 2 | 0b11,)) + number.to_bytes(size, "little")


def decode_compact(raw: bytes, offset: int, largest: int = COMPACT_MAX) -> tuple[int, int]:
    """Reads a compact integer at `offset`; returns it and the offset behind it.

    Raises DecodeError where bytes are missing, the number is over `largest`, or the encoding is not
    the shortest, which no SCALE implementation writes and `parity-scale-codec` refuses too.
    """
    try:
        prefix = raw[offset]
    except IndexError:
        raise DecodeError("compact integer is missing", offset) from None
    mode = prefix & 0b11
    if mode == 0b00:
        return prefix >> 2, offset + 1
    if mode == 0b11:
        start, size, shift = offset + 1, (prefix >> 2) + 4, 0
        smallest = 1 << 30 if size == 4 else 1 << 8 * (size - 1)
    else:
        start, size, shift = offset, 2 * mode, 2
        smallest = 1 << 6 if size == 2 else 1 << 14
    end = start + size
    if end > len(raw):
        raise DecodeError("compact integer is cut off", offset)
    number = int.from_bytes(raw[start:end], "little") >> shift
    if number < smallest:
        raise DecodeError("compact integer is not in its shortest form", offset)
    if number > largest:
        raise DecodeError(f"compact integer is over {largest}", offset)
    return number, end


def decode_sized_bytes(raw: bytes, offset: int) -> tuple[bytes, int]:
    """Reads a `Vec<u8>` at `offset`; returns it and the offset behind it. Raises DecodeError."""
    length, start = decode_compact(raw, offset, LENGTH_MAX)
    end = start + length
    if end > len(raw):
        raise DecodeError(f"{length} bytes announced, {len(raw) - start} left", offset)
    return raw[start:end], end


def decode_text(raw: bytes, offset: int) -> tuple[str, int]:
    """Reads a `str` at `offset`; returns it and the offset behind it. Raises DecodeError."""
    encoded, end = decode_sized_bytes(raw, offset)
    try:
        return encoded.decode(), end
    except UnicodeDecodeError:
        raise DecodeError("text is not UTF-8", offset) from None


class Cursor:
    """Reads the hand-written formats (metadata, the frame of an extrinsic) from front to back.

    Every method raises DecodeError where bytes are missing or malformed.
    """

    def __init__(self, raw: bytes, offset: int = 0) -> None:
        self._raw = raw
        self.offset = offset

    @property
    def remaining(self) -> int:
        return len(self._raw) - self.offset

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        start, end = self.offset, self.offset + size
        if end > len(self._raw):
            raise DecodeError(f"{size} bytes wanted, {self.remaining} left", start)
        self.offset = end
        return self._raw[start:end]

    def byte(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def compact(self) -> int:
        number, self.offset = decode_compact(self._raw, self.offset)
        return number

    def sized_bytes(self) -> bytes:
        """A `Vec<u8>`."""
        taken, self.offset = decode_sized_bytes(self._raw, self.offset)
        return taken

    def text(self) -> str:
        taken, self.offset = decode_text(self._raw, self.offset)
        return taken

    def sequence(self, read_item: Callable[[], Item]) -> tuple[Item, ...]:
        """A `Vec` of items that take at least one byte each, as every item of these formats does."""
        start, length = self.offset, self.compact()
        if length > self.remaining:
            raise DecodeError(f"{length} items announced, {self.remaining} bytes left", start)
        return tuple([read_item() for _ in range(length)])

    def option(self, read_value: Callable[[], Item]) -> Item | None:
        tag = self.byte()
        if tag > 1:
            raise DecodeError(f"option tag {tag} is neither 0 nor 1", self.offset - 1)
        return read_value() if tag else None

    def finish(self) -> None:
        """Raises DecodeError if bytes are left."""
        if self.remaining:
            raise DecodeError(f"{self.remaining} bytes left over", self.offset)
