"""What all pages share: where the navigation leads, what a browser may load, and how things are worded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, render_template, request

from casework.service.permissions import Permission
from casework.web.headers import NOTHING_FROM_ELSEWHERE

blueprint = Blueprint("pages", __name__)

# The API viewer is a web component that styles itself.
_VIEWER_POLICY = f"{NOTHING_FROM_ELSEWHERE}; style-src 'self' 'unsafe-inline'"


@dataclass(frozen=True)
class Place:
    """Where the navigation leads: ``key`` opens it after g, ``needed`` is what one must be allowed to do there."""

    endpoint: str
    name: str
    key: str
    needed: Permission


NAVIGATION = (
    Place("queue.page", "待分办", "q", Permission.READ),
    Place("new_case.form", "新登记", "n", Permission.SUGGEST),
    Place("batch.page", "批量", "b", Permission.EXCHANGE),
    Place("models.page", "模型", "m", Permission.MODELS),
    Place("figures.flow", "统计", "s", Permission.WATCH),
    Place("settings.home", "设置", "e", Permission.OFFICE),
)


@blueprint.app_context_processor
def _for_templates() -> dict[str, Any]:
    permissions = g.actor.permissions if "actor" in g else ()
    return {"places": [place for place in NAVIGATION if place.needed in permissions]}


@blueprint.get("/docs")
def docs() -> Response:
    """Show the API's documentation, served from this host."""
    response = Response(render_template("docs.html"), mimetype="text/html")
    response.headers["Content-Security-Policy"] = _VIEWER_POLICY
    return response


def is_part() -> bool:
    """Whether htmx asks, which wants a part of the page only."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


@blueprint.app_template_filter("hours")
def hours_in_words(hours: float) -> str:
    """A response time as staff say it.

    >>> hours_in_words(2), hours_in_words(72)
    ('2 小时', '3 天')
    """
    return f"{hours / 24:g} 天" if hours >= 24 else f"{hours:g} 小时"


@blueprint.app_template_filter("percent")
def percent(share: float | None) -> str:
    """A share from 0 to 1 as staff read it; certainty is never claimed.

    >>> percent(0.003), percent(0.42), percent(0.999), percent(None)
    ('<1%', '42%', '>99%', '—')
    """
    if share is None:
        return "—"
    return "<1%" if share < 0.005 else ">99%" if share > 0.995 else f"{100 * share:.0f}%"
