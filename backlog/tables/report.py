"""Writes a workbook to read rather than to work through: named sheets, numbers as numbers, ready to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from backlog.tables.draft import draft_of
from classifier.errors import InvalidTableError

Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    """What stands over a column, how wide it is in characters, and how Excel shows its numbers."""

    name: str
    width: float = 12
    shown: str = "General"


@dataclass(frozen=True)
class Sheet:
    """A table with a sheet of its own; an empty cell is None.

    Parameters
    ----------
    last_is_sum : bool
        Whether the last row stands for all of them.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    last_is_sum: bool = False


def write_report(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write sheets in their order to an .xlsx file. No text is taken for a formula, a number or a link.

    Raises
    ------
    InvalidTableError
        The file cannot be written; nothing is left behind.
    """
    with draft_of(path) as draft:
        book = xlsxwriter.Workbook(str(draft))
        book.set_properties({"created": datetime(2000, 1, 1)})  # equal figures make equal files
        for sheet in sheets:
            _write(book, sheet)
        try:
            book.close()
        except XlsxWriterException as error:
            raise InvalidTableError(f"写不了 {path}：{error}。请检查磁盘空间和权限。") from error


def _write(book: Any, sheet: Sheet) -> None:
    page = book.add_worksheet(sheet.name)
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    for place, column in enumerate(sheet.columns):
        page.set_column(place, place, column.width)
        page.write_string(0, place, column.name, head)
        looks = {"num_format": column.shown, "text_wrap": True, "valign": "top"}
        plain, of_sum = book.add_format(looks), book.add_format(looks | {"bold": True, "top": 1})
        for number, row in enumerate(sheet.rows, 1):
            last = sheet.last_is_sum and number == len(sheet.rows)
            _put(page, number, place, row[place], of_sum if last else plain)
    page.freeze_panes(1, 1)
    page.repeat_rows(0)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)


def _put(page: Any, row: int, column: int, cell: Cell, looks: Any) -> None:
    if isinstance(cell, str):
        page.write_string(row, column, cell, looks)
    elif cell is not None:
        page.write_number(row, column, cell, looks)
    else:
        page.write_blank(row, column, None, looks)
