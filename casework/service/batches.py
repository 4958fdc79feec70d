"""What is done with an uploaded backlog, one step after another: reclassify it, see what would change, apply, undo."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from casework.service import backlog
from casework.service.backlog import BacklogRun
from casework.service.desk import Desk
from casework.service.exchange import fingerprint
from casework.service.inspection import Reading, look
from casework.service.jobs import APPLY, PREVIEW, RECLASSIFY, UNDER_WAY, UNDO, Job, Jobs
from casework.service.overview import Overview
from casework.service.permissions import Actor, Permission
from casework.service.uploads import Upload, on_disk
from casework.storage import jobs as stored_jobs
from casework.storage import runs
from casework.storage.database import Database, Session
from casework.storage.jobs import DONE
from classifier.errors import ConflictError, InvalidInputError, InvalidModelError
from classifier.model import bundle

_PLAN, _OUTCOME, _OVERVIEW = "plan.json", "outcome.json", "overview.json"
_KINDS = (RECLASSIFY, PREVIEW, APPLY)


@dataclass(frozen=True)
class Outcome:
    """What reclassifying an upload came to.

    Attributes
    ----------
    upload : Upload
    name : str
        Of the file that was made.
    fingerprint : str
        Of that file, by which its run is known.
    model : str
    rows : int
    key : str
        The column by which its rows name cases; empty where none does.
    """

    upload: Upload
    name: str
    fingerprint: str
    model: str
    rows: int
    key: str

    @property
    def file(self) -> Path:
        """The file that was made."""
        return self.upload.made / self.name

    @property
    def overview(self) -> Overview:
        """What it says."""
        return Overview.of(self.upload.read(_OVERVIEW) or {})


@dataclass(frozen=True)
class Batch:
    """How an upload stands.

    Attributes
    ----------
    upload : Upload
    reading : Reading or None
        How it was last asked to be read, once it was reclassified or begun to be.
    outcome : Outcome or None
        Once it is reclassified.
    job : Job or None
        The last one at work on it, or on undoing its run.
    run : BacklogRun or None
        Once its result was applied, or begun to be.
    """

    upload: Upload
    reading: Reading | None
    outcome: Outcome | None
    job: Job | None
    run: BacklogRun | None

    @property
    def is_under_way(self) -> bool:
        """Whether a job waits or works."""
        return self.job is not None and self.job.state in UNDER_WAY

    @property
    def preview(self) -> dict[str, Any] | None:
        """What applying would do, if that was just looked up."""
        result = (self.job and not self.is_under_way and self.job.result) or {}
        return result.get("preview")


def standing(session: Session, upload: Upload) -> Batch:
    """How an upload stands."""
    outcome = outcome_of(upload)
    run = runs.of_file(session, outcome.fingerprint) if outcome else None
    kinds = [f"{kind}:{upload.id}" for kind in _KINDS] + ([f"{UNDO}:{run.id}"] if run else [])
    job = stored_jobs.latest(session, kinds)
    return Batch(upload, reading_of(upload), outcome, job, run)


def reading_of(upload: Upload) -> Reading | None:
    """How an upload was last asked to be read."""
    plan = upload.read(_PLAN)
    return Reading(**plan["reading"]) if plan else None


def outcome_of(upload: Upload) -> Outcome | None:
    """What reclassifying an upload came to, if it was reclassified."""
    facts = upload.read(_OUTCOME)
    return Outcome(upload, **facts) if facts else None


def note_outcome(upload: Upload, file: Path, model: str, found: Overview) -> None:
    """Note that an upload is reclassified."""
    upload.note(_OVERVIEW, found.to_dict())
    facts = {"name": file.name, "fingerprint": fingerprint(file), "model": model}
    upload.note(_OUTCOME, facts | {"rows": found.rows, "key": found.key})


def reclassify(database: Database, jobs: Jobs, desk: Desk, upload: Upload, asked: Reading, models: Path) -> None:
    """Begin to reclassify an upload with the model in service; what was made of it before is gone.

    Raises
    ------
    InvalidTableError
        It cannot be read as asked.
    InvalidInputError
        It cannot be told which column holds the complaints.
    ConflictError
        A job is at work on it, or its result was applied.
    InvalidModelError
        There is no model.
    """
    if run := _at_rest(database, upload).run:
        raise ConflictError(f"{upload.name} 的结果已应用过（批量更新 {run.id}），要重新分类请再上传一次。")
    model, reading = bundle.current(models).name, look(desk, upload, asked).reading
    if not reading.text:
        raise InvalidInputError(f"{upload.name} 没有认出哪一列是诉求内容，请选好再开始。")
    with on_disk():
        (upload.folder / _OUTCOME).unlink(missing_ok=True)
        shutil.rmtree(upload.made)
        upload.made.mkdir()
    upload.note(_PLAN, {"reading": asdict(reading), "model": model})
    jobs.request(desk.actor, RECLASSIFY, upload.id)


def go_on(database: Database, jobs: Jobs, actor: Actor, upload: Upload, models: Path) -> None:
    """Go on with what was interrupted or failed; reclassifying with the model it was begun with.

    Raises
    ------
    ConflictError
        A job is at work on it, or nothing was interrupted.
    InvalidModelError
        That model is gone.
    """
    job = _at_rest(database, upload).job
    if job is None or job.state == DONE:
        raise ConflictError(f"{upload.name} 没有中断的处理，请刷新页面看现在的情况。")
    kind, _, about = job.kind.partition(":")
    if kind == RECLASSIFY:
        model_of(upload, models)
    else:
        backlog.require_whole_register(actor)
    jobs.request(actor, kind, about)


def preview(database: Database, jobs: Jobs, actor: Actor, upload: Upload) -> None:
    """Begin to look up what applying would do.

    Raises
    ------
    ConflictError
        A job is at work on it, or it is not reclassified yet.
    InvalidInputError
        Its rows name no cases.
    """
    _request_for_cases(database, jobs, actor, upload, PREVIEW)


def apply(database: Database, jobs: Jobs, actor: Actor, upload: Upload) -> None:
    """Begin to apply a result to the cases it names; refused where :func:`preview` is."""
    _request_for_cases(database, jobs, actor, upload, APPLY)


def undo(database: Database, jobs: Jobs, actor: Actor, run_id: int) -> None:
    """Begin to undo a run.

    Raises
    ------
    NotFoundError
        There is no such run.
    ConflictError
        It was undone, or is being undone.
    """
    with database.writing() as session:
        backlog.find_undoable(session, actor, run_id)
    jobs.request(actor, UNDO, str(run_id))


def undoing(session: Session, actor: Actor) -> list[Job]:
    """Jobs that undo runs, waiting or at work."""
    actor.require(Permission.EXCHANGE)
    return [job for job in stored_jobs.under_way(session) if job.kind.startswith(f"{UNDO}:")]


def model_of(upload: Upload, models: Path) -> Path:
    """The folder of the model that an upload is reclassified with: the same when it is gone on with.

    Raises
    ------
    InvalidModelError
        It is gone.
    """
    plan = upload.read(_PLAN)
    assert plan, "it was noted before the job was asked for"
    if (version := str(plan["model"])) not in bundle.released(models):
        raise InvalidModelError(f"开始时用的模型 {version} 已不在了，接不下去，请重新开始。")
    return models / version


def _at_rest(database: Database, upload: Upload) -> Batch:
    with database.reading() as session:
        batch = standing(session, upload)
    if batch.is_under_way:
        raise ConflictError(f"{upload.name} 正在处理，请等它做完，或先让它停下。")
    return batch


def _request_for_cases(database: Database, jobs: Jobs, actor: Actor, upload: Upload, kind: str) -> None:
    backlog.require_whole_register(actor)
    outcome = _at_rest(database, upload).outcome
    if outcome is None:
        raise ConflictError(f"{upload.name} 还没有重新分类完，不能应用。")
    if not outcome.key:
        raise InvalidInputError(
            f"{upload.name} 没有编号列（本系统导出的 number，或来文编号、工单号），不知道各行是哪一件，只能下载结果。"
        )
    jobs.request(actor, kind, upload.id)
