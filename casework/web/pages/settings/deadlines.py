"""时限: response times that differ by channel or department."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug import Response

from casework.service import deadlines, trail
from casework.service.deadlines import DeadlineRule
from casework.storage.database import Session
from casework.web.database import database
from casework.web.desk import desk
from casework.web.model import look_again
from casework.web.pages.settings.frame import NONE, Refusal, done, options, seen, show, typed
from casework.web.pages.settings.times import UNIT_NAMES, Span, typed_time
from classifier.errors import ConflictError, InvalidInputError, NotFoundError

blueprint = Blueprint("deadlines", __name__, url_prefix="/deadlines")

_KEY = ("channel", "department", "urgency")


@blueprint.get("")
def page(refusal: Refusal = NONE) -> tuple[str, int]:
    """Show all rules and the form for one more, or for the one that the address names."""
    taxonomy = desk().taxonomy
    asked = request.form if refusal.errors else request.args
    with database().reading() as session:
        rules = deadlines.list_rules(session)
        versions = {_key(one): trail.seen(session, [deadlines.subject(*_key(one))]) for one in rules}
    editing = next((one for one in rules if _key(one) == tuple(asked.get(part, "") for part in _KEY)), None)
    return show(
        "deadlines.html",
        refusal,
        names=taxonomy.names,
        departments=options(taxonomy.departments, "任何部门"),
        levels=options(taxonomy.urgencies),
        channels=sorted({one.channel for one in rules} - {""}),
        rows=[(one, Span.of(one.hours, one.working_days), versions[_key(one)]) for one in rules],
        editing=editing,
        editing_time=editing and Span.of(editing.hours, editing.working_days),
        editing_seen=editing and versions[_key(editing)],
        units=UNIT_NAMES,
    )


@blueprint.post("")
def save() -> Response | tuple[str, int]:
    """Set a rule: a new one, or the one that was shown."""
    own = desk()
    try:
        hours, working_days = typed_time("hours", "unit")
        key = {part: typed(part) for part in _KEY}
        rule = DeadlineRule(**key, hours=hours, working_days=working_days)
        with database().writing() as session:
            _check_unchanged(session, key)
            deadlines.set_rule(session, own.actor, own.taxonomy, rule)
    except (InvalidInputError, ConflictError) as error:
        return page(Refusal.of(error))
    look_again()
    return done("已保存，以后登记或分办的诉求件按它算。", "settings.deadlines.page")


@blueprint.post("/removal")
def remove() -> Response | tuple[str, int]:
    """Take a rule back."""
    own, key = desk(), {part: request.form.get(part, "") for part in _KEY}
    try:
        with database().writing() as session:
            _check_unchanged(session, key)
            deadlines.remove_rule(session, own.actor, **key)
    except (ConflictError, NotFoundError) as error:
        return page(Refusal.of(error))
    look_again()
    return done("已删去，以后的诉求件不再按它算。", "settings.deadlines.page")


def _check_unchanged(session: Session, key: dict[str, str]) -> None:
    """Nobody was quicker with this rule; who adds one that is there already has not seen it."""
    there = any(_key(one) == tuple(key.values()) for one in deadlines.list_rules(session))
    if there or seen():
        trail.check_unchanged(session, desk().office, [deadlines.subject(**key)], seen())


def _key(rule: DeadlineRule) -> tuple[str, str, str]:
    return rule.channel, rule.department, rule.urgency
