"""Mutations and queries: named functions over many items, with one outcome for each.

A mutation takes its items in the order of their arrival and answers in the same order. A refusal is the
outcome of its own item, never an exception for its neighbours.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from storage.audit.deeds import Describe, describing
from storage.errors import Refusal
from storage.table_map import TableMap
from storage.transaction import Transaction

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Key = TypeVar("Key")

Outcome: TypeAlias = Answer | Refusal
RowLock: TypeAlias = tuple[TableMap[Any], str]
"""A row that is locked: its table and its key."""
Locks: TypeAlias = Callable[[Any], Sequence[RowLock]]
"""The rows that are locked for an item."""
Subject: TypeAlias = Callable[[Any], str]
"""The person, agent or signer that the caller named in an item; see `Mutation`."""


class Mutation(Generic[Item, Answer]):
    """A function that changes the database for many items; its answers can be stored and read back.

    `name` is for logs. Nothing that is stored has it, so that code can be moved.

    `describe` tells the audit log what was done, by the answer. `locks` tells which rows are locked for an
    item, see `lock_together`. `subject` tells the audit log whom the caller named in an item, refused or not:
    who decides, asks or disputes by their words, or whose account it is about. It is never free text.
    One that is `heavy` may take seconds for an item: each item has a batch to itself, see `Committer`.
    """

    def __init__(
        self,
        function: Callable[[Transaction, Sequence[Item]], list[Outcome[Answer]]],
        answer: type[Answer],
        describe: Describe,
        locks: Locks | None,
        subject: Subject | None,
        heavy: bool,
    ) -> None:
        self.name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        self.apply = function
        self.describe = describe
        self.locks = locks
        self.subject = subject
        self.heavy = heavy
        self.decode_answer = msgspec.json.Decoder(answer).decode
        self.__doc__ = function.__doc__

    def __repr__(self) -> str:
        return f"<mutation {self.name}>"


def mutation(
    answer: type[Answer],
    *,
    describe: Describe | None = None,
    locks: Locks | None = None,
    subject: Subject | None = None,
    heavy: bool = False,
) -> Callable[[Callable[[Transaction, Sequence[Item]], list[Outcome[Answer]]]], Mutation[Item, Answer]]:
    """Make a mutation of a repository function whose answers are of type `answer`.

    `describe` is for answers that `storage.audit.deeds` does not know how to describe.
    """

    def decorate(
        function: Callable[[Transaction, Sequence[Item]], list[Outcome[Answer]]],
    ) -> Mutation[Item, Answer]:
        return Mutation(function, answer, describe or describing(answer), locks, subject, heavy)

    return decorate


def lock_together(tx: Transaction, groups: Iterable[tuple[Mutation[Any, Any], Sequence[Any]]]) -> None:
    """Lock what several mutations of one transaction will lock: table by table, in the order of their names
    as all mutations do, and each in the order of its keys.

    One mutation locks its rows in order, but two of them do not: without this, two processes with the same
    two mutations on the same two rows wait for each other, until Postgres notices a second later.
    """
    wanted: dict[TableMap[Any], set[str]] = {}
    for mutation, items in groups:
        if mutation.locks is not None:
            for item in items:
                for table, key in mutation.locks(item):
                    wanted.setdefault(table, set()).add(key)
    for table in sorted(wanted, key=lambda table: table.table.name):
        table.lock(tx, wanted[table])


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
