"""The pages of settings over HTTP: what they change, what they refuse, and who is told that somebody was quicker."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backlog.tables import open_table
from casework.service.permissions import ROLES, Permission
from casework.web.pages.settings.frame import PARTS
from casework.web.pages.settings.times import Span
from classifier.taxonomy import Taxonomy
from tests.clients import PASSWORD, add_user, audited, register_of, sign_in, with_token

TAXONOMY = Taxonomy.read()
LEAD, LEVEL = TAXONOMY.departments[0], TAXONOMY.urgencies[1]
DEADLINE = {"channel": "上级转办", "department": "", "urgency": LEVEL.id, "hours": "2", "unit": "working-days"}
NOTICE = "试行节：3月2日（周一）至3日放假，共2天。3月8日（周日）上班。"


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    """An administrator, signed in; 李主管 and zhang work there too."""
    for name, role in (("admin", "admin"), ("李主管", "supervisor"), ("zhang", "triage")):
        add_user(app, name, role)
    return sign_in(app, "admin")


def text(response: TestResponse) -> str:
    """A page as it is read."""
    return unescape(response.get_data(as_text=True))


def form_of(page: str, action: str) -> dict[str, str]:
    """What the fields of a form hold, but for the key, which is its reader's own."""
    form = page.partition(f'action="{action}"')[2].partition("</form>")[0]
    names = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', form))
    names |= dict(re.findall(r'<input id="[^"]+" name="([^"]+)" value="([^"]*)"', form))
    for name, options in re.findall(r'<select id="[^"]+" name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        names[name] = re.findall(r'value="([^"]*)" selected', options)[0] if " selected" in options else ""
    return {name: value for name, value in names.items() if name != "csrf_token"}


def labels_form(client: FlaskClient) -> dict[str, str]:
    """The form of departments and levels, as it comes."""
    return form_of(text(client.get("/settings/labels")), "/settings/labels")


def user_page(client: FlaskClient, name: str) -> str:
    """The address of an account's page."""
    found = re.search(rf'href="(/settings/staff/\d+)">{name}<', text(client.get("/settings/staff")))
    assert found
    return found[1]


def test_names_stand_everywhere(app: Flask, admin: FlaskClient) -> None:
    """On pages and in the API at once, in words of review too; ids stay, and an empty name brings the model's back."""
    form = labels_form(admin)
    assert form[f"{LEVEL.id}.amount"], form[f"{LEVEL.id}.unit"] == ("3", "days")
    changed = form | {f"{LEAD.id}.name": "环境<b>局", f"{LEVEL.id}.name": "加急", f"{LEAD.id}.contact": "值班室"}
    answer = admin.post("/settings/labels", data=changed, follow_redirects=True)
    assert "已保存" in text(answer)
    assert "环境<b>局" not in answer.get_data(as_text=True)
    api = with_token(app, "suggest")
    names = {
        one["id"]: one["name"]
        for one in api.post("/api/v1/suggestions", json={"text": "污水"}).get_json()["candidates"]
    }
    assert names[LEAD.id] == "环境<b>局"
    assert names[TAXONOMY.departments[1].id] == TAXONOMY.departments[1].name
    assert "环境<b>局" in text(admin.post("/new", data={"text": "污水直排入河，臭味很大"}))
    admin.post("/settings/labels", data=labels_form(admin) | {f"{LEAD.id}.name": ""})
    names = {
        one["id"]: one["name"]
        for one in api.post("/api/v1/suggestions", json={"text": "污水"}).get_json()["candidates"]
    }
    assert names[LEAD.id] == LEAD.name
    assert "没有改动" in text(admin.post("/settings/labels", data=labels_form(admin), follow_redirects=True))
    assert audited(register_of(app)).count(("admin", "labels.set", "labels")) == 2


def test_the_time_of_a_level_counts_and_is_shown(app: Flask, admin: FlaskClient) -> None:
    """For the next case, and beside the next suggestion; the taxonomy's own needs no rule."""
    form = labels_form(admin)
    admin.post("/settings/labels", data=form | {f"{one.id}.amount": "5" for one in TAXONOMY.urgencies})
    answer = with_token(app, "suggest").post("/api/v1/suggestions", json={"text": "路灯不亮，请来修一修"}).get_json()
    unit = 1 if answer["urgency"]["id"] == TAXONOMY.urgencies[-1].id else 24
    assert answer["urgency"]["respond_within_hours"] == 5 * unit
    rules = with_token(app, "read").get("/api/v1/deadlines").get_json()["deadlines"]
    assert {(one["urgency"], one["hours"]) for one in rules} == {
        (one.id, 5.0 if one == TAXONOMY.urgencies[-1] else 120.0) for one in TAXONOMY.urgencies
    }
    own = labels_form(admin)
    admin.post("/settings/labels", data=form | {"seen": own["seen"]})
    assert with_token(app, "read").get("/api/v1/deadlines").get_json() == {"deadlines": []}


REFUSED = [
    ({f"{LEAD.id}.name": TAXONOMY.departments[1].name}, "已是另一个的名称"),
    ({f"{LEAD.id}.name": TAXONOMY.departments[1].id}, "已是另一个的名称"),
    ({f"{LEAD.id}.name": "长" * 21}, "过长，最多 20 字"),
    ({f"{LEAD.id}.phone": "1" * 51}, "过长，最多 50 字"),
    ({f"{LEVEL.id}.amount": "三"}, "“三”不是数字"),
    ({f"{LEVEL.id}.amount": "0"}, "时限 0 小时不对"),
    ({f"{LEVEL.id}.amount": "nan"}, "“nan”不是数字"),
    ({f"{LEVEL.id}.unit": "weeks"}, "请选时限的单位"),
]


@pytest.mark.parametrize(("wrong", "message"), REFUSED)
def test_names_and_times_that_are_refused(app: Flask, admin: FlaskClient, wrong: dict[str, str], message: str) -> None:
    """Beside the field, with all that was typed; nothing is kept."""
    form = labels_form(admin) | {f"{TAXONOMY.departments[1].id}.contact": "王姐"} | wrong
    answer = admin.post("/settings/labels", data=form)
    assert answer.status_code == 422
    page = text(answer)
    assert f'id="{next(iter(wrong))}-wrong">' in page
    assert message in page
    assert 'value="王姐"' in page
    assert labels_form(admin)[f"{TAXONOMY.departments[1].id}.contact"] == ""
    assert not [one for one in audited(register_of(app)) if one[1] in ("labels.set", "deadline.set")]


def test_the_second_of_two_is_told(app: Flask, admin: FlaskClient) -> None:
    """Who was quicker, with what is there now beside what was typed; pressing once more keeps it."""
    form, other = labels_form(admin), sign_in(app, "李主管")
    assert other.post("/settings/labels", data=form | {f"{LEAD.id}.name": "环保局"}).status_code == 303
    answer = admin.post("/settings/labels", data=form | {f"{LEAD.id}.name": "环境局"})
    assert answer.status_code == 409
    assert "“李主管”已在" in text(answer)
    assert "现在：环保局" in text(answer)
    again = form_of(text(answer), "/settings/labels")
    assert again[f"{LEAD.id}.name"] == "环境局"
    assert admin.post("/settings/labels", data=again).status_code == 303
    assert labels_form(other)[f"{LEAD.id}.name"] == "环境局"


def test_a_response_time_is_added_changed_and_removed(app: Flask, admin: FlaskClient) -> None:
    """Each shown in words; one that is there already is not overwritten by an empty form."""
    page = text(admin.post("/settings/deadlines", data=DEADLINE, follow_redirects=True))
    assert "2 个工作日" in page
    again = admin.post("/settings/deadlines", data=DEADLINE | {"hours": "3"})
    assert (again.status_code, "“admin”已在" in text(again)) == (409, True)
    address = f"/settings/deadlines?channel=上级转办&department=&urgency={LEVEL.id}"
    form = form_of(text(admin.get(address)), "/settings/deadlines")
    assert (form["hours"], form["unit"]) == ("2", "working-days")
    assert "5 小时" in text(
        admin.post("/settings/deadlines", data=form | {"hours": "5", "unit": "hours"}, follow_redirects=True)
    )
    assert admin.post("/settings/deadlines", data=form | {"hours": "6"}).status_code == 409
    assert admin.post("/settings/deadlines/removal", data=form).status_code == 409
    form = form_of(text(admin.get("/settings/deadlines")), "/settings/deadlines/removal")
    assert "已删去" in text(admin.post("/settings/deadlines/removal", data=form, follow_redirects=True))
    assert admin.post("/settings/deadlines/removal", data=form).status_code == 409
    assert admin.post("/settings/deadlines", data=DEADLINE).status_code == 303
    wrong = admin.post("/settings/deadlines", data=DEADLINE | {"channel": "来信", "hours": "-1"})
    assert (wrong.status_code, 'value="来信"' in text(wrong), "不对" in text(wrong)) == (422, True, True)


@pytest.mark.parametrize(
    ("hours", "working", "words"), [(0.5, False, "0.5 小时"), (36, True, "36 小时（只计工作日）"), (48, False, "2 天")]
)
def test_times_in_words(hours: float, working: bool, words: str) -> None:
    """In the largest unit of which they are a whole number."""
    assert str(Span.of(hours, working)) == words


def test_a_list_of_holidays_is_previewed_set_and_removed(app: Flask, admin: FlaskClient) -> None:
    """The preview changes nothing and names what it did not understand."""
    data = {"year": "2026", "text": NOTICE + "\n关于今年的安排\n4月6日（周日）休"}
    page = text(admin.post("/settings/holidays/preview", data=data))
    assert "设置这 3 天" in page
    assert "没有认出日期" in page
    assert "2026 年 4 月 6 日是星期一，不是星期日" in page
    read = with_token(app, "read")
    assert read.get("/api/v1/holidays").get_json() == {"holidays": []}
    assert "已设置 3 天" in text(admin.post("/settings/holidays", data=data | {"seen": "0"}, follow_redirects=True))
    days = [(one["day"], one["working"]) for one in read.get("/api/v1/holidays").get_json()["holidays"]]
    assert days == [("2026-03-02", False), ("2026-03-03", False), ("2026-03-08", True)]
    assert "已有，不变" in text(admin.post("/settings/holidays/preview", data=data))
    assert admin.post("/settings/holidays", data=data | {"seen": "0"}).status_code == 409
    form = form_of(text(admin.get("/settings/holidays?year=2026")), "/settings/holidays/removal")
    nothing = admin.post("/settings/holidays/removal", data={"seen": form["seen"], "year": "2026"})
    assert (nothing.status_code, "请先勾选" in text(nothing)) == (422, True)
    gone = admin.post("/settings/holidays/removal", data=form | {"run": "2026-03-02/2026-03-03"}, follow_redirects=True)
    assert "已删去 2 天" in text(gone)
    assert [one["day"] for one in read.get("/api/v1/holidays").get_json()["holidays"]] == ["2026-03-08"]


@pytest.mark.parametrize("year", ["1999", "2100", "99999999999", "-1"])
def test_years_that_are_none(admin: FlaskClient, year: str) -> None:
    """Are refused in words."""
    answer = admin.get("/settings/holidays", query_string={"year": year}, headers={"Accept": "text/html"})
    assert (answer.status_code, f"{year} 年不行" in text(answer)) == (422, True)


def test_an_account_is_opened_and_its_password_shown_once(app: Flask, admin: FlaskClient) -> None:
    """Which signs in and must be changed."""
    data = {"name": "小陈", "role": "triage", "department": LEAD.id}
    page = text(admin.post("/settings/staff", data=data))
    password = re.search(r'class="secret"[^>]*>([^<]+)<', page)
    assert password
    assert password[1] not in text(admin.get("/settings/staff"))
    assert "一次性密码还没换" in text(admin.get("/settings/staff"))
    client = sign_in(app, "小陈", password[1])
    assert client.get("/new", headers={"Accept": "text/html"}).location == "/password?next=/new"
    for wrong, message in (
        ({"name": "小陈"}, "已有账号"),
        ({"name": "a b"}, "不能用"),
        ({"name": "x", "role": "boss"}, "没有角色"),
    ):
        answer = admin.post("/settings/staff", data=data | wrong)
        assert (answer.status_code in (409, 422), message in text(answer)) == (True, True)
        assert f'value="{wrong["name"]}"' in text(answer)
    answer = admin.post("/settings/staff", data=data | {"name": "x", "department": "nowhere"})
    assert (answer.status_code, "没有“nowhere”这个部门" in text(answer)) == (422, True)


def test_an_account_is_changed(app: Flask, admin: FlaskClient) -> None:
    """Role, password, sessions, closed and opened; each ends its sessions and is on record."""
    address, zhang = user_page(admin, "zhang"), sign_in(app, "zhang")
    form = form_of(text(admin.get(address)), f"{address}/role")
    admin.post(f"{address}/role", data=form | {"role": "supervisor", "department": LEAD.id})
    assert zhang.get("/new", headers={"Accept": "text/html"}).status_code == 302
    late = admin.post(f"{address}/role", data=form | {"role": "admin"})
    assert (late.status_code, "“admin”已在" in text(late)) == (409, True)
    zhang = sign_in(app, "zhang")
    assert admin.post(f"{address}/sign-out").status_code == 303
    assert zhang.get("/new", headers={"Accept": "text/html"}).status_code == 302
    password = re.search(r'class="secret"[^>]*>([^<]+)<', text(admin.post(f"{address}/password")))
    assert password
    sign_in(app, "zhang", password[1])
    for active in ("no", "yes"):
        form = form_of(text(admin.get(address)), f"{address}/active")
        assert form["active"] == active
        assert admin.post(f"{address}/active", data=form).status_code == 303
    actions = [
        action for actor, action, subject in audited(register_of(app)) if (actor, subject) == ("admin", "user zhang")
    ]
    assert actions == ["user.role", "user.sessions_ended", "user.password", "user.active", "user.active"]


def test_nobody_changes_their_own_role(admin: FlaskClient) -> None:
    """Nor closes their own account, whoever else could; the page says who can."""
    address = user_page(admin, "admin")
    page = text(admin.get(address))
    assert "另一位管理员" in page
    assert f"{address}/role" not in page
    for part, data in (("role", {"role": "triage", "seen": "999"}), ("active", {"active": "no", "seen": "999"})):
        answer = admin.post(f"{address}/{part}", data=data)
        assert (answer.status_code, "不能给自己的账号" in text(answer)) == (409, True)
    assert admin.get("/settings/staff").status_code == 200


def test_a_token_is_made_shown_once_and_revoked(app: Flask, admin: FlaskClient) -> None:
    """It opens what was ticked, until it is revoked."""
    data = {"name": "平台", "days": "30", "scopes": ["suggest", "read"], "user": ""}
    page = text(admin.post("/settings/tokens", data=data))
    secret = re.search(r"fb_[\w-]{43}", page)
    assert secret
    listed = text(admin.get("/settings/tokens"))
    assert secret[0] not in listed
    assert "查看诉求件" in listed
    client = app.test_client()
    headers = {"Authorization": f"Bearer {secret[0]}"}
    assert client.get("/api/v1/cases", headers=headers).status_code == 200
    assert admin.post("/settings/tokens/revocation", data={"name": "平台"}).status_code == 303
    assert client.get("/api/v1/cases", headers=headers).status_code == 401
    assert "已撤销" in text(admin.get("/settings/tokens"))
    for wrong, message in (
        ({"name": "平台"}, "已有令牌"),
        ({"name": "乙", "days": "0"}, "1 至 365 天"),
        ({"name": "乙", "days": "many"}, "不是数字"),
        ({"name": "乙", "days": "1e999"}, "不是数字"),
        ({"name": "乙", "scopes": []}, "没有这样的权限"),
        ({"name": "乙", "scopes": ["decide"]}, "要有人负责"),
        ({"name": "乙", "scopes": ["audit"], "user": "zhang"}, "没有“查看操作记录”的权限"),
        ({"name": "乙", "user": "nobody"}, "没有账号“nobody”"),
    ):
        answer = admin.post("/settings/tokens", data=data | wrong)
        assert (answer.status_code in (409, 422), message in text(answer)) == (True, True), message
        assert f'value="{wrong["name"]}"' in text(answer)


def test_the_trail_is_read_in_words(app: Flask, admin: FlaskClient) -> None:
    """By who, what, which and when; what was before and after by the office's names."""
    admin.post("/settings/labels", data=labels_form(admin) | {f"{LEVEL.id}.name": "加急"})
    admin.post("/settings/deadlines", data=DEADLINE)
    address = user_page(admin, "zhang")
    form = form_of(text(admin.get(address)), f"{address}/role")
    admin.post(f"{address}/role", data=form | {"role": "supervisor", "department": LEAD.id})
    page = text(admin.get("/settings/audit"))
    assert "<del>分办员</del> → 主管" in page
    assert "时限 上级转办、任何、加急" in page
    assert "只算工作日</small> 是" in page
    for query, there, not_there in (
        ("actor=admin&action=user.role", "改角色或部门", "上级转办"),
        ("subject=zhang", "账号 zhang", "上级转办"),
        ("action=deadline.set&first=2020-01-01", "上级转办", "账号 zhang"),
        ("last=2020-01-01", "没有这样的记录", "上级转办"),
        ("actor=nobody", "没有这样的记录", "上级转办"),
    ):
        found = text(admin.get(f"/settings/audit?{query}")).partition('id="entries"')[2]
        assert (there in found, not_there in found) == (True, False), query
    wrong = admin.get("/settings/audit?first=gestern")
    assert (wrong.status_code, "“gestern”不是日期" in text(wrong), 'value="gestern"' in text(wrong)) == (
        422,
        True,
        True,
    )


def test_the_trail_is_paged_and_exported(app: Flask, admin: FlaskClient, tmp_path: Path) -> None:
    """Every entry once, whether page by page or as a file."""
    for _ in range(60):
        admin.post("/settings/staff/3/sign-out")
    pages, address = [], "/settings/audit?subject=zhang"
    while address:
        page = text(admin.get(address))
        pages.append(page.count("<time "))
        following = re.search(r'href="([^"]*before=[^"]*)"', page)
        address = following[1] if following else ""
    assert pages == [50, 11]
    for form in ("csv", "xlsx"):
        answer = admin.get(f"/settings/audit/export?subject=zhang&format={form}")
        assert f"audit.{form}" in answer.headers["Content-Disposition"]
        path = tmp_path / f"audit.{form}"
        path.write_bytes(answer.data)
        rows = list(open_table(path))
        assert len(rows) == 61
        assert {row[4] for row in rows} == {"账号 zhang"}
    assert admin.get("/settings/audit/export?format=exe").status_code == 422
    assert admin.get("/settings/audit/export?first=x").status_code == 422


def test_ones_own_account(app: Flask) -> None:
    """Shows where else one is signed in, and ends that."""
    add_user(app, "zhang", "triage")
    here, there = sign_in(app, "zhang"), sign_in(app, "zhang")
    assert "退出别处的登录" in text(here.get("/password"))
    assert "已退出别处的 1 个登录" in text(here.post("/sign-out/others", follow_redirects=True))
    assert there.get("/new", headers={"Accept": "text/html"}).status_code == 302
    assert here.get("/new").status_code == 200
    assert "只在这里登录着" in text(here.get("/password"))
    answer = here.post(
        "/password", data={"old": PASSWORD, "new": PASSWORD + "!", "again": PASSWORD + "!"}, follow_redirects=True
    )
    assert "密码已改" in text(answer)


def test_everybody_sees_their_parts_only(app: Flask, admin: FlaskClient) -> None:
    """A supervisor no accounts, a clerk nothing; whoever may use a part sees the place in the navigation."""
    page = text(sign_in(app, "李主管").get("/settings", follow_redirects=True))
    assert ("操作记录" in page, "/settings/staff" in page, "/settings/tokens" in page) == (True, False, False)
    assert 'href="/settings"' in page
    assert 'href="/settings"' not in text(sign_in(app, "zhang").get("/new"))
    for permissions in ROLES.values():
        assert not permissions & {part.needed for part in PARTS} or Permission.OFFICE in permissions
