"""Counts what a reclassified file says, by department and by how sure it is, with a few rows behind each number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from backlog.tables import Table, open_table
from casework.service.result_file import key_column
from casework.service.verdicts import BANDS
from classifier.taxonomy import Taxonomy
from classifier.text.mask import mask

ERROR, REVIEW, BAND, MOVE = "error", "review", "band", "move"
_SHOWN = 12
_EXCERPT = 160
_MOST_MOVES = 200
_REST = "（其他）"


@dataclass
class Group:
    """Rows that have something in common, and the first of them.

    Attributes
    ----------
    kind : str
        ``error``: could not be read; ``review``: a person should look closely; ``band``: suggested for ``after``,
        as sure as the band that begins at ``low``; ``move``: had ``before`` as its department and is suggested
        for ``after``.
    before : str
        A department's id, or what the file says where that is none.
    after : str
        A department's id.
    low : float
    count : int
    rows : list of dict
        ``row`` (its number), ``title`` and the beginning of ``text`` (masked), ``before``, ``after``, ``confidence``,
        ``error``.
    """

    kind: str
    before: str = ""
    after: str = ""
    low: float = 0.0
    count: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, row: dict[str, Any]) -> None:
        """Count a row."""
        self.count += 1
        if self.count <= _SHOWN:
            hidden = {name: mask(row[name])[:_EXCERPT] for name in ("title", "text", "error")}
            self.rows.append({name: row[name] for name in ("row", "before", "after", "confidence")} | hidden)


@dataclass
class Overview:
    """What a reclassified file says of its rows; ``key`` is the column that names cases, if one does."""

    rows: int
    key: str
    groups: list[Group]

    def count(self, **facts: str | float) -> int:
        """Rows of the groups of which these facts hold."""
        return sum(one.count for one in self.groups if all(getattr(one, name) == is_ for name, is_ in facts.items()))

    @property
    def departments(self) -> list[str]:
        """Those suggested, the one with the most rows first."""
        found = dict.fromkeys(one.after for one in self.groups if one.kind == BAND)
        return sorted(found, key=lambda after: -self.count(kind=BAND, after=after))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Overview:
        """From JSON."""
        return cls(facts["rows"], facts["key"], [Group(**one) for one in facts["groups"]])


def overview(
    path: Path,
    taxonomy: Taxonomy,
    columns: dict[str, str],
    progress: Callable[[int, float], None] = lambda rows, share: None,
) -> Overview:
    """Count a result.

    Parameters
    ----------
    path : Path
    taxonomy : Taxonomy
    columns : dict
        Names of the columns of ``title``, ``text`` and the earlier ``department``; empty where there is none.
    progress : callable
        Told of the rows done and the share of the file.

    Raises
    ------
    InvalidTableError
        The file cannot be read.
    """
    table = open_table(path)
    found: dict[tuple[str, str, str, float], Group] = {}

    def group(kind: str, before: str = "", after: str = "", low: float = 0.0) -> Group:
        key = (kind, before, after, low)
        return found.setdefault(key, Group(*key))

    rows = 0
    for rows, row in enumerate(_rows(table, taxonomy, columns), 1):
        if row["error"]:
            group(ERROR).add(row)
        else:
            if row["needs_review"]:
                group(REVIEW).add(row)
            low = next(low for low, _ in BANDS if row["confidence"] >= low)
            group(BAND, "", row["after"], low).add(row)
            if columns["department"]:
                is_one_too_many = len(found) > _MOST_MOVES and (MOVE, row["before"], row["after"], 0.0) not in found
                group(MOVE, _REST if is_one_too_many else row["before"], row["after"]).add(row)
        if not rows % 1000:
            progress(rows, table.share_read)
    return Overview(rows, key_column(table) or "", sorted(found.values(), key=lambda one: -one.count))


def _rows(table: Table, taxonomy: Taxonomy, columns: dict[str, str]) -> Iterator[dict[str, Any]]:
    names = {
        **columns,
        "after": "suggested_department",
        "confidence": "department_confidence",
        "needs_review": "needs_review",
        "error": "error",
    }
    places = {name: table.require(column) if column else None for name, column in names.items()}
    for row in table:
        cells = {name: "" if at is None or at >= len(row) else row[at].strip() for name, at in places.items()}
        before = cells["department"][:40]
        yield {
            "row": table.row_number,
            "title": cells["title"],
            "text": cells["text"],
            "before": taxonomy.department_id(before) or before,
            "after": cells["after"],
            "confidence": float(cells["confidence"] or 0),
            "needs_review": cells["needs_review"].lower() == "true",
            "error": cells["error"],
        }
