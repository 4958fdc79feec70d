"""Writes a released model as fitted scikit-learn pipelines for analysts; nothing reads them back."""

from __future__ import annotations

from pathlib import Path

import joblib

from classifier.errors import InvalidModelError
from classifier.model.classifier import Classifier
from classifier.model.pipeline import rebuild_pipelines


def export_joblib(classifier: Classifier, target: Path) -> None:
    """Write a dict of head name to ``sklearn.pipeline.Pipeline``, each from texts to labels.

    Raises
    ------
    InvalidModelError
        The file cannot be written.
    """
    draft = target.with_name(f".{target.name}.part")
    try:
        joblib.dump(rebuild_pipelines(classifier.weights), draft, compress=3)
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InvalidModelError(f"写不了 {target}：{error.strerror}，请检查目录是否存在、有无权限和空间。") from error
