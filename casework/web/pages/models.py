"""模型: how well the model in service does, which others there are, and which is to serve."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from casework.service import doubts, releases, retraining
from casework.service.comparison import comparisons
from casework.service.jobs import RETRAIN
from casework.service.model_card import card, history
from casework.web.access import current_actor
from casework.web.database import database
from casework.web.desk import desk, jobs, models_dir
from casework.web.model_charts import charts
from casework.web.pages import confusion, label_checks, training
from classifier.errors import ConflictError, InvalidInputError, InvalidModelError

blueprint = Blueprint("models", __name__, url_prefix="/models")
blueprint.register_blueprint(training.blueprint)
blueprint.register_blueprint(label_checks.blueprint)
blueprint.register_blueprint(confusion.blueprint)

MOST_LISTED = 20
_MOST_WORDS = 500


@blueprint.get("")
def page() -> str:
    """The model in service, and what there is to do."""
    own, version = desk(), releases.current_version(models_dir())
    with database().reading() as session:
        waiting, since = retraining.waiting(session, own.actor, own.taxonomy)
        to_do = {
            "new": sum(one.new for one in waiting),
            "since": since,
            "doubts": doubts.count_doubts(session, own.actor),
            "job": jobs().latest(own.actor, RETRAIN),
        }
        found, problem = None, None
        try:
            found = card(session, own.actor, models_dir(), version) if version else None
        except InvalidModelError as error:
            problem = str(error)
        previous = releases.previous(session, models_dir())
    return render_template(
        "models.html",
        card=found,
        problem=problem,
        version=version,
        answering=own.classifier and own.classifier.version,
        previous=previous,
        charts=charts(found.measures) if found and found.measures else [],
        **to_do,
    )


@blueprint.get("/history")
def past() -> str:
    """All models, and who switched when."""
    own = desk()
    with database().reading() as session:
        events = history(session, own.actor)
    listed = releases.list_models(models_dir(), MOST_LISTED + 1)
    return render_template("models_history.html", listed=listed, most=MOST_LISTED, events=events, zone=own.office.zone)


@blueprint.get("/versions/<version>")
def show(version: str) -> str:
    """One model, beside the one it was to replace."""
    return _show(version)


@blueprint.post("/versions/<version>/promotion")
def promote(version: str) -> Response | tuple[str, int]:
    """Put a model into service, with a reason, if what serves is still what was seen."""
    why = request.form.get("why", "").strip()
    try:
        if not 0 < len(why) <= _MOST_WORDS:
            raise InvalidInputError(f"请写明为什么启用，最多 {_MOST_WORDS} 字。")
        expected = request.form.get("expected", "")
        releases.promote(database(), current_actor(), models_dir(), version, why, expected)
    except InvalidInputError as error:
        return _show(version, why, str(error)), 422
    except ConflictError as error:
        return _show(version, why, str(error)), 409
    flash(f"已启用 {version}，几秒之内各处换用。", "done")
    return redirect(url_for("models.page"))


@blueprint.post("/rollback")
def roll_back() -> Response:
    """Put the model before into service again."""
    try:
        version = releases.roll_back(database(), current_actor(), models_dir(), request.form.get("expected", ""))
        flash(f"已换回 {version}，几秒之内各处换用。", "done")
    except ConflictError as error:
        flash(str(error), "problem")
    return redirect(url_for("models.page"))


def _show(version: str, why: str = "", problem: str | None = None) -> str:
    own = desk()
    with database().reading() as session:
        found = card(session, own.actor, models_dir(), version)
    verdict = found.released.verdict
    return render_template(
        "models_version.html",
        card=found,
        verdict=verdict,
        comparisons=comparisons(verdict, found.taxonomy) if verdict else [],
        current=releases.current_version(models_dir()) or "",
        charts=charts(found.measures) if found.measures else [],
        why=why,
        problem=problem,
    )
