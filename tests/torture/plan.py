"""What a run of the torture does, drawn from its seed: the same in every run of it."""

import random
from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    """What the adversary can do. Each is a method of `Adversary`, which tells more."""

    KILL = "kill"
    FALSE_START = "false_start"
    AMBUSH = "ambush"
    LONG_ABSENCE = "long_absence"
    FORK = "fork"
    STALL_FINALITY = "stall_finality"
    LEAP = "leap"
    DROP_CONNECTIONS = "drop_connections"
    REFUSE_CONNECTIONS = "refuse_connections"
    SWALLOW_NOTIFICATIONS = "swallow_notifications"
    REPEAT_NOTIFICATIONS = "repeat_notifications"
    DELAY_ANSWERS = "delay_answers"
    LIMIT_ANSWERS = "limit_answers"
    LOSE_POOL = "lose_pool"
    LOSE_ONE = "lose_one"
    BAN_ONE = "ban_one"
    USURP_ONE = "usurp_one"
    BLACK_HOLE = "black_hole"
    UPGRADE = "upgrade"
    STRANGER = "stranger"


RESTARTS = frozenset({Act.KILL, Act.FALSE_START, Act.AMBUSH, Act.LONG_ABSENCE})
"""What takes longest: a server starts for a second or two."""
ONCE = frozenset({Act.BLACK_HOLE, Act.UPGRADE})
"""What each run has exactly once."""
AT_LEAST = {Act.KILL: 2, Act.AMBUSH: 3, Act.FORK: 3}
"""How often each run has the others, at least; once if it is not said."""
WEIGHTS = {Act.KILL: 3, Act.AMBUSH: 4, Act.FORK: 6, Act.DROP_CONNECTIONS: 2, Act.LOSE_POOL: 2}
"""How often the others are drawn beyond that; 1 if it is not said."""
HUNTS = frozenset(
    {Act.AMBUSH, Act.FORK, Act.LOSE_POOL, Act.LOSE_ONE, Act.BAN_ONE, Act.USURP_ONE, Act.BLACK_HOLE}
)
"""What does the most harm to something that was just sent."""
HUNTED = 0.6
"""How much of what is asked for is asked for when one of these acts begins."""
INTENTS_PER_ACT = 3
INTENTS_PER_LIFE = 20
"""Of so many intents, some are the whole life of one task."""


class Single(StrEnum):
    """An intent that stands alone. Each is a method of `Callers`, which tells more."""

    TRANSFER = "transfer"
    REMARK = "remark"
    TASK = "task"
    REFUSED = "refused"
    HOPELESS = "hopeless"


SINGLES = {Single.TRANSFER: 6, Single.REMARK: 6, Single.TASK: 6, Single.REFUSED: 1, Single.HOPELESS: 1}


@dataclass(frozen=True)
class Step:
    """What callers begin to ask for, and then an act, and then a pause.

    `lives` and `singles` are numbered, and no number is used twice in a run.
    """

    number: int
    lives: tuple[int, ...]
    singles: tuple[tuple[int, Single], ...]
    act: Act
    pause_seconds: float


def draw(seed: int, *, intents: int, fixed: int, per_life: int) -> list[Step]:
    """The steps of a run of so many intents, `fixed` of them asked for before, `per_life` for each life.

    Raises ValueError if these are too few for the acts.
    """
    chance = random.Random(seed)
    lives = max(1, intents // INTENTS_PER_LIFE)
    acts = _acts(chance, intents // INTENTS_PER_ACT)
    hunts = [number for number, act in enumerate(acts) if act in HUNTS]
    alone = intents - fixed - lives * per_life
    if alone < len(hunts):
        raise ValueError(f"{intents} intents are too few for a torture")
    steps_of_lives = [chance.randrange(len(acts) // 2) for _ in range(lives)]
    singles: dict[int, list[tuple[int, Single]]] = {number: [] for number in range(len(acts))}
    steps = [
        chance.choice(hunts) if chance.random() < HUNTED else chance.randrange(len(acts))
        for _ in range(alone - len(hunts))
    ]
    for number, step in enumerate(hunts + steps):
        sent = [single for single in Single if single != Single.HOPELESS or number >= len(hunts)]
        [single] = chance.choices(sent, [SINGLES[each] for each in sent])
        singles[step].append((number, single))
    return [
        Step(
            number=number,
            lives=tuple(life for life, step in enumerate(steps_of_lives) if step == number),
            singles=tuple(singles[number]),
            act=act,
            pause_seconds=chance.uniform(0.0, 0.4),
        )
        for number, act in enumerate(acts)
    ]


def _acts(chance: random.Random, count: int) -> list[Act]:
    """So many acts in any order, or as many as each run has at least."""
    acts = [act for act in Act for _ in range(AT_LEAST.get(act, 1))]
    others = [act for act in Act if act not in ONCE]
    acts += chance.choices(others, [WEIGHTS.get(act, 1) for act in others], k=max(0, count - len(acts)))
    chance.shuffle(acts)
    return acts
