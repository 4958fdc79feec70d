"""账号: who may sign in, as what, and for which department; nothing of what they do is counted."""

from __future__ import annotations

from flask import Blueprint
from werkzeug import Response

from casework.service import accounts, passwords, trail
from casework.service.accounts import User
from casework.service.permissions import NAMES, ROLE_NAMES, ROLES, Permission
from casework.storage.database import Session
from casework.web.database import database
from casework.web.desk import desk
from casework.web.pages.settings.frame import NONE, Refusal, done, options, seen, show, typed
from classifier.errors import ConflictError, InvalidInputError

blueprint = Blueprint("staff", __name__, url_prefix="/staff")


@blueprint.get("")
def page(refusal: Refusal = NONE, opened: tuple[str, str] | None = None) -> tuple[str, int]:
    """List the accounts; ``opened`` is a name and its one-time password, shown this once."""
    with database().reading() as session:
        users = accounts.all_users(session, desk().actor)
    return show("staff.html", refusal, users=users, opened=opened, **_words())


@blueprint.post("")
def add() -> tuple[str, int]:
    """Open an account with a one-time password."""
    own, password = desk(), passwords.one_time()
    try:
        department = _department()
        with database().writing() as session:
            user = accounts.add_user(
                session, own.actor, typed("name"), typed("role"), password, department, one_time=True
            )
    except (InvalidInputError, ConflictError) as error:
        return page(Refusal.of(error))
    return page(opened=(user.name, password))


@blueprint.get("/<int:user_id>")
def person(user_id: int, refusal: Refusal = NONE, password: str | None = None) -> tuple[str, int]:
    """Show an account and what can be changed of it; a new ``password`` is shown this once."""
    own = desk()
    with database().reading() as session:
        user = accounts.numbered(session, own.actor, user_id)
        version = trail.seen(session, [_subject(user)])
    mine = user.id == own.actor.user_id
    return show("person.html", refusal, user=user, mine=mine, password=password, seen=version, **_words())


@blueprint.post("/<int:user_id>/role")
def set_role(user_id: int) -> Response | tuple[str, int]:
    """Give an account another role or department."""
    own = desk()
    try:
        role, department = typed("role"), _department()
        with database().writing() as session:
            user = _unchanged(session, user_id)
            accounts.set_role(session, own.actor, user.name, role, department)
    except (InvalidInputError, ConflictError) as error:
        return person(user_id, Refusal.of(error))
    return done(f"{user.name} 现在是{ROLE_NAMES[role]}，再次登录后生效。", "settings.staff.person", user_id=user_id)


@blueprint.post("/<int:user_id>/password")
def set_password(user_id: int) -> tuple[str, int]:
    """Give an account a one-time password."""
    own, password = desk(), passwords.one_time()
    with database().writing() as session:
        user = accounts.numbered(session, own.actor, user_id)
        accounts.set_password(session, own.actor, user.name, password, one_time=True)
    return person(user_id, password=password)


@blueprint.post("/<int:user_id>/active")
def set_active(user_id: int) -> Response | tuple[str, int]:
    """Close an account or open it again."""
    own, active = desk(), typed("active") == "yes"
    try:
        with database().writing() as session:
            user = _unchanged(session, user_id)
            accounts.set_active(session, own.actor, user.name, active)
    except ConflictError as error:
        return person(user_id, Refusal.of(error))
    words = f"已启用 {user.name}。" if active else f"已停用 {user.name}，其登录和令牌都已失效。"
    return done(words, "settings.staff.person", user_id=user_id)


@blueprint.post("/<int:user_id>/sign-out")
def end_sessions(user_id: int) -> Response:
    """Sign an account out everywhere."""
    own = desk()
    with database().writing() as session:
        user = accounts.numbered(session, own.actor, user_id)
        accounts.end_sessions(session, own.actor, user.name)
    return done(f"{user.name} 的登录已全部结束。", "settings.staff.person", user_id=user_id)


def _words() -> dict[str, object]:
    taxonomy = desk().taxonomy
    may = {role: "、".join(NAMES[one] for one in Permission if one in ROLES[role]) for role in ROLES}
    departments = options(taxonomy.departments, "不限，全部部门")
    return {"departments": departments, "roles": list(ROLE_NAMES.items()), "names": taxonomy.names, "may": may}


def _department() -> str | None:
    chosen = typed("department")
    if chosen and chosen not in {one.id for one in desk().taxonomy.departments}:
        raise InvalidInputError(f"没有“{chosen[:40]}”这个部门，请重新选。", field="department")
    return chosen or None


def _unchanged(session: Session, user_id: int) -> User:
    """The account, if nobody has changed it since it was shown."""
    own = desk()
    user = accounts.numbered(session, own.actor, user_id)
    trail.check_unchanged(session, own.office, [_subject(user)], seen())
    return user


def _subject(user: User) -> str:
    return f"user {user.name}"
