"""Commands for accounts and tokens, and what `fenban serve` does before it listens."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from casework.service import sessions
from casework.service.tokens import actor_of_token
from casework.storage.database import Database
from casework.web import server
from cli import main
from tests.clients import PASSWORD


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the register is, or will be."""
    return f"sqlite:///{tmp_path}/fenban.db"


def fenban(url: str, *arguments: str, typed: str = "", **settings: str) -> Result:
    """Run a command on a register."""
    places = {"FENBAN_DATABASE_URL": url, "FENBAN_MODELS_DIR": f"{url.removeprefix('sqlite:///')}.models"}
    return CliRunner(env={**places, **settings}).invoke(main, arguments, input=typed)


def test_an_account_from_opening_to_closing(url: str) -> None:
    """The password is asked for twice and never printed."""
    added = fenban(url, "user", "add", "zhang", "--role", "triage", "--department", "教育", typed=f"{PASSWORD}\n" * 2)
    assert added.exit_code == 0, added.output
    assert PASSWORD not in added.output
    assert "zhang\t分办员\teducation" in fenban(url, "user", "list").stdout
    database = Database(url)
    sessions.sign_in(database, "zhang", PASSWORD)
    assert fenban(url, "user", "role", "zhang", "--role", "supervisor").exit_code == 0
    assert fenban(url, "user", "disable", "zhang").exit_code == 0
    assert "zhang\t主管\t全部部门\t已停用" in fenban(url, "user", "list").stdout
    assert fenban(url, "user", "enable", "zhang").exit_code == 0
    reset = fenban(url, "user", "password", "zhang", "--one-time")
    _, user = sessions.sign_in(database, "zhang", reset.stdout.strip().rpartition("：")[2])
    assert user.must_change_password
    database.close()


def test_a_token_from_making_to_revoking(url: str) -> None:
    """Alone on standard output, so that a script can keep it; it may ask for suggestions if nothing else is said."""
    made = fenban(url, "token", "create", "--name", "平台")
    database = Database(url)
    assert actor_of_token(database, made.stdout.strip()).permissions == {"suggest"}
    database.close()
    assert "平台\t无账号\tsuggest\t有效至" in fenban(url, "token", "list").stdout
    assert fenban(url, "token", "revoke", "平台").exit_code == 0
    assert "平台\t无账号\tsuggest\t已撤销" in fenban(url, "token", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (["user", "add", "a b", "--role", "triage", "--one-time"], {}, "“a b”不能用"),
        (["user", "add", "a", "--role", "triage", "--department", "税务", "--one-time"], {}, "没有部门“税务”"),
        (["user", "disable", "nobody"], {}, "没有账号“nobody”"),
        (["token", "create", "--name", "t", "--scope", "decide"], {}, "要有人负责"),
        (["token", "revoke", "t"], {}, "没有令牌“t”"),
        (["serve", "--host", "0.0.0.0"], {}, "不能监听 0.0.0.0"),
        (["serve", "--host", "0.0.0.0"], {"FENBAN_BEHIND_PROXY": "1"}, "还没有账号"),
        (["serve"], {"FENBAN_TLS_KEY": "key.pem"}, "一起设置"),
        (["serve"], {"FENBAN_DATABASE_URL": "nonsense"}, "不是数据库地址"),
    ],
)
def test_refusals_are_messages(url: str, arguments: list[str], settings: dict[str, str], message: str) -> None:
    """Exit status 1 and no traceback."""
    result = fenban(url, *arguments, **settings)
    assert (result.exit_code, message in result.stderr) == (1, True), result.output


def test_the_first_start_tells_how_to_sign_in(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; the password printed is the one that opens."""
    started = []
    monkeypatch.setattr(server, "run", lambda *arguments: started.append(arguments))
    first, second = fenban(url, "serve"), fenban(url, "serve")
    assert "http://127.0.0.1:8080/" in first.stdout
    password = first.stdout.partition("一次性密码 ")[2].split()[0]
    database = Database(url)
    assert sessions.sign_in(database, "admin", password)[1].must_change_password
    database.close()
    assert "忘了密码" in second.stdout
    assert "一次性密码" not in second.stdout
    assert len(started) == 2
