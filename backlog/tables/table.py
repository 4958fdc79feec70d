"""What every kind of table file has in common: a header, rows, and the words for what is wrong with it."""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from classifier.errors import InvalidTableError

WORKBOOK_MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How a workbook begins: .xlsx is a zip archive, .xls and everything encrypted an OLE container."""

_MOST_SHOWN = 200
WORDS_FOR = {
    FileNotFoundError: "没有这个文件或目录，请检查路径和文件名",
    IsADirectoryError: "这是目录，请指定其中的文件",
    PermissionError: "没有权限，或正被别的程序打开，请关闭它再试",
}
# What unpackers raise. BadGzipFile is an OSError of no system.
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError)
_SEPARATORS = re.compile(r"[,;|\t，；、｜^~:：\x01 ]")
_UNDECODED = re.compile("[\ud800-\udfff]")


Types = Mapping[str, type[str] | type[float] | type[bool]]
"""What columns hold, where a format tells texts from numbers and truths; their empty cells are null there."""

NO_TYPES: Types = MappingProxyType({})


class RowWriter(Protocol):
    """What writes one row, as the csv module's writers do."""

    def writerow(self, row: Sequence[str], /) -> object: ...

    def writerows(self, rows: Iterable[Sequence[str]], /) -> None:
        for row in rows:
            self.writerow(row)


class Table(Protocol):
    """A file with a header, read row by row; it may be read again from the start.

    Attributes
    ----------
    path : Path
        As messages name it.
    header : list of str
    row_number : int
        Number of the row last read, as a spreadsheet program shows it, from 1.
    share_read : float
        How much of it has been read, from 0 to 1.
    """

    path: Path
    header: list[str]
    row_number: int

    @property
    def share_read(self) -> float: ...

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the rows after the header, however many cells they have; blank lines are none."""
        ...

    def column(self, *names: str) -> int | None:
        """Index of the first of ``names`` that is a column, or None."""
        header = [name.strip() for name in self.header]
        return next((header.index(name) for name in names if name in header), None)

    def require(self, *names: str) -> int:
        """Like :meth:`column`, but one of them must be there.

        Raises
        ------
        InvalidTableError
            None is; the message lists the columns there are.
        """
        index = self.column(*names)
        if index is None:
            raise InvalidTableError(
                f"{self.path} 里没有“{'”或“'.join(names)}”列；现有的列：{'、'.join(self.header)[:_MOST_SHOWN]}。"
                f"{_separator_hint(self.header)}请改列名或用选项指定。"
            )
        return index


def _separator_hint(header: Sequence[str]) -> str:
    """What to tell staff where the header looks as if its cells were not told apart."""
    if len(header) == 1 and (found := _SEPARATORS.search(header[0])):
        return f"表头只有一格，其中的“{found[0]}”若是分隔符，请把它改成英文逗号另存为 CSV UTF-8；否则"
    return ""


def check_header(path: Path, header: Sequence[str]) -> None:
    """Refuse a header with no name, with one name twice, or not in the file's encoding."""
    if encoding_fault(header):
        raise InvalidTableError(f"{path} 的表头与其余各行编码不同，请把表头和内容存成同一种编码（CSV UTF-8）后再试。")
    names = [name.strip() for name in header if name.strip()]
    if not names:
        raise InvalidTableError(f"{path} 是空文件或没有表头，第一行应是列名。")
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise InvalidTableError(f"{path} 的列名“{repeated}”出现了不止一次，请改名后再试。")


def named(header: Sequence[str]) -> list[str]:
    """The columns' names, with one for each that has none: formats of named values need it.

    >>> named(["编号", ""])
    ['编号', '第2列']
    """
    return [name if name.strip() else f"第{number}列" for number, name in enumerate(header, 1)]


def encoding_fault(row: Iterable[str]) -> str | None:
    """What to tell staff of a row with bytes that are not in the encoding of its file; None where all are.

    >>> encoding_fault(["0012", "污水"]) is None
    True
    """
    if any(_UNDECODED.search(cell) for cell in row):
        return "这一行的编码与文件其余各行不同，或有损坏的字节：文件若由几个文件拼成，请分别导入；否则请改正这一行后另存为 CSV UTF-8。"
    return None


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in words what keeps a file from being read."""
    try:
        yield
    except _DAMAGED as error:
        raise InvalidTableError(f"{path} 不完整或已损坏，请重新导出、压缩或传输后再试。") from error
    except OSError as error:
        raise InvalidTableError(f"打不开 {path}：{WORDS_FOR.get(type(error), error.strerror)}。") from error
