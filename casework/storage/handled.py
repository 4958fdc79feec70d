"""Reads what was handled, for training, and keeps what supervisors say of doubtful labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, delete, func, select, union
from sqlalchemy.orm import Session

from casework.storage.cases import CLOSED, DECIDED
from casework.storage.tables import Case, Decision, LabelCheck
from casework.storage.withdrawals import stands

OPEN, CONFIRMED, CHANGED, LEFT_OUT = "open", "confirmed", "changed", "left_out"


# A doubt is about a case's department as it was then; of another one since, nobody has been asked.
_ABOUT = and_(LabelCheck.case_id == Case.id, LabelCheck.department == Case.department)
_SETTLED = Case.status.in_((DECIDED, CLOSED))


@dataclass(frozen=True)
class Handled:
    """A case whose department is settled: closed, or decided and not handed back. What was withdrawn is no decision.

    ``confirmed`` tells that a supervisor has looked at a doubt about it, and ``followed`` that
    nobody did: the decision merely agreed with a suggestion that was shown.
    """

    case_id: int
    title: str
    text: str
    department: str
    assist: str
    urgency: str
    followed: bool
    confirmed: bool


def handled(session: Session) -> Iterator[Handled]:
    """Yield settled cases, the first settled first, but those a supervisor has left out."""
    newest = select(func.max(Decision.id).label("id")).where(stands(Decision, Decision))
    last = newest.group_by(Decision.case_id).subquery()
    decisions = select(Decision).join(last, last.c.id == Decision.id).subquery()
    settled_at = func.coalesce(Case.closed_at, decisions.c.made_at)
    query = (
        select(
            Case.id,
            Case.title,
            Case.text,
            Case.department,
            Case.assist,
            Case.urgency,
            decisions.c.department,
            decisions.c.shown,
            decisions.c.agreed,
            LabelCheck.state,
            LabelCheck.corrected,
        )
        .outerjoin(decisions, decisions.c.case_id == Case.id)
        .outerjoin(LabelCheck, _ABOUT)
        .where(_SETTLED, func.coalesce(LabelCheck.state, "") != LEFT_OUT)
        .order_by(settled_at, Case.id)
        .execution_options(yield_per=1000)
    )
    for case_id, title, text, department, assist, urgency, decided, shown, agreed, state, corrected in session.execute(
        query
    ):
        lead, confirmed = corrected or department, state in (CONFIRMED, CHANGED)
        yield Handled(
            case_id,
            title,
            text,
            lead,
            # Whoever was to assist may have closed it.
            assist if assist and assist != lead else "",
            urgency or "",
            # Closed by another department than decided is a change, whatever was shown.
            followed=bool(shown and agreed) and decided == department and not confirmed,
            confirmed=confirmed,
        )


def count_by_department(session: Session) -> dict[str, int]:
    """How many settled cases there are, by department."""
    return _by_department(session)


def count_new_by_department(session: Session, since: datetime) -> dict[str, int]:
    """How many of them came in, or were decided, after a moment."""
    # By two indexes; an OR would look at every case.
    registered = select(Case.id).where(Case.registered_at > since)
    decided = select(Decision.case_id).where(Decision.made_at > since, stands(Decision, Decision))
    return _by_department(session, Case.id.in_(union(registered, decided)))


def _by_department(session: Session, *conditions: ColumnElement[bool]) -> dict[str, int]:
    query = select(Case.department, func.count()).where(_SETTLED, *conditions).group_by(Case.department)
    return {str(department): count for department, count in session.execute(query)}


def put_doubts(session: Session, doubts: list[LabelCheck]) -> int:
    """Ask for the labels in doubt that nobody has been asked for yet; how many are new."""
    asked = dict(session.execute(select(LabelCheck.case_id, LabelCheck.department)).all())
    new = [one for one in doubts if asked.get(one.case_id) != one.department]
    for one in new:
        if one.case_id in asked:
            session.execute(delete(LabelCheck).where(LabelCheck.case_id == one.case_id))
    session.add_all(new)
    return len(new)


def doubts(session: Session, department: str | None = None, limit: int = 100) -> list[tuple[LabelCheck, Case]]:
    """Doubts that nobody has settled, perhaps of one department's cases, the surest first, with their cases."""
    query = (
        select(LabelCheck, Case)
        .join(Case, _ABOUT)
        .where(*_open(department))
        .order_by(LabelCheck.confidence.desc(), LabelCheck.case_id)
        .limit(limit)
    )
    return [(check, case) for check, case in session.execute(query)]


def count_doubts(session: Session, department: str | None = None) -> int:
    """How many of these there are."""
    query = select(func.count()).select_from(LabelCheck).join(Case, _ABOUT).where(*_open(department))
    return session.execute(query).scalar_one()


def _open(department: str | None) -> list[ColumnElement[bool]]:
    own = [Case.department == department] if department else []
    return [LabelCheck.state == OPEN, _SETTLED, *own]


def doubt(session: Session, case_id: int) -> LabelCheck | None:
    """The doubt about a case as it stands, if there is one."""
    return session.scalars(select(LabelCheck).join(Case, _ABOUT).where(Case.id == case_id, _SETTLED)).one_or_none()


def settle(check: LabelCheck, state: str, corrected: str | None, by: str) -> None:
    """Record what a supervisor said of a doubt; OPEN takes it back."""
    check.state, check.corrected = state, corrected
    check.settled_by, check.settled_at = (None, None) if state == OPEN else (by, datetime.now(UTC))
