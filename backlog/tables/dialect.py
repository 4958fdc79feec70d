"""Finds out how a text file separates and quotes its cells: the way that makes most rows as wide as the header."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

DELIMITERS = (",", "\t", ";", "|")


def dialects(delimiters: Iterable[str]) -> list[type[csv.Dialect]]:
    """What a file may be written in, the usual first.

    Excel doubles quotes, Spark and MySQL put a backslash before them, and databases write tab-separated
    text in which quotes mean nothing.
    """
    ways = [dict[str, object](), {"escapechar": "\\", "doublequote": False}]
    found = [_dialect(delimiter=one, **way) for way in ways for one in delimiters]
    return [
        *found,
        *(_dialect(delimiter=one, quoting=csv.QUOTE_NONE, quotechar=None) for one in delimiters if one == "\t"),
    ]


def _dialect(**fields: object) -> type[csv.Dialect]:
    return type("Found", (csv.excel,), fields)


def find_dialect(lines: Sequence[str], delimiter: str | None = None) -> type[csv.Dialect]:
    """The dialect in which most rows of a sample have as many cells as the header.

    Parameters
    ----------
    lines : sequence of str
        The first lines of the file, line ends included.
    delimiter : str, optional
        Found out where not given.

    >>> find_dialect(["编号;内容\\n", "1;污水,臭气\\n"]).delimiter
    ';'
    """
    candidates = dialects([delimiter] if delimiter else DELIMITERS)
    return max(candidates, key=lambda dialect: _fit(lines, dialect))


def _fit(lines: Sequence[str], dialect: type[csv.Dialect]) -> tuple[float, int]:
    """How well a dialect suits: the share of rows as wide as the header, then its width."""
    header, *widths = [len(row) for row in csv.reader(lines, dialect) if row] or [0]
    if header < 2:
        return 0, 0
    return (widths.count(header) / len(widths) if widths else 1), header
