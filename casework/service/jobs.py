"""Runs long work in the background, one job at a time, in a process of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey, crontab

from casework.service.permissions import Actor, Permission
from casework.storage import audit
from casework.storage import jobs as stored
from casework.storage.database import Database, Session
from casework.storage.tables import Job
from classifier.errors import ConflictError, FenbanError, InvalidInputError, NotFoundError, StorageError

__all__ = ["APPLY", "PREVIEW", "RECLASSIFY", "RETRAIN", "UNDER_WAY", "UNDO", "Job", "Jobs", "Progress", "Work"]

RETRAIN, RECLASSIFY, PREVIEW, APPLY, UNDO = "retrain", "reclassify", "preview", "apply", "undo"
_NEEDED = dict.fromkeys((RECLASSIFY, PREVIEW, APPLY, UNDO), Permission.EXCHANGE)


class Progress(Protocol):
    """Tells how far a job is, in words, and perhaps as a ``share`` from 0 to 1; ends the job that is to stop."""

    def __call__(self, words: str, /, share: float | None = None) -> None: ...


Work = Callable[..., dict[str, Any]]
"""Does a job for the named person, tells of its :class:`Progress`, and returns what came out of it, as JSON.

What the job is about, where it is about something, is the third argument.
"""

UNDER_WAY = (stored.QUEUED, stored.RUNNING)
_STOP = "stop"
_LOOK_EVERY_S = 1.0
_LOG = logging.getLogger(__name__)


class _StoppedError(Exception):
    """Somebody asked the job to stop."""


class Jobs:
    """The queue between the service and its worker.

    Parameters
    ----------
    url : str
        ``sqlite:///path``, ``redis://…`` or ``postgresql://…``.
    database : Database
        Holds what staff see of a job.
    work : mapping of kind to Work
        Needed by the worker only.
    tidy : callable
        What the worker does when it begins and every hour.

    Raises
    ------
    InvalidInputError
        The URL is of no known kind.
    StorageError
        The queue cannot be opened.
    """

    def __init__(
        self,
        url: str,
        database: Database,
        work: Mapping[str, Work] | None = None,
        tidy: Callable[[], object] = lambda: None,
    ) -> None:
        self._database, self._work, self._tidy = database, work or {}, tidy
        with database.alone():  # a new queue makes its tables, and server and worker start together
            self.huey = _open(url)
        # Both sides know the task by this function's name.
        self._task = self.huey.task(name="fenban_job")(self.run)

    def request(self, actor: Actor, kind: str, about: str = "") -> Job:
        """Queue a job, perhaps ``about`` one thing among several, such as an uploaded file.

        Raises
        ------
        ConflictError
            One of its kind, about the same, is queued or running.
        StorageError
            The queue cannot be reached; the job stands as failed.
        """
        actor.require(_needed(kind))
        kind = f"{kind}:{about}" if about else kind
        with self._database.writing() as session:
            if (job := stored.add(session, kind, actor.name)) is None:
                (other,) = (one for one in stored.under_way(session) if one.kind == kind)
                raise ConflictError(f"已有一个任务（{other.id} 号）在排队或进行，请等它结束。")
            audit.record(session, actor.name, "job.requested", f"job {job.id}", None, {"kind": kind})
        try:
            self._queue(job.id)
        except StorageError as error:
            # Or it would stand in the way of every later one.
            self._end(job.id, stored.FAILED, {"error": str(error)})
            raise
        return job

    def find(self, actor: Actor, job_id: int) -> Job:
        """How a job stands.

        Raises
        ------
        NotFoundError
        """
        actor.require(Permission.MODELS)
        with self._database.reading() as session:
            return _found(session, job_id)

    def stop(self, actor: Actor, job_id: int) -> None:
        """Let a job end early: at once where it is queued, else when it next tells of its progress.

        Raises
        ------
        NotFoundError
        """
        with self._database.writing() as session:
            job = _found(session, job_id, lock=True)
            actor.require(_needed(job.kind))
            if job.state == stored.QUEUED:
                stored.end(job, stored.INTERRUPTED, _stopped(actor.name))
            elif job.state == stored.RUNNING:
                job.result = {_STOP: actor.name}
            audit.record(session, actor.name, "job.stopped", f"job {job.id}", None, {"kind": job.kind})

    def latest(self, actor: Actor, kind: str) -> Job | None:
        """The job of a kind that was asked for last, None where nobody has asked yet."""
        actor.require(Permission.MODELS)
        with self._database.reading() as session:
            return stored.latest(session, kind)

    def run(self, job_id: int) -> None:
        """Do a queued job and record how it ended."""
        with self._database.writing() as session:
            if (job := stored.get(session, job_id, lock=True)) is None or job.state != stored.QUEUED:
                return
            stored.start(job)
        self._end(job_id, *self._do(job))

    def work(self) -> None:
        """Do jobs until stopped. What a killed worker left running is marked as interrupted, what was
        queued is queued again in case its message was lost."""
        with self._database.writing() as session:
            jobs = stored.under_way(session)
            for job in (one for one in jobs if one.state == stored.RUNNING):
                stored.end(job, stored.INTERRUPTED, {"error": "后台进程中断，请重新提交。"})
        for job in (one for one in jobs if one.state == stored.QUEUED):
            self._queue(job.id)
        self._tidy_up()
        self.huey.periodic_task(crontab(minute="17"), name="fenban_tidy")(self._tidy_up)
        self._database.close()
        self.huey.create_consumer(workers=1, worker_type="thread", max_delay=_LOOK_EVERY_S).run()

    def _tidy_up(self) -> None:
        try:
            self._tidy()
        except (OSError, FenbanError):
            # It will be tried again; jobs go on.
            _LOG.exception("could not tidy up")

    def _queue(self, job_id: int) -> None:
        with _told_in_words():
            self._task(job_id)

    def _end(self, job_id: int, state: str, result: dict[str, Any]) -> None:
        with self._database.writing() as session:
            stored.end(session.get_one(Job, job_id), state, result)

    def _do(self, job: Job) -> tuple[str, dict[str, Any]]:
        def progress(words: str, /, share: float | None = None) -> None:
            with self._database.writing() as session:
                now = session.get_one(Job, job.id, with_for_update=True)
                if now.result and _STOP in now.result:
                    raise _StoppedError(now.result[_STOP])
                now.progress, now.result = words, None if share is None else {"share": share}

        kind, _, about = job.kind.partition(":")
        try:
            return stored.DONE, self._work[kind](job.requested_by, progress, *([about] if about else []))
        except _StoppedError as error:
            return stored.INTERRUPTED, _stopped(str(error))
        except FenbanError as error:
            return stored.FAILED, {"error": str(error)}
        except Exception:
            # Whatever it was, staff must see that the job has ended, and the log must tell why.
            _LOG.exception("job %s failed", job.id)
            return stored.FAILED, {"error": "程序出错，已记入日志，请联系管理员。"}


def _needed(kind: str) -> Permission:
    return _NEEDED.get(kind.partition(":")[0], Permission.MODELS)


def _found(session: Session, job_id: int, lock: bool = False) -> Job:
    if (job := stored.get(session, job_id, lock)) is None:
        raise NotFoundError(f"没有 {job_id} 号任务。")
    return job


def _stopped(name: str) -> dict[str, Any]:
    return {"error": f"{name} 让它停下了。"}


@contextmanager
def _told_in_words() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # huey passes on whatever the queue's own library raises; an address may hold a password.
        raise StorageError(
            "后台任务的队列打不开或连不上，请检查 FENBAN_JOBS_URL 的地址、权限和那里的服务，然后重新提交。"
        ) from error


def _open(url: str) -> Huey:
    scheme, _, rest = url.partition("://")
    with _told_in_words():
        if scheme == "sqlite" and (path := rest.removeprefix("/")):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            # What lies in it is run, so nobody else may write to it.
            Path(path).touch(mode=0o600, exist_ok=True)
            return SqliteHuey("fenban", filename=path, fsync=True)
        if scheme in ("redis", "rediss"):
            return RedisHuey("fenban", url=url)
        if scheme in ("postgresql", "postgresql+psycopg"):
            return PostgresHuey("fenban", dsn=f"postgresql://{rest}")
    raise InvalidInputError("FENBAN_JOBS_URL 应以 sqlite:///、redis:// 或 postgresql:// 开头。")
