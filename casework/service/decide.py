"""分办、退回、办结: what staff decide about a case. Every decision has a name behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from casework.service.deadlines import Deadlines
from casework.service.desk import (
    STATUS_NAMES,
    Desk,
    change,
    changed_meanwhile,
    find,
    may_see_suggestion,
    require_person,
    signed,
    subject,
)
from casework.service.permissions import Permission
from casework.service.standing import as_it_stands
from casework.storage import audit
from casework.storage import cases as stored
from casework.storage.cases import CLOSED, DECIDED, OPEN
from casework.storage.database import Session
from casework.storage.tables import Case, Decision, HandBack, Outcome, SuggestionMade
from classifier.errors import ConflictError, InvalidInputError, NotFoundError
from classifier.text.mask import mask

__all__ = ["DECIDED", "OPEN", "Choice", "close", "decide", "hand_back", "read_original"]


@dataclass(frozen=True)
class Choice:
    """What is to be decided; ``urgency`` None leaves it as it is."""

    department: str
    assist: str | None = None
    urgency: str | None = None
    reason: str = ""


def decide(session: Session, desk: Desk, number: str, version: int, choice: Choice, batch: str | None = None) -> Case:
    """分办: send a case, as it was at ``version``, to a department; also to another than before.

    ``batch`` names the decisions that are made in one go.

    Raises
    ------
    ConflictError
        The case is closed, or somebody changed it since; the message says who decided what.
    InvalidInputError
        A department or level is unknown, or lead and assist are the same.
    """
    case = _to_change(session, desk, number, version)
    if case.status == CLOSED:
        raise ConflictError(f"{number} 已于 {_at(desk, case.closed_at)} 办结，不能再分办。")
    _check_choice(desk, choice)
    urgency = choice.urgency or case.urgency
    due_at = Deadlines(session, desk.office, desk.taxonomy).due(
        case.received_at, case.channel, choice.department, urgency
    )
    suggested = session.get(SuggestionMade, case.suggestion_id) if case.suggestion_id else None
    # Of a blind case too, once somebody has decided it and withdrawn that.
    shown = suggested is not None and (may_see_suggestion(case) or stored.ever_decided(session, case))
    before = as_it_stands(case)
    values = {"status": DECIDED, "department": choice.department, "assist": choice.assist, "urgency": urgency}
    change(session, desk, case, version, "case.decided", values | {"due_at": due_at, "certain": 1})
    session.add(
        Decision(
            case_id=case.id,
            **signed(desk.actor),
            department=choice.department,
            assist=choice.assist,
            urgency=urgency,
            suggestion_id=case.suggestion_id,
            shown=shown,
            agreed=suggested and suggested.department == choice.department,
            reason=mask(choice.reason),
            before=before,
            batch=batch,
        )
    )
    return case


def hand_back(session: Session, desk: Desk, number: str, version: int, reason: str) -> Case:
    """退回: the department a case was sent to says that it is not its own; it waits for a new decision.

    Raises
    ------
    ConflictError
        The case is not with a department, or somebody changed it since.
    InvalidInputError
        There is no reason given.
    """
    case = _to_change(session, desk, number, version)
    if case.status != DECIDED:
        raise ConflictError(f"{number} {STATUS_NAMES[case.status]}，只有已分办的诉求件可以退回。")
    if not reason.strip():
        raise InvalidInputError("退回要写明理由，便于改派。")
    decision, department, before = stored.last_decision(session, case), case.department, as_it_stands(case)
    change(session, desk, case, version, "case.handed_back", {"status": OPEN, "certain": 0})
    session.add(
        HandBack(
            case_id=case.id,
            decision_id=decision and decision.id,
            **signed(desk.actor),
            department=department,
            reason=mask(reason),
            before=before,
        )
    )
    return case


def close(
    session: Session, desk: Desk, number: str, version: int, department: str | None = None, note: str = ""
) -> Case:
    """办结: the case is done, by the department it was sent to or by another.

    Raises
    ------
    ConflictError
        The case was not decided yet or is closed already, or somebody changed it since.
    InvalidInputError
        The department is unknown.
    """
    case = _to_change(session, desk, number, version)
    if case.status != DECIDED:
        raise ConflictError(f"{number} {STATUS_NAMES[case.status]}，只有已分办的诉求件可以办结。")
    acted = department or str(case.department)
    _check_choice(desk, Choice(acted))
    values, before = {"status": CLOSED, "department": acted, "closed_at": datetime.now(UTC)}, as_it_stands(case)
    change(session, desk, case, version, "case.closed", values)
    session.add(Outcome(case_id=case.id, **signed(desk.actor), department=acted, note=mask(note), before=before))
    return case


def read_original(session: Session, desk: Desk, number: str) -> tuple[str, str]:
    """Title and text as they came, for who may see them; every reading is on record.

    Raises
    ------
    NotFoundError
        The office kept no original of it.
    """
    case = find(session, desk.actor, number, Permission.ORIGINALS)
    if case.original is None or desk.office.originals is None:
        raise NotFoundError(f"{number} 没有保存原文，或没有设置 FENBAN_ORIGINALS_KEY。")
    audit.record(session, desk.actor.name, "original.read", subject(case))
    return desk.office.originals.open(case.original)


def _to_change(session: Session, desk: Desk, number: str, version: int) -> Case:
    case = find(session, desk.actor, number, Permission.DECIDE)
    require_person(desk.actor)
    if case.version != version:
        raise changed_meanwhile(session, desk, case)
    return case


def _check_choice(desk: Desk, choice: Choice) -> None:
    taxonomy = desk.taxonomy
    departments, levels = {one.id for one in taxonomy.departments}, {one.id for one in taxonomy.urgencies}
    for what, value, known in (
        ("主办部门", choice.department, departments),
        ("协办部门", choice.assist, departments),
        ("紧急程度", choice.urgency, levels),
    ):
        if value is not None and value not in known:
            raise InvalidInputError(f"没有“{value[:40]}”这个{what}，应为 {'、'.join(sorted(known))} 之一。")
    if choice.assist == choice.department:
        raise InvalidInputError(f"主办和协办不能同为“{desk.name_of(choice.department)}”，没有协办就不填。")


def _at(desk: Desk, moment: datetime | None) -> str:
    return f"{moment.astimezone(desk.office.zone):%Y-%m-%d %H:%M}" if moment else ""
