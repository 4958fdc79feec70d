"""Two ways to write an output so that an interrupted run can go on: by its records, or by the added cells alone."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from backlog.chunk import ADDED_COLUMNS, ADDED_TYPES, Row
from backlog.journal import STANDARD, beside
from backlog.tables import CsvTable, Line, Table, new_table, write_extended
from backlog.tables.text_file import TextFile
from classifier.model.bundle import flush


class Sink(Protocol):
    """What a draft is made of, and how an output is made of it.

    Attributes
    ----------
    table : Table
        What is read.
    kind : str
        What the draft's name ends with.
    head : bytes
        What stands in the draft before the first row.
    """

    table: Table
    kind: str
    head: bytes

    def lines(self) -> Iterator[Line]:
        """Yield the rows of the source."""
        ...

    def records(self, lines: Sequence[Line], added: Sequence[Row]) -> bytes:
        """What stands in the draft for some rows."""
        ...

    def finish(self, target: Path) -> None:
        """Let the output appear under its name, whole."""
        ...


class Records(Sink):
    """For a target in the text format of its source: its records as they stand, with cells added."""

    kind = "part"

    def __init__(self, table: TextFile) -> None:
        self.table: TextFile = table
        self.head = table.encode(table.extended_header(ADDED_COLUMNS, ADDED_TYPES))

    def lines(self) -> Iterator[Line]:
        """Yield the rows of the source with their text."""
        return self.table.lines()

    def records(self, lines: Sequence[Line], added: Sequence[Row]) -> bytes:
        """The records of some rows."""
        return self.table.encode("".join(map(self.table.extended, lines, added)))

    def finish(self, target: Path) -> None:
        """The draft is the output; what went to standard output is there."""
        if target == STANDARD:
            return
        draft = beside(target, self.kind)
        flush(draft)
        draft.replace(target)
        flush(target.parent)


class AddedCells(Sink):
    """For any other target: the added cells, a line of JSON for each row; the source is read again at the end."""

    kind, head = "cells", b""

    def __init__(self, table: Table) -> None:
        self.table = table

    def lines(self) -> Iterator[Line]:
        """Yield the rows of the source."""
        return (Line(row, "") for row in self.table)

    def records(self, lines: Sequence[Line], added: Sequence[Row]) -> bytes:
        """The added cells of some rows."""
        return "".join(f"{json.dumps(cells)}\n" for cells in added).encode()

    def finish(self, target: Path) -> None:
        """Write the source's rows once more, each with its added cells."""
        with beside(target, self.kind).open("rb") as spool:
            write_extended(self.table, target, ADDED_COLUMNS, map(json.loads, spool), types=ADDED_TYPES)


def sink_for(table: Table, target: Path) -> Sink:
    """The way to write a target.

    Raises
    ------
    InvalidTableError
        Its suffix is of no format that can be written.
    """
    if target == STANDARD:
        return Records(table if isinstance(table, TextFile) else _as_csv(table))
    if isinstance(table, TextFile) and table.continues_in(target):
        return Records(table)
    # Refuses a wrong suffix before the work, not after; nothing is opened yet.
    new_table(target)
    return AddedCells(table)


def _as_csv(table: Table) -> CsvTable:
    """A copy of it as a CSV file, which vanishes with what is returned."""
    folder = tempfile.TemporaryDirectory(prefix="fenban-")
    path = Path(folder.name, "copy.csv")
    with new_table(path, "utf-8") as out:
        out.writerow(table.header)
        out.writerows(table)
    copy = CsvTable(path, "utf-8", ",")
    weakref.finalize(copy, folder.cleanup)
    return copy
