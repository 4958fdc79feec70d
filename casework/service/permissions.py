"""Who may do what: roles for people, scopes for programs, and the name behind every change."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from enum import StrEnum

from classifier.errors import NotAllowedError


class Permission(StrEnum):
    """Something an account or a token may do; also the names of a token's scopes."""

    SUGGEST = "suggest"
    READ = "read"
    REGISTER = "register"
    DECIDE = "decide"
    OVERRULE = "overrule"
    EXCHANGE = "exchange"
    ORIGINALS = "originals"
    WATCH = "watch"
    MODELS = "models"
    OFFICE = "office"
    AUDIT = "audit"
    ACCOUNTS = "accounts"


NAMES = {
    Permission.SUGGEST: "要建议",
    Permission.READ: "查看诉求件",
    Permission.REGISTER: "登记",
    Permission.DECIDE: "分办、退回、办结",
    Permission.OVERRULE: "撤回别人的决定",
    Permission.EXCHANGE: "导入导出",
    Permission.ORIGINALS: "查看原文",
    Permission.WATCH: "查看统计",
    Permission.MODELS: "管理模型",
    Permission.OFFICE: "设置时限和节假日",
    Permission.AUDIT: "查看操作记录",
    Permission.ACCOUNTS: "管理账号",
}

_TRIAGE = frozenset({Permission.SUGGEST, Permission.READ, Permission.REGISTER, Permission.DECIDE})
ROLES = {
    "triage": _TRIAGE,
    "supervisor": frozenset(Permission) - {Permission.ACCOUNTS},
    "admin": frozenset(Permission),
}
ROLE_NAMES = {"triage": "分办员", "supervisor": "主管", "admin": "管理员"}


@dataclass(frozen=True)
class Actor:
    """Whoever asks for something: a member of staff, a program, or the command line.

    Attributes
    ----------
    name : str
        Written beside every change.
    permissions : frozenset of Permission
    user_id : int or None
        The account behind it; without one there is no deciding.
    department : str or None
        The only department whose cases are seen; None for all.
    """

    name: str
    permissions: frozenset[Permission]
    user_id: int | None = None
    department: str | None = None

    def require(self, permission: Permission) -> None:
        """Refuse what is not allowed.

        Raises
        ------
        NotAllowedError
        """
        if permission not in self.permissions:
            raise NotAllowedError(f"“{self.name}”没有“{NAMES[permission]}”的权限，请联系管理员。")


def console() -> Actor:
    """The person at the machine, who could open every file anyway."""
    return Actor(f"命令行 {getpass.getuser()}", frozenset(Permission))
