"""Compares what was suggested with where cases went in the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased, defer

from casework.storage.cases import OPEN
from casework.storage.tables import Case, Decision, SuggestionMade
from casework.storage.withdrawals import stands

_LINE_CHARS = 80


@dataclass(frozen=True)
class Scope:
    """Decisions from ``since`` on, perhaps only on suggestions of one model, or for one department."""

    since: datetime
    version: str | None
    department: str | None


@dataclass(frozen=True)
class Met:
    """A case with the decision that settled it and what had been suggested; ``shown`` tells whether it was in sight."""

    case: Case
    first_line: str
    decision_id: int
    decided_at: datetime
    shown: bool
    suggested: str
    confidence: float
    needs_review: bool


def counts(session: Session, scope: Scope) -> dict[tuple[str, str], int]:
    """How many settled cases there are of each (department, suggested department)."""
    query = _settled(select(Case.department, SuggestionMade.department, func.count()), scope)
    rows = session.execute(query.group_by(Case.department, SuggestionMade.department))
    return {(decided, suggested): count for decided, suggested, count in rows}


def cases(session: Session, scope: Scope, decided: str, suggested: str, before: int | None, limit: int) -> list[Met]:
    """Those of one pair, the last decided first, older than the decision ``before``."""
    columns = (
        *(Case, func.substr(Case.text, 1, _LINE_CHARS), Decision.id, Decision.made_at, Decision.shown),
        *(SuggestionMade.department, SuggestionMade.department_confidence, SuggestionMade.needs_review),
    )
    query = (
        _settled(select(*columns), scope)
        .where(Case.department == decided, SuggestionMade.department == suggested)
        .order_by(Decision.id.desc())
        .options(defer(Case.text), defer(Case.original))
        .limit(limit)
    )
    if before is not None:
        query = query.where(Decision.id < before)
    return [Met(*row) for row in session.execute(query)]


def _settled(query: Select[*tuple[Any, ...]], scope: Scope) -> Select[*tuple[Any, ...]]:
    """Each settled case once: by its last decision that stands, with the suggestion that lay before whoever decided."""
    later = aliased(Decision)
    after = (later.case_id == Decision.case_id, later.id > Decision.id, stands(later, Decision))
    last = ~select(later.id).where(*after).exists()
    query = (
        query.select_from(Decision)
        .join(Case, Case.id == Decision.case_id)
        .join(SuggestionMade, SuggestionMade.id == Decision.suggestion_id)
        # Not "in (decided, closed)": there is an index for that, by which every case would be looked at.
        .where(Decision.made_at >= scope.since, stands(Decision, Decision), last, Case.status != OPEN)
    )
    if scope.version:
        query = query.where(SuggestionMade.model_version == scope.version)
    return query.where(Case.department == scope.department) if scope.department else query
