"""What several tests share: a small model trained once, and new registers on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from hypothesis import settings
from sqlalchemy import create_engine, text

from casework.storage.database import Database
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.taxonomy import Taxonomy
from tests.postgres import postgres
from training.corpus import corpus_files
from training.labelled import Example, read_labelled
from training.release import release

# The first example may compile a loop, and a test says nothing of time.
settings.register_profile("fenban", deadline=None)
settings.load_profile("fenban")


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Argon2 with the least work it allows: the tests hash hundreds of passwords."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("casework.service.passwords.HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    """Every seventh example of the corpus: enough to train on, quick to train."""
    return read_labelled(corpus_files(), Taxonomy.read())[0][::7]


@pytest.fixture(scope="session")
def models_dir(examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one released model. Tests must not change it."""
    models = tmp_path_factory.mktemp("models")
    release(examples, Taxonomy.read(), models, accept_accuracy=0.95, jobs=1)
    return models


@pytest.fixture(scope="session")
def model_dir(models_dir: Path) -> Path:
    """The released model's folder. Tests must not change it."""
    return bundle.current(models_dir)


@pytest.fixture(scope="session")
def classifier(model_dir: Path) -> Classifier:
    """The released model, loaded."""
    return bundle.load(model_dir)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server; where `.ci/run` says it must be there, its absence is a failure."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgres())
        except RuntimeError as error:
            if os.environ.get("FENBAN_TESTS_NEED_POSTGRES"):
                raise
            pytest.skip(str(error))
        yield url


@pytest.fixture(scope="session")
def empty_register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new SQLite register to copy, because making its tables takes a while."""
    path = tmp_path_factory.mktemp("register") / "fenban.db"
    Database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def empty_postgres(postgres_url: str) -> str:
    """The name of a new PostgreSQL register to copy."""
    Database(_create_database(postgres_url, "empty_register")).close()
    return "empty_register"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database: empty, or with the tables of a register where the test asks for ``database`` too."""
    with_tables = "database" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "fenban.db"
        if with_tables:
            shutil.copy(request.getfixturevalue("empty_register"), path)
        return f"sqlite:///{path}"
    template = request.getfixturevalue("empty_postgres") if with_tables else "template1"
    return _create_database(request.getfixturevalue("postgres_url"), f"test_{uuid4().hex}", template)


def _create_database(server: str, name: str, template: str = "template1") -> str:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The register in a new database."""
    database = Database(database_url)
    yield database
    database.close()
