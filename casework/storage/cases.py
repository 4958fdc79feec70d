"""Reads and writes cases; how they may change is decided in `casework.service.cases`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, exists, func, insert, select, update
from sqlalchemy.orm import Session, defer

from casework.storage.tables import Case, Decision, HandBack, Outcome, SuggestionMade
from casework.storage.upsert import insert_into
from casework.storage.withdrawals import stands

OPEN, DECIDED, CLOSED = "open", "decided", "closed"

NO_ID = 10**9
"""No register has an id so large; PostgreSQL refuses to compare one with much larger numbers."""


@dataclass(frozen=True)
class Filters:
    """Which cases to list; None means any. ``due_before`` is exclusive, as are all ends of a time.

    ``among`` are the ids of the only cases that come into question, such as those found by a text.
    """

    status: str = OPEN
    department: str | None = None
    urgency: str | None = None
    channel: str | None = None
    place: str | None = None
    needs_review: bool | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None
    due_from: datetime | None = None
    due_before: datetime | None = None
    among: tuple[int, ...] | None = None


def add(session: Session, values: dict[str, Any]) -> int | None:
    """Insert a case and return its id, or None where its reference is taken."""
    return session.execute(_insert(session).values(**values).returning(Case.id)).scalar()


def add_many(session: Session, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Insert many cases at once, but those whose reference is taken; ids by reference."""
    taken = session.execute(_insert(session).returning(Case.reference, Case.id), rows)
    return dict(taken.all())


def add_outcomes(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the outcomes of many cases at once."""
    if rows:
        session.execute(insert(Outcome), rows)


def _insert(session: Session) -> Any:
    return insert_into(session, Case).on_conflict_do_nothing(index_elements=["reference"])


def get(session: Session, number: str) -> Case | None:
    """The case of a registered number."""
    case_id = id_in(number)
    case = session.get(Case, case_id) if case_id else None
    return case if case and case.number == number else None


def id_in(number: str) -> int | None:
    """The id in a registered number; None where it can be none."""
    year, _, serial = number.partition("-")
    if not (year.isdecimal() and serial.isdecimal() and len(serial) < len(str(NO_ID))):
        return None
    return int(serial)


def by_reference(session: Session, reference: str) -> Case | None:
    """The case an office knows by its own reference."""
    return session.scalars(select(Case).where(Case.reference == reference)).one_or_none()


def recent_channels(session: Session, newest: int) -> list[str]:
    """The channels by which the newest cases came, the most frequent first."""
    recent = select(Case.channel).where(Case.channel != "").order_by(Case.id.desc()).limit(newest).subquery()
    return list(session.scalars(select(recent.c.channel).group_by(recent.c.channel).order_by(func.count().desc())))


def change(session: Session, case: Case, version: int, **values: Any) -> bool:
    """Update a case if it is still at ``version``; False where somebody was quicker."""
    statement = update(Case).where(Case.id == case.id, Case.version == version).values(version=version + 1, **values)
    done = session.execute(statement.returning(Case.id)).scalar() is not None
    session.refresh(case)
    return done


def in_order(session: Session, filters: Filters) -> Iterator[tuple[Case, SuggestionMade | None]]:
    """Yield every case that matches with its latest suggestion, in order of number, however many there are."""
    query = (
        select(Case, SuggestionMade)
        .outerjoin(SuggestionMade, SuggestionMade.id == Case.suggestion_id)
        .where(*conditions(filters))
        .order_by(Case.id)
        .options(defer(Case.original))
        .execution_options(yield_per=1000)
    )
    yield from session.execute(query)


def count(session: Session, filters: Filters) -> int:
    """How many cases match."""
    return session.execute(select(func.count()).select_from(Case).where(*conditions(filters))).scalar_one()


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """What a query asks of its cases."""
    equal = {
        Case.department: filters.department,
        Case.urgency: filters.urgency,
        Case.channel: filters.channel,
        Case.place: filters.place,
        Case.certain: None if filters.needs_review is None else int(not filters.needs_review),
    }
    found = [
        Case.status == filters.status,
        *(column == value for column, value in equal.items() if value is not None),
    ]
    spans = (
        (Case.received_at, filters.received_from, filters.received_before),
        (Case.due_at, filters.due_from, filters.due_before),
    )
    for column, start, end in spans:
        found += [column >= start] if start else []
        found += [column < end] if end else []
    if filters.among is not None:
        found.append(Case.id.in_(filters.among))
    return found


Event = TypeVar("Event", SuggestionMade, Decision, HandBack, Outcome)


def history(session: Session, case: Case, table: type[Event]) -> list[Event]:
    """All suggestions, decisions, hand-backs or outcomes of a case, in the order of time."""
    return list(session.scalars(select(table).where(table.case_id == case.id).order_by(table.id)))


def last_decision(session: Session, case: Case) -> Decision | None:
    """The decision that stands, or stood before the case was handed back."""
    return session.scalars(
        select(Decision)
        .where(Decision.case_id == case.id, stands(Decision, Decision))
        .order_by(Decision.id.desc())
        .limit(1)
    ).first()


def ever_decided(session: Session, case: Case) -> bool:
    """Whether anybody has decided about a case, be it withdrawn since."""
    return session.execute(select(exists().where(Decision.case_id == case.id))).scalar_one()
