"""What is done to each chunk of rows, in a worker process or on a cluster: complaints in, cells to add out."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backlog.tables import TEXT_NAMES, TITLE_NAMES, Table
from classifier.errors import InvalidComplaintError, InvalidTableError
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.records import Complaint, Suggestion

ADDED_COLUMNS = (
    "suggested_department",
    "department_confidence",
    "candidates",
    "suggested_assist",
    "suggested_urgency",
    "urgency_confidence",
    "needs_review",
    "reasons",
    "model_version",
    "error",
)

ADDED_TYPES = {
    **dict.fromkeys(ADDED_COLUMNS, str),
    "department_confidence": float,
    "urgency_confidence": float,
    "needs_review": bool,
}
"""What they hold, for formats that tell texts from numbers."""

Row = list[str]
Picked = tuple[str, str] | str
"""A row's title and text, or why they cannot be told: cheaper to hand to another process than a complaint."""


@dataclass(frozen=True)
class Columns:
    """Where the complaint stands in a row of ``width`` cells; ``title`` is None where there is none."""

    width: int
    title: int | None
    text: int

    @classmethod
    def of(cls, table: Table, title: str | None, text: str | None) -> Columns:
        """Where they stand in a table, under the usual names or those given.

        Raises
        ------
        InvalidTableError
            A column given, or any for the text, is missing; or one that is to be added is there already.
        """
        if present := [name for name in ADDED_COLUMNS if name in table.header]:
            raise InvalidTableError(f"{table.path} 已有本程序要添加的列：{'、'.join(present)}。请先删除或改名这些列。")
        return cls(
            len(table.header),
            table.require(title) if title else table.column(*TITLE_NAMES),
            table.require(*([text] if text else TEXT_NAMES)),
        )

    def read(self, row: Sequence[str]) -> Complaint | str:
        """The complaint in a row, or why there is none to be had."""
        return complaint_of(self.pick(row))

    def pick(self, row: Sequence[str]) -> Picked:
        """Title and text of a row, or why they cannot be told."""
        if len(row) > self.width:
            surplus = "，".join(row[self.width :])
            return f"这一行有 {len(row)} 个单元格，表头只有 {self.width} 列，多出：{surplus}"
        cells = row if len(row) == self.width else self.fit(row)
        return "" if self.title is None else cells[self.title], cells[self.text]

    def fit(self, row: Sequence[str]) -> Row:
        """The row in as many cells as the header has."""
        return [*row[: self.width], *[""] * (self.width - len(row))]


def complaint_of(picked: Picked) -> Complaint | str:
    """The complaint of a title and a text, or why there is none to be had."""
    if isinstance(picked, str):
        return picked
    try:
        return Complaint(*picked)
    except InvalidComplaintError as error:
        return str(error)


@cache
def classifier_of(model: Path) -> Classifier:
    """The process's model, loaded once."""
    classifier = bundle.load(model)
    # Nothing of it is ever garbage, so the collector need not look through it again.
    gc.freeze()
    gc.enable()
    return classifier


def suggest_cells(model: Path, read: list[Complaint | str]) -> list[Row]:
    """The cells of ADDED_COLUMNS for each complaint, or for the reason why there is none."""
    suggestions = iter(classifier_of(model).suggest_many([one for one in read if isinstance(one, Complaint)]))
    return [cells_of(next(suggestions)) if isinstance(one, Complaint) else _failure(one) for one in read]


def suggest_picked(model: Path, picked: list[Picked]) -> list[Row]:
    """Like :func:`suggest_cells`, of what another process picked from the rows."""
    return suggest_cells(model, [complaint_of(one) for one in picked])


def _failure(reason: str) -> Row:
    return [*[""] * (len(ADDED_COLUMNS) - 1), reason]


def cells_of(suggestion: Suggestion) -> Row:
    """The cells of ADDED_COLUMNS for a suggestion."""
    lead, assist, urgency = suggestion.lead, suggestion.assist, suggestion.urgency
    # As json.dumps would write it, which takes three times as long.
    candidates = ", ".join(
        [f"[{_quoted(one.department.id)}, {round(one.confidence, 4)!r}]" for one in suggestion.candidates]
    )
    return [
        lead.department.id,
        f"{lead.confidence:.4f}",
        f"[{candidates}]",
        assist.department.id if assist else "",
        urgency.level.id if urgency else "",
        f"{urgency.confidence:.4f}" if urgency else "",
        "true" if suggestion.needs_review else "false",
        "；".join(dict.fromkeys([reason.text for reason in suggestion.reasons if reason.weight >= 0])),
        suggestion.model_version,
        "",
    ]


@cache
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
