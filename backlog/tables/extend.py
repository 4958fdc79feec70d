"""Copies a table with columns added, from any format to any other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from backlog.tables.draft import binary_draft, unpacked
from backlog.tables.table import NO_TYPES, Table, Types
from backlog.tables.text_file import TextFile
from backlog.tables.writing import new_table

_HALVES = re.compile("[\ud800-\udfff]")


def write_extended(
    table: Table,
    target: Path,
    names: Sequence[str],
    added: Iterable[Sequence[str]],
    encoding: str = "utf-8-sig",
    types: Types = NO_TYPES,
) -> None:
    """Write a table with columns added to a file that appears under its name only when it is complete.

    Where ``target`` holds records as they stand in ``table``, they stay byte for byte. Elsewhere bytes that are no text
    become U+FFFD, and a row with more cells than the header has is cut to its width.

    Parameters
    ----------
    table : Table
    target : Path
        Its suffix says the format, see :func:`new_table`.
    names : sequence of str
        The columns to add.
    added : iterable of sequences of str
        Their cells, for each row of ``table``.
    encoding : str
        Of a text file that does not keep its records as they are.
    types : mapping
        What the added columns hold, for formats that tell.

    Raises
    ------
    InvalidTableError
        The file cannot be written; nothing is left behind.
    """
    if isinstance(table, TextFile) and table.continues_in(unpacked(target)):
        return _write_records(table, target, names, added, types)
    if target.suffix.lower() == ".parquet":
        # Takes a tenth of a second, which other files need not wait.
        from backlog.tables.parquet_file import ParquetTable, extend_parquet

        if isinstance(table, ParquetTable):
            return extend_parquet(table, target, names, added, types)
    width = len(table.header)
    with new_table(target, encoding, types) as out:
        out.writerow([*table.header, *names])
        for row, cells in zip(table, added, strict=True):
            out.writerow([_readable(cell) for cell in [*row[:width], *[""] * (width - len(row)), *cells]])
    return None


def _write_records(
    table: TextFile, target: Path, names: Sequence[str], added: Iterable[Sequence[str]], types: Types
) -> None:
    with binary_draft(target) as out:
        out.write(table.encode(table.extended_header(names, types)))
        for line, cells in zip(table.lines(), added, strict=True):
            out.write(table.encode(table.extended(line, cells)))


def _readable(cell: str) -> str:
    return cell if cell.isascii() else _HALVES.sub("\ufffd", cell)
