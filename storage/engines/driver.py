"""Statements on the driver's own cursor, past SQLAlchemy's results.

SQLAlchemy describes the columns of every result again, which costs more than fetching the few rows of a
batch. Errors are raised as SQLAlchemy raises them, but never include the parameters: some are secret.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")

Row = Sequence[Any]


def fetch(connection: Connection, statement: str, parameters: Row = ()) -> list[Row]:
    """The rows of a statement. Raises `DBAPIError`."""

    def run(cursor: Any) -> list[Row]:
        cursor.execute(statement, parameters)
        rows: list[Row] = cursor.fetchall()
        return rows

    return _on_cursor(connection, statement, run)


def execute(connection: Connection, statement: str, parameters: Row = ()) -> int:
    """Run a statement; how many rows it changed. Raises `DBAPIError`."""

    def run(cursor: Any) -> int:
        cursor.execute(statement, parameters)
        changed: int = cursor.rowcount
        return changed

    return _on_cursor(connection, statement, run)


def execute_many(connection: Connection, statement: str, rows: Sequence[Row]) -> int:
    """Run a statement for each row of parameters; how many rows were changed. Raises `DBAPIError`."""

    def run(cursor: Any) -> int:
        cursor.executemany(statement, rows)
        changed: int = cursor.rowcount
        return changed

    return _on_cursor(connection, statement, run)


def _on_cursor(connection: Connection, statement: str, run: Callable[[Any], T]) -> T:
    dialect = connection.dialect
    driver_error = dialect.loaded_dbapi.Error
    cursor = connection.connection.cursor()
    try:
        return run(cursor)
    except driver_error as error:
        lost = dialect.is_disconnect(error, connection.connection, None)
        if lost:
            # As SQLAlchemy does: the other connections of the pool are as old, and lost as well.
            connection.engine.pool._invalidate(connection.connection, error)
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            driver_error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=dialect,
        ) from error
    except asyncio.CancelledError:
        connection.invalidate()  # nobody knows where in the statement it stands
        raise
    finally:
        cursor.close()
