"""Sequences of bits (`bitvec::BitVec`) as text of `0` and `1`, first bit first.

A compact count of bits, then words of the store's size, little-endian; the order says which bit of a
word comes first. What the last word holds beyond the count is ignored.
"""

from chain.scale.errors import DecodeError
from chain.scale.primitives import LENGTH_MAX, decode_compact, encode_compact


def decode_bits(raw: bytes, offset: int, word_size: int, highest_first: bool) -> tuple[str, int]:
    """Reads a bit sequence at `offset`; returns its bits and the offset behind it. Raises DecodeError."""
    length, start = decode_compact(raw, offset, LENGTH_MAX)
    word_bits = 8 * word_size
    end = start + -(-length // word_bits) * word_size
    if end > len(raw):
        raise DecodeError(f"{length} bits announced, {len(raw) - start} bytes left", offset)
    words = (int.from_bytes(raw[at : at + word_size], "little") for at in range(start, end, word_size))
    texts = (f"{word:0{word_bits}b}" for word in words)
    return "".join(text if highest_first else text[::-1] for text in texts)[:length], end


def encode_bits(bits: str, word_size: int, highest_first: bool) -> bytes:
    """The encoding of a text of `0` and `1`."""
    word_bits = 8 * word_size
    texts = (bits[at : at + word_bits].ljust(word_bits, "0") for at in range(0, len(bits), word_bits))
    words = (int(text if highest_first else text[::-1], 2) for text in texts)
    return encode_compact(len(bits)) + b"".join(word.to_bytes(word_size, "little") for word in words)
