"""Reclassifies a whole backlog: every row of a table file gets a suggestion beside it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from backlog.chunk import ADDED_COLUMNS, Columns, Picked, classifier_of, suggest_picked
from backlog.journal import STANDARD, Journal, claimed, discard, drafting
from backlog.sinks import Sink, sink_for
from backlog.tables import Line, open_table
from backlog.tables.text_file import TextFile
from backlog.workers import Workers
from classifier.errors import ConflictError, FenbanError, InvalidInputError, InvalidTableError, UnfinishedError
from classifier.records import Complaint

_ROWS_PER_CHUNK = 1000
_HEAD = 1 << 20


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
    sheet: str | None = None,
    resume: bool = False,
    progress: Callable[[int, float], None] = lambda rows, share: None,
) -> Outcome:
    """Copy ``source`` to ``target`` with a suggestion added to every row, in order.

    A row that cannot be read is written with the reason in its ``error`` cell and counted.
    ``target`` appears only when complete; until then a draft and a journal lie beside it, by
    which an interrupted run can be resumed. The result is then byte for byte the same.

    Parameters
    ----------
    source, target : Path
        Table files, the format of ``target`` by its suffix; ``-`` is standard input or output.
    model : Path
        Folder of a released model.
    jobs : int
        Worker processes, -1 for one on each core.
    title, text : str, optional
        Names of the columns, where they are not among the usual ones.
    encoding : str, optional
        Encoding of ``source``; found out where not given.
    sheet : str, optional
        Sheet of ``source``; the first visible one with content where not given.
    resume : bool
        Go on where an interrupted run stopped; without one, begin.
    progress : callable
        Told at the start and after each chunk how many rows are done and what share of
        ``source`` has been read, from 0 to 1.

    Raises
    ------
    InvalidTableError
        The files or columns are not as they must be.
    InvalidModelError
        The model cannot be loaded.
    ConflictError
        Another run writes ``target``, or one was interrupted and ``resume`` is not asked for
        or impossible.
    UnfinishedError
        The disk is full or a worker was killed; what is done is kept for ``resume``.
    """
    _check_names(source, target, resume)
    with claimed(target):
        earlier = _interrupted(target, resume)
        # Loaded before the workers are forked, so that they share its memory and start at once.
        classifier = classifier_of(model)
        classifier.suggest(Complaint("", "预热"))
        table = open_table(source, encoding, sheet)
        columns = Columns.of(table, title, text)
        sink = sink_for(table, target)
        conditions = _conditions(source, target, sink, columns, classifier.version, sheet)
        if earlier:
            earlier.require(target, conditions)
        start = earlier or Journal(sink.kind, conditions)
        with _kept(target):
            with drafting(target, start, sink.head) as draft, Workers(jobs) as workers:
                lines = sink.lines()
                next(islice(lines, start.rows, start.rows), None)
                progress(start.rows, sink.table.share_read)
                for chunk, added in workers.in_order(partial(suggest_picked, model), _chunks(lines, columns)):
                    draft.append(sink.records(chunk, added), len(chunk), sum(1 for cells in added if cells[-1]))
                    progress(draft.journal.rows, sink.table.share_read)
            sink.finish(target)
        discard(target)
    return Outcome(draft.journal.rows, draft.journal.errors)


def _check_names(source: Path, target: Path, resume: bool) -> None:
    if resume and STANDARD in (source, target):
        raise InvalidInputError("标准输入、标准输出中断后不能接着做，请去掉 --resume，或改用文件。")
    if target == STANDARD:
        return
    if target.resolve() == source.resolve() or (target.exists() and source.exists() and target.samefile(source)):
        raise InvalidTableError(f"输出文件不能与输入文件相同：{target}，请换一个文件名。")
    if not target.parent.is_dir():
        raise InvalidTableError(f"写不了 {target}：没有 {target.parent} 这个目录，请先建好或改路径。")
    if target.exists() and not target.is_file():
        raise InvalidTableError(f"写不了 {target}：它是目录或设备，请给出文件名；要写到标准输出用 - 。")


def _interrupted(target: Path, resume: bool) -> Journal | None:
    """What is there to resume; refused where it was not asked for, so that nobody loses hours by a habit."""
    journal = Journal.of(target)
    if journal and not resume:
        raise ConflictError(
            f"{target} 上次没有写完，已完成 {journal.rows} 行。加 --resume 接着做；"
            f"要重新开始，先删除 {journal.files(target)}。"
        )
    return journal


def _conditions(
    source: Path, target: Path, sink: Sink, columns: Columns, version: str, sheet: str | None
) -> dict[str, str | int]:
    """All that the output depends on, by the names staff know; nothing where it cannot be read once more."""
    if STANDARD in (source, target):
        return {}
    table = sink.table
    with source.open("rb") as file:
        head = hashlib.sha256(file.read(_HEAD)).hexdigest()
        state = os.fstat(file.fileno())
    return {
        "输入文件的大小": state.st_size,
        "输入文件的修改时间": datetime.fromtimestamp(state.st_mtime, UTC).isoformat(),
        "输入文件的开头": head,
        "工作表": sheet or "",
        "编码": table.encoding if isinstance(table, TextFile) else "",
        "标题列": "" if columns.title is None else table.header[columns.title],
        "内容列": table.header[columns.text],
        "模型": version,
        "添加的列": "，".join(ADDED_COLUMNS),
        "草稿的写法": sink.kind,
    }


def _chunks(lines: Iterator[Line], columns: Columns) -> Iterator[tuple[list[Line], list[Picked]]]:
    while chunk := list(islice(lines, _ROWS_PER_CHUNK)):
        yield chunk, [columns.pick(line.cells) for line in chunk]


@contextmanager
def _kept(target: Path) -> Iterator[None]:
    """Say what went wrong, what is kept and how to go on; where nothing is done yet, keep nothing."""
    try:
        yield
    except BaseException as error:
        if not (journal := Journal.of(target)):
            discard(target)
        kept = f"已完成的 {journal.rows} 行都在，输入文件没有动：加 --resume 再运行即可接着做。" if journal else ""
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise UnfinishedError(f"{target} 没有写完：{error.strerror}，请腾出磁盘空间或检查磁盘。{kept}") from error
        if journal and isinstance(error, FenbanError):
            raise UnfinishedError(f"{error}{kept}") from error
        raise
