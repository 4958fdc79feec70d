"""Gathers what a view hands to a service: who asks, the office's settings, the model in service."""

from __future__ import annotations

from flask import Flask, current_app

from casework.service.desk import Desk
from casework.service.office import Office
from casework.web.access import current_actor
from casework.web.model import serving_or_none
from classifier.taxonomy import Taxonomy

_KEY = "fenban.office"


def set_office(app: Flask, office: Office) -> None:
    """Let ``app`` work by an office's settings."""
    app.extensions[_KEY] = office


def office() -> Office:
    """The settings of the office whose app answers."""
    found: Office = current_app.extensions[_KEY]
    return found


def desk() -> Desk:
    """What the current request is answered by."""
    classifier = serving_or_none(current_app)
    return Desk(current_actor(), office(), classifier.taxonomy if classifier else Taxonomy.read(), classifier)
