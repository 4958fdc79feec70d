"""Looks at an uploaded table before anything is done with it: its columns, and its first rows with suggestions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from backlog.chunk import Columns
from backlog.tables import SheetTable, Table, TextFile, encoding_fault, open_table
from casework.service.desk import Desk
from casework.service.exchange import COLUMNS
from casework.service.permissions import Permission
from casework.service.uploads import Upload
from classifier.errors import InvalidInputError, InvalidTableError
from classifier.records import Complaint, Suggestion
from classifier.text.mask import mask

SAME = "same"
FORMATS = {SAME: "与上传的相同", "xlsx": "Excel（.xlsx）", "csv": "CSV"}
ENCODINGS = {"utf-8": "UTF-8", "gb18030": "GBK（GB18030）", "utf-16": "UTF-16", "big5": "Big5"}
_SHOWN = 10
_SAMPLED = 50
_COUNTED_BYTES = 16 << 20
_WORTH_GUESSING = 8


@dataclass(frozen=True)
class Reading:
    """How a file is to be read, and its result to be written; what is empty is found out.

    ``department`` is the column of the department a case has had so far, empty where that does not matter, None
    where it is to be found out.
    """

    sheet: str = ""
    encoding: str = ""
    title: str = ""
    text: str = ""
    department: str | None = None
    format: str = SAME

    def open(self, upload: Upload) -> Table:
        """The file.

        Raises
        ------
        InvalidTableError
            It cannot be read so.
        """
        with by_own_name(upload.given):
            return open_table(upload.given, self.encoding or None, self.sheet or None)


@dataclass(frozen=True)
class FirstRow:
    """A row of the file, its personal data masked, and what is suggested for it or why nothing is."""

    number: int
    title: str
    text: str
    department: str
    suggestion: Suggestion | None
    error: str


@dataclass(frozen=True)
class Look:
    """What a file holds.

    Attributes
    ----------
    header, sheets : list of str
    reading : Reading
        As it was asked for, with what was found out filled in.
    guessed : bool
        No column has a usual name for the text, so the one with the longest cells is taken for it; none if all
        are too short for a complaint.
    rows : int or None
        How many, where that is quickly told.
    first : list of FirstRow
    """

    header: list[str]
    sheets: list[str]
    reading: Reading
    guessed: bool
    rows: int | None
    first: list[FirstRow] = field(default_factory=list)


def look(desk: Desk, upload: Upload, asked: Reading) -> Look:
    """Look at a file as it is asked to be read.

    Raises
    ------
    InvalidTableError
        The file cannot be read, lacks a column asked for, or has one that is to be added.
    InvalidInputError
        There is no such format.
    """
    desk.actor.require(Permission.EXCHANGE)
    if asked.format not in FORMATS:
        raise InvalidInputError(f"不能写成“{asked.format[:20]}”格式，应为 {'、'.join(FORMATS)}。")
    table = asked.open(upload)
    with by_own_name(upload.given):
        sample, rows = _sample(upload.given, table)
        title = asked.title or _usual(table, "title")
        usual = asked.text or _usual(table, "text")
        text = usual or _longest(table.header, [row for _, row in sample], title)
        department = _usual(table, "department") if asked.department is None else asked.department
        old = table.require(department) if department else None
        columns = Columns.of(table, title or None, text) if text else None
        first = _first_rows(desk, columns, old, sample[:_SHOWN]) if columns else []
    return Look(
        [name for name in table.header if name.strip()],
        table.sheets if isinstance(table, SheetTable) else [],
        Reading(
            table.sheet if isinstance(table, SheetTable) else "",
            table.encoding if isinstance(table, TextFile) else "",
            title,
            text,
            department,
            asked.format,
        ),
        not usual,
        rows,
        first,
    )


@contextmanager
def by_own_name(path: Path) -> Iterator[None]:
    """Let messages call a file as staff do, not by where it lies."""
    try:
        yield
    except InvalidTableError as error:
        raise InvalidTableError(str(error).replace(f"{path.parent}/", "")) from error


def _usual(table: Table, name: str) -> str:
    index = table.column(*COLUMNS[name])
    return "" if index is None else table.header[index]


def _longest(header: Sequence[str], rows: Sequence[list[str]], title: str) -> str:
    """The column most likely to hold the complaint: of the longest cells, if these are long enough for one."""
    lengths = {
        name: sum(len(row[index]) for row in rows if index < len(row)) / max(len(rows), 1)
        for index, name in enumerate(header)
        if name.strip() and name != title
    }
    best = max(lengths, key=lambda name: lengths[name], default="")
    return best if best and lengths[best] >= _WORTH_GUESSING else ""


def _first_rows(desk: Desk, columns: Columns, old: int | None, rows: Sequence[tuple[int, list[str]]]) -> list[FirstRow]:
    read = [encoding_fault(row) or columns.read(row) for _, row in rows]
    complaints = [one for one in read if isinstance(one, Complaint)]
    suggestions = iter(desk.classifier.suggest_many(complaints) if desk.classifier else [None] * len(complaints))
    found = []
    for (number, row), one in zip(rows, read, strict=True):
        cells = columns.fit(row)
        department = "" if old is None else cells[old]
        if isinstance(one, Complaint):
            found.append(FirstRow(number, mask(one.title), mask(one.text), department, next(suggestions), ""))
        else:
            found.append(FirstRow(number, "", "", department, None, one))
    return found


def _sample(path: Path, table: Table) -> tuple[list[tuple[int, list[str]]], int | None]:
    """The first rows with their numbers, and how many rows there are unless that would take too long."""
    is_counted = isinstance(table, SheetTable) or path.stat().st_size <= _COUNTED_BYTES
    sample, count = list[tuple[int, list[str]]](), 0
    for count, row in enumerate(table, 1):
        if count <= _SAMPLED:
            sample.append((table.row_number, row))
        elif not is_counted:
            return sample, None
    return sample, count
