"""Runs a query by the driver itself, for what every request asks: SQLAlchemy's way takes three times as long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Dialect, Engine, PoolProxiedConnection, Select
from sqlalchemy.exc import DBAPIError

Row = tuple[Any, ...]
T = TypeVar("T")
_VERSION = "PRAGMA data_version"


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
        try:
            cursor = connection.cursor()
            try:
                cursor.execute(sql, given)
                row = cursor.fetchone()
            finally:
                cursor.close()
        except dialect.loaded_dbapi.Error as error:
            raise DBAPIError(sql, None, error) from error
        return row and tuple([read(value) if read else value for read, value in zip(readers, row, strict=True)])

    def _write(self, dialect: Dialect) -> tuple[str, list[str] | None, list[Any]]:
        """SQL, the order of its parameters where they have no names there, and what reads each column."""
        compiled: Any = self._query.compile(dialect=dialect)
        types = [column.type.dialect_impl(dialect) for column in self._query.selected_columns]
        return compiled.string, compiled.positiontup, [one.result_processor(dialect, None) for one in types]


class Lookups:
    """Answers lookups, and on SQLite remembers what was made of them while nothing is committed.

    There each thread has a connection of its own, which is told by ``PRAGMA data_version`` whether another committed
    anything (https://sqlite.org/pragma.html#pragma_data_version); a tenth of the work of a query.

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
        if self._watches:
            return lookup.ask(self._watch().connection, self._engine.dialect, parameters)
        with closing(self._engine.raw_connection()) as connection:
            return lookup.ask(connection, self._engine.dialect, parameters)

    def remembered(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` gave since something was last committed, or gives now."""
        if not self._watches:
            return make()
        watch = self._watch()
        # Asked before anything is made: what is committed in between makes another version.
        if (version := self._version(watch)) != watch.version:
            watch.version = version
            watch.known.clear()
        if key not in watch.known:
            watch.known[key] = make()
        made: T = watch.known[key]
        return made

    def _watch(self) -> _Watch:
        watch: _Watch | None = getattr(self._own, "watch", None)
        if watch is None:
            connection = self._engine.raw_connection()
            watch = self._own.watch = _Watch(connection, connection.cursor())
        return watch

    def _version(self, watch: _Watch) -> int:
        try:
            version: int = watch.cursor.execute(_VERSION).fetchone()[0]
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise DBAPIError(_VERSION, None, error) from error
        return version


@dataclass
class _Watch:
    """A thread's own connection, the version it last saw, and what was made since."""

    connection: PoolProxiedConnection
    cursor: Any
    version: int = -1
    known: dict[Hashable, Any] = field(default_factory=dict)
