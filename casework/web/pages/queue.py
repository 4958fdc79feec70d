"""待分办: the queue, where staff work all day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from flask import Blueprint, g, get_template_attribute, redirect, render_template, request, session, url_for
from werkzeug import Response

from casework.service import queue
from casework.service.desk import STATUS_NAMES
from casework.service.listing import Filters, Line
from casework.service.queue import Wanted
from casework.web.access import current_actor
from casework.web.database import database
from casework.web.desk import desk, office
from casework.web.pages.shell import is_part
from classifier.errors import InvalidInputError

blueprint = Blueprint("queue", __name__)

ASKED = ("status", "department", "urgency", "channel", "place", "from", "to", "text", "review", "due", "sort")
"""What an address may ask of the queue, beside the page's ``cursor``."""

_SINCE = "queue_since"


@blueprint.get("/")
def page() -> str | Response:
    """Show a page of the queue, or the counts alone where its script asks for them."""
    asked, own = asked_for(), desk()
    wanted = wanted_by(asked, request.args.get("cursor"))
    if is_part():
        with database().reading() as transaction:
            counts = queue.counts(transaction, own.actor, own.office, wanted)
        return render_template("_queue_counts.html", counts=counts, asked=asked, taxonomy=own.taxonomy, part=True)
    with database().reading() as transaction:
        if wanted.text and (case := queue.found_by_number(transaction, own.actor, wanted.text)):
            return redirect(f"/cases/{case.number}")
        found = queue.look(transaction, own.actor, own.office, wanted)
    return render_template(
        "queue.html",
        look=found,
        counts=found.counts,
        asked=asked,
        taxonomy=own.taxonomy,
        statuses=STATUS_NAMES,
        here=request.full_path.rstrip("?"),
        since=_since(),
        searched=queue.SEARCHED,
        most_found=queue.MOST_FOUND,
    )


def asked_for() -> dict[str, str]:
    """What the address asks for, without what is empty, to make other addresses of."""
    return {name: value for name in ASKED if (value := request.args.get(name, "").strip())}


def wanted_by(asked: dict[str, str], cursor: str | None = None) -> Wanted:
    """What an address asks the queue for.

    Raises
    ------
    InvalidInputError
        A date is none.
    """
    plain = {name: asked.get(name) for name in ("department", "urgency", "channel", "place")}
    review = {"1": True, "0": False}.get(asked.get("review", ""))
    received_from, last_day = _day(asked.get("from")), _day(asked.get("to"))
    filters = Filters(
        asked.get("status", "open"),
        **plain,
        needs_review=review,
        received_from=received_from,
        received_before=last_day and last_day + timedelta(days=1),
    )
    return Wanted(filters, asked.get("text", ""), asked.get("due"), asked.get("sort", "due"), cursor)


def row_part(line: Line, *, undoable: bool = False, problem: str = "") -> str:
    """A row of the queue as it is now, for its script to put in place of what it was."""
    row = get_template_attribute("_queue_row.html", "row")
    return str(row(line, request.form.get("next", "/"), undoable=undoable, problem=problem))


@blueprint.app_template_global("queue_address")
def address(asked: dict[str, str], **other: str | None) -> str:
    """The address of the queue as it is asked for, but for what is ``other``."""
    return url_for("queue.page", **(asked | other))


def _day(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), office().zone)
    except ValueError as error:
        raise InvalidInputError(f"“{text[:20]}”不是日期，应形如 2026-03-05。") from error


def _since() -> datetime | None:
    """From when on a case is new to whoever is signed in: their last look in an earlier session."""
    user = g.get("user")
    if user is None or current_actor().user_id is None:
        return None
    if _SINCE not in session:
        session[_SINCE] = user.queue_seen_at
    queue.note_visit(database(), user.id, user.queue_seen_at)
    since: datetime | None = session[_SINCE]
    return since
