"""`fenban user …` and `fenban token …`: accounts for staff, tokens for programs."""

from __future__ import annotations

import click

from casework.service.permissions import ROLE_NAMES, ROLES, Permission, console
from classifier.errors import InvalidInputError
from commands.opening import writing
from settings import Settings

# The database library takes long to import, so each command imports what needs it.

_one_time = click.option("--one-time", is_flag=True, help="生成一次性密码并打印，首次登录时须修改")
_role = click.option("--role", type=click.Choice(list(ROLES)), required=True, help="分办员、主管或管理员")
_department = click.option("--department", default=None, help="只看这个部门主办的件（代号或名称），默认不限")


@click.group()
def user() -> None:
    """账号。"""


@user.command("add")
@click.argument("name")
@_role
@_department
@_one_time
def user_add(name: str, role: str, department: str | None, one_time: bool) -> None:
    """新建账号 NAME，密码输入两遍。"""
    from casework.service import accounts

    department = _department_id(department)
    password = _new_password(one_time)
    with writing() as session:
        added = accounts.add_user(session, console(), name, role, password, department, one_time)
    click.echo(f"已建账号 {added.name}（{ROLE_NAMES[role]}）")
    _show(password, one_time)


@user.command("list")
def user_list() -> None:
    """列出账号。"""
    from casework.storage import accounts as stored

    with writing() as session:
        for one in stored.users(session):
            state = "" if one.active else "\t已停用"
            click.echo(f"{one.name}\t{ROLE_NAMES[one.role]}\t{one.department or '全部部门'}{state}")


@user.command("role")
@click.argument("name")
@_role
@_department
def user_role(name: str, role: str, department: str | None) -> None:
    """改变账号 NAME 的角色和部门。"""
    from casework.service import accounts

    department = _department_id(department)
    with writing() as session:
        accounts.set_role(session, console(), name, role, department)
    click.echo(f"{name} 现在是{ROLE_NAMES[role]}")


@user.command("disable")
@click.argument("name")
def user_disable(name: str) -> None:
    """停用账号 NAME：马上退出，其令牌也停用。"""
    from casework.service import accounts

    with writing() as session:
        accounts.set_active(session, console(), name, active=False)
    click.echo(f"已停用 {name}")


@user.command("enable")
@click.argument("name")
def user_enable(name: str) -> None:
    """重新启用账号 NAME。"""
    from casework.service import accounts

    with writing() as session:
        accounts.set_active(session, console(), name, active=True)
    click.echo(f"已启用 {name}")


@user.command("password")
@click.argument("name")
@_one_time
def user_password(name: str, one_time: bool) -> None:
    """重设账号 NAME 的密码。"""
    from casework.service import accounts

    password = _new_password(one_time)
    with writing() as session:
        accounts.set_password(session, console(), name, password, one_time)
    click.echo(f"已重设 {name} 的密码")
    _show(password, one_time)


@click.group()
def token() -> None:
    """接口令牌。"""


@token.command("create")
@click.option("--name", required=True, help="令牌叫什么，记在每次改动旁边")
@click.option("--scope", "scopes", multiple=True, default=[Permission.SUGGEST.value], help="可以做什么，可多次给出")
@click.option("--days", default=90, show_default=True, help="有效天数，最多 365")
@click.option("--user", "owner", default=None, help="以哪个账号的名义")
def token_create(name: str, scopes: tuple[str, ...], days: int, owner: str | None) -> None:
    """新建令牌并打印；只显示这一次。"""
    from casework.service import tokens

    with writing() as session:
        secret = tokens.create_token(session, console(), name, scopes, days, owner)
    click.echo(secret)


@token.command("list")
def token_list() -> None:
    """列出令牌。"""
    from casework.service import tokens
    from casework.storage import accounts as stored

    with writing() as session:
        for one, owner in stored.tokens(session):
            state = tokens.ended(one) or f"有效至 {one.expires_at.astimezone():%Y-%m-%d}"
            click.echo(f"{one.name}\t{owner or '无账号'}\t{','.join(one.scopes)}\t{state}")


@token.command("revoke")
@click.argument("name")
def token_revoke(name: str) -> None:
    """撤销令牌 NAME，马上生效。"""
    from casework.service import tokens

    with writing() as session:
        tokens.revoke_token(session, console(), name)
    click.echo(f"已撤销 {name}")


def _new_password(one_time: bool) -> str:
    from casework.service import passwords

    if one_time:
        return passwords.one_time()
    password: str = click.prompt("密码", hide_input=True, confirmation_prompt="再输一遍", err=True)
    return password


def _show(password: str, one_time: bool) -> None:
    if one_time:
        click.echo(f"一次性密码：{password}")


def _department_id(label: str | None) -> str | None:
    """The id of a department, from its id or name, by the current model's taxonomy where there is a model."""
    if label is None:
        return None
    from casework.service.releases import taxonomy as current_taxonomy

    taxonomy = current_taxonomy(Settings().models_dir)
    if (found := taxonomy.department_id(label)) is None:
        names = "、".join(f"{one.id}（{one.name}）" for one in taxonomy.departments)
        raise InvalidInputError(f"没有部门“{label}”，可用的有：{names}。")
    return found
