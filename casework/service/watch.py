"""Watches the model and the flow of cases by week and department; nothing in it is counted by person."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from casework.service.office import Office
from casework.service.permissions import Actor, Permission
from casework.service.shift import Reference, Shift, shift, unknown
from casework.storage import watch as stored
from casework.storage.database import Session
from casework.storage.watch import Standing, Totals
from classifier.errors import InvalidInputError
from classifier.taxonomy import Taxonomy

DEFAULT_WEEKS, MAX_WEEKS = 12, 53

_WEEK = timedelta(weeks=1)
_Z = 1.959964  # 95 % of the normal distribution, both sides

# How many of what, in one week and department.
_Counts = Counter[str]


@dataclass(frozen=True)
class Share:
    """``count`` of ``rows``. ``value`` and its 95 % interval are None where there are no rows."""

    count: int
    rows: int

    @property
    def value(self) -> float | None:
        """From 0 to 1."""
        return self.count / self.rows if self.rows else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the share may lie, after Wilson 1927.

        >>> low, high = Share(8, 10).interval
        >>> round(low, 3), round(high, 3)
        (0.49, 0.943)
        """
        if self.value is None:
            return None
        n, p, zz = self.rows, self.value, _Z * _Z
        middle, half = p + zz / (2 * n), _Z * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
        low, high = (middle - half) / (1 + zz / n), (middle + half) / (1 + zz / n)
        return max(low, 0.0), min(high, 1.0)


@dataclass(frozen=True)
class Figures:
    """What is watched.

    Attributes
    ----------
    decisions : int
        Cases decided for the first time.
    agreement : Share
        Of those whose suggestion had been shown, how many were decided as suggested.
    changed : int
        How many of them were not.
    blind_accuracy : Share
        The same of those decided before the suggestion was shown: nobody could simply follow it.
    review : Share
        Of the suggestions made, how many asked for a person to look closely.
    hand_backs : int
    """

    decisions: int
    agreement: Share
    changed: int
    blind_accuracy: Share
    review: Share
    hand_backs: int


@dataclass(frozen=True)
class Department:
    """A department's figures: decisions and hand-backs where it was decided for, suggestions where suggested."""

    id: str
    name: str
    figures: Figures


@dataclass(frozen=True)
class Week:
    """A week's figures, and how far its suggestions have moved from training."""

    monday: date
    complete: bool
    registered: int
    figures: Figures
    departments: tuple[Department, ...]
    department_shift: Shift
    word_shift: Shift


@dataclass(frozen=True)
class Watch:
    """The figures of some weeks, the oldest first, of all of them together, and how cases stand now."""

    weeks: tuple[Week, ...]
    registered: int
    figures: Figures
    departments: tuple[Department, ...]
    standing: Standing

    @property
    def last_complete(self) -> Week | None:
        """The newest week that is over."""
        return next((week for week in reversed(self.weeks) if week.complete), None)

    @property
    def empty(self) -> bool:
        """Whether nothing happened at all."""
        nothing = self.figures.decisions + self.figures.review.rows + self.figures.hand_backs + self.registered
        return not nothing and not self.standing.waiting and not self.standing.with_department


def watch(
    session: Session,
    actor: Actor,
    office: Office,
    taxonomy: Taxonomy,
    reference: Reference | None,
    weeks: int = DEFAULT_WEEKS,
    now: datetime | None = None,
) -> Watch:
    """The figures of the last weeks of the office's calendar, Monday to Sunday, the present one among them.

    Parameters
    ----------
    reference : Reference or None
        Of the model in service; without it no shift can be told.

    Raises
    ------
    InvalidInputError
        ``weeks`` is below 1 or above 53.
    """
    actor.require(Permission.WATCH)
    if not 1 <= weeks <= MAX_WEEKS:
        raise InvalidInputError(f"周数 {weeks} 不对，应为 1 到 {MAX_WEEKS}。")
    now = now or datetime.now(UTC)
    bounds = _bounds(now, office, weeks)
    counts, suggested = _count(session, bounds, reference)
    registered = stored.registered(session, bounds)
    names = _names(taxonomy, (department for _, department in counts))
    return Watch(
        tuple(
            Week(
                bounds[i].date(),
                bounds[i + 1] <= now,
                registered.get(i, 0),
                _figures(counts[i, one] for one in names),
                _departments(names, counts, [i]),
                _department_shift(reference, suggested[i]),
                _word_shift(reference, suggested[i]),
            )
            for i in range(weeks)
        ),
        sum(registered.values()),
        _figures(counts.values()),
        _departments(names, counts, range(weeks)),
        _standing(session, office, now),
    )


def totals(session: Session, actor: Actor, office: Office) -> tuple[Totals, Standing]:
    """All that was ever counted, and how cases stand now: what a monitoring system asks for."""
    actor.require(Permission.WATCH)
    return stored.totals(session), _standing(session, office, datetime.now(UTC))


def _standing(session: Session, office: Office, now: datetime) -> Standing:
    return stored.standing(session, now, now + timedelta(hours=office.due_soon_hours))


def _bounds(now: datetime, office: Office, weeks: int) -> list[datetime]:
    today = now.astimezone(office.zone).date()
    monday = today - timedelta(days=today.weekday())
    return [datetime.combine(monday + i * _WEEK, time(), office.zone) for i in range(1 - weeks, 2)]


def _count(
    session: Session, bounds: list[datetime], reference: Reference | None
) -> tuple[defaultdict[tuple[int, str], _Counts], defaultdict[int, list[stored.Suggested]]]:
    """What was counted by week and department, and the suggestions by week."""
    counts: defaultdict[tuple[int, str], _Counts] = defaultdict(Counter)
    suggested: defaultdict[int, list[stored.Suggested]] = defaultdict(list)
    for decided in stored.decided(session, bounds):
        facts = vars(decided).copy()
        counts[facts.pop("week"), facts.pop("department")].update(facts)
    for handed in stored.handed_back(session, bounds):
        counts[handed.week, handed.department or ""]["hand_backs"] += handed.hand_backs
    for one in stored.suggested(session, bounds, reference.known_edges if reference else ()):
        suggested[one.week].append(one)
        here = counts[one.week, one.department]
        here["suggestions"] += one.suggestions
        here["review"] += one.suggestions if one.needs_review else 0
    return counts, suggested


def _names(taxonomy: Taxonomy, found: Iterable[str]) -> dict[str, str]:
    """Every department of the taxonomy in its order, then those it no longer has, by their ids."""
    names = {one.id: one.name for one in taxonomy.departments}
    return names | {one: one or "未定" for one in sorted(set(found) - set(names))}


def _departments(
    names: dict[str, str], counts: defaultdict[tuple[int, str], _Counts], weeks: Iterable[int]
) -> tuple[Department, ...]:
    weeks = list(weeks)
    return tuple(Department(one, name, _figures(counts[i, one] for i in weeks)) for one, name in names.items())


def _figures(parts: Iterable[_Counts]) -> Figures:
    n: _Counts = Counter()
    for part in parts:
        n.update(part)
    return Figures(
        n["decisions"],
        Share(n["shown_agreed"], n["shown"]),
        n["shown"] - n["shown_agreed"],
        Share(n["blind_agreed"], n["blind"]),
        Share(n["review"], n["suggestions"]),
        n["hand_backs"],
    )


_NO_REFERENCE = "看不出（模型没有记下训练时的分布，重新训练后才有）"


def _department_shift(reference: Reference | None, suggested: list[stored.Suggested]) -> Shift:
    if reference is None:
        return unknown(_NO_REFERENCE)
    counts: _Counts = Counter(dict.fromkeys(reference.departments, 0))
    for one in suggested:
        counts[one.department] += one.suggestions
    return shift([reference.departments.get(one, 0.0) for one in counts], list(counts.values()))


def _word_shift(reference: Reference | None, suggested: list[stored.Suggested]) -> Shift:
    if reference is None:
        return unknown(_NO_REFERENCE)
    counts = [0] * len(reference.known_shares)
    for one in suggested:
        counts[one.known] += one.suggestions
    return shift(reference.known_shares, counts)
