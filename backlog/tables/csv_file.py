"""CSV files read and written by the standard library, so that no row is lost and bytes can come back as they were."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from backlog.tables.dialect import find_dialect
from backlog.tables.source import Source
from backlog.tables.table import NO_TYPES, RowWriter, Types, check_header
from backlog.tables.text_file import Line, TextFile

_MOST_IN_CELL = 1 << 24
_SAMPLE = 1 << 16
_GLANCE = 24

_TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
DELIMITER_OF = {".csv": ",", ".tsv": "\t"}
_CHINESE = re.compile("[\u4e00-\u9fff]{2}")
_SEPARATOR_LINE = re.compile(r'sep=([^"\\\r\n])[\r\n]*', re.IGNORECASE)
_BREAKS = re.compile("[\t\r\n]+")
# What spreadsheet programs read as a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(row: Iterable[str]) -> list[str]:
    """The cells with an apostrophe before what a spreadsheet program would run as a formula."""
    return [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row]


class CsvTable(TextFile):
    """A CSV or TSV file with a header, read row by row.

    Parameters
    ----------
    path : Path or Source
    encoding, delimiter : str, optional
        Found out where not given.

    Attributes
    ----------
    header : list of str
    encoding : str
    delimiter : str
    dialect : type of csv.Dialect

    Raises
    ------
    InvalidTableError
        The file cannot be opened, is empty, is not in the encoding asked for, has no header,
        or repeats a column name.
    """

    def __init__(self, path: Path | Source, encoding: str | None = None, delimiter: str | None = None) -> None:
        super().__init__(path, encoding)
        csv.field_size_limit(_MOST_IN_CELL)
        with self.faults(csv.Error), self.text() as file:
            sample = file.readlines(_SAMPLE)
            told = _SEPARATOR_LINE.fullmatch(sample[0]) if sample else None
            self._preamble = sample.pop(0) if told else ""
            self.dialect = find_dialect(sample, delimiter or (told and told[1]))
        self.delimiter = self.dialect.delimiter
        self._writer = csv.writer(_Echo(), self.dialect)
        records = self.records()
        self._first = next(records, Line([], ""))
        records.close()
        self.header = self._first.cells
        check_header(self.path, self.header)

    def lines(self) -> Iterator[Line]:
        """Yield the rows, each with the text that made it."""
        records = self.records()
        next(records, None)
        return records

    def extended_header(self, names: Sequence[str], types: Types = NO_TYPES) -> str:
        """All that stands before the first row, with further column names."""
        return self.mark + self._preamble + self.extended(self._first, names)

    def extended(self, line: Line, added: Sequence[str]) -> str:
        """The record with ``added`` behind its cells, which stay character for character."""
        cells, raw = line
        record = raw.rstrip("\r\n")
        if self._is_escaping(record):  # the first character of the line's end belongs to the last cell
            record = raw[: len(record) + 1]
        end = raw[len(record) :]
        missing = len(self.header) - len(cells)
        if missing < 0:
            record = self._joined(cells[:missing])
        # The empty cell in front makes the delimiter before the first one added.
        return record + self.delimiter * missing + self._joined(["", *safe(added)]) + end

    def continues_in(self, target: Path) -> bool:
        """Whether a file named ``target`` holds such records as they are."""
        suffix = target.suffix.lower()
        is_named_alike = suffix in _TEXT_SUFFIXES and suffix == Path(self.source.name).suffix.lower()
        return is_named_alike or DELIMITER_OF.get(suffix) == self.delimiter

    def _is_escaping(self, record: str) -> bool:
        escape = self.dialect.escapechar
        return bool(escape) and (len(record) - len(record.rstrip(escape))) % 2 == 1

    def _joined(self, cells: Sequence[str]) -> str:
        if self.dialect.quoting == csv.QUOTE_NONE:
            cells = [_BREAKS.sub(" ", cell) for cell in cells]
        line: str = self._writer.writerow(cells)
        return line.removesuffix(self.dialect.lineterminator)

    def records(self) -> Generator[Line]:
        """Yield the header and the rows; blank lines are none."""
        with self.faults(csv.Error), self.text() as file:
            file.readline(len(self._preamble))
            taken: list[str] = []
            rows = csv.reader(_noted(file, taken), self.dialect)
            for self.row_number, row in enumerate(rows, 1):
                if row:
                    # A record that ends with the file, its quotes still open, is written anew.
                    raw = "".join(taken) or self._joined(row)
                    yield Line(self._undecoded(row) if self._is_other(raw) else row, raw)
                taken.clear()

    def _undecoded(self, row: Sequence[str]) -> list[str]:
        """The row as it comes where its bytes do not decode, so that nobody takes it for text."""
        return [self.encode(cell).decode("ascii", "surrogateescape") for cell in row]

    def _is_other(self, raw: str) -> bool:
        """Whether a record read in GB18030 or the like was written in UTF-8, which almost always decodes as that too.

        Otherwise written, a record that is UTF-8 to its last byte and has two Chinese characters on
        end in it hardly exists.
        """
        if self.encoding.startswith("utf"):
            return False
        try:
            # A few characters tell nearly always, and take less time than the record.
            codecs.utf_8_decode(self.encode(raw[:_GLANCE]), "strict", False)
            return bool(_CHINESE.search(self.encode(raw).decode()))
        except UnicodeDecodeError:
            return False


def _noted(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    """Yield lines, and note in ``taken`` which; it is emptied where the file ends amid a record."""
    for line in lines:
        taken.append(line)
        yield line
    taken.clear()


class _Echo:
    """A file that hands back what is written, so that a csv.writer makes text."""

    def write(self, text: str) -> str:
        return text


class SafeWriter(RowWriter):
    """Puts an apostrophe before what a spreadsheet program would run as a formula."""

    def __init__(self, file: TextIO, delimiter: str) -> None:
        self._writer = csv.writer(file, delimiter=delimiter)

    def writerow(self, row: Sequence[str], /) -> None:
        self._writer.writerow(safe(row))
