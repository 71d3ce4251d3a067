"""How many blocks a node is asked for at once, whatever it has answered."""

from hypothesis import given
from hypothesis import strategies as st

from chain.pace import RANGE_BLOCKS_FIRST, RANGE_BLOCKS_MAX, RANGE_BYTES_MAX, Pace

answers = st.tuples(st.integers(1, 10**7), st.floats(0.0, 100.0), st.booleans())


@given(st.lists(answers, max_size=30))
def test_a_range_is_never_empty_and_never_too_long(history: list[tuple[int, float, bool]]) -> None:
    pace = Pace()
    for block_bytes, seconds, refused in history:
        blocks = pace.range_blocks
        if refused:
            pace.refused(blocks)
            assert pace.range_blocks == max(1, blocks // 2)
        else:
            pace.answered(blocks, blocks * block_bytes, seconds)
        assert 1 <= pace.range_blocks <= RANGE_BLOCKS_MAX
        assert pace.range_blocks == 1 or pace.range_blocks * pace.block_bytes <= RANGE_BYTES_MAX or refused


def test_while_answers_are_fast_ranges_grow() -> None:
    pace = Pace()
    lengths = []
    for _ in range(5):
        pace.answered(pace.range_blocks, 1000, 0.1)
        lengths.append(pace.range_blocks)
    assert lengths == [2 * RANGE_BLOCKS_FIRST, 4 * RANGE_BLOCKS_FIRST, *[RANGE_BLOCKS_MAX] * 3]


def test_when_answers_are_slow_ranges_shrink() -> None:
    pace = Pace()
    pace.answered(RANGE_BLOCKS_FIRST, 1000, 10.0)
    assert pace.range_blocks == RANGE_BLOCKS_FIRST // 2


def test_the_end_of_a_catch_up_does_not_make_ranges_grow() -> None:
    pace = Pace()
    pace.answered(1, 10, 0.01)
    assert pace.range_blocks == RANGE_BLOCKS_FIRST
