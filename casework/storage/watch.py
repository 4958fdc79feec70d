"""Counts cases, suggestions, decisions and hand-backs by week and department; never by person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, case, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from casework.storage.cases import DECIDED, OPEN
from casework.storage.tables import Case, Decision, HandBack, SuggestionMade, Withdrawal
from casework.storage.withdrawals import first_decision, stands

Bounds = Sequence[datetime]
"""Where weeks begin, in order, and where the last one ends: one more than there are weeks."""


@dataclass(frozen=True)
class Decided:
    """First decisions of a week for a department; ``blind`` are those made before the suggestion was shown."""

    week: int
    department: str
    decisions: int
    shown: int
    shown_agreed: int
    blind: int
    blind_agreed: int


@dataclass(frozen=True)
class Suggested:
    """Suggestions of a week for a department, of one kind: ``known`` is the bin of their known share."""

    week: int
    department: str
    needs_review: bool
    known: int
    suggestions: int


@dataclass(frozen=True)
class HandedBack:
    """Hand-backs of a week by a department."""

    week: int
    department: str | None
    hand_backs: int


@dataclass(frozen=True)
class Standing:
    """Cases that are not closed: waiting for a decision or with a department; and how many are due."""

    waiting: int
    with_department: int
    due_soon: int
    overdue: int


def decided(session: Session, bounds: Bounds) -> list[Decided]:
    """Each case's first decision that was not withdrawn; later ones answer a hand-back."""
    blind = and_(Decision.suggestion_id.is_not(None), Decision.shown.is_(False))
    agreed = Decision.agreed.is_(True)
    query = select(
        _slot(Decision.made_at, bounds[1:-1]).label("week"),
        Decision.department,
        func.count(),
        func.count().filter(Decision.shown.is_(True)),
        func.count().filter(Decision.shown.is_(True), agreed),
        func.count().filter(blind),
        func.count().filter(blind, agreed),
    ).where(first_decision())
    return [Decided(*row) for row in _rows(session, query, Decision.made_at, bounds, Decision.department)]


def suggested(session: Session, bounds: Bounds, known_edges: Sequence[float]) -> list[Suggested]:
    """Suggestions by the bin of their known share: bin i lies below ``known_edges[i]``, the last has no end.

    A campaign's are left out: it asks anew for old cases, which tell nothing of what comes in.
    """
    query = select(
        _slot(SuggestionMade.made_at, bounds[1:-1]).label("week"),
        SuggestionMade.department,
        SuggestionMade.needs_review,
        _slot(SuggestionMade.known_share, known_edges).label("known"),
        func.count(),
    ).where(SuggestionMade.run_id.is_(None))
    by = (SuggestionMade.department, SuggestionMade.needs_review, "known")
    return [Suggested(*row) for row in _rows(session, query, SuggestionMade.made_at, bounds, *by)]


def handed_back(session: Session, bounds: Bounds) -> list[HandedBack]:
    """Hand-backs by the department that sent the case back, but those withdrawn."""
    query = select(_slot(HandBack.made_at, bounds[1:-1]).label("week"), HandBack.department, func.count())
    query = query.where(stands(HandBack, HandBack))
    return [HandedBack(*row) for row in _rows(session, query, HandBack.made_at, bounds, HandBack.department)]


def registered(session: Session, bounds: Bounds) -> dict[int, int]:
    """Cases registered, by week."""
    query = select(_slot(Case.registered_at, bounds[1:-1]).label("week"), func.count())
    return dict(_rows(session, query, Case.registered_at, bounds))


def standing(session: Session, now: datetime, soon: datetime) -> Standing:
    """How cases stand now; those due from ``now`` to ``soon`` are due soon."""
    query = (
        select(
            Case.status,
            func.count(),
            func.count().filter(Case.due_at >= now, Case.due_at <= soon),
            func.count().filter(Case.due_at < now),
        )
        .where(Case.status.in_((OPEN, DECIDED)))
        .group_by(Case.status)
    )
    rows = {status: counts for status, *counts in session.execute(query)}
    waiting, sent = (rows.get(status, [0, 0, 0]) for status in (OPEN, DECIDED))
    return Standing(waiting[0], sent[0], waiting[1] + sent[1], waiting[2] + sent[2])


@dataclass(frozen=True)
class Totals:
    """Everything ever recorded: by department and agreement, by department, by whether it needed review.

    What was withdrawn is among it, and counted beside it: such numbers must never fall.
    """

    registered: int
    decisions: dict[tuple[str, bool | None], int]
    hand_backs: dict[str | None, int]
    suggestions: dict[bool, int]
    withdrawals: int


def totals(session: Session) -> Totals:
    """Count whole tables; every one of the counts is answered by an index."""
    return Totals(
        session.execute(select(func.count()).select_from(Case)).scalar_one(),
        {(department, agreed): n for department, agreed, n in _by(session, Decision.department, Decision.agreed)},
        dict(_by(session, HandBack.department)),
        dict(_by(session, SuggestionMade.needs_review)),
        session.execute(select(func.count()).select_from(Withdrawal)).scalar_one(),
    )


def _by(session: Session, *columns: InstrumentedAttribute[Any]) -> Sequence[Any]:
    return session.execute(select(*columns, func.count()).group_by(*columns)).all()


def _rows(session: Session, query: Select[*tuple[Any, ...]], time: Any, bounds: Bounds, *by: Any) -> Sequence[Any]:
    return session.execute(query.where(time >= bounds[0], time < bounds[-1]).group_by("week", *by)).all()


def _slot(column: Any, edges: Sequence[Any], first: int = 0) -> ColumnElement[int]:
    """How many of the edges are not above the column's value, found by halving: a year has many weeks."""
    if not edges:
        return literal(first, Integer)
    middle = len(edges) // 2
    below = _slot(column, edges[:middle], first)
    return case((column < edges[middle], below), else_=_slot(column, edges[middle + 1 :], first + middle + 1))
