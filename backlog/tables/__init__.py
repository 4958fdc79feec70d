"""Reads and writes table files as offices have them: rows in order, cells as they stand."""

from __future__ import annotations

from pathlib import Path

from backlog.tables.csv_file import CsvTable, new_csv
from backlog.tables.extend import write_extended
from backlog.tables.table import WORKBOOK_MAGIC, Line, RowWriter, Table, TextTable, encoding_fault, reading
from backlog.tables.text_file import find_encoding
from backlog.tables.workbook import SheetTable
from backlog.tables.writing import new_table
from classifier.errors import InvalidTableError

__all__ = [
    "TEXT_NAMES",
    "TITLE_NAMES",
    "CsvTable",
    "Line",
    "RowWriter",
    "SheetTable",
    "Table",
    "TextTable",
    "encoding_fault",
    "find_encoding",
    "new_csv",
    "new_table",
    "open_table",
    "write_extended",
]

TITLE_NAMES = ("title", "标题", "留言主题", "诉求标题", "主题")
TEXT_NAMES = ("text", "内容", "留言详情", "诉求内容", "正文")


def open_table(
    path: Path, encoding: str | None = None, sheet: str | None = None, delimiter: str | None = None
) -> Table:
    """Open a CSV file or an Excel workbook; its content says which it is, since offices rename files.

    Parameters
    ----------
    path : Path
    encoding : str, optional
        Of a CSV file, found out where not given; a workbook needs none.
    sheet : str, optional
        Name of a workbook's sheet; the first visible one with content where not given.
    delimiter : str, optional
        Of a CSV file, found out where not given.

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
    return CsvTable(path, encoding, delimiter)
