"""How fast the chain is followed, told from looks at the cursor and the finalized head."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.catch_up import FAR_BLOCKS, LOOKS_MAX, NEAR_BLOCKS, CatchUp


def looked(*looks: tuple[float, int, int]) -> CatchUp:
    catch_up = CatchUp()
    for seconds, cursor, finalized in looks:
        catch_up.look(seconds, cursor, finalized)
    return catch_up


def test_before_the_second_look_nothing_is_known() -> None:
    for catch_up in (CatchUp(), looked((5.0, 0, 1000)), looked((5.0, 0, 1000), (5.0, 10, 1000))):
        assert catch_up.blocks_per_second == 0
        assert catch_up.seconds_left is None


def test_the_end_is_told_by_how_fast_the_head_comes_nearer() -> None:
    catch_up = looked((0.0, 0, 1000), (10.0, 300, 1100))
    assert catch_up.blocks_per_second == pytest.approx(30)
    assert catch_up.seconds_left == pytest.approx(800 / 20)


def test_a_head_that_runs_away_is_never_reached() -> None:
    catch_up = looked((0.0, 0, 1000), (10.0, 50, 2000))
    assert (catch_up.under_way, catch_up.seconds_left) == (True, None)


def test_a_catch_up_begins_far_behind_and_ends_near_the_head() -> None:
    catch_up = CatchUp()
    states = []
    for second, lag in enumerate(
        (0, FAR_BLOCKS - 1, FAR_BLOCKS, NEAR_BLOCKS + 1, NEAR_BLOCKS, FAR_BLOCKS - 1)
    ):
        catch_up.look(float(second), 1000 * second, 1000 * second + lag)
        states.append(catch_up.under_way)
    assert states == [False, False, True, True, False, False]
    assert catch_up.seconds_left is None


def test_reading_the_chain_anew_begins_the_pace_anew() -> None:
    catch_up = looked((0.0, 5000, 5000), (10.0, 0, 5000), (20.0, 100, 5000))
    assert catch_up.blocks_per_second == pytest.approx(10)


def test_only_the_last_half_minute_counts() -> None:
    slow = [(float(second), second, 100_000) for second in range(100)]
    fast = [(100.0 + second, 1000 * second + 99, 100_000) for second in range(1, LOOKS_MAX + 1)]
    assert looked(*slow, *fast).blocks_per_second == pytest.approx(1000)


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 10**6), st.integers(0, 2 * 10**6)), max_size=60))
def test_whatever_is_seen_the_pace_makes_sense(looks: list[tuple[float, int, int]]) -> None:
    catch_up, now = CatchUp(), 0.0
    for passed, cursor, finalized in looks:
        now += passed
        catch_up.look(now, cursor, finalized)
        left = catch_up.seconds_left
        assert catch_up.blocks_per_second >= 0
        assert left is None or (left >= 0 and catch_up.under_way)
