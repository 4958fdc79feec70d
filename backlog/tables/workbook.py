"""Reads workbooks (.xlsx, .xls, .ods) as a person sees them, and writes .xlsx with every cell a text."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from backlog.tables.draft import draft_of
from backlog.tables.source import Source
from backlog.tables.table import RowWriter, Table, check_header
from classifier.errors import InvalidTableError

MOST_ROWS = 1_048_576
"""Rows of a sheet, its header included, by Excel's specification."""

_MOST_IN_CELL = 32_767
_ROOT = Path(__file__).parents[2]


class SheetTable(Table):
    """A sheet of a workbook, its header the first row that is neither blank nor a merged title.

    Another process reads it (``sheet_rows``) into a nameless temporary file, so that a
    workbook that ends that process is only refused, and its memory is soon free again.

    Parameters
    ----------
    path : Path or Source
    sheet : str, optional
        The first visible sheet with content where not given.

    Attributes
    ----------
    sheet : str
        The one that is read.
    sheets : list of str
        All there are.

    Raises
    ------
    InvalidTableError
        The file cannot be read, is no workbook or an encrypted one, lacks the sheet,
        has no header, or repeats a column name.
    """

    def __init__(self, path: Path | Source, sheet: str | None = None) -> None:
        source = path if isinstance(path, Source) else Source(path)
        self.path = source.path
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the table
        weakref.finalize(self, self._file.close)
        with source.open_on_disk() as book:
            done = subprocess.run(
                [sys.executable, "-m", "backlog.tables.sheet_rows", json.dumps([str(self.path), sheet])],
                cwd=_ROOT,
                stdin=book,
                stdout=self._file,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        if done.returncode:
            raise InvalidTableError(
                f"{self.path} 已损坏，或内容太大、有离表格很远的单元格，请把表格复制到新的工作簿再试，或另存为 CSV UTF-8。"
            )
        self._file.seek(0)
        found = json.loads(self._file.readline())
        if isinstance(found, str):
            raise InvalidTableError(found)
        self._rows_from = self._file.tell()
        self.sheet: str = found["name"]
        self.sheets: list[str] = found["names"]
        self.header: list[str] = found["header"]
        self.row_number = self._header_row = int(found["header_row"])
        self._last_row = int(found["last_row"])
        check_header(self.path, self.header)

    @property
    def share_read(self) -> float:
        """How much of it has been read, from 0 to 1."""
        return self.row_number / self._last_row

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the rows after the header, as wide as it or, with cells beyond it, wider; blank rows are none."""
        self._file.seek(self._rows_from)
        for number, line in enumerate(self._file, self._header_row + 1):
            if row := json.loads(line):
                self.row_number = number
                yield row


class _SheetWriter(RowWriter):
    """Writes rows as texts, on a further sheet with the header again where one is full."""

    def __init__(self, path: Path, book: xlsxwriter.Workbook) -> None:
        self._path = path
        self._book = book
        self._sheets = 0
        self._next = MOST_ROWS
        self._header: list[str] = []

    def writerow(self, row: Sequence[str], /) -> None:
        self._header = self._header or list(row)
        if self._next == MOST_ROWS:
            self._sheets += 1
            self._sheet = self._book.add_worksheet(f"数据{self._sheets if self._sheets > 1 else ''}")
            self._next = 0
            if self._sheets > 1:
                self._put(self._header)
        self._put(row)

    def _put(self, row: Sequence[str]) -> None:
        # Fails here on what is no text; the workbook could not be closed with it inside.
        "".join(row).encode()
        for column, cell in enumerate(row):
            if cell and self._sheet.write_string(self._next, column, _fitting(cell)):
                raise InvalidTableError(
                    f"写不了 {self._path}：第 {self._next + 1} 行有 {len(row)} 列，而 Excel 每行最多 16384 列，请改存为 .csv。"
                )
        self._next += 1


def _fitting(cell: str) -> str:
    """What Excel can hold of a cell, with words at its end where that is not all."""
    if len(cell) <= _MOST_IN_CELL // 2:
        return cell
    # Excel counts as UTF-16 does, in which a character may take two places.
    units = cell.encode("utf-16-le")
    if len(units) <= _MOST_IN_CELL * 2:
        return cell
    said = f"……（此处截断：原有 {len(cell)} 字，Excel 每格最多 {_MOST_IN_CELL} 字，要全文请存为 .csv）"
    return units[: (_MOST_IN_CELL - len(said)) * 2].decode("utf-16-le", "ignore") + said


@contextmanager
def _scratch_of(path: Path) -> Iterator[Path]:
    """A folder for the rows until they are packed, beside the target: its disk has the room, /tmp may not.

    It always has the same name, so that what a killed run left is cleared away by the next.
    """
    folder = path.with_name(f".{path.name}.rows")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_workbook(path: Path) -> Iterator[RowWriter]:
    """Write an .xlsx file, in memory only the row being written.

    Raises
    ------
    InvalidTableError
        The file cannot be written or a cell does not fit; nothing is left behind.
    """
    with draft_of(path) as draft, _scratch_of(path) as scratch:
        book = xlsxwriter.Workbook(str(draft), {"constant_memory": True, "tmpdir": str(scratch)})
        # Equal rows make equal files.
        book.set_properties({"created": datetime(2000, 1, 1)})
        try:
            yield _SheetWriter(path, book)
        finally:
            try:
                book.close()
            except XlsxWriterException as error:
                raise InvalidTableError(f"写不了 {path}：{error}。请检查磁盘空间，或改存为 .csv。") from error
