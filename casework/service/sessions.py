"""Sessions: how staff prove who they are, and when they must again."""

from __future__ import annotations

import secrets
from datetime import timedelta
from math import ceil

from casework.service import clock, passwords
from casework.service.accounts import NAME, keep_password, plain, secret_hash
from casework.storage import accounts, audit
from casework.storage.database import Database, Session
from casework.storage.tables import User
from classifier.errors import InvalidInputError, NotSignedInError

LASTS = timedelta(hours=12)
_NOTED_EVERY = timedelta(minutes=1)
_MISTAKES_KEPT = timedelta(days=1)
_WRONG = "用户名或密码不对，请检查大小写和输入法。"


def sign_in(database: Database, name: str, password: str) -> tuple[str, User]:
    """Begin a session with a password.

    The attempt is counted as wrong before the password is looked at, so that many at once are no
    way around the delay, and no transaction is open while the password is hashed.

    Returns
    -------
    secret : str
        Proves the session from now on; only its hash is kept.
    user : User

    Raises
    ------
    NotSignedInError
        Name and password do not belong together, or it is too early to try again.
    """
    checked = _check_password(database, plain(name), password)
    with database.writing() as session:
        user = _confirmed(session, checked)
        if passwords.outdated(user.password_hash):
            user.password_hash = passwords.hashed(password)
        audit.record(session, user.name, "user.signed_in", f"user {user.name}")
        return _begin_session(session, user), user


def change_password(database: Database, user: User, old: str, new: str) -> str:
    """Change one's own password; all sessions end and a new one begins, whose secret is returned.

    Raises
    ------
    NotSignedInError
        The old password is wrong, or it is too early to try again.
    InvalidInputError
        The new one is not allowed, or is the old one.
    """
    passwords.check_new(new, user.name)
    if old == new:
        raise InvalidInputError("新密码与当前密码相同，请换一个。")
    checked = _check_password(database, user.name, old)
    with database.writing() as session:
        user = _confirmed(session, checked)
        keep_password(session, user.name, user, new, one_time=False)
        return _begin_session(session, user)


def sign_out(session: Session, secret: str) -> None:
    """End a session."""
    if found := accounts.sign_in(session, secret_hash(secret)):
        user = accounts.user_of(session, found.user_id)
        accounts.end_sign_in(session, found.secret_hash)
        audit.record(session, user.name, "user.signed_out", f"user {user.name}")


def user_of_session(database: Database, secret: str, idle: timedelta, *, present: bool = True) -> User | None:
    """Whose session it is, or None where it has ended: after ``idle`` without a request, or 12 hours in all.

    Parameters
    ----------
    present : bool
        Whether the request shows that somebody is there; what a page asks by itself does not.
    """
    key, moment = secret_hash(secret), clock.now()
    with database.reading() as session:
        found = accounts.sign_in(session, key)
        if found is None or moment > found.created_at + LASTS or moment > found.last_seen_at + idle:
            return None
        user = accounts.user_of(session, found.user_id)
    if not user.active:
        return None
    if present and moment > found.last_seen_at + _NOTED_EVERY:
        with database.writing() as session:
            if again := accounts.sign_in(session, key):
                again.last_seen_at = moment
    return user


def cookie_key(database: Database) -> str:
    """The key that signs cookies: made once, the same for all processes of an office."""
    with database.reading() as session:
        found = accounts.setting(session, "cookie_key")
    if found is None:
        with database.writing() as session:
            found = accounts.setting_once(session, "cookie_key", {"key": secrets.token_hex(32)})
    return str(found["key"])


def _check_password(database: Database, name: str, password: str) -> User:
    """The active account they belong to; the attempt stays counted as wrong until `_confirmed`.

    Names are counted by hash: passwords get typed into that field.
    """
    key, moment = secret_hash(name), clock.now()
    with database.writing() as session:
        accounts.forget_wrong_passwords(session, before=moment - _MISTAKES_KEPT)
        wrong = accounts.wrong_passwords(session, key, moment)
        wait = wrong.last_at + passwords.wait_after(wrong.count) - moment
        if wait > timedelta(0):
            raise NotSignedInError(f"密码连续输错，请等 {_in_words(wait)}再试；忘了密码请找管理员重设。")
        wrong.count, wrong.last_at = wrong.count + 1, moment
        user = accounts.user(session, name) if NAME.fullmatch(name) else None
    if not passwords.matches(password, user.password_hash if user else None) or user is None or not user.active:
        raise NotSignedInError(_WRONG)
    return user


def _confirmed(session: Session, checked: User) -> User:
    """The account, if nobody closed it or changed its password while this one was being looked at."""
    user = accounts.user_of(session, checked.id)
    if not user.active or user.password_hash != checked.password_hash:
        raise NotSignedInError(_WRONG)
    accounts.forget_wrong_passwords(session, secret_hash(user.name))
    return user


def _begin_session(session: Session, user: User) -> str:
    secret, moment = secrets.token_urlsafe(32), clock.now()
    accounts.end_sign_ins(session, before=moment - LASTS)
    accounts.add_sign_in(session, secret_hash(secret), user.id, moment)
    return secret


def _in_words(wait: timedelta) -> str:
    whole_s = ceil(wait.total_seconds())
    return f"{whole_s} 秒" if whole_s < 60 else f"{ceil(whole_s / 60)} 分钟"
