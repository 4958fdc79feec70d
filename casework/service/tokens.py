"""Tokens: keys for programs, shown once, limited in what they open and for how long."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from casework.service import clock
from casework.service.accounts import checked_name, named, permitted, secret_hash
from casework.service.permissions import NAMES, ROLE_NAMES, ROLES, Actor, Permission
from casework.storage import accounts, audit
from casework.storage.accounts import Holder
from casework.storage.database import Database, Session
from casework.storage.tables import Token
from classifier.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, NotSignedInError

PREFIX = "fb_"
MAX_DAYS = 365
NEED_A_PERSON = frozenset({Permission.DECIDE, Permission.OVERRULE, Permission.ORIGINALS, Permission.ACCOUNTS})


def create_token(
    session: Session, actor: Actor, name: str, scopes: Collection[str], days: int, user: str | None = None
) -> str:
    """Make a token.

    Parameters
    ----------
    scopes : collection of str
        Values of :class:`casework.service.permissions.Permission`.
    days : int
        How long it opens anything, at most a year.
    user : str, optional
        The account in whose name it acts. It never opens more than that account's role does.

    Returns
    -------
    str
        The token itself. Only its hash is kept, so it is seen this once.

    Raises
    ------
    InvalidInputError
        A scope or number of days that is none of those allowed.
    NotAllowedError
        A scope beyond the account's role, or one that needs an account.
    ConflictError
        The name is taken.
    """
    actor.require(Permission.ACCOUNTS)
    name, wanted = checked_name(name), _scopes(scopes)
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInputError(f"有效期 {days} 天不行，应为 1 至 {MAX_DAYS} 天。", field="days")
    owner = named(session, user) if user is not None else None
    if owner is None and (missing := wanted & NEED_A_PERSON):
        raise NotAllowedError(f"“{_in_words(missing)}”要有人负责，请指定账号。", field="user")
    if owner and (beyond := wanted - ROLES[owner.role]):
        raise NotAllowedError(
            f"“{owner.name}”是{ROLE_NAMES[owner.role]}，没有“{_in_words(beyond)}”的权限。", field="scopes"
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    moment, granted = clock.now(), sorted(wanted)
    expires = moment + timedelta(days=days)
    kept = {"secret_hash": secret_hash(secret), "created_at": moment, "user_id": owner and owner.id}
    if not accounts.add_token(session, name=name, scopes=granted, expires_at=expires, **kept):
        raise ConflictError(f"已有令牌“{name}”（可能已撤销），请换一个名字。", field="name")
    new = {"scopes": granted, "expires_at": expires.isoformat(), "user": owner and owner.name}
    audit.record(session, actor.name, "token.created", f"token {name}", new=new)
    return secret


def all_tokens(session: Session, actor: Actor) -> list[tuple[Token, str | None]]:
    """All tokens by name, each with the name of the account behind it."""
    actor.require(Permission.ACCOUNTS)
    return accounts.tokens(session)


def revoke_token(session: Session, actor: Actor, name: str) -> None:
    """Stop a token at once and for good.

    Raises
    ------
    NotFoundError
    """
    actor.require(Permission.ACCOUNTS)
    token = accounts.token(session, checked_name(name))
    if token is None:
        raise NotFoundError(f"没有令牌“{name}”，请核对名字。")
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        audit.record(session, actor.name, "token.revoked", f"token {token.name}")


def actor_of_token(database: Database, secret: str) -> Actor:
    """Who acts with a token.

    Raises
    ------
    NotSignedInError
        There is no such token, or it opens nothing any more.
    """
    key = secret_hash(secret)
    actor, expires_at = database.remembered(("token", key), lambda: _acting(database, key))
    if clock.now() >= expires_at:
        actor, _ = _acting(database, key)  # which says that it has expired
    return actor


def _acting(database: Database, key: str) -> tuple[Actor, datetime]:
    """Who acts with the token of a hash, and until when; errors as :func:`actor_of_token`."""
    holder = accounts.holder(database, key)
    if holder is None:
        raise NotSignedInError("令牌不对，请检查是否完整，或请管理员另发一个。")
    if why := ended(holder) or (holder.active is False and f"所属账号“{holder.user}”已停用"):
        raise NotSignedInError(f"令牌“{holder.token}”{why}，请管理员另发一个。")
    scopes, name = frozenset(map(Permission, holder.scopes)), f"接口 {holder.token}"
    if holder.role is None:
        return Actor(name, scopes), holder.expires_at
    scopes &= permitted(holder.role, bool(holder.must_change_password))
    return Actor(f"{holder.user}（{name}）", scopes, holder.user_id, holder.department), holder.expires_at


def ended(token: Token | Holder) -> str:
    """Why a token opens nothing any more; empty while it does."""
    if token.revoked_at is not None:
        return "已撤销"
    return "已过期" if clock.now() >= token.expires_at else ""


def _scopes(names: Collection[str]) -> frozenset[Permission]:
    try:
        if scopes := frozenset(map(Permission, names)):
            return scopes
    except ValueError:
        pass
    allowed = "、".join(f"{one.value}（{NAMES[one]}）" for one in Permission)
    raise InvalidInputError(f"没有这样的权限：{'、'.join(names) or '空'}。可用的有：{allowed}。", field="scopes")


def _in_words(permissions: Collection[Permission]) -> str:
    return "、".join(NAMES[one] for one in sorted(permissions))
