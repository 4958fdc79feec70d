"""Runs long work in the background, one job at a time, in a process of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey

from casework.service.permissions import Actor, Permission
from casework.storage import audit
from casework.storage import jobs as stored
from casework.storage.database import Database
from casework.storage.tables import Job
from classifier.errors import ConflictError, FenbanError, InvalidInputError, NotFoundError

__all__ = ["RETRAIN", "Job", "Jobs", "Progress", "Work"]

RETRAIN = "retrain"

Progress = Callable[[str], None]
Work = Callable[[str, Progress], dict[str, Any]]
"""Does a job for the named person, tells of its progress, and returns what came out of it, as JSON."""

_LOG = logging.getLogger(__name__)


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

    Raises
    ------
    InvalidInputError
        The URL is of no known kind.
    """

    def __init__(self, url: str, database: Database, work: Mapping[str, Work] | None = None) -> None:
        self._database, self._work = database, work or {}
        with database.alone():  # a new queue makes its tables, and server and worker start together
            self.huey = _open(url)
        # Both sides know the task by this function's name.
        self._task = self.huey.task(name="fenban_job")(self.run)

    def request(self, actor: Actor, kind: str) -> Job:
        """Queue a job.

        Raises
        ------
        ConflictError
            One of its kind is queued or running.
        """
        actor.require(Permission.MODELS)
        with self._database.writing() as session:
            if waiting := stored.under_way(session, kind):
                raise ConflictError(f"已有一个任务（{waiting[0].id} 号）在排队或进行，请等它结束。")
            job = stored.add(session, kind, actor.name)
            audit.record(session, actor.name, "job.requested", f"job {job.id}", None, {"kind": kind})
        self._task(job.id)
        return job

    def find(self, job_id: int) -> Job:
        """How a job stands.

        Raises
        ------
        NotFoundError
        """
        with self._database.reading() as session:
            if (job := stored.get(session, job_id)) is None:
                raise NotFoundError(f"没有 {job_id} 号任务。")
        return job

    def run(self, job_id: int) -> None:
        """Do a queued job and record how it ended."""
        with self._database.writing() as session:
            if (job := stored.get(session, job_id)) is None or job.state != stored.QUEUED:
                return
            stored.start(job)
        state, result = self._do(job)
        with self._database.writing() as session:
            stored.end(session.get_one(Job, job_id), state, result)

    def work(self) -> None:
        """Do jobs until stopped. What a killed worker left running is marked as interrupted, what was
        queued is queued again in case its message was lost."""
        with self._database.writing() as session:
            for job in stored.under_way(session):
                if job.state == stored.RUNNING:
                    stored.end(job, stored.INTERRUPTED, {"error": "后台进程中断，请重新提交。"})
                else:
                    self._task(job.id)
        self._database.close()
        self.huey.create_consumer(workers=1, worker_type="thread", periodic=False).run()

    def _do(self, job: Job) -> tuple[str, dict[str, Any]]:
        def progress(message: str) -> None:
            with self._database.writing() as session:
                session.get_one(Job, job.id).progress = message

        try:
            return stored.DONE, self._work[job.kind](job.requested_by, progress)
        except FenbanError as error:
            return stored.FAILED, {"error": str(error)}
        except Exception:
            # Whatever it was, staff must see that the job has ended, and the log must tell why.
            _LOG.exception("job %s failed", job.id)
            return stored.FAILED, {"error": "程序出错，已记入日志，请联系管理员。"}


def _open(url: str) -> Huey:
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        path = Path(rest.removeprefix("/") if rest.startswith("/") else rest)
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey("fenban", filename=str(path), fsync=True)
    if scheme in ("redis", "rediss"):
        return RedisHuey("fenban", url=url)
    if scheme.startswith("postgresql"):
        return PostgresHuey("fenban", dsn=f"postgresql://{rest}")
    raise InvalidInputError("FENBAN_JOBS_URL 应以 sqlite:///、redis:// 或 postgresql:// 开头。")
