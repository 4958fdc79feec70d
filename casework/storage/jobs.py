"""Work in the background, as staff see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casework.storage.tables import Job
from casework.storage.upsert import insert_into

QUEUED, RUNNING, DONE, FAILED, INTERRUPTED = "queued", "running", "done", "failed", "interrupted"


def add(session: Session, kind: str, requested_by: str) -> Job | None:
    """A new job, queued; None while another of its kind is queued or running."""
    values = {"kind": kind, "state": QUEUED, "requested_by": requested_by, "requested_at": datetime.now(UTC)}
    statement = insert_into(session, Job).values(**values, progress="").on_conflict_do_nothing().returning(Job.id)
    job_id = session.execute(statement).scalar()
    return session.get_one(Job, job_id) if job_id is not None else None


def get(session: Session, job_id: int, lock: bool = False) -> Job | None:
    """A job by its number, perhaps kept from others until the transaction ends."""
    # Beyond 18 digits no database has an id.
    return session.get(Job, job_id, with_for_update=lock) if job_id < 10**18 else None


def latest(session: Session, kind: str) -> Job | None:
    """The job of a kind that was asked for last."""
    return session.scalars(select(Job).where(Job.kind == kind).order_by(Job.id.desc()).limit(1)).first()


def under_way(session: Session) -> list[Job]:
    """Jobs that are queued or running."""
    return list(session.scalars(select(Job).where(Job.state.in_((QUEUED, RUNNING))).order_by(Job.id)))


def latest(session: Session, kinds: Sequence[str]) -> Job | None:
    """The newest job of some kinds."""
    return session.scalars(select(Job).where(Job.kind.in_(kinds)).order_by(Job.id.desc()).limit(1)).one_or_none()


def start(job: Job) -> None:
    """Record that work has begun."""
    job.state, job.started_at = RUNNING, datetime.now(UTC)


def end(job: Job, state: str, result: dict[str, Any] | None = None) -> None:
    """Record how work ended."""
    job.state, job.finished_at, job.result = state, datetime.now(UTC), result
