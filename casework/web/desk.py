"""Gathers what a view hands to a service: who asks, the office's settings, models and jobs."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, current_app

from casework.service.desk import Desk
from casework.service.jobs import Jobs
from casework.service.office import Office
from casework.service.uploads import Uploads
from casework.web.access import current_actor
from casework.web.model import serving_or_none
from classifier.taxonomy import Taxonomy


def set_office(app: Flask, office: Office, models: Path, jobs: Jobs, uploads: Uploads) -> None:
    """Let ``app`` work by an office's settings, with its released models, its background jobs and its uploads."""
    own = {"office": office, "models": models, "jobs": jobs, "uploads": uploads}
    app.extensions |= {f"fenban.{name}": one for name, one in own.items()}


def office() -> Office:
    """The settings of the office whose app answers."""
    found: Office = current_app.extensions["fenban.office"]
    return found


def models_dir() -> Path:
    """Where released models lie."""
    found: Path = current_app.extensions["fenban.models"]
    return found


def jobs() -> Jobs:
    """The queue of background jobs."""
    found: Jobs = current_app.extensions["fenban.jobs"]
    return found


def uploads() -> Uploads:
    """The uploaded backlogs."""
    found: Uploads = current_app.extensions["fenban.uploads"]
    return found


def desk() -> Desk:
    """What the current request is answered by."""
    classifier = serving_or_none(current_app)
    return Desk(current_actor(), office(), classifier.taxonomy if classifier else Taxonomy.read(), classifier)
