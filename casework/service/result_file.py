"""Reads what `fenban reclassify` made of exported cases: a suggestion for each, checked before anything is done with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from backlog.chunk import ADDED_COLUMNS
from backlog.tables import Table, encoding_fault, open_table
from casework.service.exchange import COLUMNS
from casework.storage.tables import SuggestionMade
from classifier.errors import InvalidInputError, InvalidTableError
from classifier.taxonomy import Taxonomy
from classifier.text.mask import mask

_MOST_SHOWN = 20
_MAX_NAME = 200
_VERSION = re.compile("[0-9]{1,9}")
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True)
class ResultRow:
    """A case by its number or the office's own reference, and the suggestion for it.

    ``version`` is the case's when it was exported, None in a file of the office's own, which tells none.
    ``made`` is None where the complaint could not be read.
    """

    key: str
    version: int | None
    made: SuggestionMade | None


class ResultFile:
    """A reclassified export or file of the office's own, read row by row.

    Attributes
    ----------
    by_reference : bool
        Whether rows name cases by the office's reference, not by the register's number.

    Raises
    ------
    InvalidTableError
        The file cannot be read, or lacks the columns that name cases, or one of reclassifying.
    """

    def __init__(self, path: Path, taxonomy: Taxonomy) -> None:
        self._table, self._taxonomy = open_table(path), taxonomy
        self._key = "number" if (found := key_column(self._table)) is None else found
        self.by_reference = self._key != "number"
        names = (self._key, *(() if self.by_reference else ("version",)), *ADDED_COLUMNS)
        self._columns = {name: self._table.require(name) for name in names}

    @property
    def share_read(self) -> float:
        """How much of it has been read, from 0 to 1."""
        return self._table.share_read

    def check(self) -> None:
        """Look all of it through.

        Raises
        ------
        InvalidTableError
            With the first rows that cannot be taken, or that name a case once more.
        """
        problems, count, seen = list[str](), 0, set[str]()
        for row in self._table:
            try:
                key = self._read(row).key
                if key and key in seen:
                    raise InvalidInputError(f"{self._key} 的值“{key[:40]}”前面已有一行，一件只能有一行")
                seen.add(key)
            except InvalidInputError as error:
                count += 1
                if count <= _MOST_SHOWN:
                    problems.append(f"第 {self._table.row_number} 行：{error}")
        if count:
            raise InvalidTableError(
                f"{self._table.path.name} 有 {count} 行有错，一件也没有改。请改正，或重新导出、重新分类后再试：\n"
                + "\n".join(problems)
            )

    def __iter__(self) -> Iterator[ResultRow]:
        """Yield the rows of a file that has been checked."""
        return map(self._read, self._table)

    def _read(self, row: list[str]) -> ResultRow:
        cells = {name: row[index].strip() if index < len(row) else "" for name, index in self._columns.items()}
        if cells["error"]:
            return ResultRow(cells[self._key], None, None)
        if fault := encoding_fault(row):
            raise InvalidInputError(fault)
        return ResultRow(cells[self._key], self._version(cells), self._suggestion(cells))

    def _version(self, cells: dict[str, str]) -> int | None:
        if self.by_reference:
            return None
        if not _VERSION.fullmatch(cells["version"]):
            raise InvalidInputError(f"version 的值“{cells['version'][:40]}”不是导出时写的版本号")
        return int(cells["version"])

    def _suggestion(self, cells: dict[str, str]) -> SuggestionMade:
        department = self._department("suggested_department", cells["suggested_department"])
        assist = self._department("suggested_assist", cells["suggested_assist"]) if cells["suggested_assist"] else None
        if assist == department:
            raise InvalidInputError(f"suggested_assist 的值“{assist}”与主办部门相同")
        urgency = self._urgency(cells["suggested_urgency"])
        return SuggestionMade(
            made_at=datetime.now(UTC),
            model_version=_name("model_version", cells["model_version"]),
            department=department,
            department_confidence=_share("department_confidence", cells["department_confidence"]),
            assist=assist,
            urgency=urgency,
            urgency_confidence=_share("urgency_confidence", cells["urgency_confidence"]) if urgency else None,
            needs_review=_truth("needs_review", cells["needs_review"]),
            known_share=0.0,
            details={
                "candidates": self._candidates(cells["candidates"]),
                "assist_confidence": None,
                "plausible": [],
                "review_causes": [],
                # Masked once more: who knows what the file went through.
                "reasons": [{"text": word} for word in mask(cells["reasons"]).split("；") if word],
            },
        )

    def _department(self, name: str, cell: str) -> str:
        if (found := self._taxonomy.department_id(cell)) is None:
            raise _unknown(name, cell)
        return found

    def _urgency(self, cell: str) -> str | None:
        found = self._taxonomy.urgency_id(cell)
        if cell and found is None:
            raise _unknown("suggested_urgency", cell)
        return found

    def _candidates(self, cell: str) -> list[list[str | float]]:
        try:
            pairs = [(str(label), str(share)) for label, share in json.loads(cell)]
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidInputError(f"candidates 的值“{cell[:40]}”不是 [部门, 概率] 的 JSON 列表") from error
        return [[self._department("candidates", label), _share("candidates", share)] for label, share in pairs]


def key_column(table: Table) -> str | None:
    """The column by which the rows of a table name cases: an export's number, or the office's reference; None without one."""
    for names in (("number",), COLUMNS["reference"]):
        if (index := table.column(*names)) is not None:
            return table.header[index].strip()
    return None


def _unknown(name: str, cell: str) -> InvalidInputError:
    return InvalidInputError(f"{name} 的值“{cell[:40]}”不在分类表里")


def _share(name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise InvalidInputError(f"{name} 的值“{cell[:40]}”不是 0 到 1 的数")
    return value


def _truth(name: str, cell: str) -> bool:
    # Spreadsheet programs write TRUE where they found true.
    if (value := _TRUTHS.get(cell.lower())) is None:
        raise InvalidInputError(f"{name} 的值“{cell[:40]}”应为 true 或 false")
    return value


def _name(name: str, cell: str) -> str:
    if not cell or len(cell) > _MAX_NAME or not cell.isprintable():
        raise InvalidInputError(f"{name} 的值“{cell[:40]}”为空、过长或含有不是文字的字符")
    return cell
