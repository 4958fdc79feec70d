"""Cases and what happened to them. Departments and levels are kept by id: names may change, ids never do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from casework.storage.tables.base import Base, Id, Name


class Case(Base):
    """A registered complaint, masked, with where it stands now; how it came there is in the tables below.

    ``certain`` is 0 while a person should look closely, else 1: the queue is in the order of
    (certain, due_at, id). ``confidence`` is that of the suggested department, 0 where there is none
    or it may not be seen, to list the least sure first. ``version`` counts changes, so that nobody overwrites what they have
    not seen. ``original`` is the text as it came, encrypted, only where the office keeps it.
    """

    __tablename__ = "cases"

    id: Mapped[int] = mapped_column(primary_key=True)
    year: Mapped[int]
    reference: Mapped[str | None] = mapped_column(Name, unique=True)
    channel: Mapped[str] = mapped_column(Name)
    place: Mapped[str] = mapped_column(Name)
    received_at: Mapped[datetime]
    registered_at: Mapped[datetime]
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    original: Mapped[bytes | None]
    status: Mapped[str] = mapped_column(Id)
    department: Mapped[str | None] = mapped_column(Id)
    assist: Mapped[str | None] = mapped_column(Id)
    urgency: Mapped[str | None] = mapped_column(Id)
    suggestion_id: Mapped[int | None]
    blind: Mapped[bool]
    certain: Mapped[int]
    confidence: Mapped[float] = mapped_column(default=0.0)
    due_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    version: Mapped[int]

    __table_args__ = (
        *(
            Index(f"ix_cases_queue{''.join(f'_{one}' for one in by)}", "status", *by, "certain", "due_at", "id")
            for by in ((), ("department",), ("urgency",), ("channel",), ("place",))
        ),
        Index("ix_cases_unsure", "status", "confidence", "id"),
        Index("ix_cases_received", "status", "received_at", "id"),
        # The queue counts a million cases by any of its filters without reading them.
        Index(
            "ix_cases_counts",
            *("status", "department", "urgency", "certain", "due_at", "channel", "place", "received_at"),
        ),
        # Figures count what came in and what came due in the same way.
        Index("ix_cases_figures_received", "received_at", "department", "urgency", "channel"),
        Index("ix_cases_figures_due", "due_at", "closed_at", "department", "urgency", "channel"),
        Index("ix_cases_due", "status", "due_at"),
        Index("ix_cases_closed", "status", "closed_at"),
        Index("ix_cases_registered", "registered_at"),
    )

    @property
    def number(self) -> str:
        """The registered number, as staff quote it."""
        return registered_number(self.year, self.id)


def registered_number(year: int, case_id: int) -> str:
    """The number a case of this id is quoted by.

    >>> registered_number(2026, 17)
    '2026-000017'
    """
    return f"{year}-{case_id:06d}"


_OF_A_RUN = text("run_id IS NOT NULL")
_OF_A_BATCH = text("batch IS NOT NULL")


class SuggestionMade(Base):
    """What a model suggested for a case. Never updated.

    One that came from a reclassified file has the ``run_id`` of the campaign, and in ``before``
    where the case stood until then. Such files do not tell ``known_share``: it is 0 there.
    """

    __tablename__ = "suggestions"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    made_at: Mapped[datetime]
    model_version: Mapped[str] = mapped_column(Name)
    department: Mapped[str] = mapped_column(Id)
    department_confidence: Mapped[float]
    assist: Mapped[str | None] = mapped_column(Id)
    urgency: Mapped[str | None] = mapped_column(Id)
    urgency_confidence: Mapped[float | None]
    needs_review: Mapped[bool]
    known_share: Mapped[float]
    details: Mapped[dict[str, Any]]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("backlog_runs.id"))
    before: Mapped[dict[str, Any] | None]

    __table_args__ = (
        # Watching counts a million of these without reading them.
        Index("ix_suggestions_watch", "made_at", "department", "needs_review", "known_share", "run_id"),
        Index("ix_suggestions_review", "needs_review"),
        # A run changes a case once.
        Index(
            "ux_suggestions_run",
            *("run_id", "case_id"),
            unique=True,
            sqlite_where=_OF_A_RUN,
            postgresql_where=_OF_A_RUN,
        ),
    )


class Decision(Base):
    """What a person decided. ``agreed`` compares with the suggestion; ``shown`` tells whether they had seen it.

    ``before`` is where the case stood until then, which is all that withdrawing needs; decisions,
    hand-backs and outcomes of older versions do not have it. Those made in one go share a ``batch``.
    """

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(Name)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    department: Mapped[str] = mapped_column(Id)
    assist: Mapped[str | None] = mapped_column(Id)
    urgency: Mapped[str | None] = mapped_column(Id)
    suggestion_id: Mapped[int | None] = mapped_column(ForeignKey("suggestions.id"))
    shown: Mapped[bool]
    agreed: Mapped[bool | None]
    reason: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None]
    batch: Mapped[str | None] = mapped_column(Id)

    __table_args__ = (
        Index("ix_decisions_batch", "batch", sqlite_where=_OF_A_BATCH, postgresql_where=_OF_A_BATCH),
        Index("ix_decisions_watch", "made_at", "case_id", "department", "shown", "agreed", "suggestion_id"),
        Index("ix_decisions_agreed", "department", "agreed"),
    )


class HandBack(Base):
    """退回: a department sends a case back as not its own."""

    __tablename__ = "hand_backs"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))
    made_at: Mapped[datetime] = mapped_column(index=True)
    made_by: Mapped[str] = mapped_column(Name)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    department: Mapped[str | None] = mapped_column(Id)
    reason: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None]


class Outcome(Base):
    """办结: which department acted in the end."""

    __tablename__ = "outcomes"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(index=True)
    made_by: Mapped[str] = mapped_column(Name)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    department: Mapped[str] = mapped_column(Id)
    note: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None]


class Withdrawal(Base):
    """撤回: a decision, hand-back or outcome taken back. One of the three ids is there; each is taken back once."""

    __tablename__ = "withdrawals"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(Name)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"), unique=True)
    hand_back_id: Mapped[int | None] = mapped_column(ForeignKey("hand_backs.id"), unique=True)
    outcome_id: Mapped[int | None] = mapped_column(ForeignKey("outcomes.id"), unique=True)


class LabelCheck(Base):
    """A handled case whose department the model doubts, and what a supervisor said of it.

    ``state`` is open, confirmed, changed or left_out; ``corrected`` is the department to learn
    instead where it was changed. The case itself stays as it was handled.
    """

    __tablename__ = "label_checks"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    found_at: Mapped[datetime]
    model_version: Mapped[str] = mapped_column(Name)
    department: Mapped[str] = mapped_column(Id)
    likelier: Mapped[str] = mapped_column(Id)
    confidence: Mapped[float]
    state: Mapped[str] = mapped_column(Id, index=True)
    corrected: Mapped[str | None] = mapped_column(Id)
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(Name)
