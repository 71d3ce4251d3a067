"""The layered state answers at every block of every branch as a copy per block would."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from chain.devnet.state import Overlay, State

KEYS = st.sampled_from([b"a", b"ab", b"abc", b"b", b"ba", b"c"])
CHANGES = st.dictionaries(KEYS, st.none() | st.binary(max_size=2), max_size=4)


def assert_same(state: State, expected: dict[bytes, bytes]) -> None:
    assert {key: state.get(key) for key in expected} == expected
    for prefix in (b"", b"a", b"ab", b"c"):
        assert state.keys(prefix) == sorted(key for key in expected if key.startswith(prefix))


@settings(deadline=None)
@given(genesis=CHANGES, steps=st.lists(st.tuples(st.integers(0, 40), CHANGES), max_size=40))
def test_every_state_of_a_block_tree_equals_its_own_copy(
    genesis: dict[bytes, bytes | None], steps: Sequence[tuple[int, dict[bytes, bytes | None]]]
) -> None:
    states = [State(genesis)]
    copies = [{key: value for key, value in genesis.items() if value is not None}]
    for back, changes in steps:
        parent = max(0, len(states) - 1 - back)  # mostly forks, of any depth
        states.append(states[parent].child(changes))
        merged = {**copies[parent], **changes}
        copies.append({key: value for key, value in merged.items() if value is not None})
    for state, copy in zip(states, copies, strict=True):
        assert_same(state, copy)


@settings(deadline=None)
@given(CHANGES, CHANGES, CHANGES)
def test_a_rolled_back_overlay_is_as_it_was(
    base: dict[bytes, bytes | None], kept: dict[bytes, bytes | None], undone: dict[bytes, bytes | None]
) -> None:
    overlay = Overlay(State(base))
    for key, value in kept.items():
        overlay.put(key, value)
    checkpoint, before = overlay.checkpoint(), dict(overlay.changes)
    for key, value in [*undone.items(), *undone.items()]:
        overlay.put(key, value)
    assert all(overlay.get(key) == value for key, value in undone.items())
    overlay.roll_back(checkpoint)
    assert overlay.changes == before
    assert all(overlay.get(key) == (base | kept).get(key) for key in base | kept | undone)


def test_a_long_chain_is_read_through_few_layers() -> None:
    state = State({b"old": b"1"})
    for number in range(1, 1001):
        state = state.child({b"%d" % number: b"x"})
    layers = 0
    layer: State | None = state
    while layer is not None:
        layers, layer = layers + 1, layer._older
    assert state.get(b"old") == b"1"
    assert layers <= 11
