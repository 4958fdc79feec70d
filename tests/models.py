"""Released models for tests that need several, without training each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from classifier.model import bundle
from classifier.model.classifier import Classifier


def copy_of(models: Path, target: Path) -> Path:
    """A models folder of one's own, with the model in service of another."""
    shutil.copytree(bundle.current(models), target / bundle.current(models).name)
    shutil.copy(models / bundle.CURRENT, target)
    return target


def add_model(models: Path, version: str, promoted: bool | None = None) -> str:
    """Release the first model once more under another name, with a verdict where one is given; not in service."""
    folder = models / min(bundle.released(models))
    one, manifest = bundle.load(folder), bundle.read_manifest(folder)
    kept = {name: manifest[name] for name in ("created", "training_data", "parameters", "versions", "metrics")}
    verdict = {"promoted": promoted, "reasons": ["测试"], "comparisons": {}}
    documents = {} if promoted is None else {"verdict.json": json.dumps(verdict, ensure_ascii=False).encode()}
    bundle.save(models, Classifier(one.weights, one.taxonomy, one.thresholds, version, one.precedents), kept, documents)
    return version


def damage(models: Path, version: str) -> None:
    """Change a byte of a model's arrays."""
    path = models / version / bundle.ARRAYS
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
