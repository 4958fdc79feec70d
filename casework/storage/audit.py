"""The audit trail: every change, with the values before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, insert, select
from sqlalchemy.orm import Session

from casework.storage.tables import AuditEntry


def record(
    session: Session,
    actor: str,
    action: str,
    subject: str,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
) -> None:
    """Add an entry; it is kept together with the change it tells of.

    Parameters
    ----------
    action : str
        Such as ``case.decided``.
    subject : str
        What was changed, such as ``case 2026-000001``.
    old, new : dict, optional
        What was there before and after. No text of a complaint and no secret belongs in them.
    """
    session.add(AuditEntry(at=datetime.now(UTC), actor=actor, action=action, subject=subject, old=old, new=new))


def record_many(
    session: Session, actor: str, action: str, changes: Sequence[tuple[str, dict[str, Any] | None, dict[str, Any]]]
) -> None:
    """Add an entry for each (subject, old values, new values)."""
    common = {"at": datetime.now(UTC), "actor": actor, "action": action}
    if changes:
        rows = [common | {"subject": subject, "old": old, "new": new} for subject, old, new in changes]
        session.execute(insert(AuditEntry), rows)


@dataclass(frozen=True)
class Wanted:
    """Which entries are asked for; what is None or empty does not narrow.

    ``since`` is the first moment wanted, ``until`` the first no longer wanted.
    """

    subjects: Sequence[str] = ()
    actor: str | None = None
    actions: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


def entries(
    session: Session,
    subject: str | None = None,
    before: int | None = None,
    limit: int = 100,
    actions: Sequence[str] = (),
) -> list[AuditEntry]:
    """The newest entries first, of one subject or of all, of some actions or of all, older than the entry ``before``."""
    return search(session, Wanted(() if subject is None else (subject,), actions=actions), before, limit)


def search(session: Session, wanted: Wanted, before: int | None = None, limit: int = 100) -> list[AuditEntry]:
    """The newest of those wanted first, older than the entry ``before``."""
    query = _narrowed(select(AuditEntry), wanted).order_by(AuditEntry.id.desc()).limit(limit)
    return list(session.scalars(query if before is None else query.where(AuditEntry.id < before)))


def hold(session: Session, subject: str) -> None:
    """Let nobody else hold a subject until the transaction ends."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer anyway
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(subject))))


def _narrowed(query: Select[tuple[AuditEntry]], wanted: Wanted) -> Select[tuple[AuditEntry]]:
    for column, values in ((AuditEntry.subject, wanted.subjects), (AuditEntry.action, wanted.actions)):
        if values:
            query = query.where(column.in_(values))
    if wanted.actor is not None:
        query = query.where(AuditEntry.actor == wanted.actor)
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEntry.at < wanted.until)
    return query
