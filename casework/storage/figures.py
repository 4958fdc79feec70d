"""Counts and lists what happened to cases in a period: what is listed is what was counted, and nothing is by person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, tuple_
from sqlalchemy.orm import Session, defer

from casework.storage.tables import Case, Decision, HandBack
from casework.storage.withdrawals import first_decision, stands

_LINE_CHARS = 80

Span = tuple[datetime, datetime]
"""From a moment to another, the latter not within."""


@dataclass(frozen=True)
class Event:
    """Something that happens to cases.

    Attributes
    ----------
    row : type
        The table of which each row is one event.
    moment, department : columns
        When it happened, and to which department it is counted.
    figures : mapping of str to condition
        What is counted of these events, by name.
    among : condition
        Which rows are events at all.
    """

    row: Any
    moment: Any
    department: Any
    figures: Mapping[str, ColumnElement[bool]]
    among: ColumnElement[bool] = true()  # noqa: RUF009 -- a constant of SQL, never changed


RECEIVED = Event(Case, Case.received_at, Case.department, {"received": true()})
DECIDED = Event(
    Decision,
    Decision.made_at,
    Decision.department,
    {
        "decided": true(),
        "shown": Decision.shown.is_(True),
        "agreed": and_(Decision.shown.is_(True), Decision.agreed.is_(True)),
    },
    first_decision(),
)
HANDED_BACK = Event(
    HandBack, HandBack.made_at, HandBack.department, {"handed_back": true()}, stands(HandBack, HandBack)
)
DUE = Event(
    Case,
    Case.due_at,
    Case.department,
    {
        "due": true(),
        "in_time": Case.closed_at <= Case.due_at,
        "overdue": or_(Case.closed_at.is_(None), Case.closed_at > Case.due_at),
    },
)
EVENTS = (RECEIVED, DECIDED, HANDED_BACK, DUE)


@dataclass(frozen=True)
class Scope:
    """Which cases count; None means any, and an empty text those without one."""

    department: str | None = None
    channel: str | None = None
    urgency: str | None = None


class Waited(NamedTuple):
    """When a case was received and first decided, and of which part it is."""

    value: str
    received_at: datetime
    decided_at: datetime


class Happened(NamedTuple):
    """An event with its case, and the beginning of its text."""

    moment: datetime
    id: int
    case: Case
    first_line: str


def count(session: Session, event: Event, span: Span, by: str, scope: Scope) -> dict[str, Sequence[int]]:
    """How many events of a span, for each figure in its order, by "department", "channel" or "urgency"."""
    value = _part(event, by).label("value")
    counts = [func.count().filter(condition) for condition in event.figures.values()]
    query = _among(select(value, *counts), event, span, scope, with_cases=by != "department")
    return {one: numbers for one, *numbers in session.execute(query.group_by("value"))}


def waits(session: Session, span: Span, by: str, scope: Scope, every: int) -> list[Waited]:
    """First decisions of a span; ``every`` 2 gives half of them, spread evenly, 3 a third."""
    # The share comes first, or every decision is looked up to be left out.
    query = select(_part(DECIDED, by), Case.received_at, Decision.made_at).where(Decision.id % every == 0)
    return [Waited(*row) for row in session.execute(_among(query, DECIDED, span, scope))]


def happened(
    session: Session,
    event: Event,
    figure: str,
    span: Span,
    scope: Scope,
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[Happened]:
    """The events behind a figure, the newest first, from the one after ``after`` (its moment and id)."""
    line = func.substr(Case.text, 1, _LINE_CHARS)
    query = _among(select(event.moment, event.row.id, Case, line), event, span, scope)
    query = query.where(event.figures[figure])
    if after:
        query = query.where(tuple_(event.moment, event.row.id) < tuple_(*after))
    query = query.order_by(event.moment.desc(), event.row.id.desc()).limit(limit)
    return [Happened(*row) for row in session.execute(query.options(defer(Case.text), defer(Case.original)))]


def _among(
    query: Select[*tuple[Any, ...]],
    event: Event,
    span: Span,
    scope: Scope,
    with_cases: bool = True,
) -> Select[*tuple[Any, ...]]:
    """Narrow a query to the events of a span and scope; their cases are read only where something is asked of them."""
    if event.row is not Case and (with_cases or scope.channel is not None or scope.urgency is not None):
        query = query.select_from(event.row).join(Case, Case.id == event.row.case_id)
    query = query.where(event.among, event.moment >= span[0], event.moment < span[1])
    for by in ("department", "channel", "urgency"):
        if (wanted := getattr(scope, by)) is not None:
            column = event.department if by == "department" else getattr(Case, by)
            query = query.where(column == wanted if wanted else or_(column.is_(None), column == ""))
    return query


def _part(event: Event, by: str) -> ColumnElement[str]:
    return func.coalesce(event.department if by == "department" else getattr(Case, by), "")
