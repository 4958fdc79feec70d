"""Reads and writes table files as offices have them: rows in order, cells as they stand."""

from __future__ import annotations

from pathlib import Path

from backlog.tables.csv_file import CsvTable
from backlog.tables.extend import write_extended
from backlog.tables.jsonl_file import JsonlTable, is_jsonl
from backlog.tables.source import Source
from backlog.tables.table import WORKBOOK_MAGIC, RowWriter, Table, encoding_fault
from backlog.tables.text_file import Line, TextFile, find_encoding
from backlog.tables.workbook import SheetTable
from backlog.tables.writing import new_table
from classifier.errors import InvalidTableError

__all__ = [
    "TEXT_NAMES",
    "TITLE_NAMES",
    "CsvTable",
    "JsonlTable",
    "Line",
    "RowWriter",
    "SheetTable",
    "Table",
    "TextFile",
    "encoding_fault",
    "find_encoding",
    "new_table",
    "open_table",
    "write_extended",
]

_PARQUET_MAGIC = b"PAR1"
_HEAD = 1 << 12

TITLE_NAMES = ("title", "标题", "留言主题", "诉求标题", "主题")
TEXT_NAMES = ("text", "内容", "留言详情", "诉求内容", "正文")


def open_table(path: Path, encoding: str | None = None, sheet: str | None = None) -> Table:
    """Open a table file; its content says of what format it is, since offices rename files.

    CSV and TSV, JSON Lines, .xlsx, .xls, .ods and Parquet are read, also from a .gz or .zip file with nothing else in it.

    Parameters
    ----------
    path : Path
        ``-`` is standard input.
    encoding : str, optional
        Of a text file, found out where not given; other formats need none.
    sheet : str, optional
        Name of a workbook's sheet; the first visible one with content where not given.

    Raises
    ------
    InvalidTableError
        The file cannot be opened or read, or has no usable header.
    """
    source = Source(path)
    with source.open() as file:
        head = file.read(_HEAD)
    if head.startswith(WORKBOOK_MAGIC):
        return SheetTable(source, sheet)
    if sheet:
        raise InvalidTableError(f"{source.path} 不是工作簿，没有“{sheet}”工作表，请去掉工作表选项。")
    if head.startswith(_PARQUET_MAGIC):
        # Takes a tenth of a second, which other files need not wait.
        from backlog.tables.parquet_file import ParquetTable

        return ParquetTable(source)
    if is_jsonl(head, source.name):
        return JsonlTable(source, encoding)
    return CsvTable(source, encoding)
