"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import codecs
import gzip
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from backlog.tables.table import WORDS_FOR
from classifier.errors import InvalidTableError

_PACKED = ".gz"
_LEVEL = 6


def unpacked(path: Path) -> Path:
    """The name a file has when it is no longer compressed.

    >>> unpacked(Path("a.csv.gz")).name
    'a.csv'
    """
    return path.with_suffix("") if path.suffix.lower() == _PACKED else path


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """Name of a file that takes the place of ``path`` when the block ends well, and vanishes when not.

    Raises
    ------
    InvalidTableError
        The file cannot be written, or a character not in its encoding.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        yield draft
        # Else a power cut might leave the name with nothing behind it.
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        words = WORDS_FOR.get(type(error), f"{error.strerror}，请检查目录有无权限和空间")
        raise InvalidTableError(f"写不了 {path}：{words}。") from error
    except UnicodeEncodeError as error:
        code = ord(error.object[error.start])
        raise InvalidTableError(
            f"写不了 {path}：U+{code:04X} 这个字符不能用 {error.encoding} 编码写出，请改用 UTF-8，或改正含有它的内容。"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def binary_draft(path: Path) -> Iterator[BinaryIO]:
    """Write bytes to a draft, compressed where the name ends in .gz, and alike whenever they are."""
    with draft_of(path) as draft, draft.open("wb") as file:
        if unpacked(path) == path:
            yield file
        else:
            with gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed:
                yield cast(BinaryIO, packed)


@contextmanager
def text_draft(path: Path, encoding: str) -> Iterator[io.TextIOWrapper]:
    """Write text to a draft, line ends as they are given.

    Raises
    ------
    InvalidTableError
        The encoding is unknown, or what :func:`draft_of` finds.
    """
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise InvalidTableError(f"没有 {encoding} 这种编码，请改用 utf-8-sig 或 gb18030。") from error
    with binary_draft(path) as file, io.TextIOWrapper(file, encoding, newline="") as text:
        yield text
