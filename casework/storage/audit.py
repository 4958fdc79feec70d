"""The audit trail: every change, with the values before and after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
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


def entries(
    session: Session,
    subject: str | None = None,
    before: int | None = None,
    limit: int = 100,
    actions: Sequence[str] = (),
) -> list[AuditEntry]:
    """The newest entries first, of one subject or of all, of some actions or of all, older than the entry ``before``."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    if actions:
        query = query.where(AuditEntry.action.in_(actions))
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return list(session.scalars(query))
