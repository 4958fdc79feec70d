"""受理: registers complaints, masked, each with a suggestion."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from casework.service.deadlines import Deadlines
from casework.service.decide import Choice, decide
from casework.service.desk import STATUS_NAMES, Desk, change, find, may_see_suggestion, subject
from casework.service.office import Office
from casework.service.permissions import Permission
from casework.service.standing import kept, standing
from casework.service.triage import Advice, advise
from casework.storage import audit
from casework.storage import cases as stored
from casework.storage.cases import OPEN
from casework.storage.database import Session
from casework.storage.tables import Case, SuggestionMade
from classifier.errors import ConflictError, InvalidInputError, ReferenceTakenError
from classifier.records import Complaint
from classifier.text.mask import mask

_MAX_NAME = 200
_RECENT = 1000
_CLOCKS_DIFFER = timedelta(hours=1)


@dataclass(frozen=True)
class NewCase:
    """A complaint to register. ``reference`` is the office's own number, by which it is registered once only."""

    complaint: Complaint
    channel: str = ""
    place: str = ""
    reference: str | None = None
    received_at: datetime | None = None

    def __post_init__(self) -> None:
        for name, value in (("渠道", self.channel), ("地点", self.place), ("来文编号", self.reference or "")):
            if len(value) > _MAX_NAME or "\x00" in value:
                raise InvalidInputError(f"{name}“{value[:20]}…”过长或含有不是文字的字符，最多 {_MAX_NAME} 字。")


def usual_channels(session: Session, desk: Desk) -> list[str]:
    """The channels by which complaints came lately, to choose from."""
    desk.actor.require(Permission.REGISTER)
    return stored.recent_channels(session, _RECENT)


@dataclass(frozen=True)
class Preview:
    """What would be kept of a complaint, and what helps to decide it; ``advice`` is None without a model."""

    complaint: Complaint
    advice: Advice | None


def preview(desk: Desk, complaint: Complaint) -> Preview:
    """What registering a complaint would make of it. Nothing is kept."""
    desk.actor.require(Permission.SUGGEST)
    masked = Complaint(mask(complaint.title), mask(complaint.text))
    return Preview(masked, advise(desk.classifier, masked) if desk.classifier else None)


def register_and_decide(session: Session, desk: Desk, new: NewCase, choice: Choice) -> tuple[Case, bool]:
    """受理 and 分办 at once, by somebody who has seen the suggestion; returns and raises what both do.

    A case that was registered before is left as it is.
    """
    case, created = register(session, desk, new, seen=True)
    return (decide(session, desk, case.number, case.version, choice) if created else case), created


def register(session: Session, desk: Desk, new: NewCase, *, seen: bool = False) -> tuple[Case, bool]:
    """Register a complaint, masked, with a suggestion; the same reference twice is one case.

    Parameters
    ----------
    seen : bool
        Whether somebody has seen what will be suggested, so that the case is none to decide blindly.

    Returns
    -------
    case : Case
    created : bool
        False where it was registered before.

    Raises
    ------
    ReferenceTakenError
        The reference belongs to a case with another text.
    InvalidInputError
        The time it was received lies in the future.
    """
    desk.actor.require(Permission.REGISTER)
    values = as_registered(new, desk.office)
    made = kept(desk.classifier.suggest(Complaint(values["title"], values["text"]))) if desk.classifier else None
    blind = not seen and secrets.SystemRandom().random() < desk.office.blind_share
    deadlines = Deadlines(session, desk.office, desk.taxonomy)
    values |= standing(deadlines, values["received_at"], new.channel, made, blind=blind)
    values |= {"status": OPEN, "blind": blind, "version": 1}
    if (case_id := stored.add(session, values)) is None:
        return _registered_before(session, values), False
    case = session.get_one(Case, case_id)
    if made:
        _keep_suggestion(session, case, made)
    facts = {"reference": new.reference, "channel": new.channel, "urgency": case.urgency, "due_at": str(case.due_at)}
    audit.record(session, desk.actor.name, "case.registered", subject(case), None, facts)
    return case, True


def suggest_again(session: Session, desk: Desk, number: str) -> Case:
    """Ask the model in service once more for a case that is open; what it said before stays on record.

    Raises
    ------
    ConflictError
        The case is no longer open, or somebody changed it just now.
    """
    case = find(session, desk.actor, number, Permission.SUGGEST)
    if case.status != OPEN or desk.classifier is None:
        raise ConflictError(f"{number} {STATUS_NAMES[case.status]}，或还没有模型，不能重新建议。")
    made = kept(desk.classifier.suggest(Complaint(case.title, case.text)))
    values = standing(
        Deadlines(session, desk.office, desk.taxonomy),
        case.received_at,
        case.channel,
        made,
        blind=not may_see_suggestion(case),
        decided_before=stored.last_decision(session, case) is not None,
    )
    change(session, desk, case, case.version, "case.suggested", values)
    _keep_suggestion(session, case, made)
    return case


def as_registered(new: NewCase, office: Office) -> dict[str, Any]:
    """The facts of a complaint as they are stored: masked, with the original beside it only where it is kept."""
    now = datetime.now(UTC)
    received_at = new.received_at or now
    if received_at.tzinfo is None:
        received_at = received_at.replace(tzinfo=office.zone)
    if received_at > now + _CLOCKS_DIFFER:
        raise InvalidInputError(f"受理时间 {received_at:%Y-%m-%d %H:%M} 在未来，请核对。")
    title, text = new.complaint.title, new.complaint.text
    return {
        "year": now.astimezone(office.zone).year,
        "reference": new.reference or None,
        "channel": new.channel.strip(),
        "place": mask(new.place.strip()),
        "received_at": received_at,
        "registered_at": now,
        "title": mask(title),
        "text": mask(text),
        "original": office.originals.seal(title, text) if office.originals else None,
    }


def _registered_before(session: Session, values: Mapping[str, Any]) -> Case:
    case = stored.by_reference(session, values["reference"])
    assert case is not None, "a reference that is taken belongs to a case"
    if (case.title, case.text) != (values["title"], values["text"]):
        raise ReferenceTakenError(values["reference"], case.number)
    return case


def _keep_suggestion(session: Session, case: Case, made: SuggestionMade) -> None:
    made.case_id = case.id
    session.add(made)
    session.flush()
    case.suggestion_id = made.id
