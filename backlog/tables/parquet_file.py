"""Parquet files, as data platforms hand tables on, read and written some thousand rows at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from backlog.tables.draft import draft_of
from backlog.tables.source import Source
from backlog.tables.table import NO_TYPES, RowWriter, Table, Types, check_header, named
from classifier.errors import InvalidTableError

_ROWS_PER_BATCH = 10_000
_PAGE_BYTES = 1 << 20
_COMPRESSION = "zstd"
_NO_FRACTION = re.compile(r"\.0+(?=[Z+-]|$)")


class ParquetTable(Table):
    """A Parquet file, its values as texts: null is an empty cell, of lists and the like a cell has the JSON text.

    Parameters
    ----------
    path : Path or Source

    Attributes
    ----------
    schema : pyarrow.Schema

    Raises
    ------
    InvalidTableError
        The file is damaged, or repeats a column name.
    """

    def __init__(self, path: Path | Source) -> None:
        self._source = path if isinstance(path, Source) else Source(path)
        self.path = self._source.path
        self.row_number = 0
        with self._opened() as file:
            self.schema = file.schema_arrow
            self._n_rows: int = file.metadata.num_rows
        self.header: list[str] = self.schema.names
        check_header(self.path, self.header)

    @property
    def share_read(self) -> float:
        """How much of it has been read, from 0 to 1."""
        return self.row_number / max(self._n_rows, 1)

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the rows, counted from 1."""
        self.row_number = 0
        for batch in self.batches():
            for row in zip(*map(_texts, batch.columns), strict=True):
                self.row_number += 1
                yield list(row)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as they are stored, some thousand at a time."""
        with self._opened() as file:
            yield from file.iter_batches(_ROWS_PER_BATCH, use_threads=False)

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        with self._source.open_on_disk() as disk:
            try:
                # Read ahead, a row group would be in memory as a whole, and it may be the whole file.
                yield pq.ParquetFile(disk, buffer_size=_PAGE_BYTES, pre_buffer=False)
            except (pa.ArrowException, OSError) as error:
                raise InvalidTableError(f"{self.path} 不是完整的 Parquet 文件，请重新导出或传输后再试。") from error


def _texts(column: pa.Array) -> list[str]:
    """The values of a column as texts."""
    for kind in (pa.large_binary(), pa.large_string()):
        with suppress(pa.ArrowNotImplementedError):
            texts = [_text(value) for value in column.cast(kind).to_pylist()]
            return [_NO_FRACTION.sub("", text) for text in texts] if pa.types.is_temporal(column.type) else texts
    return ["" if one is None else json.dumps(one, ensure_ascii=False, default=str) for one in column.to_pylist()]


def _text(value: bytes | str | None) -> str:
    """A value's text, where its bytes are no UTF-8 with half surrogates."""
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else value or ""


_KINDS = {str: pa.string(), float: pa.float64(), bool: pa.bool_()}


def fields(names: Iterable[str], types: Types) -> list[pa.Field]:
    """Columns of the types told, else of texts."""
    return [pa.field(name, _KINDS[types.get(name, str)]) for name in names]


def columns_of(rows: Iterable[Sequence[str]], names: Iterable[str], types: Types) -> list[pa.Array]:
    """Rows of texts as columns; where a column's type is told, empty cells are null."""
    return [
        pa.array([cell or None for cell in cells], pa.string()).cast(_KINDS[types[name]])
        if name in types
        else pa.array(cells, pa.string())
        for cells, name in zip(zip(*rows, strict=True), names, strict=True)
    ]


class _GroupWriter(RowWriter):
    """Writes rows of texts in groups, the first row the columns' names."""

    def __init__(self, path: Path, types: Types) -> None:
        self._path, self._types = path, types
        self._rows: list[Sequence[str]] = []
        self._file: pq.ParquetWriter | None = None

    def writerow(self, row: Sequence[str], /) -> None:
        if self._file is None:
            schema = pa.schema(fields(named(row), self._types))
            self._file = pq.ParquetWriter(self._path, schema, compression=_COMPRESSION)
        else:
            self._rows.append(row)
            if len(self._rows) == _ROWS_PER_BATCH:
                self.flush()

    def flush(self) -> None:
        if self._file and self._rows:
            schema = self._file.schema
            self._file.write_batch(
                pa.RecordBatch.from_arrays(columns_of(self._rows, schema.names, self._types), schema=schema)
            )
            self._rows.clear()

    def close(self) -> None:
        if self._file:
            self._file.close()


@contextmanager
def new_parquet(path: Path, types: Types = NO_TYPES) -> Iterator[RowWriter]:
    """Write a Parquet file in which all columns are texts unless ``types`` says otherwise.

    Raises
    ------
    InvalidTableError
        The file cannot be written; nothing is left behind.
    """
    with draft_of(path) as draft, closing(_GroupWriter(draft, types)) as writer:
        yield writer
        writer.flush()


def extend_parquet(
    table: ParquetTable, path: Path, names: Sequence[str], added: Iterable[Sequence[str]], types: Types = NO_TYPES
) -> None:
    """Write a Parquet file with columns added; the others keep their types and values."""
    cells = iter(added)
    schema = pa.schema([*table.schema, *fields(names, types)], table.schema.metadata)
    with draft_of(path) as draft, pq.ParquetWriter(draft, schema, compression=_COMPRESSION) as file:
        for batch in table.batches():
            more = columns_of(islice(cells, batch.num_rows), names, types)
            file.write_batch(pa.RecordBatch.from_arrays([*batch.columns, *more], schema=schema))
        if next(cells, None):
            raise ValueError(f"more rows to add than {path} has")
