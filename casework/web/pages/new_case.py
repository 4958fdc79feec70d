"""新登记: type or paste a complaint, see what would be suggested, and register and decide it by one press."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from casework.service import register as registering
from casework.service.decide import Choice
from casework.service.desk import OPEN, Case
from casework.service.permissions import Permission
from casework.service.register import NewCase
from casework.web.access import current_actor
from casework.web.database import database
from casework.web.desk import desk
from casework.web.pages.choices import Choices
from casework.web.pages.deciding import said
from casework.web.pages.marked import mark
from casework.web.pages.shell import is_part
from classifier.errors import InvalidComplaintError, InvalidInputError, ReferenceTakenError
from classifier.records import Complaint, Suggestion

blueprint = Blueprint("new_case", __name__, url_prefix="/new")

_YEARS = range(1900, 9000)


@dataclass(frozen=True)
class Typed:
    """The fields of the form as they were filled in; ``again`` asks for an empty form after this one."""

    title: str = ""
    text: str = ""
    channel: str = ""
    place: str = ""
    reference: str = ""
    received_at: str = ""
    reason: str = ""
    department: str = ""
    assist: str = ""
    urgency: str = ""
    again: str = ""

    @classmethod
    def sent(cls) -> Typed:
        """What the current request brings. Browsers send line breaks as CR LF, whatever was typed."""
        return cls(**{one.name: request.form.get(one.name, "").replace("\r\n", "\n") for one in fields(cls)})

    @property
    def blank(self) -> bool:
        """Whether there is nothing yet to suggest anything for."""
        return not (self.title.strip() or self.text.strip())


@blueprint.get("")
def form() -> str:
    """Show the empty form; what the one before it had in common with it is filled in."""
    return _page(Typed(channel=request.args.get("channel", ""), again="1"))


@blueprint.post("")
def suggest() -> str | tuple[str, int]:
    """Suggest for what is typed so far, of which nothing is kept."""
    typed = Typed.sent()
    if is_part():
        return render_template("_preview.html", **_shown(typed))
    fault = _shown(typed)["fault"]
    return _page(typed, fault), 422 if fault else 200


@blueprint.post("/registration")
def register() -> Response | tuple[str, int]:
    """Register what is typed, and decide it unless it is to wait; what is refused comes back as it was typed."""
    typed = Typed.sent()
    try:
        case, created = _register(typed)
    except (InvalidComplaintError, InvalidInputError) as error:
        return _page(typed, str(error)), 422
    except ReferenceTakenError as error:
        return _page(typed, str(error), error.number), 409
    again = created and bool(typed.again)
    flash(_told(case, created) | {"number": case.number if again else None}, "done" if created else "problem")
    if again:
        return redirect(url_for("new_case.form", channel=typed.channel or None), 303)
    return redirect(url_for("case.page", number=case.number), 303)


def _register(typed: Typed) -> tuple[Case, bool]:
    complaint = Complaint(typed.title, typed.text)
    new = NewCase(complaint, typed.channel, typed.place, typed.reference.strip() or None, _moment(typed.received_at))
    with database().writing() as session:
        if request.form.get("then") == "wait":
            return registering.register(session, desk(), new, seen=True)
        if not typed.department:
            raise InvalidInputError("请先选主办部门；现在定不了，请按“只登记”。")
        choice = Choice(typed.department, typed.assist or None, typed.urgency or None, typed.reason)
        return registering.register_and_decide(session, desk(), new, choice)


def _moment(typed: str) -> datetime | None:
    if not typed:
        return None
    try:
        moment = datetime.fromisoformat(typed)
        if moment.year not in _YEARS:
            raise ValueError(moment.year)
    except ValueError as error:
        raise InvalidInputError(f"收到时间“{typed[:40]}”不对，应形如 2026-03-05T08:30；不填就是现在。") from error
    return moment


def _told(case: Case, created: bool) -> dict[str, Any]:
    """What was done, as a notice."""
    words = f"已登记 {said(case, desk())}。"
    if not created:
        words = f"来文编号 {case.reference} 以前登记过，就是 {case.number}。没有重复登记，也没有改动它。"
    undo = {"number": case.number, "version": case.version} if created and case.status != OPEN else None
    return {"words": words, "undo": undo, "drafts": "new."}


def _page(typed: Typed, problem: str = "", taken: str | None = None) -> str:
    """The form as it is filled in; ``taken`` is the case that has its reference."""
    own = desk()
    shown = _shown(typed)
    with database().reading() as session:
        channels = registering.usual_channels(session, own) if shown["may_register"] else []
    return render_template(
        "new_case.html",
        **shown,
        problem=problem,
        taken=taken,
        channels=channels,
        keeps_originals=own.office.originals is not None,
    )


def _shown(typed: Typed) -> dict[str, Any]:
    """What stands beside the form: what would be kept, what is suggested, and what is chosen so far."""
    may_register = Permission.REGISTER in current_actor().permissions
    shown: dict[str, Any] = {"typed": typed, "may_register": may_register, "fault": "", "preview": None}
    try:
        shown["preview"] = preview = registering.preview(desk(), Complaint(typed.title, typed.text))
    except InvalidComplaintError as error:
        return shown | {"fault": str(error), "blank": typed.blank} | _choices(typed, None)
    suggestion = preview.advice.suggestion if preview.advice else None
    reasons = suggestion.reasons if suggestion else ()
    fields = {field: mark(getattr(preview.complaint, field), reasons, field) for field in ("title", "text")}
    masked = [piece.text for pieces in fields.values() for piece in pieces if piece.about == "masked"]
    return shown | fields | {"masked": masked} | _choices(typed, suggestion)


def _choices(typed: Typed, suggestion: Suggestion | None) -> dict[str, Any]:
    """What may be chosen. What was changed by hand stays as it is, the rest follows the suggestion."""
    suggested = {"department": "", "assist": "", "urgency": ""}
    if suggestion:
        suggested["department"] = suggestion.lead.department.id
        suggested["assist"] = suggestion.assist.department.id if suggestion.assist else ""
        suggested["urgency"] = suggestion.urgency.level.id if suggestion.urgency else ""
    chosen = [
        suggested[name] if getattr(typed, name) == request.form.get(f"suggested_{name}", "") else getattr(typed, name)
        for name in suggested
    ]
    return {"suggested": suggested, "choices": Choices.of(desk().taxonomy, suggestion, *chosen)}
