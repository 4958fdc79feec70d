"""Reads the audit trail."""

from __future__ import annotations

from casework.service.permissions import Actor, Permission
from casework.storage import audit
from casework.storage.database import Session
from casework.storage.tables import AuditEntry


def entries(
    session: Session, actor: Actor, subject: str | None = None, before: int | None = None, limit: int = 100
) -> list[AuditEntry]:
    """The newest entries first, of one subject or of all, older than the entry ``before``."""
    actor.require(Permission.AUDIT)
    return audit.entries(session, subject, before, limit)
