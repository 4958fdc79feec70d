"""Who may sign in, and with what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from casework.storage.tables.base import Base, Id, Name


class User(Base):
    """A member of staff who may sign in. ``department`` limits what is seen to cases led by it.

    ``queue_seen_at`` is the reader's own mark in the queue, shown to nobody else: what came since is new to them.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Name, unique=True)
    role: Mapped[str] = mapped_column(Id)
    department: Mapped[str | None] = mapped_column(Id)
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    queue_seen_at: Mapped[datetime | None]


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
