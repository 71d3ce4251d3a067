"""What goes wrong on purpose at a node: which faults are switched on, and how often each has struck.

A fault strikes a number of times, or until it is told otherwise: that is `count`, None and 0 in turn. Where
it can strike at several things, `EVERY` stands for all of them.
"""

import collections
import enum
import random
from collections.abc import Sequence

MESSAGE_BYTES_MAX = 15 * 1024 * 1024
"""The longest message either way, as on real nodes."""

PADDED_BYTES_MAX = 256 * 1024 * 1024
"""The longest answer that a fault makes."""

DELAY_SECONDS_MAX = 3600.0

COUNT_MAX = 1_000_000
"""How often, in how many blocks or after how many messages a fault can be told to strike."""

EVERY = "*"
"""Stands for every kind of notification, or for every method but the `dev_*` ones."""

STEERING_PREFIX = "dev_"


class NotificationKind(enum.StrEnum):
    """The kinds of subscriptions, by the method that their notifications bear."""

    NEW_HEAD = "chain_newHead"
    ALL_HEAD = "chain_allHead"
    FINALIZED_HEAD = "chain_finalizedHead"
    RUNTIME_VERSION = "state_runtimeVersion"
    STORAGE = "state_storage"
    EXTRINSIC_UPDATE = "author_extrinsicUpdate"
    FOLLOW_EVENT = "chainHead_v1_followEvent"
    ARCHIVE_STORAGE = "archive_v1_storageEvent"


class Fault(enum.StrEnum):
    """The faults that are counted when they strike."""

    CONNECTION_DROPPED = "connection_dropped"
    CONNECTION_REFUSED = "connection_refused"
    NOTIFICATION_SWALLOWED = "notification_swallowed"
    NOTIFICATION_DUPLICATED = "notification_duplicated"
    RESPONSE_DELAYED = "response_delayed"
    RESPONSE_OVERSIZED = "response_oversized"
    EXTRINSIC_SWALLOWED = "extrinsic_swallowed"


class _Plan:
    """How often a fault is still to strike, by what it strikes at. None is until told otherwise."""

    def __init__(self) -> None:
        self.left: dict[str, int | None] = {}

    def set(self, target: str, count: int | None) -> None:
        if count == 0:
            self.left.pop(target, None)
        else:
            self.left[target] = count

    def strike(self, target: str) -> str | None:
        """Count that the fault strikes now, if it does, and return under which name that was planned."""
        for planned in (target, EVERY):
            if planned in self.left:
                left = self.left[planned]
                self.set(planned, None if left is None else left - 1)
                return planned
        return None


class Faults:
    """The faults of one node. What is random in them is drawn from a generator with this seed."""

    def __init__(self, seed: str | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.struck: collections.Counter[Fault] = collections.Counter()
        self.clear()

    def clear(self) -> None:
        """Switch all faults off; the counts stay."""
        self.response_bytes_max = MESSAGE_BYTES_MAX
        self._swallowed, self._duplicated, self._refused, self._oversized = (_Plan() for _ in range(4))
        self._delays: dict[str, tuple[float, float]] = {}
        self._lengths: dict[str, int] = {}
        self._hole_until: float | None = None

    # Switching them on and off

    def swallow_notifications(self, kind: str = EVERY, count: int | None = None) -> None:
        """Do not send the next notifications of a kind, to whomever; forever, it is a hung subscription."""
        self._swallowed.set(_known(kind), count)

    def duplicate_notifications(self, kind: str = EVERY, count: int | None = None) -> None:
        """Send the next notifications of a kind twice."""
        self._duplicated.set(_known(kind), count)

    def delay_responses(self, method: str, seconds: float, seconds_max: float | None = None) -> None:
        """Carry calls of a method out at once, but answer them so much later; 0 ends it.

        With `seconds_max`, every delay is drawn anew from between the two. Answers to other calls overtake.
        """
        if seconds_max is None:
            seconds_max = seconds
        if not 0 <= seconds <= seconds_max <= DELAY_SECONDS_MAX:
            raise ValueError(f"a delay is 0 to {DELAY_SECONDS_MAX:.0f} seconds, and not above its maximum")
        if seconds_max == 0:
            self._delays.pop(method, None)
        else:
            self._delays[method] = (seconds, seconds_max)

    def oversize_responses(self, method: str, length_bytes: int, count: int | None = 1) -> None:
        """Pad the next answers to a method with spaces, which JSON allows, beyond what a client takes."""
        if not 0 <= length_bytes <= PADDED_BYTES_MAX:
            raise ValueError(f"an answer is padded to at most {PADDED_BYTES_MAX} bytes")
        self._oversized.set(method, count)
        self._lengths[method] = length_bytes

    def limit_responses(self, length_bytes: int | None = None) -> None:
        """Set the length above which the node answers "Response is too big"; by default the usual one."""
        self.response_bytes_max = MESSAGE_BYTES_MAX if length_bytes is None else length_bytes

    def refuse_connections(self, attempts: int | None = None) -> None:
        """Let the next attempts to connect fail with the HTTP status 503; those that are open stay open."""
        self._refused.set(EVERY, attempts)

    def open_black_hole(self, until_block: int | None = None) -> None:
        """Acknowledge submitted extrinsics but lose them, until this block is the best one."""
        self._hole_until = float("inf") if until_block is None else until_block

    def close_black_hole(self) -> None:
        """Let submitted extrinsics reach the pool again."""
        self._hole_until = None

    # What the node asks

    def copies_of(self, kind: NotificationKind) -> int:
        """Return how often a notification is to be sent."""
        if self._swallowed.strike(kind):
            self.struck[Fault.NOTIFICATION_SWALLOWED] += 1
            return 0
        if self._duplicated.strike(kind):
            self.struck[Fault.NOTIFICATION_DUPLICATED] += 1
            return 2
        return 1

    def delay_seconds(self, methods: Sequence[str]) -> float:
        """Return how long the answer to calls of these methods is to wait."""
        ranges = [self._delays.get(method) or self._delays.get(EVERY) for method in _struck(methods)]
        delays = [self._random.uniform(*bounds) for bounds in ranges if bounds]
        self.struck[Fault.RESPONSE_DELAYED] += bool(delays)
        return max(delays, default=0)

    def padded_bytes(self, methods: Sequence[str]) -> int:
        """Return how long the answer to calls of these methods is to be at least."""
        plans = [self._oversized.strike(method) for method in _struck(methods)]
        lengths = [self._lengths[plan] for plan in plans if plan]
        self.struck[Fault.RESPONSE_OVERSIZED] += bool(lengths)
        return max(lengths, default=0)

    def refuses_connection(self) -> bool:
        """Tell whether an attempt to connect is to fail."""
        refused = self._refused.strike(EVERY) is not None
        self.struck[Fault.CONNECTION_REFUSED] += refused
        return refused

    def swallows_extrinsic(self, best_number: int) -> bool:
        """Tell whether an extrinsic that is submitted now is to be lost."""
        if self._hole_until is not None and best_number >= self._hole_until:
            self._hole_until = None
        swallowed = self._hole_until is not None
        self.struck[Fault.EXTRINSIC_SWALLOWED] += swallowed
        return swallowed


def _struck(methods: Sequence[str]) -> list[str]:
    """Return the methods that faults may strike at, which those that steer are not."""
    return [method for method in methods if not method.startswith(STEERING_PREFIX)]


def _known(kind: str) -> str:
    if kind != EVERY and kind not in list(NotificationKind):
        raise ValueError(f"{kind!r:.80} is no kind of notification: {', '.join(NotificationKind)}, {EVERY}")
    return kind
