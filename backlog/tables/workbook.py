"""Reads Excel workbooks (.xlsx, .xls) as a person sees them, and writes .xlsx with every cell a text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import xlsxwriter
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)
from xlsxwriter.exceptions import XlsxWriterException

from backlog.tables.table import RowWriter, Table, check_header, draft_of, reading
from classifier.errors import InvalidTableError

MOST_ROWS = 1_048_576
"""Rows of a sheet, its header included, by Excel's specification."""

Cell = str | bool | int | float | datetime | date | time | timedelta


class SheetTable(Table):
    """A sheet of a workbook, its header the first row that is neither blank nor a merged title.

    The sheet is held in memory as calamine packs it; rows become Python's one at a time.

    Parameters
    ----------
    path : Path
    sheet : str, optional
        The first visible sheet with content where not given.

    Raises
    ------
    InvalidTableError
        The file cannot be opened, is no workbook or an encrypted one, lacks the sheet,
        has no header, or repeats a column name.
    """

    def __init__(self, path: Path, sheet: str | None = None) -> None:
        self.path = path
        with reading(path):
            self._sheet = _load(path, sheet)
        self._header_row, self.header = _find_header(self._sheet)
        self.row_number = self._header_row
        check_header(path, self.header)

    @property
    def share_read(self) -> float:
        """How much of it has been read, from 0 to 1."""
        last_row, _ = self._sheet.end or (0, 0)
        return self.row_number / (last_row + 1)

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the rows after the header, as wide as it or, with cells beyond it, wider; blank rows are none."""
        for index, cells in enumerate(islice(self._sheet.iter_rows(), self._header_row, None)):
            row = [_as_seen(cell) for cell in cells]
            if filled := _filled_width(row):
                self.row_number = self._header_row + index + 1
                yield row[: max(filled, len(self.header))]


def _load(path: Path, asked: str | None) -> CalamineSheet:
    try:
        with _open(path) as book:
            return _find_sheet(path, book, asked)
    except PasswordError as error:
        raise InvalidTableError(f"{path} 设有打开密码，请在 Excel 里取消密码后另存，再试。") from error
    except CalamineError as error:
        raise InvalidTableError(
            f"{path} 不是 Excel 工作簿，或已损坏、加密，请用 Excel 打开后另存为 .xlsx 再试。"
        ) from error


def _open(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(path)
    except PasswordError:
        raise
    except CalamineError:
        # By path calamine goes by the suffix, and takes less memory; without one it looks inside.
        return CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes()))


def _find_sheet(path: Path, book: CalamineWorkbook, asked: str | None) -> CalamineSheet:
    if asked is not None:
        if asked not in book.sheet_names:
            raise InvalidTableError(
                f"{path} 里没有“{asked}”工作表；现有的工作表：{'、'.join(book.sheet_names)}。请改选其中一个。"
            )
        return book.get_sheet_by_name(asked)
    for one in book.sheets_metadata:
        if one.typ == SheetTypeEnum.WorkSheet and one.visible == SheetVisibleEnum.Visible:
            sheet = book.get_sheet_by_name(one.name)
            if sheet.end:
                return sheet
    raise InvalidTableError(f"{path} 的各工作表都没有内容，请检查导出是否完成。")


def _find_header(sheet: CalamineSheet) -> tuple[int, list[str]]:
    """The header's row number and names; no names where there is none."""
    over_columns = {start for start, end in sheet.merged_cell_ranges or () if end[1] > start[1]}
    for index, cells in enumerate(sheet.iter_rows()):
        row = [_as_seen(cell) for cell in cells]
        filled = [column for column, cell in enumerate(row) if cell.strip()]
        is_title = len(filled) == 1 and (index, filled[0]) in over_columns
        if filled and not is_title:
            return index + 1, row[: _filled_width(row)]
    return 0, []


def _filled_width(row: Sequence[str]) -> int:
    """How many cells are left without the blank ones at the end."""
    return next((width for width in range(len(row), 0, -1) if row[width - 1].strip()), 0)


def _as_seen(cell: Cell) -> str:
    """A cell's text as Excel shows it, with all the digits of a number and dates by ISO 8601."""
    match cell:
        case str():
            return cell
        case bool():
            return str(cell).upper()
        case float():
            # 15 significant digits are all that Excel keeps; the rest is how doubles store them.
            return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
        case datetime():
            return cell.isoformat(" ", "seconds")
        case time():
            return cell.isoformat("seconds")
        case timedelta():
            minutes, seconds = divmod(round(cell.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(cell)


class _SheetWriter:
    """Writes rows as texts, on a further sheet with the header again where one is full."""

    def __init__(self, path: Path, book: xlsxwriter.Workbook) -> None:
        self._path = path
        self._book = book
        self._sheets = 0
        self._next = MOST_ROWS
        self._header: list[str] = []

    def writerow(self, row: Sequence[str]) -> None:
        self._header = self._header or list(row)
        if self._next == MOST_ROWS:
            self._sheets += 1
            self._sheet = self._book.add_worksheet(f"数据{self._sheets if self._sheets > 1 else ''}")
            self._next = 0
            if self._sheets > 1:
                self._put(self._header)
        self._put(row)

    def writerows(self, rows: Iterable[Sequence[str]]) -> None:
        for row in rows:
            self.writerow(row)

    def _put(self, row: Sequence[str]) -> None:
        # Fails here on what is no text; the workbook could not be closed with it inside.
        "".join(row).encode()
        for column, cell in enumerate(row):
            if cell and self._sheet.write_string(self._next, column, cell):
                raise InvalidTableError(
                    f"写不了 {self._path}：第 {self._next + 1} 行第 {column + 1} 列有 {len(cell)} 字，"
                    "而 Excel 每格最多 32767 字、每行最多 16384 列，请改存为 .csv。"
                )
        self._next += 1


@contextmanager
def new_workbook(path: Path) -> Iterator[RowWriter]:
    """Write an .xlsx file, in memory only the row being written.

    Raises
    ------
    InvalidTableError
        The file cannot be written or a cell does not fit; nothing is left behind.
    """
    # The rows lie beside the target until it is packed: its disk has the room, /tmp may not.
    with draft_of(path) as draft, TemporaryDirectory(prefix=".fenban-", dir=path.parent) as scratch:
        book = xlsxwriter.Workbook(str(draft), {"constant_memory": True, "tmpdir": scratch})
        try:
            yield _SheetWriter(path, book)
        finally:
            try:
                book.close()
            except XlsxWriterException as error:
                raise InvalidTableError(f"写不了 {path}：{error}。请检查磁盘空间，或改存为 .csv。") from error
