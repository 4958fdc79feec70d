"""Two small models, a register with a supervisor, and where they are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from casework.service.desk import Desk
from casework.storage.database import Database
from casework.storage.tables import User
from classifier.taxonomy import Taxonomy
from tests.faults.killing import Place
from tests.faults.worker import SUPERVISOR, desk_of
from training.labelled import Example
from training.release import release


@pytest.fixture(scope="session")
def two_models(examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with two released models. Tests must not change it."""
    models = tmp_path_factory.mktemp("two")
    for start in (0, 3):
        release(examples[start::6], Taxonomy.read(), models, accept_accuracy=0.95, jobs=1)
    return models


@pytest.fixture
def models(two_models: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(two_models, tmp_path / "models"))


@pytest.fixture
def place(database_url: str, models: Path) -> Iterator[Place]:
    """A new register where the supervisor has an account, and the models."""
    database = Database(database_url)
    with database.writing() as session:
        moment = datetime.now(UTC)
        session.add(User(name=SUPERVISOR.name, role="supervisor", password_hash="-", created_at=moment))
    database.close()
    return Place(database_url, models)


@pytest.fixture
def desk(models: Path) -> Desk:
    """The supervisor's."""
    return desk_of(models)
