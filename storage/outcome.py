"""Mutations and queries: named functions over many items, with one outcome for each.

A mutation takes its items in the order of their arrival and answers in the same order. A refusal is the
outcome of its own item, never an exception for its neighbours.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

import msgspec

from storage.deeds import Describe, describing
from storage.errors import Refusal
from storage.transaction import Transaction

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Key = TypeVar("Key")

Outcome: TypeAlias = Answer | Refusal


class Mutation(Generic[Item, Answer]):
    """A function that changes the database for many items; its answers can be stored and read back.

    `describe` tells the audit log what was done, by the answer.
    """

    def __init__(
        self,
        function: Callable[[Transaction, Sequence[Item]], list[Outcome[Answer]]],
        answer: type[Answer],
        describe: Describe,
    ) -> None:
        self.name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        self.apply = function
        self.describe = describe
        self.decode_answer = msgspec.json.Decoder(answer).decode
        self.__doc__ = function.__doc__

    def __repr__(self) -> str:
        return f"<mutation {self.name}>"


def mutation(
    answer: type[Answer], *, describe: Describe | None = None
) -> Callable[[Callable[[Transaction, Sequence[Item]], list[Outcome[Answer]]]], Mutation[Item, Answer]]:
    """Make a mutation of a repository function whose answers are of type `answer`.

    `describe` is for answers that `storage.deeds` does not know how to describe.
    """

    def decorate(
        function: Callable[[Transaction, Sequence[Item]], list[Outcome[Answer]]],
    ) -> Mutation[Item, Answer]:
        return Mutation(function, answer, describe or describing(answer))

    return decorate


def decide_each(items: Sequence[Item], decide: Callable[[Item], Answer]) -> list[Outcome[Answer]]:
    """Decide item by item in order of arrival; a refusal becomes the outcome of its item.

    `decide` must refuse before it changes anything. A refusal loses its traceback, which would keep the
    whole batch alive for as long as its caller keeps the refusal.
    """
    outcomes: list[Outcome[Answer]] = []
    for item in items:
        try:
            outcomes.append(decide(item))
        except Refusal as refusal:
            outcomes.append(refusal.with_traceback(None))
    return outcomes
