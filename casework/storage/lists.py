"""Lists cases page by page in any of the queue's orders, looks for a text in them, and counts them for its filters."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import case as when
from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, defer

from casework.storage.cases import Filters, conditions, id_in
from casework.storage.tables import Case, SuggestionMade

_LINE_CHARS = 160


class Sort(StrEnum):
    """Orders of a list: those to be looked at closely first, then by time left; the least sure; the newest received."""

    DUE = "due"
    UNSURE = "unsure"
    RECEIVED = "received"


_KEYS: dict[Sort, InstrumentedAttribute[Any]] = {
    Sort.DUE: Case.due_at,
    Sort.UNSURE: Case.confidence,
    Sort.RECEIVED: Case.received_at,
}


class Place(NamedTuple):
    """Where in a list a page ended: the value it goes by, within those equally certain where that comes first."""

    certain: int
    value: Any
    id: int


@dataclass(frozen=True)
class Line:
    """A case as a list shows it, with the confidence of its latest suggestion."""

    case: Case
    first_line: str
    confidence: float | None


@dataclass(frozen=True)
class Tally:
    """How many cases are alike in what the queue filters by; ``due`` counts how many of the given moments have not passed."""

    department: str | None
    urgency: str | None
    certain: int
    due: int
    cases: int


def page(
    session: Session,
    filters: Filters,
    after: Place | None,
    limit: int,
    sort: Sort = Sort.DUE,
    *,
    backwards: bool = False,
) -> list[Line]:
    """The next ``limit`` cases of a list; ``backwards`` those before, the nearest first."""
    if sort != Sort.DUE:
        return _page(session, filters, sort, after, limit, backwards)
    wanted = (0, 1) if filters.needs_review is None else (int(not filters.needs_review),)
    lines: list[Line] = []
    # One query for each, so that an index gives its rows in order whatever else is asked.
    for certain in sorted(wanted, reverse=backwards):
        if after is None or certain == after.certain or (certain > after.certain) is not backwards:
            own = after if after and certain == after.certain else None
            alike = replace(filters, needs_review=not certain)
            lines += _page(session, alike, sort, own, limit - len(lines), backwards)
        if len(lines) == limit:
            break
    return lines


def place_of(line: Line, sort: Sort) -> Place:
    """Where a list stands that ended with this line."""
    return Place(line.case.certain if sort == Sort.DUE else 0, getattr(line.case, _KEYS[sort].key), line.case.id)


def lines(session: Session, ids: Collection[int]) -> list[Line]:
    """Cases as a list shows them, by id."""
    return [Line(*row) for row in session.execute(_LINES.where(Case.id.in_(ids)).order_by(Case.id))]


def ids(session: Session, filters: Filters) -> tuple[int, ...]:
    """Ids of all cases that match, in no order."""
    return tuple(session.scalars(select(Case.id).where(*conditions(filters))))


def search(session: Session, status: str, text: str, newest: int, most: int) -> tuple[int, ...]:
    """Ids of at most ``most`` cases with a text, number or reference, among the ``newest`` of a status that were received."""
    looked_at = (
        select(Case.id, Case.title, Case.text, Case.reference)
        .where(Case.status == status)
        .order_by(Case.received_at.desc(), Case.id.desc())
        .limit(newest)
        .subquery()
    )
    one = looked_at.c
    holds = [column.icontains(text, autoescape=True) for column in (one.title, one.text)]
    found = or_(*holds, one.reference == text, one.id == (id_in(text) or 0))
    return tuple(session.scalars(select(one.id).where(found).limit(most)))


def more_than(session: Session, status: str, number: int) -> bool:
    """Whether there are more cases of a status."""
    return session.execute(select(Case.id).where(Case.status == status).offset(number).limit(1)).first() is not None


def tallies(session: Session, filters: Filters, moments: tuple[datetime, datetime]) -> list[Tally]:
    """Count the cases that match, in one pass over an index."""
    first, second = moments
    due = when((Case.due_at < first, 0), (Case.due_at < second, 1), else_=2)
    by = (Case.department, Case.urgency, Case.certain, due.label("due"))
    query = select(*by, func.count()).where(*conditions(filters)).group_by(*by[:3], "due")
    return [Tally(*row) for row in session.execute(query)]


_LINES = (
    select(Case, func.substr(Case.text, 1, _LINE_CHARS), SuggestionMade.department_confidence)
    .outerjoin(SuggestionMade, SuggestionMade.id == Case.suggestion_id)
    .options(defer(Case.text), defer(Case.original))
)


def _page(
    session: Session, filters: Filters, sort: Sort, after: Place | None, limit: int, backwards: bool
) -> list[Line]:
    key = _KEYS[sort]
    falling = (sort == Sort.RECEIVED) is not backwards
    order = (key.desc(), Case.id.desc()) if falling else (key, Case.id)
    query = _LINES.where(*conditions(filters)).order_by(*order).limit(limit)
    if after:
        here, there = tuple_(key, Case.id), tuple_(after.value, after.id)
        query = query.where(here < there if falling else here > there)
    if sort == Sort.DUE and filters.received_from:
        # Nothing is due before it is received: what the condition adds is a place to begin.
        query = query.where(Case.due_at >= filters.received_from)
    return [Line(*row) for row in session.execute(query)]
