"""Accounts, sessions and tokens: what is kept, what is refused, and when they end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from casework.service import accounts, passwords, sessions, tokens
from casework.service.permissions import ROLES, Actor, Permission, console
from casework.storage import audit
from casework.storage.database import Database
from casework.storage.tables import SignIn, Token, User, WrongPassword
from classifier.errors import ConflictError, FenbanError, NotAllowedError, NotSignedInError
from tests.clients import PASSWORD, audited, change
from tests.clock import Clock

IDLE = timedelta(minutes=30)


def test_a_password_signs_in(staffed: Database) -> None:
    """The session is its user's, with the role's permissions; names are meant as typed, however wide."""
    secret, user = sessions.sign_in(staffed, " ｚｈａｎｇ ", PASSWORD)
    assert user.name == "zhang"
    found = sessions.user_of_session(staffed, secret, IDLE)
    assert found is not None
    assert accounts.actor_of(found) == Actor("zhang", ROLES["triage"], found.id, None)
    assert audited(staffed)[-1] == ("zhang", "user.signed_in", "user zhang")


def test_no_secret_is_kept(staffed: Database) -> None:
    """Neither password, nor session, nor token can be read from the register or its audit trail."""
    secret, _ = sessions.sign_in(staffed, "zhang", PASSWORD)
    token = str(change(staffed, tokens.create_token, "平台", ["suggest"], 1))
    with staffed.reading() as session:
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
def test_accounts_that_are_refused(staffed: Database, arguments: list[str], message: str) -> None:
    """Each with what to do, and nothing is kept."""
    with pytest.raises(FenbanError, match=message):
        change(staffed, accounts.add_user, *arguments)
    with staffed.reading() as session:
        assert len(session.scalars(select(User)).all()) == 3


def test_who_may_not_manage_accounts_does_not(staffed: Database) -> None:
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
        with pytest.raises(NotAllowedError, match="管理账号"), staffed.writing() as session:
            service(session, supervisor, *arguments)


@pytest.mark.parametrize("name", ["zhang", "nobody", "nul\x00", "长" * 300])
def test_wrong_passwords_make_people_wait(staffed: Database, clock: Clock, name: str) -> None:
    """After three in a row, longer each time and no longer than five minutes; for unknown names alike."""
    for wait_s in (0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
        with pytest.raises(NotSignedInError, match="用户名或密码不对"):
            sessions.sign_in(staffed, name, "wrong")
        if wait_s:
            clock.turn(seconds=wait_s - 0.5)
            with pytest.raises(NotSignedInError, match="请等 1 秒"):
                sessions.sign_in(staffed, name, "wrong")
            clock.turn(seconds=0.5)


def test_a_right_password_within_the_delay_is_refused(staffed: Database, clock: Clock) -> None:
    """And accepted after it, which begins the count anew."""
    for _ in range(3):
        with pytest.raises(NotSignedInError):
            sessions.sign_in(staffed, "zhang", "wrong")
    with pytest.raises(NotSignedInError, match="请等 1 秒"):
        sessions.sign_in(staffed, "zhang", PASSWORD)
    clock.turn(seconds=1)
    sessions.sign_in(staffed, "zhang", PASSWORD)
    with staffed.reading() as session:
        assert session.scalars(select(WrongPassword)).all() == []


def test_old_mistakes_are_forgotten(staffed: Database, clock: Clock) -> None:
    """After a day; and the names that were typed are not kept, which might be passwords."""
    with pytest.raises(NotSignedInError):
        sessions.sign_in(staffed, "typed-by-mistake", "wrong")
    with staffed.reading() as session:
        assert "typed" not in session.scalars(select(WrongPassword)).one().name
    clock.turn(days=1, seconds=1)
    sessions.sign_in(staffed, "zhang", PASSWORD)
    with staffed.reading() as session:
        assert session.scalars(select(WrongPassword)).all() == []


def test_many_guesses_at_once_are_no_way_around_the_delay(staffed: Database) -> None:
    """Each is counted before it is looked at."""
    refused: list[str] = []

    def guess() -> None:
        try:
            sessions.sign_in(staffed, "zhang", "wrong")
        except NotSignedInError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("用户名或密码不对" in one for one in refused) == 3
    assert len(refused) == 8


def test_an_unknown_name_costs_a_hash_too(staffed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that names cannot be told by the time it takes."""
    looked_at = []

    class Counting(PasswordHasher):
        def verify(self, *arguments: object) -> bool:
            looked_at.append(arguments)
            return super().verify(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(passwords, "HASHER", Counting(1, 8, 1))
    for name in ("zhang", "nobody"):
        with pytest.raises(NotSignedInError):
            sessions.sign_in(staffed, name, "wrong")
    assert len(looked_at) == 2


def test_stronger_parameters_reach_old_accounts(staffed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """At their next sign-in."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(2, 16, 1))
    _, user = sessions.sign_in(staffed, "zhang", PASSWORD)
    assert "m=16,t=2" in user.password_hash
    sessions.sign_in(staffed, "zhang", PASSWORD)


def test_sessions_end(staffed: Database, clock: Clock) -> None:
    """After half an hour without a request, and after twelve hours whatever happens."""
    idle, busy = (sessions.sign_in(staffed, "zhang", PASSWORD)[0] for _ in range(2))
    for _ in range(12 * 4):
        assert sessions.user_of_session(staffed, busy, IDLE)
        clock.turn(minutes=15)
    assert sessions.user_of_session(staffed, busy, IDLE)
    assert sessions.user_of_session(staffed, idle, IDLE) is None
    clock.turn(seconds=1)
    assert sessions.user_of_session(staffed, busy, IDLE) is None
    with staffed.writing() as session:
        assert len(session.scalars(select(SignIn)).all()) == 2
    sessions.sign_in(staffed, "zhang", PASSWORD)
    with staffed.reading() as session:
        assert len(session.scalars(select(SignIn)).all()) == 1


def test_what_a_page_asks_by_itself_keeps_no_session(staffed: Database, clock: Clock) -> None:
    """An unattended screen is signed out however often it looks for news."""
    secret, _ = sessions.sign_in(staffed, "zhang", PASSWORD)
    for _ in range(30):
        assert sessions.user_of_session(staffed, secret, IDLE, present=False)
        clock.turn(minutes=1)
    clock.turn(seconds=1)
    assert sessions.user_of_session(staffed, secret, IDLE, present=False) is None


def test_requests_are_noted_once_a_minute(staffed: Database, clock: Clock) -> None:
    """Not each of them writes."""
    secret, _ = sessions.sign_in(staffed, "zhang", PASSWORD)
    noted = []
    for _ in range(4):
        clock.turn(seconds=40)
        sessions.user_of_session(staffed, secret, IDLE)
        with staffed.reading() as session:
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
    staffed: Database, service: Callable[..., None], arguments: tuple[object, ...]
) -> None:
    """And nobody else's; each is on record."""
    ended, other = (sessions.sign_in(staffed, name, PASSWORD)[0] for name in ("zhang", "李主管"))
    change(staffed, service, *arguments)
    assert sessions.user_of_session(staffed, ended, IDLE) is None
    assert sessions.user_of_session(staffed, other, IDLE)
    actor, action, subject = audited(staffed)[-1]
    assert (actor, action.startswith("user."), subject) == (console().name, True, "user zhang")


def test_a_session_can_be_ended(staffed: Database) -> None:
    """By signing out."""
    secret, _ = sessions.sign_in(staffed, "zhang", PASSWORD)
    with staffed.writing() as session:
        sessions.sign_out(session, secret)
    assert sessions.user_of_session(staffed, secret, IDLE) is None
    assert audited(staffed)[-1] == ("zhang", "user.signed_out", "user zhang")


def test_a_closed_account_stays_out_until_opened(staffed: Database) -> None:
    """As if the password were wrong."""
    change(staffed, accounts.set_active, "zhang", False)
    with pytest.raises(NotSignedInError, match="用户名或密码不对"):
        sessions.sign_in(staffed, "zhang", PASSWORD)
    change(staffed, accounts.set_active, "zhang", True)
    sessions.sign_in(staffed, "zhang", PASSWORD)


def test_changing_ones_own_password(staffed: Database) -> None:
    """Ends all sessions but the new one; the old password is asked for, and a new one that is no better refused."""
    old, user = sessions.sign_in(staffed, "zhang", PASSWORD)
    for given, wanted, message in (
        ("wrong", PASSWORD + "!", "密码不对"),
        (PASSWORD, "short", "至少要 12"),
        (PASSWORD, PASSWORD, "相同"),
    ):
        with pytest.raises(FenbanError, match=message):
            sessions.change_password(staffed, user, given, wanted)
    new = sessions.change_password(staffed, user, PASSWORD, PASSWORD + "!")
    assert sessions.user_of_session(staffed, old, IDLE) is None
    assert sessions.user_of_session(staffed, new, IDLE)
    sessions.sign_in(staffed, "zhang", PASSWORD + "!")


def test_an_administrator_remains(staffed: Database) -> None:
    """The last one can be neither closed nor made something else."""
    for service, arguments in ((accounts.set_active, ("王主任", False)), (accounts.set_role, ("王主任", "triage"))):
        with pytest.raises(ConflictError, match="最后一个可用的管理员"):
            change(staffed, service, *arguments)
    change(staffed, accounts.set_role, "李主管", "admin")
    change(staffed, accounts.set_active, "王主任", False)


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
