"""Where suggestions and what was decided part: counted by department, with the cases behind each count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from casework.service.permissions import Actor, Permission
from casework.storage import confusion as stored
from casework.storage.confusion import Met
from casework.storage.database import Session
from classifier.errors import InvalidInputError
from classifier.taxonomy import Taxonomy

__all__ = ["PERIODS", "Asked", "Matrix", "Met", "behind", "matrix"]

PERIODS = (4, 12, 26, 52)
"""Weeks that may be asked for."""


@dataclass(frozen=True)
class Matrix:
    """How many matters of each department were suggested for which: ``counts[department][suggested]``."""

    labels: tuple[str, ...]
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, names: Mapping[str, str], labels: Iterable[str], counts: Iterable[Sequence[int]]) -> Matrix:
        """Labels without a name stand by themselves."""
        ordered = tuple(labels)
        return cls(ordered, tuple(names.get(one, one) for one in ordered), tuple(map(tuple, counts)))

    @property
    def rows(self) -> int:
        """How many in all."""
        return sum(map(sum, self.counts))

    @property
    def agreed(self) -> int:
        """How many were suggested for their own department."""
        return sum(row[i] for i, row in enumerate(self.counts))

    def share(self, i: int, j: int) -> float:
        """Of the matters of department ``i``, the share suggested for ``j``; 0 where there are none."""
        return self.counts[i][j] / max(sum(self.counts[i]), 1)


@dataclass(frozen=True)
class Asked:
    """Which decisions to compare: those of the last ``weeks``, perhaps only on suggestions of one model."""

    weeks: int = PERIODS[1]
    version: str | None = None


def matrix(session: Session, actor: Actor, taxonomy: Taxonomy, asked: Asked) -> Matrix:
    """Settled cases by the department that has them in the end, and the one suggested when they were decided last.

    Raises
    ------
    InvalidInputError
        The period is none of PERIODS.
    """
    counts = stored.counts(session, _scope(actor, asked))
    names = {one.id: one.name for one in taxonomy.departments}
    labels = [*names, *sorted({label for pair in counts for label in pair} - set(names))]
    return Matrix.of(names, labels, ([counts.get((decided, one), 0) for one in labels] for decided in labels))


def behind(
    session: Session, actor: Actor, asked: Asked, decided: str, suggested: str, before: int | None, limit: int = 50
) -> list[Met]:
    """The cases behind one count, those decided last first, older than the decision ``before``."""
    return stored.cases(session, _scope(actor, asked), decided, suggested, before, limit)


def _scope(actor: Actor, asked: Asked) -> stored.Scope:
    actor.require(Permission.MODELS)
    if asked.weeks not in PERIODS:
        raise InvalidInputError(f"周数 {asked.weeks} 不对，应为 {'、'.join(map(str, PERIODS))}。")
    return stored.Scope(datetime.now(UTC) - timedelta(weeks=asked.weeks), asked.version, actor.department)
