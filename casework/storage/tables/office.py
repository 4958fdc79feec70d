"""What an office sets, its audit trail and its background jobs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from casework.storage.tables.base import Base, Id, Name


class AuditEntry(Base):
    """One change, with what was there before and after. The database refuses to alter or delete it."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(Name)
    action: Mapped[str] = mapped_column(Id)
    subject: Mapped[str] = mapped_column(Name, index=True)
    old: Mapped[dict[str, Any] | None]
    new: Mapped[dict[str, Any] | None]


class Holiday(Base):
    """A day that is not as its weekday says: off, or worked instead of another (调休)."""

    __tablename__ = "holidays"

    day: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    name: Mapped[str] = mapped_column(Name)


class DeadlineRule(Base):
    """Hours to respond, where they differ from the taxonomy's; an empty channel or department means any."""

    __tablename__ = "deadline_rules"

    channel: Mapped[str] = mapped_column(Name, primary_key=True)
    department: Mapped[str] = mapped_column(Id, primary_key=True)
    urgency: Mapped[str] = mapped_column(Id, primary_key=True)
    hours: Mapped[float]
    working_days: Mapped[bool]


class Setting(Base):
    """A value that all processes of an office share, such as the key that signs cookies."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(Id, primary_key=True)
    value: Mapped[dict[str, Any]]


_UNDER_WAY = "state IN ('queued', 'running')"


class Job(Base):
    """Work in the background: queued, running, done, failed or interrupted."""

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Id)
    state: Mapped[str] = mapped_column(Id)
    requested_by: Mapped[str] = mapped_column(Name)
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    progress: Mapped[str] = mapped_column(Text)
    result: Mapped[dict[str, Any] | None]

    # Two of a kind at once would undo each other's work.
    __table_args__ = (
        Index(
            "ux_jobs_under_way", "kind", unique=True, sqlite_where=text(_UNDER_WAY), postgresql_where=text(_UNDER_WAY)
        ),
    )
