"""Days off, response times and the audit trail over the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.clients import add_user, sign_in, with_token

API = "/api/v1"


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A supervisor, signed in."""
    add_user(app, "李主管", "supervisor")
    return sign_in(app, "李主管")


def test_days_are_set_and_taken_back(app: Flask, client: FlaskClient) -> None:
    """Only those named; whoever may read sees them in order, and the trail has what was before."""
    days = [
        {"day": "2026-10-10", "working": True, "name": "调休上班"},
        {"day": "2026-10-01", "working": False, "name": "国庆"},
    ]
    assert client.put(f"{API}/holidays", json={"holidays": days}).get_json() == {"holidays": days[::-1]}
    change = [{"day": "2026-10-01", "working": False, "name": "国庆节"}, {"day": "2026-10-10", "working": None}]
    client.put(f"{API}/holidays", json={"holidays": change})
    assert with_token(app, "read").get(f"{API}/holidays").get_json() == {"holidays": change[:1]}
    removed, changed = client.get(f"{API}/audit?subject=holidays").get_json()["entries"][:2]
    assert removed["old"] == {"2026-10-10": {"working": True, "name": "调休上班"}}
    assert changed["old"] == {"2026-10-01": {"working": False, "name": "国庆"}}
    assert changed["new"] == {"2026-10-01": {"working": False, "name": "国庆节"}}


def test_a_response_time_counts_for_the_next_case(app: Flask, client: FlaskClient) -> None:
    """Until it is taken back; the trail has what it was."""
    rule = {"channel": "上级转办", "department": "", "urgency": "routine", "hours": 24.0, "working_days": True}
    assert client.put(f"{API}/deadlines", json=rule).get_json() == {"deadlines": [rule]}
    rules = [dict(rule, urgency=level) for level in ("urgent", "critical")]
    for one in rules:
        client.put(f"{API}/deadlines", json=one)
    case = {"text": "路灯不亮", "channel": "上级转办", "received_at": "2026-03-06T15:00:00+08:00"}
    assert client.post(f"{API}/cases", json=case).get_json()["due_at"] == "2026-03-09T15:00:00+08:00"
    assert len(with_token(app, "read").get(f"{API}/deadlines").get_json()["deadlines"]) == 3
    gone = client.put(f"{API}/deadlines", json=rule | {"hours": None}).get_json()
    assert rule not in gone["deadlines"]
    assert client.put(f"{API}/deadlines", json=rule | {"hours": None}).status_code == 404
    newest = client.get(f"{API}/audit?subject=deadline 上级转办/*/routine").get_json()["entries"][0]
    assert (newest["action"], newest["actor"]) == ("deadline.removed", "李主管")
    assert newest["old"] == {"hours": 24.0, "working_days": True}


def test_the_trail_is_read_page_by_page(client: FlaskClient) -> None:
    """The newest first, older ones by the number of the last."""
    for day in range(1, 6):
        client.put(f"{API}/holidays", json={"holidays": [{"day": f"2026-10-0{day}", "working": False}]})
    whole = client.get(f"{API}/audit").get_json()["entries"]
    first = client.get(f"{API}/audit", query_string={"limit": 3}).get_json()["entries"]
    rest = client.get(f"{API}/audit", query_string={"before": first[-1]["id"]}).get_json()["entries"]
    assert first + rest == whole
    assert [one["id"] for one in whole] == sorted((one["id"] for one in whole), reverse=True)
    assert {one["subject"] for one in client.get(f"{API}/audit?subject=holidays").get_json()["entries"]} == {"holidays"}


RULE = {"urgency": "routine", "hours": 24}
DAY = {"day": "2026-10-01", "working": False}
BAD: list[tuple[str, str, Any, str]] = [
    ("PUT", "holidays", {"holidays": []}, "列表不能为空"),
    ("PUT", "holidays", {"holidays": ["2026-10-01"]}, "holidays.0：应为 JSON 对象"),
    ("PUT", "holidays", {"holidays": [DAY | {"day": "2026-02-30"}]}, "holidays.0.day：应为日期"),
    ("PUT", "holidays", {"holidays": [DAY | {"working": "vielleicht"}]}, "应为 true 或 false"),
    ("PUT", "holidays", {"holidays": [DAY | {"name": "长" * 201}]}, "过长，最多 200 字"),
    ("PUT", "holidays", {"holidays": [DAY | {"name": "\x00"}]}, "不是文字的字符"),
    ("PUT", "holidays", {"holidays": [DAY] * 1001}, "过多，最多 1000"),
    ("PUT", "holidays", {"holidays": [DAY], "colour": 1}, "colour：没有这一项"),
    ("PUT", "holidays", [], "整个请求：应为 JSON 对象"),
    ("PUT", "deadlines", {}, "urgency：缺少这一项"),
    ("PUT", "deadlines", RULE | {"hours": "viel"}, "hours：应为数字"),
    ("PUT", "deadlines", RULE | {"hours": 0}, "时限 0 小时不对"),
    ("PUT", "deadlines", RULE | {"hours": -1}, "时限 -1 小时不对"),
    ("PUT", "deadlines", RULE | {"hours": float("nan")}, "时限 nan 小时不对"),
    ("PUT", "deadlines", RULE | {"hours": float("inf")}, "时限 inf 小时不对"),
    ("PUT", "deadlines", RULE | {"hours": 1e300}, "小时不对"),
    ("PUT", "deadlines", RULE | {"urgency": "whenever"}, "没有“whenever”这一级紧急程度"),
    ("PUT", "deadlines", RULE | {"department": "nowhere"}, "没有“nowhere”这个部门"),
    ("PUT", "deadlines", RULE | {"channel": "a\x00"}, "不是文字的字符"),
    ("PUT", "deadlines", RULE | {"channel": "长" * 201}, "过长"),
    ("GET", "audit?limit=0", None, "limit：应不小于 1"),
    ("GET", "audit?limit=-5", None, "limit：应不小于 1"),
    ("GET", "audit?limit=5000", None, "limit：应不大于 1000"),
    ("GET", "audit?before=x", None, "before：应为整数"),
    ("GET", f"audit?before={'9' * 30}", None, "before：应小于"),
    ("GET", "audit?subject=a%00", None, "不是文字的字符"),
    ("GET", "audit?colour=red", None, "colour：没有这一项"),
]


def test_bad_input_is_refused_in_words(make_app: Callable[..., Flask], database_url: str) -> None:
    """On both databases, with 422 and the name of what is wrong; nothing is set."""
    app = make_app(database_url=database_url)
    client = with_token(app, "office", "audit", "read")
    for method, path, body, message in BAD:
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        response = client.open(f"{API}/{path}", method=method, **sent)
        assert response.content_type == "application/problem+json", (path, body)
        assert response.status_code == 422, (path, body)
        assert message in response.get_json()["detail"]
    assert client.get(f"{API}/holidays").get_json() == {"holidays": []}
    assert client.get(f"{API}/deadlines").get_json() == {"deadlines": []}
    assert client.put(f"{API}/holidays", data=b"{", content_type="application/json").status_code == 400
