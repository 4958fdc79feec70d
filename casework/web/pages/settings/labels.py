"""部门与紧急程度: what the office calls them, whom to ask, and how soon each level is answered."""

from __future__ import annotations

from flask import Blueprint
from werkzeug import Response

from casework.service import deadlines, labels, trail
from casework.service.labels import Label
from casework.storage.database import Session
from casework.web.database import database
from casework.web.desk import desk
from casework.web.model import look_again
from casework.web.pages.settings.frame import NONE, Refusal, done, seen, show, typed
from casework.web.pages.settings.times import UNIT_NAMES, Span, typed_time
from classifier.errors import ConflictError, InvalidInputError
from classifier.taxonomy import Taxonomy

blueprint = Blueprint("labels", __name__, url_prefix="/labels")


@blueprint.get("")
def page(refusal: Refusal = NONE) -> tuple[str, int]:
    """Show all of them, each with its fields."""
    taxonomy = labels.plain_of(desk().taxonomy)
    with database().reading() as session:
        kept = labels.read(session)
        rules = {one.urgency: one for one in deadlines.list_rules(session) if not (one.channel or one.department)}
        version = trail.seen(session, _subjects(taxonomy))
    times = {one.id: Span.of(one.respond_within_hours, working_days=False) for one in taxonomy.urgencies}
    times |= {level: Span.of(rule.hours, rule.working_days) for level, rule in rules.items() if level in times}
    own = {one: kept.get(one, Label()) for one in taxonomy.names}
    return show("labels.html", refusal, taxonomy=taxonomy, own=own, times=times, units=UNIT_NAMES, seen=version)


@blueprint.post("")
def save() -> Response | tuple[str, int]:
    """Keep what was typed, all of it or nothing."""
    taxonomy = labels.plain_of(desk().taxonomy)
    try:
        with database().writing() as session:
            changed = _save(session, taxonomy)
    except (InvalidInputError, ConflictError) as error:
        return page(Refusal.of(error))
    look_again()
    return done("已保存，名称马上到处生效。" if changed else "没有改动。", "settings.labels.page")


def _save(session: Session, taxonomy: Taxonomy) -> bool:
    own = desk()
    trail.check_unchanged(session, own.office, _subjects(taxonomy), seen())
    before = trail.seen(session, _subjects(taxonomy))
    wanted = {one: Label(*(typed(f"{one}.{part}") for part in vars(Label()))) for one in taxonomy.names}
    labels.set_labels(session, own.actor, taxonomy, wanted)
    for level in taxonomy.urgencies:
        hours, working_days = typed_time(amount := f"{level.id}.amount", f"{level.id}.unit")
        try:
            deadlines.set_for_level(session, own.actor, taxonomy, level.id, hours, working_days)
        except InvalidInputError as error:
            raise InvalidInputError(str(error), field=amount) from error
    return trail.seen(session, _subjects(taxonomy)) != before


def _subjects(taxonomy: Taxonomy) -> list[str]:
    levels = [deadlines.subject("", "", one.id) for one in taxonomy.urgencies]
    return [labels.SUBJECT, *levels]
