"""Opens what commands work on; the database library takes long to import, so only when asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from settings import Settings

if TYPE_CHECKING:
    from casework.service.desk import Desk
    from casework.storage.database import Database, Session


@contextmanager
def open_database() -> Iterator[Database]:
    """The case register."""
    from casework.storage.database import Database

    database = Database(Settings().database_url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def writing() -> Iterator[Session]:
    """A transaction of the case register."""
    with open_database() as database, database.writing() as session:
        yield session


def console_desk() -> Desk:
    """The office's settings and departments, for whoever is at the command line."""
    from casework.service.desk import Desk
    from casework.service.office import Office
    from casework.service.permissions import console
    from casework.service.releases import taxonomy

    settings = Settings()
    key = settings.originals_key and settings.originals_key.get_secret_value()
    office = Office.of(settings.timezone, settings.blind_share, settings.due_soon_hours, key)
    return Desk(console(), office, taxonomy(settings.models_dir))
