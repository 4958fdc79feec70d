"""对错明细: which departments are taken for which, and the cases behind each number."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from casework.service import confusion as service
from casework.service import releases
from casework.service.confusion import PERIODS, Asked
from casework.service.model_card import card
from casework.web.database import database
from casework.web.desk import desk, models_dir
from classifier.errors import InvalidModelError

blueprint = Blueprint("confusion", __name__, url_prefix="/confusion")

PER_PAGE = 50


@blueprint.get("")
def page() -> str:
    """The register's own matrix, and that of the model's cross-validation."""
    own, asked = desk(), _asked()
    current = releases.current_version(models_dir())
    with database().reading() as session:
        matrix = service.matrix(session, own.actor, own.taxonomy, asked)
        try:
            measures = card(session, own.actor, models_dir(), current).measures if current else None
        except InvalidModelError:
            measures = None  # the model's own page says what is wrong with it
    return render_template(
        "confusion.html", matrix=matrix, asked=asked, periods=PERIODS, current=current, measures=measures
    )


@blueprint.get("/cases")
def cases() -> str:
    """The cases behind one number."""
    own, asked = desk(), _asked()
    decided, suggested = (request.args.get(one, "") for one in ("decided", "suggested"))
    before = request.args.get("before", type=int)
    with database().reading() as session:
        found = service.behind(session, own.actor, asked, decided, suggested, before, PER_PAGE + 1)
    return render_template(
        "confusion_cases.html",
        found=found[:PER_PAGE],
        more=len(found) > PER_PAGE,
        asked=asked,
        decided=decided,
        suggested=suggested,
    )


def _asked() -> Asked:
    return Asked(request.args.get("weeks", PERIODS[1], type=int), request.args.get("version") or None)
