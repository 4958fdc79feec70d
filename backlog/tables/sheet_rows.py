"""A process of its own that reads a workbook: on a damaged one, or one stray cell far out, calamine ends its process.

The workbook is its standard input, the file's name and the sheet asked for are its argument; it answers on standard
output in lines of JSON: first ``Sheet`` or a message for staff, then each row after the header as a list of texts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import BinaryIO, TypedDict

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from classifier.errors import InvalidTableError

_MOST_MEMORY = 4 << 30
"""Bytes of address space: a full sheet of 1,048,576 complaints of 300 characters takes 2.2 GiB."""

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""The entry of an OLE container in which Excel and WPS put an encrypted .xlsx file."""

_NO_WORKBOOK = "不是 Excel 工作簿，或已损坏、加密，请用 Excel 打开后另存为 .xlsx"

Cell = str | bool | int | float | datetime | date | time | timedelta


class Sheet(TypedDict):
    """What is known before the rows; row numbers count from 1, and the header's is 0 where there is none.

    ``name`` is the sheet's, ``names`` are those of all sheets one may ask for.
    """

    name: str
    names: list[str]
    header: list[str]
    header_row: int
    last_row: int


def rows_of(file: BinaryIO, name: str, asked: str | None) -> Iterator[Sheet | list[str]]:
    """Yield the sheet, then every row below its header, blank ones as empty lists.

    Raises
    ------
    InvalidTableError
        The file is no workbook or an encrypted one, or lacks the sheet; the message calls it ``name``.
    """
    sheet, names = _load(file, name, asked)
    header_row, header = _find_header(sheet)
    last_row = sheet.end[0] + 1 if sheet.end else 0
    yield Sheet(name=sheet.name, names=names, header=header, header_row=header_row, last_row=last_row)
    for cells in islice(sheet.iter_rows(), header_row, None):
        row = [_as_seen(cell) for cell in cells]
        filled = _filled_width(row)
        yield row[: max(filled, len(header))] if filled else []


def _load(file: BinaryIO, name: str, asked: str | None) -> tuple[CalamineSheet, list[str]]:
    """The sheet asked for, or the first visible one with content; and the names of all sheets."""
    try:
        with CalamineWorkbook.from_filelike(file) as book:
            return _find_sheet(name, book, asked), book.sheet_names
    except CalamineError as error:
        file.seek(0)
        fault = "设有打开密码，请在 Excel 里取消密码后另存" if _ENCRYPTED in file.read() else _NO_WORKBOOK
        raise InvalidTableError(f"{name} {fault}，再试。") from error


def _find_sheet(name: str, book: CalamineWorkbook, asked: str | None) -> CalamineSheet:
    if asked is not None:
        if asked not in book.sheet_names:
            raise InvalidTableError(
                f"{name} 里没有“{asked}”工作表；现有的工作表：{'、'.join(book.sheet_names)}。请改选其中一个。"
            )
        return book.get_sheet_by_name(asked)
    for one in book.sheets_metadata:
        if one.typ == SheetTypeEnum.WorkSheet and one.visible == SheetVisibleEnum.Visible:
            sheet = book.get_sheet_by_name(one.name)
            if sheet.end:
                return sheet
    raise InvalidTableError(f"{name} 的各工作表都没有内容，请检查导出是否完成。")


def _find_header(sheet: CalamineSheet) -> tuple[int, list[str]]:
    """The header's row number and names; no names where there is none."""
    merged = sheet.merged_cell_ranges
    over_columns = {start for start, end in merged or () if end[1] > start[1]}
    # What is merged in an .ods file cannot be told; there a lone cell above a wider table is a title.
    are_titles = merged is None and sheet.width > 1
    for index, cells in enumerate(sheet.iter_rows()):
        row = [_as_seen(cell) for cell in cells]
        filled = [column for column, cell in enumerate(row) if cell.strip()]
        is_title = len(filled) == 1 and (are_titles or (index, filled[0]) in over_columns)
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


def main() -> None:
    """Answer one request."""
    # Not on Windows.
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    name, asked = json.loads(sys.argv[1])
    # Whoever looked what the file is may have left off anywhere.
    sys.stdin.buffer.seek(0)
    try:
        for one in rows_of(sys.stdin.buffer, name, asked):
            sys.stdout.buffer.write(json.dumps(one, ensure_ascii=False).encode() + b"\n")
    except InvalidTableError as error:
        sys.stdout.buffer.write(json.dumps(str(error)).encode())


if __name__ == "__main__":
    main()
