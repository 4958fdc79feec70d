"""Which decisions, hand-backs and outcomes were withdrawn, and how queries leave them out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from casework.storage.tables import Case, Decision, HandBack, Outcome, Withdrawal

Withdrawable = Decision | HandBack | Outcome

COLUMNS: dict[type[Withdrawable], InstrumentedAttribute[Any]] = {
    Decision: Withdrawal.decision_id,
    HandBack: Withdrawal.hand_back_id,
    Outcome: Withdrawal.outcome_id,
}
"""Where a withdrawal names what it takes back."""


def stands(event: Any, table: type[Withdrawable]) -> ColumnElement[bool]:
    """Holds for the events that nobody withdrew; ``event`` is the table as the query calls it, or an alias of it."""
    column = COLUMNS[table]
    # The column alone, or SQLite leaves the index to read the row.
    return ~select(column).where(column == event.id).exists()


def first_decision() -> ColumnElement[bool]:
    """Holds for each case's first decision that nobody withdrew; later ones answer a hand-back."""
    earlier = aliased(Decision)
    before = (earlier.case_id == Decision.case_id, earlier.id < Decision.id, stands(earlier, Decision))
    return and_(~select(earlier.id).where(*before).exists(), stands(Decision, Decision))


def last_change(session: Session, case: Case) -> Withdrawable | None:
    """The decision, hand-back or outcome that made the version the case is at; None where something else did."""
    for table in COLUMNS:
        query: Select[Any] = select(table).where(table.case_id == case.id).order_by(table.id.desc()).limit(1)
        made: Withdrawable | None = session.scalars(query).first()
        if made and is_last_change(made, case):
            return made
    return None


def is_last_change(made: Withdrawable, case: Case) -> bool:
    """Whether the version a case is at was made by this."""
    return made.before is not None and made.before["version"] == case.version - 1


def of_case(session: Session, case: Case) -> list[Withdrawal]:
    """All withdrawals of a case, in the order of time."""
    return list(session.scalars(select(Withdrawal).where(Withdrawal.case_id == case.id).order_by(Withdrawal.id)))


def decisions_of(session: Session, batch: str) -> list[tuple[Decision, Case]]:
    """Decisions that were made in one go, with their cases as they are now."""
    query = select(Decision, Case).join(Case, Case.id == Decision.case_id).where(Decision.batch == batch)
    return [(made, case) for made, case in session.execute(query.order_by(Decision.id))]


def add(session: Session, made: Withdrawable, signed: dict[str, Any]) -> None:
    """Put a withdrawal on record; ``signed`` says by whom and when."""
    session.add(Withdrawal(case_id=made.case_id, **{COLUMNS[type(made)].key: made.id}, **signed))
