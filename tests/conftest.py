"""What several tests share: a small model trained once, and one example of everything a complaint can be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.taxonomy import Taxonomy
from training.corpus import corpus_files
from training.labelled import Example, read_labelled
from training.release import release


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
