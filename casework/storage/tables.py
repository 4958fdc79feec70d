"""The tables of the case register. Departments and levels are kept by id: names may change, ids never do."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, Index, LargeBinary, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine


class UTCDateTime(TypeDecorator[datetime]):
    """A moment, kept as UTC without a zone so that both databases order it alike."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware moment into UTC."""
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give an aware moment back."""
        return value and value.replace(tzinfo=UTC)


Id = String(64)
Name = String(200)


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, TypeEngine[Any] | type[TypeEngine[Any]]]] = {
        datetime: UTCDateTime(),
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: JSON(),
        bytes: LargeBinary(),
    }


class User(Base):
    """A member of staff who may sign in. ``department`` limits what is seen to cases led by it."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Name, unique=True)
    role: Mapped[str] = mapped_column(Id)
    department: Mapped[str | None] = mapped_column(Id)
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class SignIn(Base):
    """One session of a user; only a hash of its secret is kept."""

    __tablename__ = "sign_ins"

    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class WrongPassword(Base):
    """How often in a row a wrong password was given for a name, known or not."""

    __tablename__ = "wrong_passwords"

    name: Mapped[str] = mapped_column(Name, primary_key=True)
    count: Mapped[int]
    last_at: Mapped[datetime]


class Token(Base):
    """A key for programs; with a user behind it, it may also decide in that user's name."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Name, unique=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Case(Base):
    """A registered complaint, masked, with where it stands now; how it came there is in the tables below.

    ``certain`` is 0 while a person should look closely, else 1: the queue is in the order of
    (certain, due_at, id). ``version`` counts changes, so that nobody overwrites what they have
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
    due_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    version: Mapped[int]

    __table_args__ = (
        *(
            Index(f"ix_cases_queue{''.join(f'_{one}' for one in by)}", "status", *by, "certain", "due_at", "id")
            for by in ((), ("department",), ("urgency",), ("channel",), ("place",))
        ),
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


class SuggestionMade(Base):
    """What a model suggested for a case. Never updated."""

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

    # Watching counts a million of these without reading them.
    __table_args__ = (
        Index("ix_suggestions_watch", "made_at", "department", "needs_review", "known_share"),
        Index("ix_suggestions_review", "needs_review"),
    )


class Decision(Base):
    """What a person decided. ``agreed`` compares with the suggestion; ``shown`` tells whether they had seen it."""

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

    __table_args__ = (
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


class Setting(Base):
    """A value that all processes of an office share, such as the key that signs cookies."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(Id, primary_key=True)
    value: Mapped[dict[str, Any]]


class Job(Base):
    """Work in the background: queued, running, done, failed or interrupted."""

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Id)
    state: Mapped[str] = mapped_column(Id, index=True)
    requested_by: Mapped[str] = mapped_column(Name)
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    progress: Mapped[str] = mapped_column(Text)
    result: Mapped[dict[str, Any] | None]


APPEND_ONLY = ("audit", "suggestions", "decisions", "hand_backs", "outcomes")
"""Tables whose rows the database refuses to change or delete."""
