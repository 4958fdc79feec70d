"""The forms that change a case: 分办、退回、办结 and 撤回, for whichever page they stand on.

A browser is led on to the page named by ``next``, with a notice that says what was decided and can be undone.
Where it cannot be done, a page says why, shows how the case stands now, and has the form again, as it was filled.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request
from werkzeug import Response

from casework.service import decide as decisions
from casework.service.desk import STATUS_NAMES, Case, Desk, find
from casework.service.listing import line_of
from casework.service.permissions import Permission
from casework.service.withdraw import withdraw
from casework.storage.database import Session
from casework.web.access import landing
from casework.web.database import database
from casework.web.desk import desk
from casework.web.pages.queue import row_part
from casework.web.pages.shell import is_part
from casework.web.problems import PROBLEMS
from classifier.errors import ConflictError, InvalidInputError

blueprint = Blueprint("deciding", __name__, url_prefix="/cases/<number>")

Change = Callable[[Session, Desk, int], Case]


@blueprint.post("/decisions")
def decide(number: str) -> Response:
    """Send a case to a department."""
    department, assist, urgency, reason = map(_field, ("department", "assist", "urgency", "reason"))
    choice = decisions.Choice(department, assist or None, urgency or None, reason)
    return _change(number, lambda session, own, version: decisions.decide(session, own, number, version, choice))


@blueprint.post("/hand-backs")
def hand_back(number: str) -> Response:
    """Take a case back from a department."""
    reason = _field("reason")
    return _change(number, lambda session, own, version: decisions.hand_back(session, own, number, version, reason))


@blueprint.post("/outcome")
def close(number: str) -> Response:
    """Close a case."""
    department, note = _field("department") or None, _field("note")
    return _change(
        number, lambda session, own, version: decisions.close(session, own, number, version, department, note)
    )


@blueprint.post("/withdrawal")
def take_back(number: str) -> Response:
    """Withdraw what was last decided."""
    return _change(number, lambda session, own, version: withdraw(session, own, number, version), undoable=False)


def said(case: Case, own: Desk) -> str:
    """How a case stands, in a sentence."""
    words = [f"{case.number} {STATUS_NAMES[case.status]}"]
    if case.department and case.status != decisions.OPEN:
        words.append(own.name_of(case.department))
    if case.assist and case.status == decisions.DECIDED:
        words.append(f"协办{own.name_of(case.assist)}")
    return "，".join(words)


def _change(number: str, change: Change, *, undoable: bool = True) -> Response:
    own = desk()
    try:
        with database().writing() as session:
            case = change(session, own, _version())
            line = line_of(session, case)
    except (ConflictError, InvalidInputError) as error:
        return _refused(number, own, error)
    if is_part():
        return _part(row_part(line, undoable=undoable))
    undo = {"number": case.number, "version": case.version} if undoable else None
    flash({"words": said(case, own), "undo": undo, "drafts": f"case.{case.number}."}, "done")
    return redirect(landing(_field("next")), 303)


def _refused(number: str, own: Desk, error: ConflictError | InvalidInputError) -> Response:
    status = PROBLEMS[type(error)][0]
    with database().reading() as session:
        case = find(session, own.actor, number, Permission.DECIDE)
        line = line_of(session, case)
    if is_part():
        return _part(row_part(line, problem=str(error)), status)
    action = str(request.endpoint).rpartition(".")[2]
    page = render_template(
        "deciding.html", case=case, taxonomy=own.taxonomy, detail=str(error), action=action, typed=request.form
    )
    return Response(page, status, mimetype="text/html")


def _part(row: str, status: int = 200) -> Response:
    # Counts on the page follow.
    return Response(row, status, {"HX-Trigger": "decided"}, mimetype="text/html")


def _field(name: str) -> str:
    # Browsers send line breaks as CR LF, whatever was typed.
    return request.form.get(name, "").replace("\r\n", "\n")


def _version() -> int:
    version = _field("version")
    if not version.isdecimal() or len(version) > 9:
        raise InvalidInputError(f"version 的值“{version[:20]}”不是件的版本号，请刷新页面后再提交。")
    return int(version)
