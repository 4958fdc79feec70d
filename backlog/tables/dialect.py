"""Finds out how a text file separates and quotes its cells: the way that makes most rows as wide as the header."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

_DELIMITERS = ",\t;|"
# Spark and MySQL put a backslash before a quote in a cell, where Excel doubles it.
_BACKSLASH: dict[str, object] = {"escapechar": "\\", "doublequote": False}
# In what databases write between tabs, quotes mean nothing.
_NO_QUOTES: dict[str, object] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None}
# A quote with a backslash before it that ends no cell.
_ESCAPED = re.compile(r'\\"[^,;|\t\r\n"]')

Dialect = type[csv.Dialect]


def _dialects(delimiters: str) -> list[Dialect]:
    """What a file may be written in, the usual first."""
    forms: list[dict[str, object]] = [{"delimiter": one} for one in delimiters]
    forms += [form | _BACKSLASH for form in forms]
    forms += [_NO_QUOTES] * ("\t" in delimiters)
    return [type("Found", (csv.excel,), form) for form in forms]


def find_dialect(lines: Sequence[str], delimiter: str | None = None) -> Dialect:
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
    is_escaped = any(map(_ESCAPED.search, lines))

    def fit(dialect: Dialect) -> tuple[float, bool, int, int]:
        """The share of rows as wide as the header comes first; then a quote that nothing closes makes rows fewer."""
        header, *widths = [len(row) for row in csv.reader(lines, dialect) if row] or [0]
        is_usual = bool(dialect.escapechar) == is_escaped
        if header < 2:
            return 0, is_usual, 0, 0
        fitting = widths.count(header)
        return fitting / len(widths) if widths else 1, is_usual, fitting, header

    return max(_dialects(delimiter or _DELIMITERS), key=fit)
