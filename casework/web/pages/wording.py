"""How pages word what a case holds: names instead of ids, time left, the office's own time."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, g

from casework.service.deadlines import state
from casework.service.desk import STATUS_NAMES, Case
from casework.web.desk import desk, office
from casework.web.model import given
from classifier.taxonomy import Taxonomy

blueprint = Blueprint("wording", __name__)

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@blueprint.app_template_filter("status_named")
def status_named(status: str) -> str:
    """How a case stands, as staff call it."""
    return STATUS_NAMES[status]


@blueprint.app_template_filter("named")
def named(label: str | None) -> str:
    """What staff call a department or level today; nothing where there is none."""
    if "names" not in g:
        g.names = _taxonomy().names
    return str(g.names.get(label, label)) if label else ""


@blueprint.app_template_filter("contact")
def contact(department: str | None) -> str:
    """Whom to ask at a department, as the office has set it; nothing where it has not."""
    own = given().of(department or "")
    told = " ".join(filter(None, (own.contact, own.phone)))
    return f"{named(department)}：{told}" if told else ""


@blueprint.app_template_filter("grave")
def grave(level: str | None) -> str:
    """The class of a level's badge: strong for the gravest, middle for those between, none for the mildest."""
    levels = [one.id for one in _taxonomy().urgencies]
    if level not in levels[1:]:
        return ""
    return "strong" if level == levels[-1] else "middle"


@blueprint.app_template_filter("due_state")
def due_state(case: Case) -> str | None:
    """Whether a case is overdue, due soon or later; None once it is closed."""
    return state(case, office(), datetime.now(UTC))


@blueprint.app_template_filter("time_left")
def time_left(due_at: datetime) -> str:
    """Until a moment, or since, as staff say it."""
    seconds = (due_at - datetime.now(UTC)).total_seconds()
    return f"{'剩' if seconds >= 0 else '超期'} {in_words(abs(seconds))}"


@blueprint.app_template_filter("local")
def local(moment: datetime, form: str = "%m-%d %H:%M") -> str:
    """A moment in the office's zone."""
    return f"{moment.astimezone(office().zone):{form}}"


def in_words(seconds: float) -> str:
    """A time in the unit that tells most.

    >>> in_words(59), in_words(3600 * 1.5), in_words(86400 * 6.9)
    ('0 分钟', '1 小时', '6 天')
    """
    for size, unit in ((_DAY, "天"), (_HOUR, "小时")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds // _MINUTE)} 分钟"


def _taxonomy() -> Taxonomy:
    if "taxonomy" not in g:
        g.taxonomy = desk().taxonomy
    found: Taxonomy = g.taxonomy
    return found
