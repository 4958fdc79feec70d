"""训练: handled cases that wait to be learned, the next training, and how it goes."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from casework.service import doubts, retraining
from casework.service.jobs import RETRAIN, Job
from casework.web.access import current_actor
from casework.web.database import database
from casework.web.desk import desk, jobs
from casework.web.pages.shell import is_part
from classifier.errors import ConflictError, StorageError

blueprint = Blueprint("training", __name__, url_prefix="/training")


@blueprint.get("")
def page() -> str | tuple[str, int]:
    """What waits, and the last training; a browser that watches one asks for what has changed."""
    own = desk()
    job = jobs().latest(own.actor, RETRAIN)
    if is_part() and request.args.get("seen") == _seen(job):
        return "", 204
    with database().reading() as session:
        waiting, since = retraining.waiting(session, own.actor, own.taxonomy)
        open_doubts = doubts.count_doubts(session, own.actor)
    return render_template(
        "_training_said.html" if is_part() and job else "training.html",
        waiting=waiting,
        since=since,
        doubts=open_doubts,
        job=job,
        steps=_steps(job),
        seen=_seen(job),
    )


@blueprint.post("")
def request_training() -> Response:
    """Queue a training."""
    try:
        jobs().request(current_actor(), RETRAIN)
    except (ConflictError, StorageError) as error:
        flash(str(error), "problem")
    return redirect(url_for("models.training.page"))


def _steps(job: Job | None) -> list[tuple[str, str]]:
    """Each step of a training that runs, with how far it is: done, now or to come."""
    if job is None or job.state != "running":
        return []
    at = next((i for i, step in enumerate(retraining.STEPS) if job.progress.startswith(step)), 0)
    states = ["done"] * at + ["now"] + ["to come"] * (len(retraining.STEPS) - at - 1)
    return list(zip(retraining.STEPS, states, strict=True))


def _seen(job: Job | None) -> str:
    return f"{job.id} {job.state} {job.progress}" if job else ""
