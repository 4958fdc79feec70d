"""What the tests of the case register share: the application with a register of its own, its staff, a clock."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from api import create_app
from casework.service import accounts
from casework.service.permissions import console
from casework.storage.database import Database
from settings import Settings
from tests.clients import PASSWORD, register_of
from tests.clock import Clock


@pytest.fixture
def make_app(models_dir: Path, tmp_path: Path, empty_register: Path) -> Iterator[Callable[..., Flask]]:
    """Make the application with the test model and a register of its own, with other settings where given."""
    made: list[Flask] = []
    path = shutil.copy(empty_register, tmp_path / "web.db")

    def make(**settings: object) -> Flask:
        values = {"models_dir": models_dir, "database_url": f"sqlite:///{path}"} | settings
        made.append(create_app(Settings(**values)))
        return made[-1]

    yield make
    for app in made:
        register_of(app).close()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The application."""
    return make_app()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of accounts, sessions and tokens."""
    clock = Clock()
    monkeypatch.setattr("casework.service.clock.now", clock.now)
    return clock


@pytest.fixture
def staffed(database: Database, clock: Clock) -> Database:
    """A register with an administrator, a supervisor and a clerk."""
    with database.writing() as session:
        for name, role in (("王主任", "admin"), ("李主管", "supervisor"), ("zhang", "triage")):
            accounts.add_user(session, console(), name, role, PASSWORD)
    return database
