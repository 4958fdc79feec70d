"""操作记录: who changed what, when, from what to what."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, request

from casework.service import trail
from casework.service.trail import Filters
from casework.service.trail_words import ACTIONS, Wording
from casework.web.database import database
from casework.web.desk import desk
from casework.web.files import download
from casework.web.pages.settings.frame import NONE, Refusal, show
from classifier.errors import InvalidInputError

blueprint = Blueprint("trail", __name__, url_prefix="/audit")

_LARGEST = 2**63 - 1


@blueprint.get("")
def page() -> tuple[str, int]:
    """Show a page of the trail, the newest first."""
    own, refusal = desk(), NONE
    try:
        filters = _filters()
    except InvalidInputError as error:
        filters, refusal = Filters(), Refusal(request.args.to_dict(), {error.field: str(error)}, 422)
    before = min(request.args.get("before", _LARGEST, type=int), _LARGEST)
    with database().reading() as session:
        found, following = trail.search(session, own.actor, own.office, filters, before)
    wording = Wording.of(own.taxonomy, own.office.zone)
    return show(
        "trail.html",
        refusal,
        entries=found,
        wording=wording,
        following=following,
        actions=ACTIONS,
        asked={key: value for key, value in request.args.items() if value and key != "before"},
        is_first="before" not in request.args,
    )


@blueprint.get("/export")
def export() -> Response:
    """All entries that the filters let through, as a file."""
    own, filters = desk(), _filters()
    wording = Wording.of(own.taxonomy, own.office.zone)
    with database().reading() as session:
        return download(
            "audit",
            request.args.get("format", "xlsx"),
            lambda path: trail.export(session, own.actor, own.office, filters, wording, path),
        )


def _filters() -> Filters:
    text = {
        name: "".join(one for one in request.args.get(name, "") if one.isprintable())
        for name in ("actor", "action", "subject")
    }
    return Filters(**text, first=_day("first"), last=_day("last"))


def _day(name: str) -> date | None:
    value = request.args.get(name, "").strip()
    try:
        day = date.fromisoformat(value) if value else None
        if day and not 1900 <= day.year < 9000:
            raise ValueError("no year of ours")
    except ValueError:
        raise InvalidInputError(f"“{value[:20]}”不是日期，应形如 2026-03-05。", field=name) from None
    return day
