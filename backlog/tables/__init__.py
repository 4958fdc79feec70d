"""Reads and writes table files as offices have them: rows in order, cells as they stand."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from backlog.tables.csv_file import CsvTable, find_encoding, new_csv, new_safe_csv
from backlog.tables.table import WORKBOOK_MAGIC, RowWriter, Table, encoding_fault, reading
from backlog.tables.workbook import SheetTable, new_workbook
from classifier.errors import InvalidTableError

__all__ = [
    "TEXT_NAMES",
    "TITLE_NAMES",
    "CsvTable",
    "RowWriter",
    "SheetTable",
    "Table",
    "encoding_fault",
    "find_encoding",
    "new_csv",
    "new_table",
    "open_table",
]

TITLE_NAMES = ("title", "标题", "留言主题", "诉求标题", "主题")
TEXT_NAMES = ("text", "内容", "留言详情", "诉求内容", "正文")


def open_table(path: Path, encoding: str | None = None, sheet: str | None = None) -> Table:
    """Open a CSV file or an Excel workbook; its content says which it is, since offices rename files.

    Parameters
    ----------
    path : Path
    encoding : str, optional
        Of a CSV file, found out where not given; a workbook needs none.
    sheet : str, optional
        Name of a workbook's sheet; the first visible one with content where not given.

    Raises
    ------
    InvalidTableError
        The file cannot be opened or read, or has no usable header.
    """
    with reading(path), path.open("rb") as file:
        head = file.read(4)
    if head in WORKBOOK_MAGIC:
        return SheetTable(path, sheet)
    if sheet:
        raise InvalidTableError(f"{path} 是 CSV 文件，没有“{sheet}”工作表，请去掉工作表选项。")
    return CsvTable(path, encoding)


def new_table(path: Path, encoding: str = "utf-8-sig") -> AbstractContextManager[RowWriter]:
    """Write a .csv or .xlsx file that appears under its name only when it is complete.

    The first row written is the header. No cell is ever taken for a formula or a number.

    Parameters
    ----------
    path : Path
    encoding : str
        Of a CSV file; the default is what Excel opens rightly.

    Raises
    ------
    InvalidTableError
        The suffix is another, the file cannot be written, or a cell does not fit; nothing is left behind.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return new_safe_csv(path, encoding)
    if suffix == ".xlsx":
        return new_workbook(path)
    raise InvalidTableError(f"写不了 {path}：只能写 .csv 或 .xlsx，请改文件名。")
