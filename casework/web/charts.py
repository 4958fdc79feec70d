"""Works out where the points of a chart lie; templates/charts.html draws them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 10, 28
_STEPS, _LABELS = 4, 6


@dataclass(frozen=True)
class Point:
    """A value's place in the drawing, from where to where it may lie, and how it reads."""

    x: float
    y: float
    span: tuple[float, float] | None
    text: str


@dataclass(frozen=True)
class Series:
    """One line: a value for each label, None where there is none; how each reads in full; its interval, if any."""

    name: str
    values: Sequence[float | None]
    texts: Sequence[str]
    intervals: Sequence[tuple[float, float] | None] = ()


@dataclass(frozen=True)
class Chart:
    """Lines over the same labels.

    Attributes
    ----------
    id : str
        Unique on its page.
    title, about : str
        What is drawn, and what it tells, in one sentence.
    labels : sequence of str
    series : sequence of Series
    step : float
        The least distance between lines across; 2, 5, 10 … times as much where values ask for it.
    tick : callable
        Writes a value beside the axis.
    limits : sequence of float
        Values drawn across.
    column : str
        What labels are, for the table below the drawing; empty where the numbers stand elsewhere on the page.
    floor : float
        The value at the bottom.
    """

    width: ClassVar[int] = 420
    height: ClassVar[int] = 200

    id: str
    title: str
    about: str
    labels: Sequence[str]
    series: Sequence[Series]
    step: float
    tick: Callable[[float], str]
    limits: Sequence[float] = ()
    column: str = "周一"
    floor: float = 0.0

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Where the lines across stand, and what they say."""
        step = (self._top() - self.floor) / _STEPS
        values = [self.floor + i * step for i in range(_STEPS + 1)]
        return [(self.y(value), self.tick(value)) for value in values]

    @property
    def marks(self) -> list[tuple[float, str]]:
        """Where labels stand below the axis: as many as there is room for, the last among them."""
        every, last = -(-len(self.labels) // _LABELS), len(self.labels) - 1
        return [(self.x(i), label) for i, label in enumerate(self.labels) if (last - i) % every == 0]

    def lines(self, series: Series) -> list[list[Point]]:
        """Points of a series, parted where a value is missing."""
        parts: list[list[Point]] = [[]]
        for i, (value, text) in enumerate(zip(series.values, series.texts, strict=True)):
            if value is None:
                parts.append([])
            else:
                interval = series.intervals[i] if series.intervals else None
                span = interval and (self.y(interval[0]), self.y(interval[1]))
                parts[-1].append(Point(self.x(i), self.y(value), span, f"{self.labels[i]} {series.name} {text}"))
        return [part for part in parts if part]

    def x(self, i: int) -> float:
        """Where label ``i`` stands, from the left."""
        return round(_LEFT + (self.width - _LEFT - _RIGHT) * (i + 0.5) / len(self.labels), 1)

    def y(self, value: float) -> float:
        """Where a value stands, from the top."""
        share = (value - self.floor) / (self._top() - self.floor)
        return round(self.height - _BOTTOM - (self.height - _TOP - _BOTTOM) * share, 1)

    def _top(self) -> float:
        largest = max((value for one in self.series for value in one.values if value is not None), default=0.0)
        heights = (_STEPS * self.step * factor * 10**power for power in count() for factor in (1, 2, 5))
        return next(top for height in heights if (top := self.floor + height) >= largest)
