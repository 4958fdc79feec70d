"""Reclassifies a whole backlog: every row of a table file gets a suggestion beside it."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from backlog.chunk import ADDED_COLUMNS, Columns, Row, classifier_of, suggest_cells
from backlog.tables import TEXT_NAMES, TITLE_NAMES, CsvTable, new_csv
from classifier.errors import InvalidTableError
from classifier.records import Complaint

_ROWS_PER_CHUNK = 400
_CHUNKS_AHEAD = 3


@dataclass(frozen=True)
class Outcome:
    """How many rows were written, and how many of them with an error."""

    rows: int
    errors: int


def reclassify(
    source: Path,
    target: Path,
    model: Path,
    *,
    jobs: int = -1,
    title: str | None = None,
    text: str | None = None,
    encoding: str | None = None,
    progress: Callable[[int, int], None] = lambda rows, bytes_read: None,
) -> Outcome:
    """Copy ``source`` to ``target`` with a suggestion added to every row, in order.

    A row that cannot be read is written with the reason in its ``error`` cell and counted.

    Parameters
    ----------
    source, target : Path
        CSV files; ``target`` gets the encoding of ``source`` and appears only when complete.
    model : Path
        Folder of a released model.
    jobs : int
        Worker processes, -1 for one on each core.
    title, text : str, optional
        Names of the columns, where they are not among the usual ones.
    encoding : str, optional
        Encoding of ``source``; found out where not given.
    progress : callable
        Told after each chunk how many rows are done and how many bytes were read.

    Raises
    ------
    InvalidTableError
        The files or columns are not as they must be.
    InvalidModelError
        The model cannot be loaded.
    """
    # Loaded before the workers are forked, so that they share its memory and start at once.
    classifier_of(model).suggest(Complaint("", "预热"))
    table = CsvTable(source, encoding)
    if present := [name for name in ADDED_COLUMNS if name in table.header]:
        raise InvalidTableError(f"{source} 已有本程序要添加的列：{'、'.join(present)}。请先删除或改名这些列。")
    columns = Columns(
        len(table.header),
        table.require(title) if title else table.column(*TITLE_NAMES),
        table.require(*([text] if text else TEXT_NAMES)),
    )
    rows = errors = 0
    with new_csv(target, table.encoding) as out:
        out.writerow([*table.header, *ADDED_COLUMNS])
        for chunk, added in _in_order(model, columns, table, jobs if jobs > 0 else os.cpu_count() or 1):
            out.writerows(columns.fit(row) + cells for row, cells in zip(chunk, added, strict=True))
            rows += len(chunk)
            errors += sum(1 for cells in added if cells[-1])
            progress(rows, table.bytes_read)
    return Outcome(rows, errors)


def _in_order(model: Path, columns: Columns, table: Iterable[Row], jobs: int) -> Iterator[tuple[list[Row], list[Row]]]:
    """Yield chunks of rows with the cells to add to them; only a few chunks are in memory at a time."""
    iterator = iter(table)
    with ProcessPoolExecutor(jobs, initializer=gc.disable) as workers:
        under_way: deque[tuple[list[Row], Future[list[Row]]]] = deque()
        while chunk := list(islice(iterator, _ROWS_PER_CHUNK)):
            read = [columns.read(row) for row in chunk]
            under_way.append((chunk, workers.submit(suggest_cells, model, read)))
            if len(under_way) > _CHUNKS_AHEAD * jobs:
                done, future = under_way.popleft()
                yield done, future.result()
        for done, future in under_way:
            yield done, future.result()
