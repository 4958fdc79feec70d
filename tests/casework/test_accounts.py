"""Accounts, sessions and tokens: what is kept, what is refused, and when they end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from casework.service import accounts, passwords, sessions, tokens
from casework.service.permissions import ROLES, Actor, Permission, console
from casework.storage import audit
from casework.storage.database import Database
from casework.storage.tables import SignIn, Token, User, WrongPassword
from classifier.errors import ConflictError, FenbanError, InvalidInputError, NotAllowedError, NotSignedInError
from tests.clients import PASSWORD

IDLE = timedelta(minutes=30)


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)

    def now(self) -> datetime:
        """The moment."""
        return self.moment

    def turn(self, **by: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of accounts, sessions and tokens."""
    clock = Clock()
    monkeypatch.setattr("casework.service.clock.now", clock.now)
    return clock


@pytest.fixture
def office(database: Database, clock: Clock) -> Database:
    """A register with an administrator, a supervisor and a clerk."""
    with database.writing() as session:
        for name, role in (("王主任", "admin"), ("李主管", "supervisor"), ("zhang", "triage")):
            accounts.add_user(session, console(), name, role, PASSWORD)
    return database


def change(database: Database, service: Callable[..., object], *arguments: object, **named: object) -> object:
    """Call a service as the person at the machine, in a transaction of its own."""
    with database.writing() as session:
        return service(session, console(), *arguments, **named)


def audited(database: Database) -> list[tuple[str, str, str]]:
    """Who did what to whom, the newest last."""
    with database.reading() as session:
        return [(one.actor, one.action, one.subject) for one in reversed(audit.entries(session))]


def test_a_password_signs_in(office: Database) -> None:
    """The session is its user's, with the role's permissions; names are meant as typed, however wide."""
    secret, user = sessions.sign_in(office, " ｚｈａｎｇ ", PASSWORD)
    assert user.name == "zhang"
    found = sessions.user_of_session(office, secret, IDLE)
    assert found is not None
    assert accounts.actor_of(found) == Actor("zhang", ROLES["triage"], found.id, None)
    assert audited(office)[-1] == ("zhang", "user.signed_in", "user zhang")


def test_no_secret_is_kept(office: Database) -> None:
    """Neither password, nor session, nor token can be read from the register or its audit trail."""
    secret, _ = sessions.sign_in(office, "zhang", PASSWORD)
    token = str(change(office, tokens.create_token, "平台", ["suggest"], 1))
    with office.reading() as session:
        kept = [vars(row) for table in (User, SignIn, Token) for row in session.scalars(select(table))]
        kept += [vars(row) for row in audit.entries(session)]
    assert not any(one in repr(kept) for one in (PASSWORD, secret, token))
    assert len(token) == len("fb_") + 43


REFUSED = [
    (["a b", "triage", PASSWORD], "不能用"),
    (["", "triage", PASSWORD], "不能用"),
    (["x" * 65, "triage", PASSWORD], "不能用"),
    (["nul\x00", "triage", PASSWORD], "不能用"),
    (["new", "boss", PASSWORD], "没有角色“boss”"),
    (["new", "triage", "short"], "至少要 12 个字符"),
    (["new", "triage", " " * 20], "至少要 12 个字符"),
    (["somebody", "triage", "SomebodySomebody"], "不能以用户名为主"),
    (["zhang", "triage", PASSWORD], "已有账号“zhang”"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_accounts_that_are_refused(office: Database, arguments: list[str], message: str) -> None:
    """Each with what to do, and nothing is kept."""
    with pytest.raises(FenbanError, match=message):
        change(office, accounts.add_user, *arguments)
    with office.reading() as session:
        assert len(session.scalars(select(User)).all()) == 3


def test_who_may_not_manage_accounts_does_not(office: Database) -> None:
    """A supervisor is refused each of it."""
    supervisor = Actor("李主管", ROLES["supervisor"])
    for service, arguments in (
        (accounts.add_user, ("new", "admin", PASSWORD)),
        (accounts.set_password, ("王主任", PASSWORD)),
        (accounts.set_role, ("李主管", "admin")),
        (accounts.set_active, ("王主任", False)),
        (tokens.create_token, ("t", ["suggest"], 1)),
        (tokens.revoke_token, ("t",)),
    ):
        with pytest.raises(NotAllowedError, match="管理账号"), office.writing() as session:
            service(session, supervisor, *arguments)


@pytest.mark.parametrize("name", ["zhang", "nobody", "nul\x00", "长" * 300])
def test_wrong_passwords_make_people_wait(office: Database, clock: Clock, name: str) -> None:
    """After three in a row, longer each time and no longer than five minutes; for unknown names alike."""
    for wait_s in (0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
        with pytest.raises(NotSignedInError, match="用户名或密码不对"):
            sessions.sign_in(office, name, "wrong")
        if wait_s:
            clock.turn(seconds=wait_s - 0.5)
            with pytest.raises(NotSignedInError, match="请等 1 秒"):
                sessions.sign_in(office, name, "wrong")
            clock.turn(seconds=0.5)


def test_a_right_password_within_the_delay_is_refused(office: Database, clock: Clock) -> None:
    """And accepted after it, which begins the count anew."""
    for _ in range(3):
        with pytest.raises(NotSignedInError):
            sessions.sign_in(office, "zhang", "wrong")
    with pytest.raises(NotSignedInError, match="请等 1 秒"):
        sessions.sign_in(office, "zhang", PASSWORD)
    clock.turn(seconds=1)
    sessions.sign_in(office, "zhang", PASSWORD)
    with office.reading() as session:
        assert session.scalars(select(WrongPassword)).all() == []


def test_old_mistakes_are_forgotten(office: Database, clock: Clock) -> None:
    """After a day; and the names that were typed are not kept, which might be passwords."""
    with pytest.raises(NotSignedInError):
        sessions.sign_in(office, "typed-by-mistake", "wrong")
    with office.reading() as session:
        assert "typed" not in session.scalars(select(WrongPassword)).one().name
    clock.turn(days=1, seconds=1)
    sessions.sign_in(office, "zhang", PASSWORD)
    with office.reading() as session:
        assert session.scalars(select(WrongPassword)).all() == []


def test_many_guesses_at_once_are_no_way_around_the_delay(office: Database) -> None:
    """Each is counted before it is looked at."""
    refused: list[str] = []

    def guess() -> None:
        try:
            sessions.sign_in(office, "zhang", "wrong")
        except NotSignedInError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("用户名或密码不对" in one for one in refused) == 3
    assert len(refused) == 8


def test_an_unknown_name_costs_a_hash_too(office: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that names cannot be told by the time it takes."""
    looked_at = []

    class Counting(PasswordHasher):
        def verify(self, *arguments: object) -> bool:
            looked_at.append(arguments)
            return super().verify(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(passwords, "HASHER", Counting(1, 8, 1))
    for name in ("zhang", "nobody"):
        with pytest.raises(NotSignedInError):
            sessions.sign_in(office, name, "wrong")
    assert len(looked_at) == 2


def test_stronger_parameters_reach_old_accounts(office: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """At their next sign-in."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(2, 16, 1))
    _, user = sessions.sign_in(office, "zhang", PASSWORD)
    assert "m=16,t=2" in user.password_hash
    sessions.sign_in(office, "zhang", PASSWORD)


def test_sessions_end(office: Database, clock: Clock) -> None:
    """After half an hour without a request, and after twelve hours whatever happens."""
    idle, busy = (sessions.sign_in(office, "zhang", PASSWORD)[0] for _ in range(2))
    for _ in range(12 * 4):
        assert sessions.user_of_session(office, busy, IDLE)
        clock.turn(minutes=15)
    assert sessions.user_of_session(office, busy, IDLE)
    assert sessions.user_of_session(office, idle, IDLE) is None
    clock.turn(seconds=1)
    assert sessions.user_of_session(office, busy, IDLE) is None
    with office.writing() as session:
        assert len(session.scalars(select(SignIn)).all()) == 2
    sessions.sign_in(office, "zhang", PASSWORD)
    with office.reading() as session:
        assert len(session.scalars(select(SignIn)).all()) == 1


def test_requests_are_noted_once_a_minute(office: Database, clock: Clock) -> None:
    """Not each of them writes."""
    secret, _ = sessions.sign_in(office, "zhang", PASSWORD)
    noted = []
    for _ in range(4):
        clock.turn(seconds=40)
        sessions.user_of_session(office, secret, IDLE)
        with office.reading() as session:
            noted.append(session.scalars(select(SignIn.last_seen_at)).one())
    assert len(set(noted)) == 3
    assert noted[-1] == clock.moment


@pytest.mark.parametrize(
    ("service", "arguments"),
    [
        (accounts.set_password, ("zhang", PASSWORD + "!")),
        (accounts.set_active, ("zhang", False)),
        (accounts.set_role, ("zhang", "supervisor")),
    ],
)
def test_changes_of_an_account_end_its_sessions(
    office: Database, service: Callable[..., None], arguments: tuple[object, ...]
) -> None:
    """And nobody else's; each is on record."""
    ended, other = (sessions.sign_in(office, name, PASSWORD)[0] for name in ("zhang", "李主管"))
    change(office, service, *arguments)
    assert sessions.user_of_session(office, ended, IDLE) is None
    assert sessions.user_of_session(office, other, IDLE)
    actor, action, subject = audited(office)[-1]
    assert (actor, action.startswith("user."), subject) == (console().name, True, "user zhang")


def test_a_session_can_be_ended(office: Database) -> None:
    """By signing out."""
    secret, _ = sessions.sign_in(office, "zhang", PASSWORD)
    with office.writing() as session:
        sessions.sign_out(session, secret)
    assert sessions.user_of_session(office, secret, IDLE) is None


def test_a_closed_account_stays_out_until_opened(office: Database) -> None:
    """As if the password were wrong."""
    change(office, accounts.set_active, "zhang", False)
    with pytest.raises(NotSignedInError, match="用户名或密码不对"):
        sessions.sign_in(office, "zhang", PASSWORD)
    change(office, accounts.set_active, "zhang", True)
    sessions.sign_in(office, "zhang", PASSWORD)


def test_changing_ones_own_password(office: Database) -> None:
    """Ends all sessions but the new one; the old password is asked for, and a new one that is no better refused."""
    old, user = sessions.sign_in(office, "zhang", PASSWORD)
    for given, wanted, message in (
        ("wrong", PASSWORD + "!", "密码不对"),
        (PASSWORD, "short", "至少要 12"),
        (PASSWORD, PASSWORD, "相同"),
    ):
        with pytest.raises(FenbanError, match=message):
            sessions.change_password(office, user, given, wanted)
    new = sessions.change_password(office, user, PASSWORD, PASSWORD + "!")
    assert sessions.user_of_session(office, old, IDLE) is None
    assert sessions.user_of_session(office, new, IDLE)
    sessions.sign_in(office, "zhang", PASSWORD + "!")


def test_an_administrator_remains(office: Database) -> None:
    """The last one can be neither closed nor made something else."""
    for service, arguments in ((accounts.set_active, ("王主任", False)), (accounts.set_role, ("王主任", "triage"))):
        with pytest.raises(ConflictError, match="最后一个可用的管理员"):
            change(office, service, *arguments)
    change(office, accounts.set_role, "李主管", "admin")
    change(office, accounts.set_active, "王主任", False)


def test_the_first_administrator(database: Database) -> None:
    """Is made once, may do nothing before the one-time password is changed, and then everything."""
    password = str(change(database, accounts.first_administrator))
    assert change(database, accounts.first_administrator) is None
    _, user = sessions.sign_in(database, accounts.FIRST_ADMINISTRATOR, password)
    assert not accounts.actor_of(user).permissions
    secret = sessions.change_password(database, user, password, PASSWORD)
    changed = sessions.user_of_session(database, secret, IDLE)
    assert changed is not None
    assert accounts.actor_of(changed).permissions == frozenset(Permission)


@pytest.mark.parametrize("made", [sessions.cookie_key, lambda database: change(database, accounts.first_administrator)])
def test_two_starts_at_once_agree(database: Database, database_url: str, made: Callable[[Database], object]) -> None:
    """On the key that signs cookies, and on who makes the first administrator."""
    found: list[object] = []
    barrier = threading.Barrier(4)

    def start() -> None:
        own = Database(database_url)
        barrier.wait()
        found.append(made(own))
        own.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found) - {None}) == 1


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
    office: Database, wanted: dict[str, object], error: type[FenbanError], message: str
) -> None:
    """Each with what to do."""
    change(office, tokens.create_token, "taken", ["suggest"], 1)
    with pytest.raises(error, match=message):
        change(office, tokens.create_token, **({"name": "new", "scopes": ["suggest"], "days": 1} | wanted))


def actor_of_token(database: Database, secret: object) -> Actor:
    """Who acts with it."""
    with database.reading() as session:
        return tokens.actor_of_token(session, str(secret))


def test_whose_name_a_token_acts_in(office: Database) -> None:
    """Its own, or its user's; it never opens more than the user's role does today."""
    alone = change(office, tokens.create_token, "平台", ["suggest", "read"], 1)
    assert actor_of_token(office, alone) == Actor("接口 平台", frozenset({Permission.SUGGEST, Permission.READ}))
    behind = change(office, tokens.create_token, "同步", ["decide", "audit"], 1, "李主管")
    actor = actor_of_token(office, behind)
    assert (actor.name, actor.permissions) == ("李主管（接口 同步）", {Permission.DECIDE, Permission.AUDIT})
    assert actor.user_id is not None
    change(office, accounts.set_role, "李主管", "triage", "land")
    actor = actor_of_token(office, behind)
    assert (actor.permissions, actor.department) == ({Permission.DECIDE}, "land")


def test_tokens_end(office: Database, clock: Clock) -> None:
    """When they expire, are revoked, or their user's account is closed; and wrong ones open nothing."""
    made = {name: change(office, tokens.create_token, name, ["suggest"], 2, "zhang") for name in ("甲", "乙", "丙")}
    change(office, tokens.revoke_token, "甲")
    for secret, message in ((made["甲"], "“甲”已撤销"), ("fb_x", "令牌不对"), ("", "令牌不对"), ("\ud800", "令牌不对")):
        with pytest.raises(NotSignedInError, match=message):
            actor_of_token(office, secret)
    change(office, accounts.set_active, "zhang", False)
    with pytest.raises(NotSignedInError, match="“zhang”已停用"):
        actor_of_token(office, made["乙"])
    change(office, accounts.set_active, "zhang", True)
    clock.turn(days=2, seconds=-1)
    actor_of_token(office, made["丙"])
    clock.turn(seconds=1)
    with pytest.raises(NotSignedInError, match="“丙”已过期"):
        actor_of_token(office, made["丙"])
    assert {"token.created", "token.revoked"} <= {action for _, action, _ in audited(office)}
