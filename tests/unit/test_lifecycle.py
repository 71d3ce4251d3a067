"""The state machines are those of the design, and nothing else moves."""

import itertools
from enum import StrEnum

import pytest

from storage import lifecycle
from storage.errors import InvalidTransition
from storage.lifecycle import (
    AGENT,
    AGREEMENT,
    APPROVAL,
    BID,
    ESCROW,
    EXTRINSIC,
    HANDOFF,
    LIVE_EXTRINSIC,
    MILESTONE,
    RESULT,
    SESSION,
    TASK,
    Lifecycle,
)

# What the design says, one line per state: where it may go.
DESIGN: list[tuple[Lifecycle[StrEnum], dict[str, str]]] = [
    (
        AGENT,
        {
            "pending": "active rejected",
            "active": "suspended retired",
            "suspended": "active",
            "retired": "",
            "rejected": "pending active",
        },
    ),  # type: ignore[list-item]
    (
        TASK,
        {
            "pending": "bidding rejected",
            "bidding": "revealing cancelled expired",
            "revealing": "assigned cancelled expired",
            "assigned": "completed failed",
            "completed": "",
            "rejected": "",
            "cancelled": "",
            "expired": "",
            "failed": "",
        },
    ),  # type: ignore[list-item]
    (
        ESCROW,
        {
            "none": "funded",
            "funded": "released refunded disputed",
            "disputed": "released refunded",
            "released": "",
            "refunded": "",
        },
    ),  # type: ignore[list-item]
    (
        AGREEMENT,
        {
            "proposed": "signed disputed cancelled",
            "signed": "finalized disputed cancelled",
            "finalized": "disputed",
            "disputed": "",
            "cancelled": "",
        },
    ),  # type: ignore[list-item]
    (MILESTONE, {"open": "completed", "completed": "paid", "paid": ""}),  # type: ignore[list-item]
    (
        BID,
        {
            "pending": "committed rejected",
            "committed": "revealed",
            "revealed": "won lost",
            "won": "",
            "lost": "",
            "rejected": "",
        },
    ),  # type: ignore[list-item]
    (RESULT, {"pending": "recorded rejected", "recorded": "", "rejected": ""}),  # type: ignore[list-item]
    (
        EXTRINSIC,
        {
            "queued": "signed cancelled dead",
            "signed": "submitted queued finalized failed",
            "submitted": "in_block queued finalized failed",
            "in_block": "submitted queued finalized failed",
            "finalized": "",
            "failed": "",
            "cancelled": "queued",
            "dead": "queued cancelled",
        },
    ),  # type: ignore[list-item]
    (
        SESSION,
        {
            "pending": "active expired",
            "active": "paused completed failed expired",
            "paused": "active expired",
            "completed": "",
            "failed": "",
            "expired": "",
        },
    ),  # type: ignore[list-item]
    (
        APPROVAL,
        {
            "pending": "approved rejected cancelled expired",
            "approved": "",
            "rejected": "",
            "cancelled": "",
            "expired": "",
        },
    ),  # type: ignore[list-item]
    (
        HANDOFF,
        {
            "pending": "active cancelled",
            "active": "completed failed cancelled",
            "completed": "",
            "failed": "",
            "cancelled": "",
        },
    ),  # type: ignore[list-item]
]
each_machine = pytest.mark.parametrize(("machine", "design"), DESIGN, ids=[m.entity for m, _ in DESIGN])


def test_the_design_has_every_state_machine() -> None:
    machines = {name for name, value in vars(lifecycle).items() if isinstance(value, Lifecycle)}
    assert machines == {machine.entity.upper() for machine, _ in DESIGN}


@each_machine
def test_it_allows_the_moves_of_the_design_and_no_others(
    machine: Lifecycle[StrEnum], design: dict[str, str]
) -> None:
    statuses = list(type(machine.initial))
    assert {status.value for status in statuses} == set(design)
    for current, target in itertools.product(statuses, statuses):
        allowed = current == target or target.value in design[current.value].split()
        assert machine.allows(current, target) == allowed
        if allowed:
            machine.check("x", current, target)
        else:
            with pytest.raises(InvalidTransition) as refusal:
                machine.check("x", current, target)
            assert refusal.value.metadata == {"from": current.value, "to": target.value}
            assert refusal.value.resource == (machine.entity, "x")


@each_machine
def test_every_state_can_be_reached_and_the_terminal_ones_have_no_way_out(
    machine: Lifecycle[StrEnum], design: dict[str, str]
) -> None:
    reached, frontier = {machine.initial}, [machine.initial]
    while frontier:
        current = frontier.pop()
        for target in type(machine.initial):
            if machine.allows(current, target) and target not in reached:
                reached.add(target)
                frontier.append(target)
    assert reached == set(type(machine.initial))
    for status in reached:
        assert machine.terminal(status) == (design[status.value] == "")


def test_an_extrinsic_is_live_where_a_signature_of_it_may_be_executed() -> None:
    assert {status.value for status in LIVE_EXTRINSIC} == {"signed", "submitted", "in_block"}
    for status in LIVE_EXTRINSIC:
        for ending in ("cancelled", "dead"):
            assert not EXTRINSIC.allows(status, type(status)(ending))
