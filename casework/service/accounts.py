"""Accounts of staff: who may sign in, and as what."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

from casework.service import clock, passwords
from casework.service.permissions import ROLE_NAMES, ROLES, Actor, Permission
from casework.storage import accounts, audit
from casework.storage.database import Session
from casework.storage.tables import User
from classifier.errors import ConflictError, InvalidInputError, NotFoundError

FIRST_ADMINISTRATOR = "admin"
NAME = re.compile(r"[\w.@-]{1,64}")


def add_user(
    session: Session,
    actor: Actor,
    name: str,
    role: str,
    password: str,
    department: str | None = None,
    one_time: bool = False,
) -> User:
    """Open an account.

    Parameters
    ----------
    role : str
        A key of :data:`casework.service.permissions.ROLES`.
    department : str, optional
        Id of the only department whose cases the account sees.
    one_time : bool
        The password must be changed before anything else is done.

    Raises
    ------
    InvalidInputError
        The name, role or password is none that is allowed.
    ConflictError
        The name is taken.
    """
    actor.require(Permission.ACCOUNTS)
    name = checked_name(name)
    _check_role(role)
    passwords.check_new(password, name)
    kept = passwords.hashed(password)
    if not accounts.add_user(
        session,
        name=name,
        role=role,
        department=department,
        password_hash=kept,
        must_change_password=one_time,
        created_at=clock.now(),
    ):
        raise ConflictError(f"已有账号“{name}”，请换一个名字。", field="name")
    audit.record(session, actor.name, "user.added", f"user {name}", new={"role": role, "department": department})
    return named(session, name)


def first_administrator(session: Session, actor: Actor) -> str | None:
    """Where there is no account yet, open an administrator's and give its one-time password."""
    if accounts.any_user(session):
        return None
    password = passwords.one_time()
    try:
        add_user(session, actor, FIRST_ADMINISTRATOR, "admin", password, one_time=True)
    except ConflictError:  # another process has just opened it
        return None
    return password


def named(session: Session, name: str) -> User:
    """The account of this name.

    Raises
    ------
    NotFoundError
    """
    found = accounts.user(session, name) if NAME.fullmatch(name := plain(name)) else None
    if found is None:
        raise NotFoundError(f"没有账号“{name}”，请核对名字。")
    return found


def all_users(session: Session, actor: Actor) -> list[User]:
    """All accounts, by name."""
    actor.require(Permission.ACCOUNTS)
    return accounts.users(session)


def numbered(session: Session, actor: Actor, user_id: int) -> User:
    """The account of this id.

    Raises
    ------
    NotFoundError
    """
    actor.require(Permission.ACCOUNTS)
    found = accounts.user_numbered(session, user_id)
    if found is None:
        raise NotFoundError("没有这个账号，请回到账号列表。")
    return found


def set_password(session: Session, actor: Actor, name: str, password: str, one_time: bool = False) -> None:
    """Give an account another password, and end its sessions."""
    actor.require(Permission.ACCOUNTS)
    keep_password(session, actor.name, named(session, name), password, one_time)


def set_role(session: Session, actor: Actor, name: str, role: str, department: str | None = None) -> None:
    """Give an account, never one's own, another role and department, and end its sessions."""
    actor.require(Permission.ACCOUNTS)
    _check_role(role)
    user = _another(session, actor, name, "改角色")
    if role != "admin":
        _keep_an_administrator(session, user)
    old = {"role": user.role, "department": user.department}
    user.role, user.department = role, department
    audit.record(session, actor.name, "user.role", f"user {user.name}", old, {"role": role, "department": department})
    accounts.end_sign_ins(session, user.id)


def set_active(session: Session, actor: Actor, name: str, active: bool) -> None:
    """Close an account, never one's own, ending its sessions and stopping its tokens, or open it again."""
    actor.require(Permission.ACCOUNTS)
    user = _another(session, actor, name, "停用或启用")
    if not active:
        _keep_an_administrator(session, user)
    audit.record(session, actor.name, "user.active", f"user {user.name}", {"active": user.active}, {"active": active})
    user.active = active
    accounts.end_sign_ins(session, user.id)


def end_sessions(session: Session, actor: Actor, name: str) -> None:
    """Sign an account out everywhere; whoever knows the password may sign in again."""
    actor.require(Permission.ACCOUNTS)
    user = named(session, name)
    accounts.end_sign_ins(session, user.id)
    audit.record(session, actor.name, "user.sessions_ended", f"user {user.name}")


def actor_of(user: User) -> Actor:
    """Who acts in a user's session."""
    return Actor(user.name, permitted(user.role, user.must_change_password), user.id, user.department)


def permitted(role: str, must_change_password: bool) -> frozenset[Permission]:
    """What an account of a role may do: nothing until a one-time password has been changed."""
    return frozenset() if must_change_password else ROLES[role]


def checked_name(name: str) -> str:
    """A name as it is kept.

    Raises
    ------
    InvalidInputError
    """
    name = plain(name)
    if not NAME.fullmatch(name):
        raise InvalidInputError(f"名字“{name[:80]}”不能用：1 至 64 个汉字、字母、数字或 . _ - @，不含空格。", "name")
    return name


def secret_hash(secret: str) -> str:
    """What is kept of a secret too long to guess."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def plain(name: str) -> str:
    """A name as it is meant, however it was typed."""
    return unicodedata.normalize("NFKC", name).strip()


def keep_password(session: Session, actor: str, user: User, password: str, one_time: bool) -> None:
    """Keep a checked password; whoever knew the old one is signed out, whoever mistyped it need not wait."""
    passwords.check_new(password, user.name)
    user.password_hash, user.must_change_password = passwords.hashed(password), one_time
    audit.record(session, actor, "user.password", f"user {user.name}", new={"one_time": one_time})
    accounts.end_sign_ins(session, user.id)
    accounts.forget_wrong_passwords(session, secret_hash(user.name))


def _check_role(role: str) -> None:
    if role not in ROLES:
        allowed = "、".join(f"{one}（{ROLE_NAMES[one]}）" for one in ROLES)
        raise InvalidInputError(f"没有角色“{role}”，可用的有：{allowed}。", field="role")


def _another(session: Session, actor: Actor, name: str, doing: str) -> User:
    user = named(session, name)
    if user.id == actor.user_id:
        raise ConflictError(f"不能给自己的账号{doing}，请另一位管理员来做。")
    return user


def _keep_an_administrator(session: Session, user: User) -> None:
    if [one.id for one in accounts.active_of_role(session, "admin")] == [user.id]:
        raise ConflictError(f"“{user.name}”是最后一个可用的管理员，请先另设一个。")
