"""The state of the chain at every block, without a copy per block.

A `State` is immutable. The state of block n holds the merged changes of the last k blocks, k being the lowest
set bit of n, and refers to the state of block n - k for everything older: a Fenwick tree over block numbers.
So a read visits at most log2(n) dicts, a change is merged log2(n) times over the life of the chain, branches
share their past, and a state that nothing refers to any more is simply garbage.
"""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

Changes: TypeAlias = Mapping[bytes, bytes | None]
"""New values by key; None removes the key."""


class ReadableState(Protocol):
    def get(self, key: bytes) -> bytes | None:
        """Return the stored value, or None."""


class State:
    """The state after one block. Make the first with `State(entries)`, every other with `child`."""

    __slots__ = ("_changes", "_older", "number")

    def __init__(self, changes: Changes, *, number: int = 0, older: "State | None" = None) -> None:
        self.number = number
        self._changes = changes
        self._older = older

    def get(self, key: bytes) -> bytes | None:
        """Return the stored value, or None."""
        layer: State | None = self
        while layer is not None:
            if key in layer._changes:
                return layer._changes[key]
            layer = layer._older
        return None

    def child(self, changes: Changes) -> "State":
        """Return the state of the next block."""
        number = self.number + 1
        merged_from = number - (number & -number)
        layers = []
        older = self
        while older.number > merged_from and older._older is not None:
            layers.append(older._changes)
            older = older._older
        merged: dict[bytes, bytes | None] = {}
        for layer in reversed(layers):
            merged.update(layer)
        merged.update(changes)
        return State(merged, number=number, older=older)

    def keys(self, prefix: bytes) -> list[bytes]:
        """Return all keys that begin with the prefix, in order."""
        found: dict[bytes, bool] = {}
        layer: State | None = self
        while layer is not None:
            for key, value in layer._changes.items():
                if key.startswith(prefix):
                    found.setdefault(key, value is not None)
            layer = layer._older
        return sorted(key for key, present in found.items() if present)


class Overlay:
    """Changes on top of a state, the last of which can be undone."""

    __slots__ = ("_base", "_undo", "changes")

    def __init__(self, base: ReadableState) -> None:
        self._base = base
        self.changes: dict[bytes, bytes | None] = {}
        self._undo: list[tuple[bytes, bool, bytes | None]] = []

    def get(self, key: bytes) -> bytes | None:
        """Return the value as changed so far, or None."""
        if key in self.changes:
            return self.changes[key]
        return self._base.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set a value; None removes the key."""
        self._undo.append((key, key in self.changes, self.changes.get(key)))
        self.changes[key] = value

    def checkpoint(self) -> int:
        """Return a mark to roll back to."""
        return len(self._undo)

    def roll_back(self, checkpoint: int) -> None:
        """Undo everything since the checkpoint."""
        while len(self._undo) > checkpoint:
            key, was_changed, value = self._undo.pop()
            if was_changed:
                self.changes[key] = value
            else:
                del self.changes[key]
