"""The pages of one case and of a new one, without a script: what they show, and where their forms lead."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient

from casework.service import clock
from casework.service.labels import Label, set_labels
from classifier.taxonomy import Taxonomy
from tests.clients import add_user, audited, change, register_of, sign_in, with_token

DUST = "采石场的粉尘落满院子，晒的辣椒成了灰的。联系人：李大海，13800001234。"
LIFT = "电梯卡在七楼和八楼中间，里面困着两个人"
HTML = {"Accept": "text/html"}
PART = {"HX-Request": "true"}


@pytest.fixture
def office(make_app: Callable[..., Flask]) -> Flask:
    """An office that shows every suggestion and keeps originals, with two clerks and a supervisor."""
    app = make_app(blind_share=0, originals_key=Fernet.generate_key().decode())
    for name, role in (("zhang", "triage"), ("li", "triage"), ("zhuguan", "supervisor")):
        add_user(app, name, role)
    return app


@pytest.fixture
def clerk(office: Flask) -> FlaskClient:
    """A clerk who has signed in."""
    return sign_in(office, "zhang")


def register(client: FlaskClient, text: str = DUST, **facts: Any) -> str:
    """Register a case by the API; its number."""
    return str(client.post("/api/v1/cases", json={"text": text, **facts}).get_json()["number"])


def decide(client: FlaskClient, number: str, version: int = 1, **fields: str) -> Any:
    """Send the form of a decision."""
    fields = {"version": str(version), "department": "land", "next": f"/cases/{number}"} | fields
    return client.post(f"/cases/{number}/decisions", data=fields)


def page(client: FlaskClient, address: str) -> str:
    """What a browser is shown."""
    response = client.get(address, headers=HTML)
    assert response.status_code == 200
    return response.get_data(as_text=True)


def test_a_case_shows_what_helps_to_decide_it(clerk: FlaskClient) -> None:
    """Reasons marked where they stand, what was masked, every department with its bar and key, similar cases, its history."""
    shown = page(clerk, f"/cases/{register(clerk, channel='来信', place='石桥镇', reference='信-5')}")
    assert '<mark class="' in shown
    assert '<span class="masked" title="个人信息已隐去">[电话]</span>' in shown
    assert "13800001234" not in shown
    assert re.findall(r'name="department" value="(\w+)".*?data-key="(\d)"', shown) == [
        ("environment", "1"),
        ("land", "2"),
        ("education", "3"),
        ("disability", "4"),
        ("other", "5"),
    ]
    assert "相似" in shown
    for words in ("来信", "石桥镇", "信-5", "<b>登记</b> zhang", "<b>建议</b>"):
        assert words in shown


def test_a_decided_case_says_whom_to_ask(office: Flask, clerk: FlaskClient) -> None:
    """At the lead and at who assists, where the office has set somebody."""
    told = {"land": Label(contact="值班室", phone="0000-1002"), "other": Label(phone="0000-1005")}
    change(register_of(office), set_labels, Taxonomy.read(), told)
    number = register(clerk)
    decide(clerk, number, assist="other")
    shown = page(clerk, f"/cases/{number}")
    names = Taxonomy.read().names
    assert f"{names['land']}：值班室 0000-1002" in shown
    assert f"{names['other']}：0000-1005" in shown


def test_the_suggestion_is_chosen_beforehand(clerk: FlaskClient) -> None:
    """So that one press decides; whoever handed a case back is not chosen again by itself."""
    number = register(clerk)
    chosen = re.compile(r'id="department-(\w+)"[^>]* checked')
    suggested = clerk.get(f"/api/v1/cases/{number}").get_json()["department"]["id"]
    assert chosen.findall(page(clerk, f"/cases/{number}")) == [suggested]
    decide(clerk, number, department=suggested)
    clerk.post(f"/cases/{number}/hand-backs", data={"version": 2, "reason": "不归我局管"})
    shown = page(clerk, f"/cases/{number}")
    assert chosen.findall(shown) == []
    assert "退回了这件" in shown
    assert "不归我局管" in shown
    assert "可以照办" not in shown


def test_a_rule_that_fired_is_told(clerk: FlaskClient) -> None:
    """With the words it saw."""
    assert "危险规则“有人被困”" in page(clerk, f"/cases/{register(clerk, LIFT)}")


def test_a_blind_case_shows_the_suggestion_afterwards(make_app: Callable[..., Flask]) -> None:
    """And then whether it agreed."""
    app = make_app(blind_share=1)
    add_user(app, "zhang", "triage")
    clerk = sign_in(app, "zhang")
    number = register(clerk)
    shown = page(clerk, f"/cases/{number}")
    assert "这是盲件" in shown
    for words in ("<meter", "<mark", "相似", "data-suggested data-key", "可以照办"):
        assert words not in shown
    assert " checked" not in "".join(re.findall(r'name="department"[^>]*>', shown))
    decide(clerk, number, department="disability")
    shown = page(clerk, f"/cases/{number}")
    assert "建议的是" in shown
    assert "决定时没有看到建议" in shown
    assert "<mark" in shown


def test_each_state_has_its_forms(clerk: FlaskClient) -> None:
    """Deciding while it waits; closing, handing back and sending elsewhere while it is with a department; then none but undo."""
    number = register(clerk)
    forms = re.compile(rf'action="/cases/{number}/([\w-]+)"')
    states = [set(forms.findall(page(clerk, f"/cases/{number}")))]
    decide(clerk, number)
    for action in (None, "outcome"):
        if action:
            clerk.post(f"/cases/{number}/{action}", data={"version": 2, "department": "other", "note": "已处理"})
        clerk.get("/new")  # takes the notice with its button
        states.append(set(forms.findall(page(clerk, f"/cases/{number}"))))
    assert states == [
        {"decisions"},
        {"decisions", "hand-backs", "outcome", "withdrawal"},
        {"withdrawal"},
    ]
    assert "已处理" in page(clerk, f"/cases/{number}")


def test_what_a_colleague_decides_is_told(office: Flask, clerk: FlaskClient) -> None:
    """Nothing while nothing happens; then who decided what, and a way on."""
    number = register(clerk)
    assert clerk.get(f"/cases/{number}/standing?version=1", headers=PART).status_code == 204
    decide(sign_in(office, "li"), number, department="education")
    told = clerk.get(f"/cases/{number}/standing?version=1", headers=PART)
    assert told.status_code == 200
    text = told.get_data(as_text=True)
    assert "现在是已分办" in text
    assert "li 分办给教育" in text
    assert f'href="/cases/{number}"' in text


def test_looking_for_news_keeps_no_session(office: Flask, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen that nobody sits at is signed out."""
    number, start = register(clerk), clock.now()
    for minutes, status in ((1, 204), (16, 204), (29, 204), (31, 401)):
        moment = start + timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        assert clerk.get(f"/cases/{number}/standing?version=1", headers=PART).status_code == status


def test_markup_in_a_case_is_text(office: Flask, clerk: FlaskClient) -> None:
    """In its title, its place, its reasons and its notes."""
    evil = "<script>alert(1)</script>"
    number = register(clerk, text=f"{DUST}{evil}", title=evil, place=evil, channel=evil, reference=evil)
    decide(clerk, number, reason=evil)
    clerk.post(f"/cases/{number}/outcome", data={"version": 2, "note": evil})
    assert evil not in page(clerk, f"/cases/{number}")
    assert evil not in clerk.get(f"/cases/{number}/standing?version=1", headers=PART).get_data(as_text=True)


def test_the_original_is_read_on_record(office: Flask, clerk: FlaskClient) -> None:
    """By those who may; others are not offered it."""
    number = register(clerk)
    assert "看原文" not in page(clerk, f"/cases/{number}")
    supervisor = sign_in(office, "zhuguan")
    assert "看原文" in page(supervisor, f"/cases/{number}")
    assert "13800001234" in supervisor.post(f"/cases/{number}/original", headers=HTML).get_data(as_text=True)
    part = supervisor.post(f"/cases/{number}/original", headers=PART).get_data(as_text=True)
    assert "13800001234" in part
    assert "<html" not in part
    read = [one for one in audited(register_of(office)) if one[1] == "original.read"]
    assert read == [("zhuguan", "original.read", f"case {number}")] * 2


def test_the_model_can_be_asked_again(office: Flask, make_app: Callable[..., Flask], tmp_path: Any) -> None:
    """Where another than the one that suggested is in service, or where there was none."""
    without = make_app(models_dir=tmp_path / "none", blind_share=0)
    number = register(sign_in(without, "zhang"))
    clerk = sign_in(office, "zhang")
    assert "还没有建议" in page(clerk, f"/cases/{number}")
    assert clerk.post(f"/cases/{number}/suggestions").location == f"/cases/{number}"
    shown = page(clerk, f"/cases/{number}")
    assert "<meter" in shown
    assert "重新建议</button>" not in shown


def test_a_case_that_is_not_there(clerk: FlaskClient) -> None:
    """Is told in words."""
    response = clerk.get("/cases/2026-999999", headers=HTML)
    assert response.status_code == 404
    assert "没有编号为“2026-999999”的诉求件" in response.get_data(as_text=True)


def test_what_is_typed_gets_its_suggestion(clerk: FlaskClient) -> None:
    """As a part for the script, as a page without one; masked as it will be kept; nothing is registered."""
    for headers in (PART, HTML):
        shown = clerk.post("/new", data={"title": "粉尘", "text": DUST}, headers=headers).get_data(as_text=True)
        assert "登记时隐去 2 处个人信息" in shown
        assert '<mark class="' in shown
        assert ("<html" in shown) is (headers is HTML)
        assert 'name="suggested_department" value="environment"' in shown
    assert clerk.get("/api/v1/cases").get_json()["cases"] == []


@pytest.mark.parametrize(("key", "words"), [(None, "不存、不记"), (Fernet.generate_key().decode(), "原文加密另存")])
def test_the_form_says_what_becomes_of_personal_data(
    make_app: Callable[..., Flask], key: str | None, words: str
) -> None:
    """As the office has it set."""
    app = make_app(originals_key=key)
    add_user(app, "zhang", "triage")
    assert words in page(sign_in(app, "zhang"), "/new")


def test_what_was_chosen_by_hand_stays(clerk: FlaskClient) -> None:
    """While the text goes on; the rest follows the suggestion."""
    typed = {
        "text": DUST,
        "department": "land",
        "suggested_department": "other",
        "urgency": "",
        "suggested_urgency": "",
    }
    shown = clerk.post("/new", data=typed, headers=PART).get_data(as_text=True)
    assert re.findall(r'id="department-(\w+)"[^>]* checked', shown) == ["land"]
    followed = clerk.post("/new", data=typed | {"suggested_department": "land"}, headers=PART).get_data(as_text=True)
    assert re.findall(r'id="department-(\w+)"[^>]* checked', followed) == ["environment"]
    assert re.findall(r'id="urgency-(\w+)"[^>]* checked', shown) != []


def test_one_press_registers_and_decides(clerk: FlaskClient) -> None:
    """Then the next form is there, or the case."""
    typed = {
        "text": DUST,
        "channel": "来信",
        "department": "land",
        "urgency": "urgent",
        "reason": "涉及采矿",
        "then": "decide",
    }
    answer = clerk.post("/new/registration", data=typed | {"again": "1"})
    assert answer.status_code == 303
    shown = page(clerk, answer.location)
    number = re.findall(r"已登记 ([\d-]+) 已分办，自然资源", shown)[0]
    assert 'data-draft-done="new."' in shown
    assert f'action="/cases/{number}/withdrawal"' in shown
    assert 'name="channel" value="来信"' in shown
    assert '<option value="来信">' in shown
    assert re.search(r'<textarea id="text"[^>]*></textarea>', shown)
    found = clerk.get(f"/api/v1/cases/{number}").get_json()
    assert (found["status"], found["urgency"]["id"], found["blind"]) == ("decided", "urgent", False)
    assert found["decisions"][0]["reason"] == "涉及采矿"
    assert clerk.post("/new/registration", data=typed).location.startswith("/cases/")


def test_registering_only(clerk: FlaskClient) -> None:
    """It waits; the time it was received is the office's."""
    typed = {"text": DUST, "received_at": "2026-03-05T08:30", "then": "wait"}
    number = clerk.post("/new/registration", data=typed).location.removeprefix("/cases/")
    found = clerk.get(f"/api/v1/cases/{number}").get_json()
    assert (found["status"], found["received_at"]) == ("open", "2026-03-05T08:30:00+08:00")


def test_the_same_reference_leads_to_the_case(clerk: FlaskClient) -> None:
    """With the same text to the case as it is; with another text the form comes back, with a link to it."""
    number = register(clerk, reference="信-7")
    typed = {"text": DUST, "reference": "信-7", "department": "land", "then": "decide", "again": "1"}
    assert clerk.post("/new/registration", data=typed).location == f"/cases/{number}"
    assert "没有重复登记" in page(clerk, f"/cases/{number}")
    assert clerk.get(f"/api/v1/cases/{number}").get_json()["status"] == "open"
    answer = clerk.post("/new/registration", data=typed | {"text": "路灯不亮", "title": "路灯"})
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert f'href="/cases/{number}"' in shown
    assert 'value="路灯"' in shown
    assert "路灯不亮</textarea>" in shown


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"text": " \n", "title": ""}, "内容为空"),
        ({"text": "污" * 100_001}, "内容过长"),
        ({"department": ""}, "请先选主办部门"),
        ({"department": "nobody"}, "没有“nobody”这个主办部门"),
        ({"assist": "land"}, "主办和协办不能同为"),
        ({"received_at": "昨天"}, "收到时间“昨天”不对"),
        ({"received_at": "0001-01-01T00:00"}, "收到时间“0001-01-01T00:00”不对"),
        ({"received_at": "2999-01-01T00:00"}, "在未来"),
        ({"place": "乡" * 201}, "地点"),
    ],
)
def test_what_cannot_be_registered_comes_back(clerk: FlaskClient, wrong: dict[str, str], words: str) -> None:
    """In words, with all that was typed; nothing is registered."""
    typed = {
        "text": DUST,
        "title": "院子<b>",
        "department": "land",
        "reason": "写了很久的理由",
        "then": "decide",
    } | wrong
    answer = clerk.post("/new/registration", data=typed)
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in shown
    assert ('value="院子&lt;b&gt;"' in shown) is bool(typed["title"])
    assert "写了很久的理由" in shown
    assert clerk.get("/api/v1/cases").get_json()["cases"] == []


def test_registering_without_a_model(make_app: Callable[..., Flask], tmp_path: Any) -> None:
    """There is no suggestion, and all else works."""
    app = make_app(models_dir=tmp_path / "none")
    add_user(app, "zhang", "triage")
    clerk = sign_in(app, "zhang")
    assert "还没有模型" in clerk.post("/new", data={"text": DUST}, headers=PART).get_data(as_text=True)
    answer = clerk.post("/new/registration", data={"text": DUST, "department": "land", "then": "decide"})
    assert answer.status_code == 303


def test_whoever_may_not_register_is_not_offered_it(office: Flask) -> None:
    """But sees the suggestion."""
    shown = page(with_token(office, "suggest"), "/new")
    assert 'name="then"' not in shown
    assert 'id="text"' in shown
