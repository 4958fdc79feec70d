"""Writes a table file in the format its name asks for."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from backlog.tables.csv_file import new_safe_csv
from backlog.tables.table import RowWriter
from backlog.tables.workbook import new_workbook
from classifier.errors import InvalidTableError


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
