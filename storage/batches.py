"""The answers of background work, which goes on batch by batch until nothing is due any more."""

from typing import Generic, TypeVar

from storage.records import Record

Item = TypeVar("Item")


class Batch(Record, Generic[Item], frozen=True, kw_only=True):
    """The answer to an item of background work. `more` says that its batch was full: another one is due."""

    more: bool

    def next(self, item: Item) -> Item | None:
        """The item of the next batch, if this is the answer to `item`; None after the last."""
        return item if self.more else None


class Rows(Batch[Item], Generic[Item], frozen=True, kw_only=True):
    """How many rows a batch changed or deleted."""

    count: int

    @classmethod
    def of(cls, count: int, at_most: int) -> "Rows[Item]":
        """The answer of a batch of at most so many rows."""
        return cls(count=count, more=count >= at_most)
