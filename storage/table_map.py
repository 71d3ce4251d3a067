"""Between a record and the row of its table.

A field and its column have the same name. Enums are stored as their value, amounts (integers in a binary
column) as 16 big-endian bytes, tuples and nested records as JSON.
"""

import operator
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import LargeBinary, Table

from storage.engines.dialect import Dialect
from storage.engines.driver import fetch
from storage.engines.statements import qualified
from storage.records import Record
from storage.transaction import Transaction

R = TypeVar("R", bound=Record)
Convert = Callable[[Any], Any]


class TableMap(Generic[R]):
    """Loads and stores records of one table, many at a time."""

    def __init__(self, table: Table, record: type[R]) -> None:
        hints = typing.get_type_hints(record)
        self.table = table
        self.record = record
        self.columns = tuple(column.name for column in table.columns)
        self.key = table.primary_key.columns[0].name
        self._changing = tuple(column.name for column in table.columns if not column.info.get("fixed"))
        self._to_row = _row_maker(table, hints, self.columns)
        self._to_update = _row_maker(table, hints, (self.key, *self._changing))
        self._decoders = [
            (name, decoder)
            for name in self.columns
            if (decoder := _decoder(table, name, hints[name])) is not None
        ]
        self._select = f"SELECT {', '.join(self.quoted())} FROM {table.name}"
        self._load_statements: dict[tuple[str, str, bool], str] = {}

    def quoted(self) -> list[str]:
        """The column names, qualified, in the order that `from_row` takes."""
        return [qualified(column) for column in self.table.columns]

    def from_row(self, row: Sequence[Any]) -> R:
        fields = dict(zip(self.columns, row, strict=True))
        for name, decode in self._decoders:
            value = fields[name]
            if value is not None:
                fields[name] = decode(value)
        return self.record(**fields)

    def load(self, tx: Transaction, keys: Iterable[Any], *, by: str = "", lock: bool = True) -> list[R]:
        """The records whose column `by` (the key, if not given) is one of `keys`, in key order.

        With `lock` no other process can change them before the end of the transaction.
        """
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            return []
        statement = self._load_statement(tx.dialect, by or self.key, lock)
        rows = fetch(tx.connection, statement, tx.dialect.keys(wanted))
        return [self.from_row(row) for row in rows]

    def lock(self, tx: Transaction, keys: Iterable[Any]) -> None:
        """Lock the records of these keys, as `load` would; elsewhere than on Postgres the writer is alone."""
        locking = tx.dialect.for_update()
        if locking:
            condition = tx.dialect.any_of(self.table.columns[self.key])
            statement = f'SELECT 1 FROM {self.table.name} WHERE {condition} ORDER BY "{self.key}"{locking}'
            fetch(tx.connection, statement, tx.dialect.keys(list(dict.fromkeys(keys))))

    def load_pairs(
        self, tx: Transaction, pairs: Iterable[tuple[str, str]], *, by: tuple[str, str], where: str = ""
    ) -> list[R]:
        """Load and lock the records whose columns `by` are one of `pairs`; `where` must hold too."""
        wanted = list(dict.fromkeys(pairs))
        if not wanted:
            return []
        condition = tx.dialect.any_pair_of(*by) + (f" AND {where}" if where else "")
        statement = f'{self._select} WHERE {condition} ORDER BY "{self.key}"{tx.dialect.for_update()}'
        rows = fetch(tx.connection, statement, tx.dialect.pairs(wanted))
        return [self.from_row(row) for row in rows]

    def _load_statement(self, dialect: Dialect, by: str, lock: bool) -> str:
        known = (dialect.name, by, lock)
        if known not in self._load_statements:
            condition = dialect.any_of(self.table.columns[by])
            locking = dialect.for_update() if lock else ""
            self._load_statements[known] = f'{self._select} WHERE {condition} ORDER BY "{self.key}"{locking}'
        return self._load_statements[known]

    def insert(self, tx: Transaction, records: Sequence[R]) -> set[Any]:
        """Insert records; the keys of those that were inserted, less those that another process took."""
        if not records:
            return set()
        rows = [self._to_row(record) for record in records]
        return tx.dialect.insert_keys(tx.connection, self.table, self.columns, rows)

    def insert_new(self, tx: Transaction, records: Sequence[R]) -> int:
        """Insert records, passing over those whose key is taken; how many were inserted."""
        if not records:
            return 0
        rows = [self._to_row(record) for record in records]
        return tx.dialect.insert(tx.connection, self.table, self.columns, rows)

    def update(self, tx: Transaction, records: Sequence[R]) -> None:
        """Store the changing columns of records that were loaded with a lock."""
        if records:
            rows = [self._to_update(record) for record in records]
            tx.dialect.update(tx.connection, self.table, self.key, self._changing, rows)


def _row_maker(table: Table, hints: dict[str, Any], columns: Sequence[str]) -> Callable[[Any], Sequence[Any]]:
    # The driver of SQLite looks for an adapter of each value that is not a plain one, which costs as much as
    # to store it: of an enum it gets the value.
    get = operator.attrgetter(*(f"{name}._value_" if _is_enum(hints[name]) else name for name in columns))
    encoders = [
        (position, encoder)
        for position, name in enumerate(columns)
        if (encoder := _encoder(table, name, hints[name])) is not None
    ]

    def to_row(record: Any) -> Sequence[Any]:
        row = list(get(record))
        for position, encode in encoders:
            value = row[position]
            if value is not None:
                row[position] = encode(value)
        return row

    return to_row


def _plain(hint: Any) -> Any:
    """The type itself, of a type that may also be None."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (hint,) = (part for part in typing.get_args(hint) if part is not type(None))
    return hint


def _is_amount(table: Table, name: str, hint: Any) -> bool:
    return _plain(hint) is int and isinstance(table.columns[name].type, LargeBinary)


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, StrEnum)


def _is_json(hint: Any) -> bool:
    plain = _plain(hint)
    return typing.get_origin(plain) is tuple or (
        isinstance(plain, type) and issubclass(plain, msgspec.Struct)
    )


def _encoder(table: Table, name: str, hint: Any) -> Convert | None:
    if _is_amount(table, name, hint):
        return lambda amount: amount.to_bytes(16, "big")
    if _is_json(hint):
        return lambda value: msgspec.json.encode(value).decode()
    return None


def _decoder(table: Table, name: str, hint: Any) -> Convert | None:
    plain = _plain(hint)
    if _is_amount(table, name, hint):
        return lambda raw: int.from_bytes(raw, "big")
    if _is_json(hint):
        return msgspec.json.Decoder(plain).decode
    if plain is bool:
        return bool  # SQLite has integers
    if _is_enum(plain):
        return {member.value: member for member in plain}.__getitem__
    return None
