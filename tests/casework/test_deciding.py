"""The forms that change a case: where they lead, what they say, and that nothing typed is lost."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.clients import add_user, sign_in


@pytest.fixture
def clerk(app: Flask) -> FlaskClient:
    """A clerk who has signed in; a colleague has an account too."""
    for name in ("zhang", "li"):
        add_user(app, name, "triage")
    return sign_in(app, "zhang")


@pytest.fixture
def case(clerk: FlaskClient) -> dict[str, Any]:
    """A case that waits."""
    found: dict[str, Any] = clerk.post(
        "/api/v1/cases", json={"text": "采石场放炮震裂了院墙，碎石滚进菜地。"}
    ).get_json()
    return found


def send(client: FlaskClient, case: dict[str, Any], action: str, **fields: Any) -> Any:
    """Send one of the forms, as a browser does."""
    fields = {"version": case["version"], "next": "/docs"} | fields
    return client.post(f"/cases/{case['number']}/{action}", data=fields, headers={"Accept": "text/html"})


def test_a_decision_leads_on_and_can_be_undone(clerk: FlaskClient, case: dict[str, Any]) -> None:
    """The next page says what was decided, with a button; pressing it says so too, without another button."""
    answer = send(clerk, case, "decisions", department="land", assist="environment", urgency="", next="/new?a=1")
    assert (answer.status_code, answer.location) == (303, "/new?a=1")
    page = clerk.get("/new?a=1").get_data(as_text=True)
    assert f"{case['number']} 已分办，自然资源，协办生态环境" in page
    assert f'action="/cases/{case["number"]}/withdrawal"' in page
    assert 'name="next" value="/new?a=1"' in page
    assert "已分办" not in clerk.get("/new").get_data(as_text=True)
    assert send(clerk, case, "withdrawal", version=2).status_code == 303
    page = clerk.get("/new").get_data(as_text=True)
    assert f"{case['number']} 待分办" in page
    assert "/withdrawal" not in page
    found = clerk.get(f"/api/v1/cases/{case['number']}").get_json()
    assert (found["status"], found["department"], found["urgency"]) == ("open", case["department"], case["urgency"])


def test_hand_back_and_outcome(clerk: FlaskClient, case: dict[str, Any]) -> None:
    """Each by its form; an empty department closes by the one it was sent to."""
    send(clerk, case, "decisions", department="land")
    assert send(clerk, case, "hand-backs", version=2, reason="不归我局\r\n请改派").status_code == 303
    send(clerk, case, "decisions", version=3, department="environment")
    assert send(clerk, case, "outcome", version=4, department="", note="已停炮").status_code == 303
    found = clerk.get(f"/api/v1/cases/{case['number']}").get_json()
    assert (found["status"], found["department"]["id"]) == ("closed", "environment")
    assert (found["hand_backs"][0]["reason"], found["outcomes"][0]["note"]) == ("不归我局\n请改派", "已停炮")


def test_who_is_second_sees_what_stands_and_keeps_what_they_typed(
    app: Flask, clerk: FlaskClient, case: dict[str, Any]
) -> None:
    """With the form for another try, based on what stands now."""
    send(sign_in(app, "li"), case, "decisions", department="land")
    answer = send(clerk, case, "decisions", department="environment", reason="扬尘 <b>很大</b>")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "最近一次由 li 分办给自然资源" in page
    assert "扬尘 &lt;b&gt;很大&lt;/b&gt;" in page
    assert '<option value="environment" selected>' in page
    assert 'name="version" value="2"' in page
    send(clerk, case, "outcome", version=2)
    answer = send(clerk, case, "hand-backs", version=2, reason="这句话要留着")
    page = answer.get_data(as_text=True)
    assert (answer.status_code, "这句话要留着" in page, "<textarea" in page) == (409, True, False)


@pytest.mark.parametrize(
    ("action", "fields", "words"),
    [
        ("decisions", {"department": "moon"}, "没有“moon”这个主办部门"),
        ("decisions", {"department": ""}, "没有“”这个主办部门"),
        ("decisions", {"department": "land", "assist": "land"}, "主办和协办不能同为“自然资源”"),
        ("decisions", {"department": "land", "version": "x"}, "“x”不是件的版本号"),
        ("decisions", {"department": "land", "version": "9" * 30}, "不是件的版本号"),
        ("hand-backs", {"version": 1}, "只有已分办的诉求件可以退回"),
        ("withdrawal", {}, "没有可以撤回的"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    clerk: FlaskClient, case: dict[str, Any], action: str, fields: dict[str, Any], words: str
) -> None:
    """And nothing is changed."""
    answer = send(clerk, case, action, **fields)
    assert answer.status_code in (409, 422)
    assert words in answer.get_data(as_text=True)
    assert clerk.get(f"/api/v1/cases/{case['number']}").get_json()["version"] == 1


def test_a_case_that_is_not_there(clerk: FlaskClient) -> None:
    """Is told by number."""
    answer = send(clerk, {"number": "2026-999999", "version": 1}, "decisions", department="land")
    assert (answer.status_code, "2026-999999" in answer.get_data(as_text=True)) == (404, True)


def test_next_leads_to_our_own_pages_only(clerk: FlaskClient, case: dict[str, Any]) -> None:
    """Whatever stands in the form."""
    assert send(clerk, case, "decisions", department="land", next="//example.org").location == "/"
    page = send(clerk, case, "decisions", department="land", next="//example.org").get_data(as_text=True)
    assert 'href="//example.org"' not in page
