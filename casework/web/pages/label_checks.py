"""核对标注: the handled cases that training doubts, one after another, by keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from casework.service import doubts
from casework.service.desk import Case, Desk, LabelCheck, find
from casework.service.permissions import Permission
from casework.web.access import current_actor
from casework.web.database import database
from casework.web.desk import desk
from casework.web.pages.marked import Piece, mark
from classifier.errors import ConflictError, InvalidInputError, NotFoundError
from classifier.records import Complaint

blueprint = Blueprint("label_checks", __name__, url_prefix="/label-checks")

MOST = 100


@dataclass(frozen=True)
class Shown:
    """A doubt as it is looked at: the text cut at the words that spoke for ``speaks_for``, and its neighbours' numbers."""

    check: LabelCheck
    case: Case
    title: list[Piece]
    text: list[Piece]
    speaks_for: str | None
    before: str | None
    after: str | None


@blueprint.get("")
def page() -> str:
    """One doubt, beside the list of all; after an answer also that, to take it back."""
    own, settled = desk(), request.args.get("settled", "")
    with database().reading() as session:
        found = doubts.list_doubts(session, own.actor, MOST)
        count = doubts.count_doubts(session, own.actor)
        last = None
        if settled:
            case = find(session, own.actor, settled, Permission.MODELS)
            last = case, doubts.find_doubt(session, own.actor, case)
    numbers = [case.number for _, case in found]
    at = request.args.get("at", "")
    shown = _shown(own, found, numbers.index(at) if at in numbers else 0) if found else None
    return render_template(
        "label_checks.html",
        doubts=found,
        count=count,
        shown=shown,
        last=last,
        departments=own.taxonomy.departments,
        answers=doubts.ANSWERS,
    )


@blueprint.post("/<number>")
def answer(number: str) -> Response:
    """Keep the answer and go on to the next; "changed" comes with its department."""
    own, kind = desk(), request.form.get("answer", "")
    department = request.form.get("department") if kind == "changed" else None
    after = request.form.get("after", "")
    try:
        with database().writing() as session:
            case = find(session, own.actor, number, Permission.MODELS)
            doubts.settle_doubt(session, own.actor, own.taxonomy, case, kind, department)
    except (ConflictError, InvalidInputError, NotFoundError) as error:
        flash(str(error), "problem")
        return redirect(url_for(".page", at=after))
    return redirect(url_for(".page", at=after, settled=number))


@blueprint.post("/<number>/reopening")
def reopen(number: str) -> Response:
    """Take an answer back and look again."""
    with database().writing() as session:
        case = find(session, current_actor(), number, Permission.MODELS)
        doubts.reopen_doubt(session, current_actor(), case)
    flash(f"已撤销 {number} 的核对。")
    return redirect(url_for(".page", at=number))


def _shown(own: Desk, found: Sequence[tuple[LabelCheck, Case]], i: int) -> Shown:
    check, case = found[i]
    before = found[i - 1][1].number if i else None
    after = found[i + 1][1].number if i + 1 < len(found) else None
    suggestion = own.classifier.suggest(Complaint(case.title, case.text)) if own.classifier else None
    # Only the department is in doubt.
    reasons = [one for one in suggestion.reasons if one.about == "department"] if suggestion else []
    speaks_for = suggestion.lead.department.name if suggestion else None
    title, text = mark(case.title, reasons, "title"), mark(case.text, reasons, "text")
    return Shown(check, case, title, text, speaks_for, before, after)
