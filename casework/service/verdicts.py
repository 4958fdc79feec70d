"""Tells what the rows of a reclassified file would change, and why the others change nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from casework.service.result_file import ResultRow
from casework.storage import runs
from casework.storage.cases import CLOSED, DECIDED, id_in
from casework.storage.database import Session
from casework.storage.tables import Case, SuggestionMade

BANDS = ((0.95, 1.0), (0.8, 0.95), (0.5, 0.8), (0.0, 0.5))
"""How sure a suggestion is, in steps that staff can tell apart; the surest first."""


class Left(StrEnum):
    """Why a row changes nothing."""

    ERROR = "error"
    UNKNOWN = "unknown"
    DONE = "done"
    CLOSED = "closed"
    DECIDED = "decided"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Change:
    """A case, the suggestion it has, and the one it is to get."""

    case: Case
    current: SuggestionMade | None
    made: SuggestionMade

    @property
    def says_the_same(self) -> bool:
        """Whether the case would stand as it does."""
        names = ("department", "assist", "urgency", "needs_review")
        return self.current is not None and all(
            getattr(self.current, name) == getattr(self.made, name) for name in names
        )


@dataclass
class Preview:
    """What applying a file would do.

    Attributes
    ----------
    rows, changes : int
        Rows of the file, and those that would change a case.
    departments, urgencies : Counter
        How many cases would go from what to what, by (id or None, id), where the two differ.
    confidence : Counter
        How many of the changes are how sure, by the lower end of their one of ``BANDS``.
    needs_review : int
        Changes that ask for a person to look closely.
    left : Counter
        Rows that change nothing, by :class:`Left`.
    """

    rows: int = 0
    changes: int = 0
    departments: Counter[tuple[str | None, str]] = field(default_factory=Counter)
    urgencies: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    confidence: Counter[float] = field(default_factory=Counter)
    needs_review: int = 0
    left: Counter[str] = field(default_factory=Counter)

    def add(self, changes: Sequence[Change], left: Counter[str]) -> None:
        """Count a chunk of rows."""
        self.rows += len(changes) + left.total()
        self.changes += len(changes)
        self.left += left
        for one in changes:
            after = one.made
            department, urgency = (one.current.department, one.current.urgency) if one.current else (None, None)
            if department != after.department:
                self.departments[department, after.department] += 1
            if urgency != after.urgency:
                self.urgencies[urgency, after.urgency] += 1
            self.confidence[next(low for low, _ in BANDS if after.department_confidence >= low)] += 1
            self.needs_review += after.needs_review


def judge(
    session: Session, run_id: int | None, rows: Sequence[ResultRow], *, by_reference: bool, lock: bool
) -> tuple[list[Change], Counter[str]]:
    """The changes that rows ask for, and how many ask for none, by the reason."""
    keys = [row.key for row in rows]
    ids = runs.ids_of_references(session, keys) if by_reference else {key: id_in(key) or 0 for key in keys}
    found = runs.cases(session, ids.values(), lock=lock)
    done = runs.done(session, run_id, ids.values()) if run_id else set()
    nothing = (None, None)
    verdicts = [_verdict(row, *found.get(ids.get(row.key, 0), nothing), done=done) for row in rows]
    changes = [one for one in verdicts if isinstance(one, Change)]
    return changes, Counter[str](one for one in verdicts if isinstance(one, Left))


def _verdict(row: ResultRow, case: Case | None, current: SuggestionMade | None, *, done: set[int]) -> Change | Left:
    if row.made is None:
        return Left.ERROR
    if case is None or row.key not in (case.number, case.reference):
        return Left.UNKNOWN
    change = Change(case, current, row.made)
    reasons = {
        Left.DONE: case.id in done,
        Left.CLOSED: case.status == CLOSED,
        Left.DECIDED: case.status == DECIDED,
        Left.CHANGED: row.version not in (None, case.version),
        Left.UNCHANGED: change.says_the_same,
    }
    return next((reason for reason, holds in reasons.items() if holds), change)
