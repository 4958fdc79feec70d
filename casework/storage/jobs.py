"""Work in the background, as staff see it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casework.storage.tables import Job

QUEUED, RUNNING, DONE, FAILED, INTERRUPTED = "queued", "running", "done", "failed", "interrupted"


def add(session: Session, kind: str, requested_by: str) -> Job:
    """A new job, queued."""
    now = datetime.now(UTC)
    job = Job(kind=kind, state=QUEUED, requested_by=requested_by, requested_at=now, progress="")
    session.add(job)
    session.flush()
    return job


def get(session: Session, job_id: int, lock: bool = False) -> Job | None:
    """A job by its number, perhaps kept from others until the transaction ends."""
    # Beyond 18 digits no database has an id.
    return session.get(Job, job_id, with_for_update=lock) if job_id < 10**18 else None


def under_way(session: Session, kind: str | None = None) -> list[Job]:
    """Jobs that are queued or running."""
    query = select(Job).where(Job.state.in_((QUEUED, RUNNING))).order_by(Job.id)
    return list(session.scalars(query.where(Job.kind == kind) if kind else query))


def start(job: Job) -> None:
    """Record that work has begun."""
    job.state, job.started_at = RUNNING, datetime.now(UTC)


def end(job: Job, state: str, result: dict[str, Any] | None = None) -> None:
    """Record how work ended."""
    job.state, job.finished_at, job.result = state, datetime.now(UTC), result
