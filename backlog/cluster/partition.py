"""What a worker does with one partition: a Parquet file in, the same file with suggestions out, in constant memory."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import url_to_fs

from backlog.chunk import ADDED_COLUMNS, ADDED_TYPES, Columns, Row, classifier_of, suggest_cells
from backlog.cluster.files import FILE_ERRORS, Partition, appearing, fingerprint
from backlog.tables import Table
from backlog.tables.parquet_file import columns_of, fields
from backlog.tables.table import check_header
from backlog.workers import keep_freed_memory
from classifier.errors import InvalidModelError, InvalidTableError
from classifier.model import bundle

_RECORD = b"fenban"
# A row group of the output: 10 to 20 MB of ordinary complaints.
_ROWS_PER_GROUP = 20_000
_ROWS_PER_CHUNK = 1000
# Columns are read in pieces of so many bytes, however large their row groups are.
_READ_AHEAD = 1 << 22

_ADDED_FIELDS = fields(ADDED_COLUMNS, ADDED_TYPES)


@dataclass(frozen=True)
class Job:
    """What all partitions of a run share; ``run`` is the run's own name."""

    run: str
    model: Path
    version: str
    digest: str
    title: str | None
    text: str | None

    @classmethod
    def new(cls, run: str, model: Path, title: str | None, text: str | None) -> Job:
        """A run with the model in a folder, which every worker must find at the same path.

        Raises
        ------
        InvalidModelError
            The model is missing or damaged.
        """
        folder = model.resolve()
        return cls(run, folder, *_identity(folder), title, text)


@dataclass(frozen=True)
class Done:
    """What became of a partition: rows, those of them with an error, or why there are none."""

    partition: Partition
    rows: int = 0
    errors: int = 0
    skipped: bool = False
    fault: str = ""


def suggest_partition(job: Job, partition: Partition) -> Done:
    """Write the output of one partition, unless it is there. It may be run any number of times, also at once.

    Raises
    ------
    InvalidModelError
        The worker's model is missing or differs from the client's; all other partitions would fail as well.
    """
    _check_model(job.model, job.version, job.digest)
    try:
        asked = {
            "model_version": job.version,
            "model_digest": job.digest,
            "input": partition.name,
            **fingerprint(partition.source),
            "title": job.title,
            "text": job.text,
        }
        return _already_done(partition, asked) or _write(job, partition, asked)
    except (*FILE_ERRORS, pa.ArrowException) as error:
        return Done(partition, fault=f"读不了或写不了（{error}），请检查文件是否完整、权限和剩余空间。")
    except InvalidTableError as error:
        return Done(partition, fault=str(error))


def _identity(model: Path) -> tuple[str, str]:
    """A model's version, and a digest of all of it: its manifest names the digest of every file."""
    version = bundle.read_manifest(model)["version"]
    return version, hashlib.sha256((model / bundle.MANIFEST).read_bytes()).hexdigest()


@cache
def _check_model(model: Path, version: str, digest: str) -> None:
    keep_freed_memory()
    host = socket.gethostname()
    try:
        found = (*_identity(model), classifier_of(model).version)
    except InvalidModelError as error:
        raise InvalidModelError(f"工作进程（{host}）：{error}模型目录须在每台机器的同一路径下。") from error
    if found != (version, digest, version):
        raise InvalidModelError(
            f"工作进程（{host}）在 {model} 的模型（{found[-1]}）与提交任务的模型（{version}）不同，"
            "请给每台机器放上同一个模型，然后重启工作进程。"
        )


def _already_done(partition: Partition, asked: dict[str, Any]) -> Done | None:
    """What an earlier run wrote for the same input, model and columns."""
    try:
        with _opened(partition.target) as output:
            record = json.loads((output.metadata.metadata or {}).get(_RECORD, b"{}"))
            rows = output.metadata.num_rows
    except (FileNotFoundError, ValueError):
        # Not there, or put there by somebody else and not readable: it is written anew.
        return None
    errors = record.pop("errors", 0)
    return Done(partition, rows, errors, skipped=True) if record == {**asked, "rows": rows} else None


def _write(job: Job, partition: Partition, asked: dict[str, Any]) -> Done:
    rows = errors = 0
    with _opened(partition.source) as table:
        schema = table.schema_arrow
        columns = _columns(partition.name, schema, job)
        extended = pa.schema([*schema, *_ADDED_FIELDS], schema.metadata)
        # Spark writes its times so, and some versions of it read no others.
        old_times = any(
            column.physical_type == "INT96" for column in map(table.schema.column, range(len(table.schema)))
        )
        with (
            appearing(partition.target, job.run) as draft,
            pq.ParquetWriter(
                draft, extended, use_deprecated_int96_timestamps=old_times, write_page_checksum=True
            ) as writer,
        ):
            for batch in table.iter_batches(_ROWS_PER_GROUP):
                cells = list(_suggested(job.model, batch.select(columns)))
                writer.write_batch(
                    pa.record_batch([*batch.columns, *columns_of(cells, ADDED_COLUMNS, ADDED_TYPES)], extended)
                )
                rows += len(cells)
                errors += sum(1 for row in cells if row[-1])
            writer.add_key_value_metadata({_RECORD: json.dumps({**asked, "rows": rows, "errors": errors})})
    return Done(partition, rows, errors)


@contextmanager
def _opened(url: str) -> Iterator[pq.ParquetFile]:
    files, path = url_to_fs(url)
    # Columns are read in turn, so what follows the last piece is no use; pyarrow would hold whole row groups beforehand.
    with files.open(path, "rb", cache_type="none") as file:
        yield pq.ParquetFile(file, buffer_size=_READ_AHEAD, pre_buffer=False, page_checksum_verification=True)


class _Header(Table):
    """The columns of a Parquet file, found and refused as in any other table file."""

    def __init__(self, name: str, schema: pa.Schema) -> None:
        self.path, self.header = Path(name), list(schema.names)
        check_header(self.path, self.header)


def _columns(name: str, schema: pa.Schema, job: Job) -> list[int]:
    """Where the title, if there is one, and the text stand."""
    header = _Header(name, schema)  # type: ignore[abstract]  # nobody asks a header for rows
    found = Columns.of(header, job.title, job.text)
    columns = [found.text] if found.title is None else [found.title, found.text]
    for field in map(schema.field, columns):
        if not _is_text(field.type):
            raise InvalidTableError(f"{name} 的“{field.name}”列是 {field.type}，不是文字，请用选项指定别的列。")
    return columns


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    # A column without a single value has no type of its own.
    return any(is_so(kind) for is_so in (types.is_string, types.is_large_string, types.is_string_view, types.is_null))


def _suggested(model: Path, batch: pa.RecordBatch) -> Iterator[Row]:
    """The added cells of a batch that has a text as its last column and perhaps a title before it."""
    columns = Columns(batch.num_columns, 0 if batch.num_columns > 1 else None, batch.num_columns - 1)
    for start in range(0, batch.num_rows, _ROWS_PER_CHUNK):
        chunk = batch.slice(start, _ROWS_PER_CHUNK)
        rows = zip(*(_strings(column) for column in chunk.columns), strict=True)
        yield from suggest_cells(model, [columns.read(row) for row in rows])


def _strings(column: pa.Array) -> list[str]:
    """The cells, with bytes that are no UTF-8 as half surrogates: such a row gets an error, the others do not."""
    values = column.cast(pa.large_binary()).to_pylist()
    return [(value or b"").decode("utf-8", "surrogateescape") for value in values]
