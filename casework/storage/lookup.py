"""Runs a query by the driver itself, for what every request asks: SQLAlchemy's way takes three times as long."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Dialect, PoolProxiedConnection, Select
from sqlalchemy.exc import DBAPIError


class Driver(NamedTuple):
    """A connection of the driver's own, and the dialect of its database."""

    connection: PoolProxiedConnection
    dialect: Dialect


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

    def __call__(self, driver: Driver, **parameters: Any) -> tuple[Any, ...] | None:
        """The row, as SQLAlchemy would give it, or None."""
        sql, names, readers = self._written(driver.dialect)
        given = [parameters[name] for name in names] if names is not None else parameters
        try:
            cursor = driver.connection.cursor()
            try:
                cursor.execute(sql, given)
                row = cursor.fetchone()
            finally:
                cursor.close()
        except driver.dialect.loaded_dbapi.Error as error:
            raise DBAPIError(sql, None, error) from error
        return row and tuple([read(value) if read else value for read, value in zip(readers, row, strict=True)])

    def _write(self, dialect: Dialect) -> tuple[str, list[str] | None, list[Any]]:
        """SQL, the order of its parameters where they have no names there, and what reads each column."""
        compiled: Any = self._query.compile(dialect=dialect)
        types = [column.type.dialect_impl(dialect) for column in self._query.selected_columns]
        return compiled.string, compiled.positiontup, [one.result_processor(dialect, None) for one in types]
