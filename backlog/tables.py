"""Reads and writes table files as offices have them: rows in order, cells as they stand."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from classifier.errors import InvalidTableError

_MAX_CELL = 10_000_000
_CHUNK = 1 << 20
_MOST_BROKEN = 0.1
_MOST_SHOWN = 200

TITLE_NAMES = ("title", "标题", "留言主题", "诉求标题", "主题")
TEXT_NAMES = ("text", "内容", "留言详情", "诉求内容", "正文")


class RowWriter(Protocol):
    """What writes one row, as the csv module's writers do."""

    def writerow(self, row: Sequence[str], /) -> object: ...
    def writerows(self, rows: Iterable[Sequence[str]], /) -> object: ...


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
        The file cannot be opened, is empty, or is not in the encoding asked for or in any.
    """
    with _reading(path), path.open("rb") as file:
        head = file.read(4)
        if not head:
            raise InvalidTableError(f"{path} 是空文件，请检查导出是否完成。")
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


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidTableError(f"打不开 {path}：{error.strerror}。") from error


class CsvTable:
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
        rows = self._read()
        self.header = next(rows, [])
        rows.close()
        if not any(name.strip() for name in self.header):
            raise InvalidTableError(f"{path} 是空文件或没有表头，第一行应是列名。")
        for name in self.header:
            if self.header.count(name) > 1:
                raise InvalidTableError(f"{path} 的列名“{name}”出现了不止一次，请改名后再试。")

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the rows after the header, however many cells they have; blank lines are none."""
        rows = self._read()
        next(rows, None)
        return (row for row in rows if row)

    def column(self, *names: str) -> int | None:
        """Index of the first of ``names`` that is a column, or None."""
        header = [name.strip() for name in self.header]
        return next((header.index(name) for name in names if name in header), None)

    def require(self, *names: str) -> int:
        """Like :meth:`column`, but one of them must be there."""
        index = self.column(*names)
        if index is None:
            raise InvalidTableError(
                f"{self.path} 里没有“{'”或“'.join(names)}”列；现有的列：{'、'.join(self.header)[:_MOST_SHOWN]}。请改列名或用选项指定。"
            )
        return index

    def _read(self) -> Generator[list[str]]:
        csv.field_size_limit(_MAX_CELL)
        with _reading(self.path), _open(self.path, "r", self.encoding) as file:
            rows = csv.reader(file)
            try:
                for row in rows:
                    self.bytes_read = file.buffer.tell()  # type: ignore[attr-defined]
                    yield row
            except csv.Error as error:
                raise InvalidTableError(
                    f"{self.path} 第 {rows.line_num} 行读不下去（{error}），请检查引号是否配对。"
                ) from error


def _open(path: Path, mode: str, encoding: str) -> io.TextIOWrapper:
    """Open text so that bytes which do not decode are written back as they were read."""
    # The error handler works byte by byte, which UTF-16 cannot.
    errors = "strict" if encoding == "utf-16" else "surrogateescape"
    return io.TextIOWrapper(path.open(f"{mode}b"), encoding, errors, newline="")


@contextmanager
def new_csv(path: Path, encoding: str) -> Iterator[RowWriter]:
    """Write a CSV file that appears under its name only when it is complete.

    Raises
    ------
    InvalidTableError
        The file cannot be written; nothing is left behind.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        with _open(draft, "w", encoding) as file:
            yield csv.writer(file)
        draft.replace(path)
    except OSError as error:
        raise InvalidTableError(f"写不了 {path}：{error.strerror}，请检查目录是否存在、有无权限和空间。") from error
    finally:
        draft.unlink(missing_ok=True)
