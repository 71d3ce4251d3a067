"""Rows without the columns that are empty in all of them.

Most columns of a new row are still empty, above all those of an extrinsic. A column that is empty in all rows
of a batch is written once in the statement, and costs nothing per row.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from storage.engines.driver import Row

Empty: TypeAlias = tuple[str, Any]
"""A column, and its empty value: None, zero, or nothing of its type."""


class Given(NamedTuple):
    """Some rows: the columns that are told, their values row by row, and the columns that are empty."""

    columns: tuple[str, ...]
    rows: list[Row]
    empty: tuple[Empty, ...]


def without_empty(columns: Sequence[str], rows: Sequence[Row]) -> Given:
    """Set the columns apart that have one and the same empty value in all of the rows, but for the first."""
    if not rows:
        return Given(tuple(columns), [], ())
    told: list[str] = []
    values_told: list[Row] = []
    empty: list[Empty] = []
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        first = values[0]
        if not told or first or any(values) or values.count(first) != len(values):
            told.append(column)
            values_told.append(values)
        else:
            empty.append((column, first))
    return Given(tuple(told), list(zip(*values_told, strict=True)), tuple(empty))
