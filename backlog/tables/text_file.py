"""What text files of records have in common: their encoding, found out, and bytes that come back as they were."""

from __future__ import annotations

import codecs
import io
import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from backlog.tables.source import Source
from backlog.tables.table import NO_TYPES, WORKBOOK_MAGIC, Table, Types
from classifier.errors import InvalidTableError

_CHUNK = 1 << 20
_HEAD = 1 << 12
_MOST_BROKEN = 0.1
_OTHER_ARCHIVES = (b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")
_JSON_ARRAY = re.compile(rb"(\xef\xbb\xbf)?\s*\[\s*\{")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def find_encoding(path: Path | Source, asked: str | None = None) -> str:
    """The text encoding of a file: by its byte order mark, else UTF-16, UTF-8 or GB18030.

    GB18030 covers what Excel and WPS call GBK or ANSI. A few broken characters do not decide:
    they are reported with their rows.

    Parameters
    ----------
    path : Path or Source
    asked : str, optional
        The encoding the user says it has, which is checked.

    Raises
    ------
    InvalidTableError
        The file cannot be opened, is empty, is a workbook or a web page, or is not in the
        encoding asked for or in any.
    """
    source = path if isinstance(path, Source) else Source(path)
    asked = _known(asked) if asked else None
    with source.open() as file:
        head = file.read(_HEAD)
        _refuse_no_text(source, head)
        if not asked and (told := _mark_of(head) or _utf_16_of(head)):
            return told
        for encoding in [asked] if asked else ["utf-8", "gb18030"]:
            if _broken_share(file, encoding) <= _MOST_BROKEN:
                return encoding
    if asked:
        raise InvalidTableError(f"{source.path} 不是 {asked} 编码，请去掉编码选项让程序自己识别，或另存为 CSV UTF-8。")
    raise InvalidTableError(f"{source.path} 既不是 UTF-8 也不是 GB18030（GBK）文本，请另存为 CSV UTF-8 后再试。")


def _refuse_no_text(source: Source, head: bytes) -> None:
    if not head:
        raise InvalidTableError(f"{source.path} 是空文件，请检查导出是否完成。")
    if head.startswith(WORKBOOK_MAGIC):
        raise InvalidTableError(
            f"{source.path} 是 Excel 工作簿，这里只能读 CSV，请用 Excel 打开后另存为 CSV UTF-8 再试。"
        )
    if head.startswith(_OTHER_ARCHIVES):
        raise InvalidTableError(f"{source.path} 是 .rar 或 .7z 压缩包，或压缩包里还有压缩包，请解压后再试。")
    if _JSON_ARRAY.match(head):
        raise InvalidTableError(f"{source.path} 是一整个 JSON 数组，请改存为 JSON Lines（每行一个对象）再试。")
    if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<"):
        raise InvalidTableError(
            f"{source.path} 是网页格式，不是表格文件，请用 Excel 打开后另存为 .xlsx 或 CSV UTF-8 再试。"
        )


def _mark_of(head: bytes) -> str | None:
    """The encoding that a byte order mark tells."""
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)


def _utf_16_of(head: bytes) -> str | None:
    """UTF-16 without a mark: text of eight-bit units holds no NUL, and only the right byte order has line ends."""
    if b"\0" in head:
        for encoding in ("utf-16-le", "utf-16-be"):
            text = head[: len(head) // 2 * 2].decode(encoding, "replace")
            if ("\n" in text or "\r" in text) and "\0" not in text and text.count("\ufffd") <= _MOST_BROKEN * len(text):
                return encoding
    return None


def _known(encoding: str) -> str:
    """Its usual name."""
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise InvalidTableError(f"没有 {encoding} 这种编码，请去掉编码选项让程序自己识别。") from error


def _errors_of(encoding: str) -> str:
    """How bytes that do not decode become half surrogates, and these the same bytes again."""
    return "surrogatepass" if encoding.startswith("utf-16") else "surrogateescape"


def _broken_share(file: BinaryIO, encoding: str) -> float:
    """Part of the characters beyond ASCII that do not decode."""
    decoder = codecs.getincrementaldecoder(encoding)(_errors_of(encoding))
    file.seek(0)
    broken = beyond_ascii = 0
    while chunk := file.read(_CHUNK):
        text = decoder.decode(chunk)
        if not text.isascii():
            # Half surrogates; U+FFFD may well stand in the file itself.
            broken += len(text) - len(text.encode("utf-8", "ignore").decode())
            beyond_ascii += len(text) - len(text.encode("ascii", "ignore"))
    return broken / max(beyond_ascii, 1)


class Line(NamedTuple):
    """A record of a text file: its cells, and how it stands in the file, line end included.

    Bytes that do not decode stand in ``raw`` as half surrogates, which :meth:`TextFile.encode` turns back.
    """

    cells: list[str]
    raw: str


class TextFile(Table):
    """A table whose records are lines of text, so that cells can be added and the rest stays as it is.

    Parameters
    ----------
    path : Path or Source
    encoding : str, optional
        Found out where not given.

    Attributes
    ----------
    encoding : str
        Of its text; the byte order mark is no part of it.
    mark : str
        The byte order mark it begins with, or nothing.
    bytes_read : int
        How far the file on the disk has been read.
    """

    @abstractmethod
    def lines(self) -> Iterator[Line]:
        """Yield the rows, each with the text that made it."""

    @abstractmethod
    def extended_header(self, names: Sequence[str], types: Types = NO_TYPES) -> str:
        """All that stands before the first row, with further column names; to be asked for before the first row is."""

    @abstractmethod
    def extended(self, line: Line, added: Sequence[str]) -> str:
        """The record with ``added`` behind its cells, which stay character for character.

        Added formulas are made harmless where a spreadsheet program would run them. A row with more cells than
        the header has is cut to its width and written anew.
        """

    @abstractmethod
    def continues_in(self, target: Path) -> bool:
        """Whether a file named ``target`` holds such records as they are: the same text format, not compressed."""

    def __init__(self, path: Path | Source, encoding: str | None) -> None:
        self.source = source = path if isinstance(path, Source) else Source(path)
        self.path = source.path
        self.row_number = 0
        self.encoding, self.mark = _without_mark(source, find_encoding(source, encoding))
        self._errors = _errors_of(self.encoding)

    @property
    def bytes_read(self) -> int:
        """How far the file on the disk has been read."""
        return self.source.bytes_read

    @property
    def share_read(self) -> float:
        """How much of it has been read, from 0 to 1."""
        return self.source.share_read

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the rows after the header, however many cells they have; blank lines are none.

        Of a row in another encoding than the file's, undecoded bytes come as half surrogates
        (see :func:`backlog.tables.encoding_fault`).
        """
        return (line.cells for line in self.lines())

    def encode(self, text: str) -> bytes:
        """The bytes of records as they stand in such a file; of what was read, the bytes it was read from."""
        return text.encode(self.encoding, self._errors)

    @contextmanager
    def text(self) -> Iterator[io.TextIOWrapper]:
        """Read it from the start, line ends as they are."""
        with self.source.open() as file:
            text = io.TextIOWrapper(file, self.encoding, self._errors, newline="")
            try:
                text.read(len(self.mark))
                yield text
            finally:
                # Its source closes the file, or keeps it to be read again.
                text.detach()

    @contextmanager
    def faults(self, kind: type[Exception] = UnicodeError) -> Iterator[None]:
        """Say in words what keeps the rows from being read: bytes, or a fault of their own kind."""
        try:
            yield
        except (UnicodeError, kind) as error:
            raise InvalidTableError(
                f"{self.path} 第 {self.row_number + 1} 行读不下去（{error}），请检查引号是否配对、文件是否完整。"
            ) from error


def _without_mark(source: Source, encoding: str) -> tuple[str, str]:
    """An encoding that writes no byte order mark, so that records can be appended, and the mark the file has."""
    with source.open() as file:
        head = file.read(4)
    if encoding == "utf-16":
        encoding = "utf-16-be" if head.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
    encoding = encoding.removesuffix("-sig")
    return encoding, "\ufeff" * head.startswith("\ufeff".encode(encoding, "ignore"))
