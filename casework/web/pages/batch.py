"""批量: drop a backlog's table file, see it with suggestions, download the result or apply it to the cases, and undo."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Blueprint, current_app, flash, redirect, render_template, request, send_file, url_for
from werkzeug import Response
from werkzeug.datastructures import MultiDict

from casework.service import backlog, batches
from casework.service.inspection import ENCODINGS, FORMATS, Look, Reading, look
from casework.service.jobs import APPLY, PREVIEW, RECLASSIFY, UNDO
from casework.service.overview import MOVE
from casework.service.uploads import Upload
from casework.web.access import current_actor
from casework.web.database import database
from casework.web.desk import desk, jobs, models_dir, uploads
from casework.web.pages.shell import is_part
from classifier.errors import FenbanError, InvalidInputError, InvalidTableError, NotFoundError

blueprint = Blueprint("batch", __name__, url_prefix="/batch")

_KINDS = {RECLASSIFY: "重新分类", PREVIEW: "与登记的诉求件对照", APPLY: "应用到诉求件", UNDO: "撤销"}
_ANSWER = str | Response


@blueprint.get("")
def page() -> _ANSWER:
    """Show the place to drop a file, and all uploads and runs."""
    own = desk()
    with database().reading() as session:
        undoing = {int(job.kind.partition(":")[2]): job for job in batches.undoing(session, own.actor)}
        runs = backlog.list_runs(session, own.actor)
        if is_part():
            return _part("_batch_runs.html", runs=runs, undoing=undoing) if undoing else _refresh()
        found = [batches.standing(session, one) for one in uploads().newest_first(own.actor)]
    limit = current_app.config["FENBAN_MAX_UPLOAD_BYTES"]
    return _part("batch.html", batches=found, runs=runs, undoing=undoing, limit=limit)


@blueprint.post("")
def upload() -> Response:
    """Keep a file, and lead to it."""
    with _told():
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise InvalidInputError("请先选一个表格文件，再上传。")
        added = uploads().add(database(), current_actor(), sent.filename, sent.save)
        return _lead(url_for("batch.show", upload_id=added.id))
    return _lead(url_for("batch.page"))


@blueprint.get("/<upload_id>")
def show(upload_id: str) -> _ANSWER:
    """Show how a file is read, how far the work on it is, or what came out of it."""
    batch = _batch(upload_id)
    if is_part():
        return _part("_batch_job.html", batch=batch) if batch.is_under_way else _refresh()
    if batch.is_under_way or (batch.outcome and "again" not in request.args):
        return _result(batch)
    return _setup(batch, request.args)


@blueprint.post("/<upload_id>/start")
def start(upload_id: str) -> Response:
    """Begin to reclassify a file."""
    with _told_of(upload_id) as found:
        batches.reclassify(database(), jobs(), desk(), found, _reading(request.form), models_dir())
    return _lead(url_for("batch.show", upload_id=upload_id))


@blueprint.post("/<upload_id>/resume")
def resume(upload_id: str) -> Response:
    """Go on with what was interrupted."""
    with _told_of(upload_id) as found:
        batches.go_on(database(), jobs(), current_actor(), found, models_dir())
    return _lead(url_for("batch.show", upload_id=upload_id))


@blueprint.post("/<upload_id>/stop")
def stop(upload_id: str) -> Response:
    """Stop what is under way."""
    with _told():
        batch = _batch(upload_id)
        if batch.job and batch.is_under_way:
            jobs().stop(current_actor(), batch.job.id)
            flash("已要求停下，做完手上这一块就停。")
    return _lead(url_for("batch.show", upload_id=upload_id))


@blueprint.post("/<upload_id>/preview")
def preview(upload_id: str) -> Response:
    """Begin to look up what applying would change."""
    with _told_of(upload_id) as found:
        batches.preview(database(), jobs(), current_actor(), found)
    return _lead(url_for("batch.show", upload_id=upload_id))


@blueprint.post("/<upload_id>/apply")
def apply(upload_id: str) -> Response:
    """Begin to apply a result to its cases."""
    with _told_of(upload_id) as found:
        batches.apply(database(), jobs(), current_actor(), found)
    return _lead(url_for("batch.show", upload_id=upload_id))


@blueprint.post("/runs/<int:run_id>/undo")
def undo(run_id: int) -> Response:
    """Begin to undo a run, and lead back to where that was asked for."""
    with _told():
        batches.undo(database(), jobs(), current_actor(), run_id)
    asked_at = request.form.get("upload", "")
    return _lead(url_for("batch.show", upload_id=asked_at) if asked_at else url_for("batch.page"))


@blueprint.post("/<upload_id>/delete")
def delete(upload_id: str) -> Response:
    """Delete a file with all that was made of it."""
    with _told_of(upload_id) as found:
        uploads().delete(database(), current_actor(), found)
        flash(f"已删除 {found.name} 和由它生成的文件。", "done")
        return _lead(url_for("batch.page"))
    return _lead(url_for("batch.show", upload_id=upload_id))


@blueprint.get("/<upload_id>/given")
def given(upload_id: str) -> Response:
    """Give the file back as it was sent."""
    found = uploads().find(current_actor(), upload_id)
    return _sent(found, found.given)


@blueprint.get("/<upload_id>/result")
def result(upload_id: str) -> Response:
    """Give the file with suggestions out."""
    found = uploads().find(current_actor(), upload_id)
    if (outcome := batches.outcome_of(found)) is None:
        raise NotFoundError(f"{found.name} 还没有重新分类完，没有结果可下载。")
    return _sent(found, outcome.file)


@blueprint.errorhandler(413)
def too_large(_: Exception) -> Response:
    """Say how large a file may be."""
    # A browser that is still sending would take an answer for a lost connection.
    while request.environ["wsgi.input"].read(1 << 20):
        pass
    megabytes = current_app.config["FENBAN_MAX_UPLOAD_BYTES"] / (1 << 20)
    flash(f"文件太大，最多 {megabytes:,.0f} MB。请分成几份上传，或在服务器上用 fenban reclassify。", "problem")
    return _lead(url_for("batch.page"))


@blueprint.errorhandler(OSError)
def no_room(error: OSError) -> Response:
    """Say that a file does not fit on the disk, which shows while it comes in."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
        raise error
    flash(f"服务器的磁盘写不下去：{error.strerror}。文件没有收下，请联系管理员腾出空间后再上传。", "problem")
    return _lead(url_for("batch.page"))


def _setup(batch: batches.Batch, values: MultiDict[str, str]) -> str:
    asked = _reading(values) if values else batch.reading or Reading()
    seen, problem = _look(batch.upload, asked)
    return _part("batch_one.html", batch=batch, look=seen, problem=problem, formats=FORMATS, encodings=ENCODINGS)


def _look(found: Upload, asked: Reading) -> tuple[Look | None, str]:
    """A look at a file as asked, or else as it can be read, with what is wrong."""
    problem = ""
    for one in (asked, Reading(sheet=asked.sheet, encoding=asked.encoding), Reading()):
        try:
            return look(desk(), found, one), problem
        except (InvalidTableError, InvalidInputError) as error:
            problem = problem or str(error)
    return None, problem


def _result(batch: batches.Batch) -> str:
    overview = batch.outcome.overview if batch.outcome else None
    if overview is None:
        return _part("batch_one.html", batch=batch)
    shown = request.args.get("group", -1, type=int)
    moves = [one for one in overview.groups if one.kind == MOVE]
    return _part(
        "batch_one.html",
        batch=batch,
        overview=overview,
        departments=overview.departments,
        befores=list(dict.fromkeys(one.before for one in moves)),
        same=sum(one.count for one in moves if one.before == one.after),
        group=overview.groups[shown] if 0 <= shown < len(overview.groups) else None,
    )


def _part(template: str, **values: object) -> str:
    own = desk()
    names = own.taxonomy.names
    return render_template(
        template,
        names=names,
        kind_names=_KINDS,
        bands=backlog.BANDS,
        state_names=backlog.STATE_NAMES,
        left_names=backlog.LEFT_NAMES,
        expires_at=uploads().expires_at,
        whole_register=not own.actor.department,
        **values,
    )


def _reading(values: MultiDict[str, str]) -> Reading:
    names = ("sheet", "encoding", "title", "text", "department", "format")
    return Reading(**{name: values[name] for name in names if name in values})


def _batch(upload_id: str) -> batches.Batch:
    found = uploads().find(current_actor(), upload_id)
    with database().reading() as session:
        return batches.standing(session, found)


@contextmanager
def _told() -> Iterator[None]:
    """Let the next page say what could not be done."""
    try:
        yield
    except FenbanError as error:
        flash(str(error), "problem")


@contextmanager
def _told_of(upload_id: str) -> Iterator[Upload]:
    found = uploads().find(current_actor(), upload_id)
    with _told():
        yield found


def _lead(target: str) -> Response:
    if is_part():
        return Response(headers={"HX-Redirect": target})
    return redirect(target)


def _refresh() -> Response:
    return Response(headers={"HX-Refresh": "true"})


def _sent(found: Upload, path: Path) -> Response:
    taken = uploads().take_out(database(), current_actor(), found, path)
    return send_file(taken, as_attachment=True, download_name=taken.name)
