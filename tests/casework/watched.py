"""Writes invented cases straight into a register, so that tests of watching can count them by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from casework.storage.cases import CLOSED, OPEN
from casework.storage.database import Session
from casework.storage.tables import Case, Decision, HandBack, SuggestionMade


def moment(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def add_case(
    session: Session,
    at: datetime,
    suggested: str | None = "land",
    *,
    status: str = CLOSED,
    due_at: datetime | None = None,
    needs_review: bool = False,
    known_share: float = 0.9,
    model: str = "v1",
    **facts: object,
) -> Case:
    """A case received and registered at ``at``, with a suggestion unless None; ``facts`` are columns of it."""
    case = Case(
        year=at.year,
        place="",
        received_at=at,
        registered_at=at,
        title="",
        text="路灯坏了",
        status=status,
        blind=False,
        certain=0,
        due_at=due_at or at + timedelta(days=7),
        version=1,
        **{"channel": ""} | facts,
    )
    session.add(case)
    session.flush()
    if suggested:
        made = SuggestionMade(
            case_id=case.id,
            made_at=at,
            model_version=model,
            department=suggested,
            department_confidence=0.8,
            needs_review=needs_review,
            known_share=known_share,
            details={},
        )
        session.add(made)
        session.flush()
        case.suggestion_id = made.id
    return case


def decide(session: Session, case: Case, at: datetime, department: str, *, blind: bool = False) -> None:
    """Send a case to a department, the suggestion in sight unless ``blind``."""
    suggested = session.get(SuggestionMade, case.suggestion_id) if case.suggestion_id else None
    session.add(
        Decision(
            case_id=case.id,
            made_at=at,
            made_by="赵分办",
            department=department,
            suggestion_id=case.suggestion_id,
            shown=suggested is not None and not blind,
            agreed=suggested and suggested.department == department,
            reason="",
        )
    )
    session.flush()


def hand_back(session: Session, case: Case, at: datetime, department: str) -> None:
    """Let a department send a case back."""
    session.add(HandBack(case_id=case.id, made_at=at, made_by="钱科长", department=department, reason="不归我局"))


def three_weeks(session: Session) -> None:
    """Eight cases around the weeks that begin on 2 March, 9 March and 16 March 2026 in China."""
    add_case(session, moment("2026-03-01 15:59:59"), "land")  # Sunday there: a second before the first week
    first = add_case(session, moment("2026-03-01 16:00"), "land")
    decide(session, first, moment("2026-03-02 01:00"), "land")
    returned = add_case(session, moment("2026-03-04 01:00"), "land")
    decide(session, returned, moment("2026-03-04 02:00"), "environment")
    for suggested in ("education", "land"):
        blind = add_case(session, moment("2026-03-05 01:00"), suggested)
        decide(session, blind, moment("2026-03-05 02:00"), "education", blind=True)
    decide(session, add_case(session, moment("2026-03-06 01:00"), None), moment("2026-03-06 02:00"), "other")
    hand_back(session, returned, moment("2026-03-10 01:00"), "environment")
    decide(session, returned, moment("2026-03-11 01:00"), "land")
    unsure = add_case(session, moment("2026-03-11 01:00"), "other", needs_review=True)
    decide(session, unsure, moment("2026-03-11 02:00"), "other")
    due_at = moment("2026-03-18 03:00")
    add_case(session, moment("2026-03-17 01:00"), "disability", needs_review=True, status=OPEN, due_at=due_at)
