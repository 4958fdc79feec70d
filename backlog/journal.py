"""An output under way: a draft that only grows, a journal of how far it is whole, and a lock on both."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from classifier.errors import ConflictError, InvalidTableError
from classifier.model.bundle import flush

STANDARD = Path("-")
"""Standard input or output, named in place of a file."""

KINDS = ("part", "cells")
"""What a draft's name ends with."""

SYNC_EVERY_S = 2.0
"""How much work a power cut may cost; to wait for the disk after each chunk would slow the workers down."""


def beside(target: Path, kind: str) -> Path:
    """A hidden file that belongs to an output."""
    return target.with_name(f".{target.name}.{kind}")


@dataclass(frozen=True)
class Journal:
    """How far a run came, and what must be the same for another to go on; without conditions, none can.

    Attributes
    ----------
    kind : str
        What the draft's name ends with.
    conditions : mapping
        Values by what staff call them.
    rows, errors : int
        Rows written, and those of them with an error.
    size : int
        Bytes of the draft that hold these rows; what stands behind them does not count.
    """

    kind: str
    conditions: Mapping[str, str | int]
    rows: int = 0
    errors: int = 0
    size: int = 0

    @classmethod
    def of(cls, target: Path) -> Journal | None:
        """What an interrupted run left; None where that is no row.

        Raises
        ------
        ConflictError
            The journal is none of ours.
        """
        path = beside(target, "progress")
        try:
            journal = cls(**json.loads(path.read_text(encoding="utf-8")))
            return journal if journal.rows and beside(target, journal.kind).exists() else None
        except FileNotFoundError:
            return None
        except (TypeError, ValueError) as error:
            raise ConflictError(f"读不懂进度文件 {path}，续不了上次的运行。请删除它，重新开始。") from error

    def write(self, target: Path) -> None:
        """Take the place of the journal before in one step."""
        path, new = beside(target, "progress"), beside(target, "progress.new")
        new.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), encoding="utf-8")
        flush(new)
        new.replace(path)

    def require(self, target: Path, conditions: Mapping[str, str | int]) -> None:
        """Refuse to go on where anything is different now.

        Raises
        ------
        ConflictError
            The message names the first difference, and the files to delete.
        """
        delete = f"请改回去再续，或删除 {self.files(target)} 重新开始。"
        for name in (*self.conditions, *conditions):
            then, now = self.conditions.get(name), conditions.get(name)
            if then != now:
                raise ConflictError(f"续不了 {target}：{name}与中断时不同（当时是 {then}，现在是 {now}）。{delete}")
        if beside(target, self.kind).stat().st_size < self.size:
            raise ConflictError(f"续不了 {target}：草稿比进度文件记的 {self.size} 字节短，已不完整。{delete}")

    def files(self, target: Path) -> str:
        """The two files of an interrupted run, for a message."""
        return f"{beside(target, self.kind)} 和 {beside(target, 'progress')}"


class Draft:
    """Appends to a draft and now and then notes how far it is whole.

    Attributes
    ----------
    journal : Journal
        As of the last append, on the disk or not yet.
    """

    def __init__(self, target: Path, file: BinaryIO, journal: Journal) -> None:
        self._target = target
        self._file = file
        self.journal = journal
        self._synced = time.monotonic()

    def append(self, records: bytes, rows: int, errors: int) -> None:
        """Write records that hold so many rows."""
        self._file.write(records)
        done = self.journal
        # One assignment, so that Ctrl-C leaves rows and size that belong together.
        self.journal = replace(done, rows=done.rows + rows, errors=done.errors + errors, size=done.size + len(records))
        if time.monotonic() - self._synced > SYNC_EVERY_S:
            self.sync()

    def sync(self) -> None:
        """Bring the draft to the disk, then the journal that speaks of it."""
        self._file.flush()
        # Without conditions to hold it to, another run cannot go on.
        if self.journal.conditions:
            os.fsync(self._file.fileno())
            self.journal.write(self._target)
        self._synced = time.monotonic()


@contextmanager
def drafting(target: Path, journal: Journal, head: bytes) -> Iterator[Draft]:
    """Begin a draft with ``head``, or go on where its journal says it is whole; if the block fails, what is done stays.

    What goes to standard output needs no draft and is written straight to it.
    """
    with _opened(target, journal) as file:
        if not journal.size:
            file.write(head)
            journal = replace(journal, size=len(head))
            # Else processes forked from here on would have it in their buffers too, and write it when they end.
            file.flush()
        draft = Draft(target, file, journal)
        try:
            yield draft
        finally:
            draft.sync()


@contextmanager
def _opened(target: Path, journal: Journal) -> Iterator[BinaryIO]:
    if target == STANDARD:
        yield sys.stdout.buffer
        return
    with beside(target, journal.kind).open("r+b" if journal.size else "wb") as file:
        file.truncate(journal.size)
        file.seek(journal.size)
        yield file


def discard(target: Path) -> None:
    """Delete what an output no longer needs: drafts first, since a journal without one is nothing to resume."""
    for kind in (*KINDS, "progress", "progress.new"):
        beside(target, kind).unlink(missing_ok=True)


@contextmanager
def claimed(target: Path) -> Iterator[None]:
    """Keep other runs off an output; the lock ends with the process that holds it.

    Raises
    ------
    ConflictError
        Another run writes it.
    InvalidTableError
        Nothing can be written where it is to lie.
    """
    if target == STANDARD:
        yield
        return
    path = beside(target, "lock")
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise ConflictError(f"另一个 fenban reclassify 正在写 {target}，请等它结束，或换一个输出文件名。") from error
    except OSError as error:
        raise InvalidTableError(f"写不了 {target}：{error.strerror}，请检查目录是否存在、有无权限和空间。") from error
    try:
        yield
    finally:
        # Deleted while it is held, so that nobody's lock is deleted; Windows deletes no open file, and lets it lie.
        with suppress(OSError):
            path.unlink()
        lock.release()
