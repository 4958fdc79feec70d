"""Holds the model a server answers with."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from classifier.errors import InvalidModelError
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.records import Complaint

_KEY = "fenban.model"


def load_into(app: Flask, models: Path) -> None:
    """Load the current model into ``app``; if there is none to load, remember why."""
    try:
        classifier = bundle.load(bundle.current(models))
        # The dictionaries behind it load with the first text, which should be nobody's.
        classifier.suggest(Complaint("", "预热"))
        app.extensions[_KEY] = classifier
    except InvalidModelError as error:
        app.logger.warning("%s", error)  # expected before the first training
        app.extensions[_KEY] = error


def serving_classifier(app: Flask) -> Classifier:
    """The app's model.

    Raises
    ------
    InvalidModelError
        None could be loaded when the app was made.
    """
    model: Classifier | InvalidModelError = app.extensions[_KEY]
    if isinstance(model, InvalidModelError):
        raise InvalidModelError(str(model))
    return model
