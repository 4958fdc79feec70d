"""Tokens for programs: what they open, in whose name, and until when."""

from __future__ import annotations

import pytest

from casework.service import accounts, tokens
from casework.service.permissions import Actor, Permission
from casework.storage.database import Database
from classifier.errors import ConflictError, FenbanError, InvalidInputError, NotAllowedError, NotSignedInError
from tests.clients import audited, change
from tests.clock import Clock

TOKENS_REFUSED = [
    ({"name": "a b"}, InvalidInputError, "不能用"),
    ({"scopes": ["everything"]}, InvalidInputError, "没有这样的权限：everything"),
    ({"scopes": []}, InvalidInputError, "没有这样的权限"),
    ({"days": 0}, InvalidInputError, "1 至 365 天"),
    ({"days": 366}, InvalidInputError, "1 至 365 天"),
    ({"scopes": ["decide"]}, NotAllowedError, "要有人负责"),
    ({"scopes": ["originals"]}, NotAllowedError, "要有人负责"),
    ({"scopes": ["accounts"]}, NotAllowedError, "要有人负责"),
    ({"scopes": ["audit"], "user": "zhang"}, NotAllowedError, "没有“查看操作记录”的权限"),
    ({"user": "nobody"}, FenbanError, "没有账号“nobody”"),
    ({"name": "taken"}, ConflictError, "已有令牌“taken”"),
]


@pytest.mark.parametrize(("wanted", "error", "message"), TOKENS_REFUSED)
def test_tokens_that_are_refused(
    staffed: Database, wanted: dict[str, object], error: type[FenbanError], message: str
) -> None:
    """Each with what to do."""
    change(staffed, tokens.create_token, "taken", ["suggest"], 1)
    with pytest.raises(error, match=message):
        change(staffed, tokens.create_token, **({"name": "new", "scopes": ["suggest"], "days": 1} | wanted))


def actor_of_token(database: Database, secret: object) -> Actor:
    """Who acts with it."""
    return tokens.actor_of_token(database, str(secret))


def test_whose_name_a_token_acts_in(staffed: Database) -> None:
    """Its own, or its user's; it never opens more than the user's role does today."""
    alone = change(staffed, tokens.create_token, "平台", ["suggest", "read"], 1)
    assert actor_of_token(staffed, alone) == Actor("接口 平台", frozenset({Permission.SUGGEST, Permission.READ}))
    behind = change(staffed, tokens.create_token, "同步", ["decide", "audit"], 1, "李主管")
    actor = actor_of_token(staffed, behind)
    assert (actor.name, actor.permissions) == ("李主管（接口 同步）", {Permission.DECIDE, Permission.AUDIT})
    assert actor.user_id is not None
    change(staffed, accounts.set_role, "李主管", "triage", "land")
    actor = actor_of_token(staffed, behind)
    assert (actor.permissions, actor.department) == ({Permission.DECIDE}, "land")


def test_tokens_end(staffed: Database, clock: Clock) -> None:
    """When they expire, are revoked, or their user's account is closed; and wrong ones open nothing."""
    made = {name: change(staffed, tokens.create_token, name, ["suggest"], 2, "zhang") for name in ("甲", "乙", "丙")}
    change(staffed, tokens.revoke_token, "甲")
    for secret, message in ((made["甲"], "“甲”已撤销"), ("fb_x", "令牌不对"), ("", "令牌不对"), ("\ud800", "令牌不对")):
        with pytest.raises(NotSignedInError, match=message):
            actor_of_token(staffed, secret)
    change(staffed, accounts.set_active, "zhang", False)
    with pytest.raises(NotSignedInError, match="“zhang”已停用"):
        actor_of_token(staffed, made["乙"])
    change(staffed, accounts.set_active, "zhang", True)
    clock.turn(days=2, seconds=-1)
    actor_of_token(staffed, made["丙"])
    clock.turn(seconds=1)
    with pytest.raises(NotSignedInError, match="“丙”已过期"):
        actor_of_token(staffed, made["丙"])
    assert {"token.created", "token.revoked"} <= {action for _, action, _ in audited(staffed)}
