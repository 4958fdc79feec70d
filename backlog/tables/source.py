"""Where a table's bytes come from, so that no reader need know whether they were unpacked on the way."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
import tempfile
import weakref
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from backlog.tables.archive import table_in
from backlog.tables.draft import unpacked
from backlog.tables.table import reading

_STANDARD_INPUT = Path("-")
_GZIP_MAGIC = b"\x1f\x8b"


class Source:
    """A table file, perhaps inside a .gz or .zip file, that can be read as often as wanted, once at a time.

    Parameters
    ----------
    path : Path
        ``-`` is standard input; it and named pipes are copied into a nameless file on the disk.

    Attributes
    ----------
    path : Path
        As messages name it.
    name : str
        Of the table file itself.

    Raises
    ------
    InvalidTableError
        The file cannot be opened, or is an archive without exactly one table.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._spool: BinaryIO | None = None
        self._place = 0
        self._disk: BinaryIO | None = None
        if path == _STANDARD_INPUT:
            self.path = Path("标准输入")
            self._keep(sys.stdin.buffer)
        elif path.is_fifo():
            with path.open("rb") as pipe:
                self._keep(pipe)
        self.name = self.path.name
        with reading(self.path), self._from_disk() as disk:
            self._size = disk.seek(0, os.SEEK_END)
            disk.seek(0)
            self._is_gzip = disk.read(2) == _GZIP_MAGIC
            self._member = table_in(disk, self.path)
        self._from = 0
        if self._is_gzip:
            self.name = unpacked(self.path).name
        elif self._member:
            self.name = self._member.filename
            self._from, self._size = self._member.header_offset, self._member.compress_size

    @property
    def bytes_read(self) -> int:
        """How far the file on the disk has been read."""
        if self._disk:
            self._place = self._disk.tell()
        return self._place

    @property
    def share_read(self) -> float:
        """How much of the table has been read, from 0 to 1."""
        return min(max(self.bytes_read - self._from, 0) / max(self._size, 1), 1)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Read the table file from its start."""
        with reading(self.path), self._from_disk() as self._disk:
            try:
                yield self._unpacked(self._disk)
            finally:
                # Closed already where a reader is left halfway and the garbage collector comes to it first.
                self._place = self._place if self._disk.closed else self._disk.tell()
                self._disk = None

    @contextmanager
    def open_on_disk(self) -> Iterator[BinaryIO]:
        """Like :meth:`open`, but always a file of the system, for readers that jump about in it."""
        with self.open() as file:
            if file is self._disk:
                yield file
            else:
                with _spooled(file) as spool:
                    yield spool

    def _keep(self, passing: BinaryIO) -> None:
        with reading(self.path):
            self._spool = _spooled(passing)
        weakref.finalize(self, self._spool.close)

    @contextmanager
    def _from_disk(self) -> Iterator[BinaryIO]:
        if self._spool:
            # Not the spool itself: readers close what they are given.
            with os.fdopen(os.dup(self._spool.fileno()), "rb") as disk:
                disk.seek(0)
                yield disk
        else:
            with self.path.open("rb") as disk:
                yield disk

    def _unpacked(self, disk: BinaryIO) -> BinaryIO:
        if self._is_gzip:
            return cast(BinaryIO, gzip.GzipFile(fileobj=disk))
        if self._member:
            return cast(BinaryIO, zipfile.ZipFile(disk).open(self._member))
        return disk


def _spooled(file: BinaryIO) -> BinaryIO:
    """A nameless copy on the disk."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115 -- the caller closes it
    shutil.copyfileobj(file, spool)
    spool.seek(0)
    return cast(BinaryIO, spool)
