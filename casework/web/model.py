"""Holds the model a server answers with, and takes up another when it is promoted."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, current_app

from casework.service import labels
from casework.web.database import database
from classifier.errors import InvalidModelError
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.records import Complaint

_KEY, _NAMED, _LOOKED = "fenban.model", "fenban.model.named", "fenban.model.looked"
_LOOK_EVERY_S = 1.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Named:
    """A model, and the same as the office calls its labels."""

    plain: Classifier
    own: labels.Given
    named: Classifier


@dataclass(frozen=True)
class _Looked:
    """What the office called its labels at a moment of the process's clock."""

    at_s: float
    own: labels.Given


def load_into(app: Flask, models: Path) -> None:
    """Load the current model into ``app``; if there is none to load, remember why."""
    app.extensions[_KEY] = Served(models)


def serving_classifier(app: Flask) -> Classifier:
    """The app's model, which calls departments and levels as the office does.

    Raises
    ------
    InvalidModelError
        None could be loaded.
    """
    plain = loaded(app)
    known: _Named | None = app.extensions.get(_NAMED)
    own = given()
    if known is None or known.plain is not plain or known.own is not own:
        named = plain.called(labels.as_called(plain.taxonomy, own))
        known = app.extensions[_NAMED] = _Named(plain, own, named)
    return known.named


def loaded(app: Flask) -> Classifier:
    """The app's model under its own names, without a look into the register.

    Raises
    ------
    InvalidModelError
        None could be loaded.
    """
    served: Served = app.extensions[_KEY]
    return served.classifier()


def given() -> labels.Given:
    """What the office calls its departments and levels, looked up once a second, as it changes once in years."""
    looked: _Looked | None = current_app.extensions.get(_LOOKED)
    now_s = time.monotonic()
    if looked is None or now_s > looked.at_s + _LOOK_EVERY_S:
        with database().reading() as session:
            own = labels.given(session)
        # The same object while it is the same, so that no request compares names.
        looked = _Looked(now_s, looked.own if looked and looked.own == own else own)
        current_app.extensions[_LOOKED] = looked
    return looked.own


def look_again() -> None:
    """Let this process see at once what it has just set."""
    current_app.extensions.pop(_LOOKED, None)


def serving_or_none(app: Flask) -> Classifier | None:
    """The app's model, or None where there is none yet."""
    try:
        return serving_classifier(app)
    except InvalidModelError:
        return None


class Served:
    """The model in service.

    From the first request of a process on, which looks itself, a thread looks every second whether
    another is current, loads it beside the one in use, and exchanges them at once: no request
    waits, and each is answered by one model. One that cannot be loaded is left alone.

    Parameters
    ----------
    models : Path
        Where released models lie.
    """

    def __init__(self, models: Path) -> None:
        self._models = models
        self._watcher = 0
        self._lock = threading.Lock()
        self._seen = _current_version(models)
        self._model: Classifier | InvalidModelError = _load(models)
        if isinstance(self._model, InvalidModelError):
            _LOG.warning("%s", self._model)  # expected before the first training

    def classifier(self) -> Classifier:
        """The model, as :func:`serving_classifier` gives it."""
        # A thread does not outlive a fork, so each worker starts its own.
        with self._lock:
            if self._watcher != os.getpid():
                self._watcher = os.getpid()
                _try_to_look(self)
                threading.Thread(target=_watch, args=[weakref.ref(self)], daemon=True).start()
        if isinstance(self._model, InvalidModelError):
            raise InvalidModelError(str(self._model))
        return self._model

    def look(self) -> None:
        """Take up the current model if it is another than the last one seen."""
        if (version := _current_version(self._models)) in (self._seen, None):
            return
        self._seen = version
        found = _load(self._models)
        if isinstance(found, InvalidModelError):
            _LOG.error("kept the model in use: %s", found)
            return
        self._model = found
        _LOG.warning("now answering with model %s", found.version)


def _watch(served: weakref.ref[Served]) -> None:
    pause = threading.Event()
    while not pause.wait(_LOOK_EVERY_S):
        if (one := served()) is None:
            return
        _try_to_look(one)
        del one


def _try_to_look(served: Served) -> None:
    try:
        served.look()
    except Exception:
        # Whatever it was, such as too little memory, must neither end the watch nor fail a request.
        _LOG.exception("could not look for another model")


def _current_version(models: Path) -> str | None:
    try:
        return bundle.current(models).name
    except InvalidModelError:
        return None


def _load(models: Path) -> Classifier | InvalidModelError:
    try:
        classifier = bundle.load(bundle.current(models))
    except InvalidModelError as error:
        return error
    # The dictionaries behind it load, and loops are compiled, with the first text, which should be nobody's. It has a clause of
    # mood, so that no loop is left out.
    classifier.advise(Complaint("预热", "盼复"))
    return classifier
