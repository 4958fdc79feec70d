"""What the worker does for an uploaded backlog, in the background and with one core left for the desk."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backlog.pace import progress_line
from backlog.reclassify import reclassify
from casework.service import backlog
from casework.service.batches import model_of, note_outcome, outcome_of, reading_of
from casework.service.desk import Desk
from casework.service.inspection import SAME, Reading, by_own_name
from casework.service.jobs import APPLY, PREVIEW, RECLASSIFY, UNDO, Progress, Work
from casework.service.overview import overview
from casework.service.permissions import Actor, Permission
from casework.service.uploads import Upload, Uploads
from casework.storage.database import Database
from classifier.errors import UnfinishedError

_TELL_EVERY_S = 1.0
_TEXTS = (".csv", ".tsv", ".txt", ".jsonl")


@dataclass(frozen=True)
class BatchWork:
    """What the steps of a batch need: the register, the uploads, released models, and an office's desk as of now."""

    database: Database
    uploads: Uploads
    models: Path
    desk: Callable[[], Desk]

    def by_kind(self) -> Mapping[str, Work]:
        """What to do for each kind of job."""
        return {RECLASSIFY: self.reclassify, PREVIEW: self.preview, APPLY: self.apply, UNDO: self.undo}

    def reclassify(self, requested_by: str, progress: Progress, upload_id: str) -> dict[str, Any]:
        """Make the result of an upload and count what it says; what was interrupted is gone on with."""
        desk, upload = self._for(requested_by, upload_id)
        plan, model = reading_of(upload), model_of(upload, self.models)
        assert plan, "it was noted before the job was asked for"
        target = upload.made / f"{upload.given.stem}-建议{_suffix(upload.name, plan)}"
        with _in_words(upload):
            reclassify(
                upload.given,
                target,
                model,
                jobs=max(1, (os.cpu_count() or 2) - 1),
                title=plan.title or None,
                text=plan.text,
                encoding=plan.encoding or None,
                sheet=plan.sheet or None,
                resume=True,
                progress=_paced(progress),
            )
            columns = {"title": plan.title, "text": plan.text, "department": plan.department or ""}
            counted = overview(target, desk.taxonomy, columns, _paced(progress, "汇总："))
        note_outcome(upload, target, model.name, counted)
        return {"rows": counted.rows}

    def preview(self, requested_by: str, progress: Progress, upload_id: str) -> dict[str, Any]:
        """Look up what applying would do."""
        desk, upload = self._for(requested_by, upload_id)
        progress("正在与登记的诉求件对照")
        with by_own_name(_result(upload)), self.database.reading() as session:
            seen = backlog.preview(session, desk, _result(upload))
        return {
            "preview": {
                "rows": seen.rows,
                "changes": seen.changes,
                "needs_review": seen.needs_review,
                "departments": _moves(seen.departments),
                "urgencies": _moves(seen.urgencies),
                "confidence": [[low, seen.confidence[low]] for low, _ in backlog.BANDS],
                "left": dict(seen.left),
            }
        }

    def apply(self, requested_by: str, progress: Progress, upload_id: str) -> dict[str, Any]:
        """Make the suggestions of a result the current ones of its cases."""
        desk, upload = self._for(requested_by, upload_id)
        with by_own_name(_result(upload)):
            run = backlog.apply(self.database, desk, _result(upload), _shared(progress, "正在应用"))
        return {"run": run.id, "changed": run.changed}

    def undo(self, requested_by: str, progress: Progress, run_id: str) -> dict[str, Any]:
        """Put the cases of a run back."""
        run = backlog.undo(self.database, _actor(requested_by), int(run_id), _shared(progress, "正在撤销"))
        return {"run": run.id, "restored": run.restored}

    def _for(self, requested_by: str, upload_id: str) -> tuple[Desk, Upload]:
        # Whether they may was decided when they asked.
        actor = _actor(requested_by)
        return replace(self.desk(), actor=actor), self.uploads.find(actor, upload_id)


def _actor(requested_by: str) -> Actor:
    return Actor(requested_by, frozenset({Permission.EXCHANGE, Permission.ORIGINALS}))


def _result(upload: Upload) -> Path:
    outcome = outcome_of(upload)
    assert outcome, "nothing is applied before it is reclassified"
    return outcome.file


def _suffix(name: str, plan: Reading) -> str:
    """How a result's name ends: as asked, or as the upload's where its format can be written."""
    suffix = Path(name).suffix.lower()
    if plan.format != SAME:
        return f".{plan.format}"
    if plan.sheet:
        return ".xlsx"
    return suffix if suffix in (_TEXTS if plan.encoding else (".parquet",)) else ".csv"


def _moves(moves: Counter[Any]) -> list[list[Any]]:
    return [[before, after, count] for (before, after), count in moves.most_common()]


def _paced(progress: Progress, about: str = "") -> Callable[[int, float], None]:
    """Tell of rows and a share, once a second at most, with the rate and the time left."""
    began, told = (0.0, 0, 0.0), 0.0

    def tell(rows: int, share: float) -> None:
        nonlocal began, told
        now = time.monotonic()
        if not told:
            began = now, rows, share
            progress(f"{about}从第 {rows + 1:,} 行开始", share)
        elif now - told >= _TELL_EVERY_S:
            progress(about + progress_line(rows, share, now - began[0], *began[1:]), share)
        else:
            return
        told = now

    return tell


def _shared(progress: Progress, about: str) -> Callable[[float], None]:
    """Tell of a share, once a second at most."""
    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        if time.monotonic() - told >= _TELL_EVERY_S:
            progress(f"{about}，{share:.0%}", share)
            told = time.monotonic()

    return tell


@contextmanager
def _in_words(upload: Upload) -> Iterator[None]:
    """Tell what keeps a run from its end as this page can help it, not as a command line could."""
    try:
        with by_own_name(upload.given), by_own_name(upload.made / "-"):
            yield
    except UnfinishedError as error:
        cause = error.__cause__
        why = cause.strerror if isinstance(cause, OSError) else "工作进程被系统终止，多半是内存不足"
        raise UnfinishedError(f"没有做完：{why}。已做完的部分都在，处理好之后按“接着做”。") from error
