"""The kinds of columns that the tables are made of.

Columns marked `FIXED` are written once. Texts are bounded in characters here; the edge bounds them in bytes,
which is stricter.
"""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Text
from sqlalchemy import text as words

FIXED = {"fixed": True}


def text(name: str, *, longest: int = 0, fixed: bool = False, primary_key: bool = False) -> Column[str]:
    constraints = [CheckConstraint(f"length({name}) <= {longest}", name=name)] if longest else []
    return Column(
        name,
        Text,
        *constraints,
        nullable=False,
        primary_key=primary_key,
        info=FIXED if fixed or primary_key else {},
    )


def blob(name: str, *, longest: int = 0, nullable: bool = False, fixed: bool = False) -> Column[bytes]:
    constraints = [CheckConstraint(f"length({name}) <= {longest}", name=name)] if longest else []
    return Column(name, LargeBinary, *constraints, nullable=nullable, info=FIXED if fixed else {})


def amount(name: str, *, fixed: bool = False) -> Column[bytes]:
    """An unsigned 128-bit integer as 16 big-endian bytes, so that it is exact and sorts as a number."""
    check = CheckConstraint(f"length({name}) = 16", name=name)
    return Column(name, LargeBinary, check, nullable=True, info=FIXED if fixed else {})


def number(name: str, *, nullable: bool = False, fixed: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable, info=FIXED if fixed else {})


def number_key(name: str, *, generated: bool = False) -> Column[int]:
    """A number that is the key of its table; the database makes it if it is `generated`.

    On SQLite only a column of type INTEGER is the row id itself; another would have an index beside the rows.
    """
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Column(name, kind, primary_key=True, autoincrement="auto" if generated else False, info=FIXED)


def one_of(name: str, values: Iterable[StrEnum], *, fixed: bool = False) -> Column[str]:
    # Alternatives, not `IN`: SQLite would build the list anew, as a temporary table, for each row it writes.
    allowed = " OR ".join(f"{name} = '{value.value}'" for value in values)
    check = CheckConstraint(allowed, name=name)
    return Column(name, Text, check, nullable=False, info=FIXED if fixed else {})


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of some of the rows.

    SQLite takes it only for a query that has the words of `where` among its conditions.
    """
    return Index(name, *columns, unique=unique, sqlite_where=words(where), postgresql_where=words(where))
