"""How large records are in a message of the contract, so that what is sent fits into what a client takes."""

from collections.abc import Callable
from itertools import accumulate
from typing import TypeVar

from storage import limits

R = TypeVar("R")


def fitting(records: list[R], weigh: Callable[[R], int], bytes_max: int) -> list[R]:
    """The first of some records, as many as fit into so many bytes; the very first in any case."""
    totals = accumulate(map(weigh, records))
    return records[: max(1, sum(total <= bytes_max for total in totals))]


def json_weight(*texts: str) -> int:
    """How many bytes some canonical JSON takes in a message, at most."""
    return limits.MESSAGE_BYTES_PER_JSON_CHAR_MAX * sum(map(len, texts))


def text_weight(*texts: str) -> int:
    """How many bytes a record with these texts takes in a message, at most."""
    return limits.MESSAGE_BYTES_BESIDE_TEXTS_MAX + sum(len(text.encode()) for text in texts)
