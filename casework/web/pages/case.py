"""One case: its text with the reasons marked in it, what is suggested, what happened to it, and the forms that decide it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from casework.service.decide import read_original
from casework.service.desk import Case, Desk, find, may_see_suggestion
from casework.service.dossier import Dossier, open_case
from casework.service.permissions import Permission
from casework.service.queue import neighbours
from casework.service.register import suggest_again
from casework.storage.database import Session
from casework.web.access import landing
from casework.web.database import database
from casework.web.desk import desk
from casework.web.pages.choices import Choices
from casework.web.pages.marked import mark
from casework.web.pages.queue import wanted_by
from casework.web.pages.shell import is_part

blueprint = Blueprint("case", __name__, url_prefix="/cases/<number>")


@blueprint.get("")
def page(number: str) -> str:
    """Show a case to whoever is to decide it."""
    with database().reading() as session:
        dossier = open_case(session, desk(), number)
        return render_template("case.html", **_shown(dossier), **_ways(session, dossier.case))


@blueprint.get("/standing")
def standing(number: str) -> tuple[str, int]:
    """Tell what happened to a case since it was shown at ``version``; nothing where nothing did."""
    with database().reading() as session:
        if find(session, desk().actor, number).version == request.args.get("version", type=int):
            return "", 204
        shown = _shown(open_case(session, desk(), number))
        return render_template("_meanwhile.html", **shown, here=_address(number)), 200


@blueprint.post("/suggestions")
def suggest(number: str) -> Response:
    """Ask the model in service again."""
    with database().writing() as session:
        case = suggest_again(session, desk(), number)
    flash(f"{case.number} 已由现在的模型重新建议。", "done")
    return redirect(_address(case.number), 303)


@blueprint.post("/original")
def original(number: str) -> str:
    """Show a complaint as it came, which is put on record."""
    own = desk()
    with database().writing() as session:
        title, text = read_original(session, own, number)
        if is_part():
            return render_template("_original.html", title=title, text=text)
        dossier = open_case(session, own, number)
        shown = _shown(dossier) | _ways(session, dossier.case)
    return render_template("case.html", **shown, original={"title": title, "text": text})


def _shown(dossier: Dossier) -> dict[str, Any]:
    """What the templates show of a dossier."""
    own, case, suggestion = desk(), dossier.case, dossier.suggestion
    reasons = suggestion.reasons if suggestion else ()
    return {
        "dossier": dossier,
        "case": case,
        "marked_title": mark(case.title, reasons, "title"),
        "marked_text": mark(case.text, reasons, "text"),
        "choices": _choices(own, dossier),
        "may_ask_again": _may_ask_again(own, dossier),
        "may_decide": Permission.DECIDE in own.actor.permissions,
        "may_read_original": _keeps_original(own, case) and Permission.ORIGINALS in own.actor.permissions,
    }


def _ways(session: Session, case: Case) -> dict[str, Any]:
    """Where the page leads: back to the queue it was opened from, and to the cases before and after it there."""
    own, queue_address = desk(), _queue_address()
    wanted = wanted_by(dict(parse_qsl(urlsplit(queue_address).query)))
    before, after = neighbours(session, own.actor, own.office, wanted, case)
    return {
        "here": _address(case.number),
        "passed": _passed(),
        "back": queue_address,
        "previous": before and _address(before.number),
        "following": after and _address(after.number),
    }


def _address(number: str) -> str:
    return url_for("case.page", number=number, **_passed())


def _passed() -> dict[str, str]:
    return {"from": _queue_address()} if "from" in request.args else {}


def _queue_address() -> str:
    """The queue from which the case was opened; all that waits where it was opened otherwise."""
    address = landing(request.args.get("from", ""))
    return address if urlsplit(address).path == "/" else "/"


def _choices(own: Desk, dossier: Dossier) -> Choices:
    """What may be chosen. Whoever handed the case back is not chosen again by itself."""
    case = dossier.case
    lead = None if dossier.came_back else case.department
    return Choices.of(own.taxonomy, dossier.suggestion, lead, case.assist, case.urgency)


def _may_ask_again(own: Desk, dossier: Dossier) -> bool:
    """Whether another suggestion may come of it: the same model says the same again."""
    if (
        own.classifier is None
        or Permission.SUGGEST not in own.actor.permissions
        or not may_see_suggestion(dossier.case)
    ):
        return False
    return dossier.suggestion is None or dossier.suggestion.model_version != own.classifier.version


def _keeps_original(own: Desk, case: Case) -> bool:
    return own.office.originals is not None and case.original is not None
