"""Spans of the office's calendar that figures are told by: days, weeks from Monday, months."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from classifier.errors import InvalidInputError

UNITS = {"day": "日", "week": "周", "month": "月"}
MAX_SPANS = 100

_DAY = timedelta(days=1)
_YEARS = range(1900, 2200)


class Span(NamedTuple):
    """From one day to another, both within."""

    first: date
    last: date

    @classmethod
    def of(cls, first: date, last: date) -> Span:
        """Checked.

        Raises
        ------
        InvalidInputError
            The days are in the wrong order or too far away.
        """
        if last < first:
            raise InvalidInputError(f"开始日期 {first} 在结束日期 {last} 之后，请对调或改正。")
        for day in (first, last):
            if day.year not in _YEARS:
                raise InvalidInputError(f"日期 {day} 太远，应在 {_YEARS[0]} 年到 {_YEARS[-1]} 年之间。")
        return cls(first, last)

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The moment it begins and the one it has ended by."""
        return _midnight(self.first, zone), _midnight(self.last + _DAY, zone)


@dataclass(frozen=True)
class Period:
    """Whole days, weeks or months, one after the other.

    Parameters
    ----------
    unit : str
        One of UNITS.
    spans : tuple of Span
    """

    unit: str
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, unit: str, first: date, last: date) -> Period:
        """The units that hold the days from ``first`` to ``last``.

        >>> Period.of("week", date(2026, 3, 4), date(2026, 3, 10)).whole
        Span(first=datetime.date(2026, 3, 2), last=datetime.date(2026, 3, 15))

        Raises
        ------
        InvalidInputError
            There is no such unit, the days are in the wrong order or too far away, or the units too many.
        """
        if unit not in UNITS:
            raise InvalidInputError(f"不能按“{unit[:20]}”统计，应为 {'、'.join(UNITS)} 之一。")
        Span.of(first, last)
        starts = list(_starts(unit, first, last))
        if len(starts) > MAX_SPANS + 1:
            name = UNITS[unit]
            raise InvalidInputError(
                f"{first} 到 {last} 按{name}有 {len(starts) - 1} 段，最多 {MAX_SPANS} 段；请缩短时间，或改按更长的一段。"
            )
        return cls(unit, tuple(Span(start, following - _DAY) for start, following in pairwise(starts)))

    @classmethod
    def latest(cls, unit: str, number: int, today: date) -> Period:
        """The last ``number`` units, the present one among them.

        >>> Period.latest("month", 2, date(2026, 3, 4)).whole
        Span(first=datetime.date(2026, 2, 1), last=datetime.date(2026, 3, 31))
        """
        first = _start(unit, today)
        for _ in range(number - 1):
            first = _start(unit, first - _DAY)
        return cls.of(unit, first, today)

    @property
    def whole(self) -> Span:
        """All of it."""
        return Span(self.spans[0].first, self.spans[-1].last)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _starts(unit: str, first: date, last: date) -> Iterator[date]:
    """The first days of the units from the one with ``first`` to the one after that with ``last``."""
    start = _start(unit, first)
    while start <= last:
        yield start
        start = _after(unit, start)
    yield start


def _start(unit: str, day: date) -> date:
    return day.replace(day=1) if unit == "month" else day - day.weekday() * _DAY if unit == "week" else day


def _after(unit: str, start: date) -> date:
    return _start(unit, start + 31 * _DAY) if unit == "month" else start + (7 if unit == "week" else 1) * _DAY
