"""Campaigns: what changed many cases at once, and may be taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from casework.storage.tables.base import Base, Id, Name


class BacklogRun(Base):
    """One reclassified file applied to the register: applying, applied, undoing or undone.

    ``fingerprint`` is the file's, so that the same result is one run however often it is applied.
    ``changed`` and ``restored`` count cases, in the transactions that change them; ``left`` counts
    the rows that changed nothing, by the reason, once all are through.
    """

    __tablename__ = "backlog_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(Id)
    fingerprint: Mapped[str] = mapped_column(Id, unique=True)
    file_name: Mapped[str] = mapped_column(Text)
    applied_by: Mapped[str] = mapped_column(Name)
    applied_at: Mapped[datetime]
    undone_by: Mapped[str | None] = mapped_column(Name)
    undone_at: Mapped[datetime | None]
    changed: Mapped[int]
    restored: Mapped[int]
    left: Mapped[dict[str, Any] | None]
