"""Mortality, against the vectors of `sp_runtime::generic::Era` and against scalecodec."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scalecodec.base import ScaleBytes
from scalecodec.exceptions import RemainingScaleBytesNotEmptyException
from scalecodec.types import Era as TheirEra

from chain.scale.era import Era
from chain.scale.errors import DecodeError

PERIODS = st.integers(2, 16).map(lambda exponent: 1 << exponent)
BLOCKS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("era", "encoded"),
    [
        (Era.immortal(), "00"),
        (Era.mortal(64, 42), "a502"),
        (Era.mortal(32768, 20000), "4e9c"),
        (Era.mortal(4, 0), "0100"),
        (Era.mortal(65536, 65535), "ffff"),
    ],
)
def test_known_eras_have_their_known_encoding(era: Era, encoded: str) -> None:
    assert era.encode().hex() == encoded
    assert Era.decode(bytes.fromhex(encoded)) == era


@settings(deadline=None)
@given(PERIODS, BLOCKS, st.data())
def test_eras_are_encoded_and_live_as_scalecodec_says(period: int, birth: int, data: st.DataObject) -> None:
    ours, theirs = Era.mortal(period, birth), TheirEra()
    assert ours.encode() == bytes(theirs.encode({"period": period, "current": birth}).data)
    later = birth + data.draw(st.integers(0, period - 1))
    assert (ours.birth(later), ours.death(later)) == (theirs.birth(later), theirs.death(later))


@settings(deadline=None)
@given(st.binary(min_size=2, max_size=2))
def test_two_bytes_are_an_era_for_us_if_they_are_one_for_scalecodec(raw: bytes) -> None:
    theirs = TheirEra(data=ScaleBytes(raw))
    try:
        expected = theirs.decode(check_remaining=True)
    except (ValueError, RemainingScaleBytesNotEmptyException):
        expected = None
    try:
        era = Era.decode(raw)
    except DecodeError:
        assert expected is None
    else:
        assert (era.period, era.phase) == expected
        assert Era.from_value(era.to_value()) == era


@given(PERIODS, BLOCKS)
def test_an_era_made_from_a_block_is_born_at_that_block_or_slightly_before(period: int, birth: int) -> None:
    era = Era.mortal(period, birth)
    assert era.birth_block == era.birth(birth)
    assert 0 <= birth - era.birth_block < max(period // 4096, 1)
    assert era.death(birth) == era.birth_block + period


@given(PERIODS, BLOCKS)
def test_an_era_survives_its_encoding_but_for_the_block_it_was_born_at(period: int, birth: int) -> None:
    decoded = Era.decode(Era.mortal(period, birth).encode())
    assert decoded == Era.mortal(period, birth)
    assert decoded.birth_block is None


def test_an_immortal_era_is_born_at_genesis_and_never_dies() -> None:
    era = Era.immortal()
    assert (era.birth(1000), era.death(1000), era.is_immortal) == (0, None, True)


@pytest.mark.parametrize(("period", "birth"), [(0, 0), (2, 0), (100, 0), (1 << 17, 0), (-64, 0), (64, -1)])
def test_an_era_that_cannot_be_encoded_cannot_be_made(period: int, birth: int) -> None:
    with pytest.raises(ValueError, match="era"):
        Era.mortal(period, birth)


@pytest.mark.parametrize("raw", [b"", b"\x01", b"\x00\x00", b"\x10\x00", b"\x01\xff", b"\xa5\x02\x00"])
def test_bytes_that_are_no_era_are_refused(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        Era.decode(raw)
