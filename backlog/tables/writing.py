"""Writes a table file in the format its name asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TextIO

from backlog.tables.csv_file import DELIMITER_OF, SafeWriter
from backlog.tables.draft import text_draft, unpacked
from backlog.tables.jsonl_file import SUFFIXES, ObjectWriter
from backlog.tables.table import NO_TYPES, RowWriter, Types
from backlog.tables.workbook import new_workbook
from classifier.errors import InvalidTableError


def new_table(path: Path, encoding: str = "utf-8-sig", types: Types = NO_TYPES) -> AbstractContextManager[RowWriter]:
    """Write a file that appears under its name only when it is complete.

    The first row written is the header; the others are as wide. What staff open in a spreadsheet program (.csv, .tsv,
    .xlsx) has no cell that is taken for a formula, and none in any format is taken for a number unless ``types`` says so.

    Parameters
    ----------
    path : Path
        Named .csv, .tsv or .jsonl, each perhaps with .gz behind, or .xlsx or .parquet.
    encoding : str
        Of a CSV or TSV file; the default is what Excel opens rightly.
    types : mapping
        What columns hold, for JSON Lines and Parquet.

    Raises
    ------
    InvalidTableError
        The suffix is another, the file cannot be written, or a row is too wide; nothing is left behind.
    """
    suffix = unpacked(path).suffix.lower()
    if suffix in DELIMITER_OF:
        return _new_text(path, encoding, lambda file: SafeWriter(file, DELIMITER_OF[suffix]))
    if suffix in SUFFIXES:
        return _new_text(path, "utf-8", lambda file: ObjectWriter(file, types))
    if path.suffix.lower() == ".xlsx":
        return new_workbook(path)
    if path.suffix.lower() == ".parquet":
        # Takes a tenth of a second, which other files need not wait.
        from backlog.tables.parquet_file import new_parquet

        return new_parquet(path, types)
    raise InvalidTableError(
        f"写不了 {path}：只能写 .csv、.tsv、.jsonl（都可再加 .gz 压缩）、.xlsx 或 .parquet，请改文件名。"
    )


@contextmanager
def _new_text(path: Path, encoding: str, writer: Callable[[TextIO], RowWriter]) -> Iterator[RowWriter]:
    with text_draft(path, encoding) as file:
        yield writer(file)
