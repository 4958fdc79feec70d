"""Databases for the tests of the case register: each test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from casework.storage.database import Database
from tests.postgres import postgres


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server; where `.ci/run` says it must be there, its absence is a failure."""
    try:
        with postgres(tmp_path_factory.mktemp("postgres")) as url:
            yield url
    except RuntimeError as error:
        if os.environ.get("FENBAN_TESTS_NEED_POSTGRES"):
            raise
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/fenban.db"
    server = request.getfixturevalue("postgres_url")
    name = f"test_{uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The register in a new database."""
    database = Database(database_url)
    yield database
    database.close()
