"""Runs the migrations of the case register; Alembic is configured here, without a file."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def known() -> set[str | None]:
    """Every revision this program can start from; None is an empty database."""
    return {None, *(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())}


def revision(connection: Connection) -> str | None:
    """The revision a database is at, None where it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection) -> None:
    """Bring a database to the newest revision, inside the transaction it is in."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
