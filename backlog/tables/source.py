"""Where a table's bytes come from, so that no reader need know whether they were unpacked on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from backlog.tables.table import reading


class Source:
    """A file that can be read from the start as often as wanted, once at a time.

    Attributes
    ----------
    path : Path
        As the user named it.
    name : str
        Of the table itself.
    size : int
        Of the file on the disk, in bytes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self._place = 0
        self._disk: BinaryIO | None = None
        with reading(path):
            self.size = path.stat().st_size

    def __str__(self) -> str:
        return str(self.path)

    @property
    def bytes_read(self) -> int:
        """How far the file on the disk has been read."""
        if self._disk:
            self._place = self._disk.tell()
        return self._place

    @property
    def share_read(self) -> float:
        """How much of it has been read, from 0 to 1."""
        return self.bytes_read / max(self.size, 1)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Read it from the start."""
        with reading(self.path), self.path.open("rb") as self._disk:
            try:
                yield self._disk
            finally:
                self._place, self._disk = self._disk.tell(), None
