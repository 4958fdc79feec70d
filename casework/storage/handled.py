"""Reads what was handled, for training, and keeps what supervisors say of doubtful labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casework.storage.cases import CLOSED, DECIDED
from casework.storage.tables import Case, Decision, LabelCheck

OPEN, CONFIRMED, CHANGED, LEFT_OUT = "open", "confirmed", "changed", "left_out"


@dataclass(frozen=True)
class Handled:
    """A case whose department is settled: closed, or decided and not handed back.

    ``followed`` tells that the decision merely agreed with a suggestion that was shown, and
    ``confirmed`` that a supervisor has looked at a doubt about it.
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
    last = select(func.max(Decision.id).label("id")).group_by(Decision.case_id).subquery()
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
        .outerjoin(LabelCheck, LabelCheck.case_id == Case.id)
        .where(Case.status.in_((DECIDED, CLOSED)), func.coalesce(LabelCheck.state, "") != LEFT_OUT)
        .order_by(settled_at, Case.id)
        .execution_options(yield_per=1000)
    )
    for case_id, title, text, department, assist, urgency, decided, shown, agreed, state, corrected in session.execute(
        query
    ):
        yield Handled(
            case_id,
            title,
            text,
            corrected or department,
            assist or "",
            urgency or "",
            # Closed by another department than decided is a change, whatever was shown.
            followed=bool(shown and agreed) and decided == department,
            confirmed=state in (CONFIRMED, CHANGED),
        )


def put_doubts(session: Session, doubts: list[LabelCheck]) -> int:
    """Ask for the labels in doubt that nobody has looked at yet; how many are new."""
    known = set(session.scalars(select(LabelCheck.case_id)))
    new = [one for one in doubts if one.case_id not in known]
    session.add_all(new)
    return len(new)


def doubts(session: Session, state: str = OPEN, limit: int = 100) -> list[tuple[LabelCheck, Case]]:
    """Labels in a state, the surest doubts first, with their cases."""
    query = (
        select(LabelCheck, Case)
        .join(Case, Case.id == LabelCheck.case_id)
        .where(LabelCheck.state == state)
        .order_by(LabelCheck.confidence.desc(), LabelCheck.case_id)
        .limit(limit)
    )
    return [(check, case) for check, case in session.execute(query)]


def doubt(session: Session, case_id: int) -> LabelCheck | None:
    """The doubt about a case, if there is one."""
    return session.get(LabelCheck, case_id)


def settle(check: LabelCheck, state: str, corrected: str | None, by: str) -> None:
    """Record what a supervisor said of a doubt."""
    check.state, check.corrected, check.settled_by, check.settled_at = state, corrected, by, datetime.now(UTC)
