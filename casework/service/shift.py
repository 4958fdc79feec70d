"""Tells whether what comes in still looks like what the model was trained on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEAST_ROWS = 50
"""With fewer suggestions in a week, chance alone would move the index past every limit."""

STABLE, LOOK, SHIFTED, UNKNOWN = "stable", "look", "shifted", "unknown"
_LOOK_FROM, _SHIFTED_FROM = 0.10, 0.25
_Z = 1.644854  # 95 % of the normal distribution, one side

READINGS = {
    STABLE: "与训练时相近",
    LOOK: "有些变化，请抽查几件看看",
    SHIFTED: "变化明显，请抽查，并考虑用近期的件重新训练",
}


@dataclass(frozen=True)
class Reference:
    """What the model suggested for held-out texts when it was trained.

    Attributes
    ----------
    departments : mapping of id to float
        Share of texts it suggested each department for.
    known_edges : tuple of float
        Where the bins of the known share of words part.
    known_shares : tuple of float
        Share of texts in each bin, one more than there are edges.
    """

    departments: Mapping[str, float]
    known_edges: tuple[float, ...]
    known_shares: tuple[float, ...]

    @classmethod
    def of(cls, metrics: Mapping[str, Any]) -> Reference | None:
        """From a model's ``metrics.json``; None where an older program wrote it."""
        if (found := metrics.get("reference")) is None:
            return None
        known = found["known_share"]
        return cls(found["departments"], tuple(known["edges"]), tuple(known["shares"]))


@dataclass(frozen=True)
class Shift:
    """A population stability index with its reading.

    Attributes
    ----------
    value : float or None
        None where it cannot be told.
    noise : float or None
        What chance alone keeps the index below in 95 of 100 weeks of as many suggestions.
    reading : str
        "stable", "look", "shifted" or "unknown".
    words : str
        The reading in words for staff, or why there is none.
    """

    value: float | None
    noise: float | None
    reading: str
    words: str


def shift(expected: Sequence[float], counts: Sequence[int]) -> Shift:
    """Read the index of a week: below 0.1 or within chance stable, to 0.25 worth a look, above shifted."""
    rows = sum(counts)
    if rows < LEAST_ROWS:
        return unknown(f"看不出（只有 {rows} 件建议，不足 {LEAST_ROWS} 件）")
    value, noise = psi(expected, counts), _chi_squared_95(len(counts) - 1) / rows
    moved = SHIFTED if value > _SHIFTED_FROM else LOOK
    reading = moved if value >= _LOOK_FROM and value > noise else STABLE
    return Shift(value, noise, reading, READINGS[reading])


def unknown(why: str) -> Shift:
    """No index, and why."""
    return Shift(None, None, UNKNOWN, why)


def psi(expected: Sequence[float], counts: Sequence[int]) -> float:
    """Population stability index of counts against expected shares: the sum of (a - e) ln(a / e).

    An empty bin counts as half a row, so that the logarithm stays finite. Siddiqi 2006, "Credit
    Risk Scorecards", chapter 7, whose usual limits are 0.1 and 0.25.

    Parameters
    ----------
    expected : sequence of float, length k
        Shares that add up to 1.
    counts : sequence of int, length k
        At least one of them above 0.

    >>> round(psi([0.5, 0.5], [80, 20]), 4)
    0.4159
    """
    rows = sum(counts)
    least = 0.5 / rows
    pairs = [(max(count / rows, least), max(share, least)) for share, count in zip(expected, counts, strict=True)]
    return sum((a - e) * math.log(a / e) for a, e in pairs)


def _chi_squared_95(degrees: int) -> float:
    """The 95 % point of chi squared, by Wilson and Hilferty 1931.

    Without a shift, rows times the index is distributed so (Yurdakul 2018, "Statistical
    Properties of Population Stability Index"), the training data being far more than a week's.
    """
    if degrees == 0:
        return 0.0
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + _Z * math.sqrt(spread)) ** 3
