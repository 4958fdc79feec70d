"""新登记: paste a complaint and see what would be suggested."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request

from casework.service import triage
from casework.web.model import serving_classifier
from casework.web.pages.marked import mark
from classifier.errors import InvalidComplaintError
from classifier.records import Complaint

blueprint = Blueprint("new_case", __name__, url_prefix="/new")


@blueprint.get("")
def form() -> str:
    """Show the empty form."""
    return render_template("suggest.html", title="", text="")


@blueprint.post("")
def suggest() -> str | tuple[str, int]:
    """Show the suggestion for what was pasted, the reasons marked in it."""
    title, text = request.form.get("title", ""), request.form.get("text", "")
    # Browsers send line breaks as CR LF, whatever was typed.
    text = text.replace("\r\n", "\n")
    try:
        complaint = Complaint(title, text)
    except InvalidComplaintError as error:
        return render_template("suggest.html", title=title, text=text, problem=str(error)), 422
    advice = triage.advise(serving_classifier(current_app), complaint)
    suggestion = advice.suggestion
    return render_template(
        "suggest.html",
        title=title,
        text=text,
        suggestion=suggestion,
        similar=advice.similar,
        took_ms=advice.took_ms,
        marked_title=mark(complaint, suggestion, "title"),
        marked_text=mark(complaint, suggestion, "text"),
    )
