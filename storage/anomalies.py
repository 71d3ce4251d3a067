"""What was unexpected about a fact of the chain: a text for people, stored with its event. Empty: nothing."""

from storage.lifecycle import Lifecycle, Status

_JUMPED = "moved from"


def jump(lifecycle: Lifecycle[Status], current: Status, target: Status) -> str:
    """The anomaly of a move that the lifecycle does not have; none if it has it."""
    return "" if lifecycle.allows(current, target) else f"{lifecycle.entity} {_JUMPED} {current} to {target}"


def is_jump(anomaly: str) -> bool:
    """Whether `jump` made an anomaly: told by its words, since of what is stored there is nothing else."""
    return f" {_JUMPED} " in anomaly


def unknown(entity: str, number: int) -> str:
    """The anomaly of a fact about an entity, by its number on the chain, that is not known here."""
    return f"unknown {entity} {number}"
