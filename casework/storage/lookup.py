"""Runs a query by the driver itself, for what every request asks: SQLAlchemy's way takes three times as long."""

from __future__ import annotations

import threading
from contextlib import closing
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Engine, Select
from sqlalchemy.exc import DBAPIError

Row = tuple[Any, ...]


class Lookup:
    """A query for columns, at most one row.

    It sees one state by itself, so that no transaction is needed around it.

    Parameters
    ----------
    query : Select
        Its parameters are named by ``bindparam``.
    """

    def __init__(self, query: Select[Any]) -> None:
        self._query = query
        self._written = lru_cache(maxsize=8)(self._write)  # by dialect, of which tests make many

    def ask(self, connection: Any, dialect: Dialect, parameters: dict[str, Any]) -> Row | None:
        """The row, as SQLAlchemy would give it, or None."""
        sql, names, readers = self._written(dialect)
        given = [parameters[name] for name in names] if names is not None else parameters
        row = _first(connection, dialect, sql, given)
        return row and tuple([read(value) if read else value for read, value in zip(readers, row, strict=True)])

    def _write(self, dialect: Dialect) -> tuple[str, list[str] | None, list[Any]]:
        """SQL, the order of its parameters where they have no names there, and what reads each column."""
        compiled: Any = self._query.compile(dialect=dialect)
        types = [column.type.dialect_impl(dialect) for column in self._query.selected_columns]
        return compiled.string, compiled.positiontup, [one.result_processor(dialect, None) for one in types]


class Lookups:
    """Answers lookups, on SQLite without a look where nothing was committed since the last one.

    There each thread has a connection of its own, which is told by ``PRAGMA data_version`` whether another committed
    anything (https://sqlite.org/pragma.html#pragma_data_version); a tenth of the work of a query. What it remembers is
    never older than that.

    Parameters
    ----------
    engine : Engine
        Whose driver begins no transaction by itself.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watches = engine.dialect.name == "sqlite"
        self._own = threading.local()

    def close(self) -> None:
        """Let go of all connections."""
        self._own = threading.local()
        self._engine.dispose()

    def find(self, lookup: Lookup, parameters: dict[str, Any]) -> Row | None:
        """The row that a lookup finds, or None."""
        if not self._watches:
            with closing(self._engine.raw_connection()) as connection:
                return lookup.ask(connection, self._engine.dialect, parameters)
        watch: _Watch | None = getattr(self._own, "watch", None)
        if watch is None:
            watch = self._own.watch = _Watch(self._engine)
        return watch.find(lookup, parameters)


class _Watch:
    """A thread's own connection, and the rows it saw since something was last committed."""

    def __init__(self, engine: Engine) -> None:
        self._dialect, self._connection = engine.dialect, engine.raw_connection()
        self._version: Row | None = None
        self._rows: dict[tuple[Any, ...], Row] = {}

    def find(self, lookup: Lookup, parameters: dict[str, Any]) -> Row | None:
        # Asked before the row is: what is committed in between makes another version, and the row is read again.
        version = _first(self._connection, self._dialect, "PRAGMA data_version", ())
        if version != self._version:
            self._version = version
            self._rows.clear()
        key = (lookup, *parameters.items())
        row = self._rows.get(key)
        if row is None:
            row = lookup.ask(self._connection, self._dialect, parameters)
            # What is not there is asked for again, so that guessing at random fills no memory.
            if row is not None:
                self._rows[key] = row
        return row


def _first(connection: Any, dialect: Dialect, sql: str, parameters: Any) -> Row | None:
    """The first row of a query.

    Raises
    ------
    DBAPIError
    """
    try:
        cursor = connection.cursor()
        try:
            cursor.execute(sql, parameters)
            row: Row | None = cursor.fetchone()
        finally:
            cursor.close()
    except dialect.loaded_dbapi.Error as error:
        raise DBAPIError(sql, None, error) from error
    return row
