"""设置: what an office sets for itself, who works in it, and what was changed by whom."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from werkzeug import Response

from casework.web.pages.settings import deadlines, holidays, labels, staff, tokens, trail

blueprint = Blueprint("settings", __name__, url_prefix="/settings")
for _part in (labels, deadlines, holidays, staff, tokens, trail):
    blueprint.register_blueprint(_part.blueprint)


@blueprint.get("")
def home() -> Response:
    """Lead to the first part."""
    return redirect(url_for("settings.labels.page"))
