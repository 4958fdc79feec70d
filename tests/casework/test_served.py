"""A server process takes up the model in service, whenever its first request comes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from casework.web.model import Served
from classifier.model import bundle


@pytest.fixture
def models(models_dir: Path, tmp_path: Path) -> Path:
    """A models folder of the test's own."""
    return Path(shutil.copytree(models_dir, tmp_path / "models"))


def test_the_first_request_is_answered_by_the_model_in_service_then(models: Path) -> None:
    """Not by that of the start, which may be hours ago: a process may be idle for long."""
    old = bundle.current(models)
    classifier = bundle.load(old)
    classifier.version = "20990101-000000-00000000"
    served = Served(models)
    manifest = {key: bundle.read_manifest(old)[key] for key in ("created", "training_data", "metrics")}
    bundle.promote(models, bundle.save(models, classifier, manifest, {}).name)
    assert served.classifier().version == classifier.version


def test_a_damaged_model_is_not_taken_up(models: Path) -> None:
    """The one in use stays."""
    served = Served(models)
    before = served.classifier()
    (models / "broken").mkdir()
    (models / bundle.CURRENT).write_text("broken\n", encoding="utf-8")
    served.look()
    assert served.classifier() is before
