"""A new model beside the one it was to replace, figure by figure, as the gate compared them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from classifier.taxonomy import Taxonomy

_SHOWN = 0.001
"""The smallest difference that three decimals show."""


@dataclass(frozen=True)
class Figure:
    """One figure of both models on the same rows, with the 95 % interval of the difference where it was computed."""

    name: str
    rows: int
    champion: float
    challenger: float
    interval: tuple[float, float] | None = None

    @property
    def difference(self) -> float:
        """By how much the challenger's is greater."""
        return self.challenger - self.champion

    @property
    def change(self) -> str:
        """Where it went, in words; with an interval, only what is beyond chance.

        >>> Figure("F1", 100, 0.8, 0.82, (-0.01, 0.05)).change, Figure("F1", 100, 0.8, 0.82).change
        ('偶然之内', '升')
        """
        if self.interval and self.interval[0] <= 0 <= self.interval[1]:
            return "偶然之内"
        return "没变" if abs(self.difference) < _SHOWN / 2 else "升" if self.difference > 0 else "降"


@dataclass(frozen=True)
class Comparison:
    """Both models on one frozen set."""

    name: str
    rows: int
    figures: tuple[Figure, ...]


def comparisons(verdict: Mapping[str, Any], taxonomy: Taxonomy) -> list[Comparison]:
    """What a verdict compared, set by set."""
    return [
        Comparison(name, one["rows"], tuple(_figures(one, taxonomy))) for name, one in verdict["comparisons"].items()
    ]


def _figures(found: Mapping[str, Any], taxonomy: Taxonomy) -> Iterator[Figure]:
    rows, names = found["rows"], {one.id: one.name for one in taxonomy.departments}
    low, high = found["difference_interval"]
    yield Figure("各部门平均（宏平均 F1）", rows, **found["macro_f1"], interval=(low, high))
    for label in sorted(found["recall"], key=[*names, *found["recall"]].index):
        yield Figure(f"{names.get(label, label)}的件，认出的", **found["recall"][label])
    if "gravest" in found:
        yield Figure(f"{taxonomy.urgencies[-1].name}的件，认出的", **found["gravest"])
    yield Figure("校准误差（越小越可信）", rows, **found["calibration_error"])
