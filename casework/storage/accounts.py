"""Queries over accounts, sessions, tokens and the values all processes of an office share."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, exists, literal, select
from sqlalchemy.orm import Session

from casework.storage.database import Database
from casework.storage.lookup import Lookup
from casework.storage.tables import Base, Setting, SignIn, Token, User, WrongPassword
from casework.storage.upsert import insert_into


class Holder(NamedTuple):
    """A token and the account behind it, as far as every request asks; the account's part is None where there is none."""

    token: str
    scopes: list[str]
    expires_at: datetime
    revoked_at: datetime | None
    user_id: int | None
    user: str | None
    role: str | None
    department: str | None
    must_change_password: bool | None
    active: bool | None


_HOLDER = Lookup(
    select(Token.name, Token.scopes, Token.expires_at, Token.revoked_at)
    .add_columns(User.id, User.name, User.role, User.department, User.must_change_password, User.active)
    .outerjoin(User, Token.user_id == User.id)
    .where(Token.secret_hash == bindparam("secret_hash"))
)


def any_user(session: Session) -> bool:
    """Whether there is any account, active or not."""
    return bool(session.scalar(select(exists().select_from(User))))


def add_user(session: Session, **values: Any) -> bool:
    """Add an account, or say False where the name is taken, by another process even this moment."""
    return _add_once(session, User, values)


def add_token(session: Session, **values: Any) -> bool:
    """Add a token, or say False where the name is taken."""
    return _add_once(session, Token, values)


def users(session: Session) -> list[User]:
    """All accounts, by name."""
    return list(session.scalars(select(User).order_by(User.name)))


def user(session: Session, name: str) -> User | None:
    """The account of this name."""
    return session.scalar(select(User).where(User.name == name))


def user_of(session: Session, user_id: int) -> User:
    """The account of this id, which must be there."""
    return session.get_one(User, user_id)


def user_numbered(session: Session, user_id: int) -> User | None:
    """The account of this id."""
    return session.get(User, user_id)


def active_of_role(session: Session, role: str) -> list[User]:
    """The active accounts of a role, held until the transaction ends so that nobody takes the last one."""
    return list(session.scalars(select(User).where(User.role == role, User.active).order_by(User.id).with_for_update()))


def wrong_passwords(session: Session, name: str, now: datetime) -> WrongPassword:
    """The count of a name, held until the transaction ends; made where there is none."""
    insert = insert_into(session, WrongPassword).values(name=name, count=0, last_at=now)
    held = insert.on_conflict_do_update(index_elements=["name"], set_={"count": WrongPassword.count})
    return session.scalars(held.returning(WrongPassword)).one()


def forget_wrong_passwords(session: Session, name: str | None = None, before: datetime | None = None) -> None:
    """Remove the count of a name, or all whose last wrong one was before a moment."""
    condition = WrongPassword.name == name if before is None else WrongPassword.last_at < before
    session.execute(delete(WrongPassword).where(condition))


def add_sign_in(session: Session, secret_hash: str, user_id: int, now: datetime) -> None:
    """Begin a session."""
    session.add(SignIn(secret_hash=secret_hash, user_id=user_id, created_at=now, last_seen_at=now))


def sign_in(session: Session, secret_hash: str) -> SignIn | None:
    """The session with this secret."""
    return session.get(SignIn, secret_hash)


def end_sign_in(session: Session, secret_hash: str) -> None:
    """End one session."""
    session.execute(delete(SignIn).where(SignIn.secret_hash == secret_hash))


def sign_ins(session: Session, user_id: int) -> list[SignIn]:
    """The sessions of an account, the newest first."""
    return list(session.scalars(select(SignIn).where(SignIn.user_id == user_id).order_by(SignIn.created_at.desc())))


def end_sign_ins(session: Session, user_id: int | None = None, before: datetime | None = None) -> None:
    """End all sessions of an account, or all that began before a moment."""
    condition = SignIn.user_id == user_id if before is None else SignIn.created_at < before
    session.execute(delete(SignIn).where(condition))


def tokens(session: Session) -> list[tuple[Token, str | None]]:
    """All tokens by name, each with the name of the account behind it."""
    query = select(Token, User.name).outerjoin(User, Token.user_id == User.id).order_by(Token.name)
    return [(token, name) for token, name in session.execute(query)]


def token(session: Session, name: str) -> Token | None:
    """The token of this name."""
    return session.scalar(select(Token).where(Token.name == name))


def holder(database: Database, secret_hash: str) -> Holder | None:
    """The token with this secret, and whose it is."""
    row = database.look_up(_HOLDER, secret_hash=secret_hash)
    return Holder(*row) if row else None


def setting(session: Session, name: str) -> dict[str, Any] | None:
    """A shared value."""
    return session.scalar(select(Setting.value).where(Setting.name == name))


def setting_once(session: Session, name: str, value: dict[str, Any]) -> dict[str, Any]:
    """A shared value; ``value`` becomes it where there is none, and only one of several processes can make it so."""
    _add_once(session, Setting, {"name": name, "value": value})
    return session.get_one(Setting, name).value


def _add_once(session: Session, table: type[Base], values: dict[str, Any]) -> bool:
    """Insert a row unless a unique value of it is taken; waits for another transaction that is inserting it."""
    insert = insert_into(session, table).values(**values).on_conflict_do_nothing()
    return session.execute(insert.returning(literal(True))).first() is not None
