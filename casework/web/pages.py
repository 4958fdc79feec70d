"""The pages staff see; they work without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, current_app, render_template, request

from casework.service import triage
from casework.web.headers import NOTHING_FROM_ELSEWHERE
from casework.web.model import serving_classifier
from classifier.errors import InvalidComplaintError
from classifier.records import Complaint, Suggestion

blueprint = Blueprint("pages", __name__)

# The API viewer is a web component that fetches /openapi.json and styles itself.
_VIEWER_POLICY = f"{NOTHING_FROM_ELSEWHERE}; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'"


@dataclass(frozen=True)
class Piece:
    """A stretch of the complaint; ``about`` says what it spoke for, "against" where against the lead, empty where for nothing shown."""

    text: str
    about: str


@blueprint.app_template_filter("hours")
def hours_in_words(hours: float) -> str:
    """A response time as staff say it.

    >>> hours_in_words(2), hours_in_words(72)
    ('2 小时', '3 天')
    """
    return f"{hours / 24:g} 天" if hours >= 24 else f"{hours:g} 小时"


@blueprint.get("/")
def desk() -> str:
    """Show the empty form."""
    return render_template("suggest.html", title="", text="")


@blueprint.post("/")
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


@blueprint.get("/docs")
def docs() -> Response:
    """Show the API's documentation, served from this host."""
    response = Response(render_template("docs.html"), mimetype="text/html")
    response.headers["Content-Security-Policy"] = _VIEWER_POLICY
    return response


def mark(complaint: Complaint, suggestion: Suggestion, field: str) -> list[Piece]:
    """Cut a field of the complaint at the reasons that stand in it.

    The pieces joined give the field back. Where one word spoke for both the department and
    the urgency, ``about`` names both. What a rule saw spans several words and is told beside
    the text.
    """
    original: str = getattr(complaint, field)
    about: dict[tuple[int, int], list[str]] = {}
    for reason in suggestion.reasons:
        if reason.field == field and not reason.rule:
            about.setdefault((reason.start, reason.end), []).append(reason.about if reason.weight > 0 else "against")
    pieces, position = [], 0
    for (start, end), kinds in sorted(about.items()):
        if start >= position:
            pieces += [Piece(original[position:start], ""), Piece(original[start:end], " ".join(kinds))]
            position = end
    return [piece for piece in [*pieces, Piece(original[position:], "")] if piece.text]
