"""Compact integers, against the vectors of the specification."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.scale.errors import DecodeError
from chain.scale.primitives import COMPACT_MAX, decode_compact, encode_compact

VECTORS = [
    (0, "00"),
    (1, "04"),
    (42, "a8"),
    (63, "fc"),
    (64, "0101"),
    (69, "1501"),
    (16383, "fdff"),
    (16384, "02000100"),
    (65535, "feff0300"),
    (2**30 - 1, "feffffff"),
    (2**30, "0300000040"),
    (2**32 - 1, "03ffffffff"),
    (2**32, "070000000001"),
    (100_000_000_000_000, "0b00407a10f35a"),
    (2**64 - 1, "13ffffffffffffffff"),
    (2**536 - 1, "ff" + "ff" * 67),
]


@pytest.mark.parametrize(("number", "encoded"), VECTORS)
def test_known_numbers_have_their_known_encoding(number: int, encoded: str) -> None:
    assert encode_compact(number).hex() == encoded
    assert decode_compact(bytes.fromhex(encoded), 0) == (number, len(encoded) // 2)


@settings(deadline=None)
@given(st.integers(0, 536).flatmap(lambda bits: st.integers(0, 2**bits - 1)), st.binary(max_size=3))
def test_a_number_is_read_from_where_it_stands(number: int, before: bytes) -> None:
    raw = before + encode_compact(number)
    assert decode_compact(raw + b"behind", len(before)) == (number, len(raw))


@pytest.mark.parametrize("number", [-1, COMPACT_MAX + 1])
def test_a_number_outside_the_range_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="compact integer"):
        encode_compact(number)


@pytest.mark.parametrize(
    "encoded", ["0100", "fd00", "02000000", "feff0000", "03ffffff3f", "0300000000", "0700000040" + "00"]
)
def test_a_number_that_is_not_in_its_shortest_form_is_refused(encoded: str) -> None:
    with pytest.raises(DecodeError, match="shortest form"):
        decode_compact(bytes.fromhex(encoded), 0)


@pytest.mark.parametrize(("_", "encoded"), VECTORS)
def test_a_number_that_is_cut_off_is_refused(_: int, encoded: str) -> None:
    with pytest.raises(DecodeError):
        decode_compact(bytes.fromhex(encoded)[:-1], 0)
