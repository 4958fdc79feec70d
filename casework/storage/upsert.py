"""Inserts that may meet a row already there; the two databases write that alike, but SQLAlchemy keeps them apart."""

from __future__ import annotations

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from casework.storage.tables import Base


def insert_into(session: Session, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """An insert with ``on_conflict_do_nothing`` and ``on_conflict_do_update``, for the session's database."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    return sqlite.insert(table) if on_sqlite else postgresql.insert(table)
