"""CSV files read and written by the standard library, so that no row is lost and bytes can come back as they were."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from backlog.tables.table import WORKBOOK_MAGIC, RowWriter, Table, check_header, draft_of, reading
from classifier.errors import InvalidTableError

_MAX_CELL = 10_000_000
_CHUNK = 1 << 20
_MOST_BROKEN = 0.1

_CHINESE = re.compile("[\u4e00-\u9fff]{2}")
# What spreadsheet programs read as a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def find_encoding(path: Path, asked: str | None = None) -> str:
    """The text encoding of a file: by its byte order mark, else UTF-8 or GB18030.

    GB18030 covers what Excel and WPS call GBK or ANSI. A few broken characters do not decide:
    they are reported with their rows.

    Parameters
    ----------
    path : Path
    asked : str, optional
        The encoding the user says it has, which is checked.

    Raises
    ------
    InvalidTableError
        The file cannot be opened, is empty, is a workbook or a web page, or is not in the
        encoding asked for or in any.
    """
    with reading(path), path.open("rb") as file:
        head = file.read(16)
        if not head:
            raise InvalidTableError(f"{path} 是空文件，请检查导出是否完成。")
        if head.startswith(WORKBOOK_MAGIC):
            raise InvalidTableError(f"{path} 是 Excel 工作簿，这里只能读 CSV，请用 Excel 打开后另存为 CSV UTF-8 再试。")
        if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<"):
            raise InvalidTableError(
                f"{path} 是网页格式，不是表格文件，请用 Excel 打开后另存为 .xlsx 或 CSV UTF-8 再试。"
            )
        if not asked and head.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        if not asked and head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        for encoding in [asked] if asked else ["utf-8", "gb18030"]:
            if _broken_share(file, encoding) <= _MOST_BROKEN:
                return encoding
    if asked:
        raise InvalidTableError(f"{path} 不是 {asked} 编码，请去掉编码选项让程序自己识别，或另存为 CSV UTF-8。")
    raise InvalidTableError(f"{path} 既不是 UTF-8 也不是 GB18030（GBK）文本，请另存为 CSV UTF-8 后再试。")


def _broken_share(file: io.BufferedReader, encoding: str) -> float:
    """Part of the characters beyond ASCII that do not decode."""
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    except LookupError as error:
        raise InvalidTableError(f"没有 {encoding} 这种编码，请去掉编码选项让程序自己识别。") from error
    file.seek(0)
    broken = beyond_ascii = 0
    while chunk := file.read(_CHUNK):
        text = decoder.decode(chunk)
        if not text.isascii():
            broken += text.count("\ufffd")
            beyond_ascii += len(text) - len(text.encode("ascii", "ignore"))
    return broken / max(beyond_ascii, 1)


class CsvTable(Table):
    """A CSV file with a header, read row by row.

    Parameters
    ----------
    path : Path
    encoding : str, optional
        Found out where not given.

    Attributes
    ----------
    header : list of str
    encoding : str

    bytes_read : int
        How far the file has been read, for a progress bar.

    Raises
    ------
    InvalidTableError
        The file cannot be opened, is empty, is not in the encoding asked for, has no header,
        or repeats a column name.
    """

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self.path = path
        self.encoding = find_encoding(path, encoding)
        self.bytes_read = 0
        self.row_number = 0
        rows = self._read()
        self.header = next(rows, [])
        rows.close()
        check_header(path, self.header)
        self._size = path.stat().st_size

    @property
    def share_read(self) -> float:
        """How much of it has been read, from 0 to 1."""
        return self.bytes_read / self._size

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the rows after the header, however many cells they have; blank lines are none.

        Of a row in another encoding than the file's, undecoded bytes come as half surrogates
        (see :func:`backlog.tables.encoding_fault`).
        """
        rows = self._read()
        next(rows, None)
        return (row for row in rows if row)

    def _read(self) -> Generator[list[str]]:
        csv.field_size_limit(_MAX_CELL)
        with reading(self.path), _open(self.path, "r", self.encoding) as file:
            rows = csv.reader(file)
            try:
                for self.row_number, row in enumerate(rows, 1):
                    self.bytes_read = file.buffer.tell()  # type: ignore[attr-defined]
                    yield _undecoded(row, self.encoding) if _is_other(row, self.encoding) else row
            except (csv.Error, UnicodeError) as error:
                raise InvalidTableError(
                    f"{self.path} 第 {rows.line_num} 行读不下去（{error}），请检查引号是否配对、文件是否完整。"
                ) from error


def _is_other(row: list[str], encoding: str) -> bool:
    """Whether a row read in GB18030 or the like was written in UTF-8, which almost always decodes as that too.

    Otherwise written, a row that is UTF-8 to its last byte and has two Chinese characters on
    end in it hardly exists.
    """
    if encoding.lower().startswith("utf"):
        return False
    try:
        return bool(_CHINESE.search(",".join(row).encode(encoding, "surrogateescape").decode()))
    except UnicodeDecodeError:
        return False


def _undecoded(row: list[str], encoding: str) -> list[str]:
    """The row as it comes where its bytes do not decode, so that nobody takes it for text."""
    return [cell.encode(encoding, "surrogateescape").decode("ascii", "surrogateescape") for cell in row]


def _open(path: Path, mode: str, encoding: str) -> io.TextIOWrapper:
    """Open text so that bytes which do not decode are written back as they were read."""
    # The error handler works byte by byte, which UTF-16 cannot.
    errors = "strict" if encoding == "utf-16" else "surrogateescape"
    return io.TextIOWrapper(path.open(f"{mode}b"), encoding, errors, newline="")


@contextmanager
def new_csv(path: Path, encoding: str) -> Iterator[RowWriter]:
    """Write a CSV file, cells byte for byte, that appears under its name only when it is complete.

    Raises
    ------
    InvalidTableError
        The file cannot be written; nothing is left behind.
    """
    with draft_of(path) as draft, _open(draft, "w", encoding) as file:
        yield csv.writer(file)


class _SafeWriter:
    """Puts an apostrophe before what a spreadsheet program would run as a formula."""

    def __init__(self, file: io.TextIOBase) -> None:
        self._writer = csv.writer(file)

    def writerow(self, row: Sequence[str]) -> None:
        self._writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row])

    def writerows(self, rows: Iterable[Sequence[str]]) -> None:
        for row in rows:
            self.writerow(row)


@contextmanager
def new_safe_csv(path: Path, encoding: str) -> Iterator[RowWriter]:
    """Like :func:`new_csv`, but for staff to open: formulas are made harmless, undecoded bytes refused."""
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise InvalidTableError(f"没有 {encoding} 这种编码，请改用 utf-8-sig 或 gb18030。") from error
    with draft_of(path) as draft, draft.open("w", encoding=encoding, newline="") as file:
        yield _SafeWriter(file)
