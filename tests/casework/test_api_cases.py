"""Cases over the API, from registration to export, by people signed in and by programs with tokens."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient

from backlog.tables import open_table
from tests.clients import add_user, register_of, sign_in, with_token

SMOKE = {"title": "砖厂冒黑烟", "text": "村东头的砖厂每天半夜冒黑烟，我叫王小明，电话13800000123，盼望查处。"}
CASES = "/api/v1/cases"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An office that shows every suggestion, with a supervisor and two clerks."""
    app = make_app(blind_share=0)
    for name, role in (("李主管", "supervisor"), ("zhang", "triage"), ("zhao", "triage")):
        add_user(app, name, role)
    return app


@pytest.fixture
def clerk(app: Flask) -> FlaskClient:
    """Signed in."""
    return sign_in(app, "zhang")


@pytest.fixture
def supervisor(app: Flask) -> FlaskClient:
    """Signed in."""
    return sign_in(app, "李主管")


def registered(client: FlaskClient, **facts: object) -> dict[str, Any]:
    """A new case."""
    response = client.post(CASES, json={**SMOKE, **facts})
    assert response.status_code == 201, response.get_json()
    body: dict[str, Any] = response.get_json()
    return body


def step(client: FlaskClient, case: dict[str, Any], what: str, status: int = 200, **facts: object) -> dict[str, Any]:
    """Take the next step with a case as it was seen."""
    response = client.post(f"{CASES}/{case['number']}/{what}", json={"version": case["version"], **facts})
    assert response.status_code == status, response.get_json()
    body: dict[str, Any] = response.get_json()
    return body


def test_registering_is_done_once(clerk: FlaskClient, app: Flask) -> None:
    """201, then 200 with the same case, 409 for other words under the same reference."""
    facts = {"channel": "12345热线", "place": "城关镇", "reference": "信-17", "received_at": "2026-03-06T15:00"}
    first = clerk.post(CASES, json=SMOKE | facts)
    again = with_token(app, "register").post(CASES, json=SMOKE | facts)
    assert (first.status_code, again.status_code) == (201, 200)
    case = first.get_json()
    assert again.get_json()["number"] == case["number"]
    assert (case["status"], case["version"], case["channel"], case["place"]) == ("open", 1, "12345热线", "城关镇")
    assert case["received_at"] == "2026-03-06T15:00:00+08:00"
    assert case["due"] == "overdue"
    assert "13800000123" not in first.get_data(as_text=True)
    assert case["suggestions"][0]["department"] == case["department"]
    other = clerk.post(CASES, json={"text": "完全是另一件事", "reference": "信-17"})
    assert (other.status_code, other.get_json()["code"]) == (409, "conflict")
    assert case["number"] in other.get_json()["detail"]
    assert clerk.get(f"{CASES}/{case['number']}").get_json() == case


def test_the_pages_of_a_list_hold_every_case_once(clerk: FlaskClient) -> None:
    """In the order of the queue, whatever the filters."""
    for i in range(7):
        registered(clerk, place=["东乡", "西乡"][i % 2], received_at=f"2026-03-0{i + 1}T08:00:00+08:00")

    def every(**query: object) -> list[dict[str, Any]]:
        found, cursor = [], None
        while True:
            page = clerk.get(CASES, query_string={"limit": 2, **query} | ({"cursor": cursor} if cursor else {}))
            assert page.status_code == 200, page.get_json()
            found += page.get_json()["cases"]
            assert len(page.get_json()["cases"]) <= 2
            if (cursor := page.get_json()["next_cursor"]) is None:
                return found

    whole = every()
    assert len({one["number"] for one in whole}) == len(whole) == 7
    assert [one["due_at"] for one in whole] == sorted(one["due_at"] for one in whole)
    assert whole[0]["first_line"].startswith("村东头的砖厂")
    assert 0 < whole[0]["confidence"] <= 1
    assert "text" not in whole[0]
    assert len(every(place="东乡")) == 4
    assert len(every(received_from="2026-03-03", received_before="2026-03-05T08:00:00+08:00")) == 2
    assert len(every(due="overdue")) == 7
    assert every(due="soon") == every(department="nowhere") == every(status="closed") == []
    assert every(needs_review=whole[0]["needs_review"])[0] == whole[0]


def test_of_two_clerks_one_decides_and_the_other_is_told(app: Flask, clerk: FlaskClient) -> None:
    """Who decided what, and that the case must be looked at again."""
    case, other = registered(clerk), sign_in(app, "zhao")
    decided = step(clerk, case, "decisions", department="land", assist="environment", reason="占地，电话13800000123")
    assert (decided["status"], decided["version"]) == ("decided", 2)
    assert decided["department"]["id"] == "land"
    (decision,) = decided["decisions"]
    assert (decision["made_by"], decision["assist"]["id"]) == ("zhang", "environment")
    assert "13800000123" not in decision["reason"]
    problem = step(other, case, "decisions", 409, department="environment")
    assert problem["code"] == "conflict"
    assert "由 zhang 分办给自然资源" in problem["detail"]
    again = step(other, decided, "decisions", department="environment", urgency="critical")
    assert [one["made_by"] for one in again["decisions"]] == ["zhang", "zhao"]
    assert again["urgency"]["id"] == "critical"


def test_hand_back_and_outcome(clerk: FlaskClient) -> None:
    """The way of a case through the API; what is out of order is refused."""
    case = registered(clerk)
    step(clerk, case, "hand-backs", 409, reason="不是我局职责")
    case = step(clerk, case, "decisions", department="land")
    assert step(clerk, case, "hand-backs", 422, reason=" ")["code"] == "invalid_input"
    case = step(clerk, case, "hand-backs", reason="不是我局职责")
    assert (case["status"], case["needs_review"]) == ("open", True)
    assert clerk.post(f"{CASES}/{case['number']}/suggestions").get_json()["version"] == 4
    case = step(clerk, case | {"version": 4}, "decisions", department="environment")
    case = step(clerk, case, "outcome", department="other", note="由城管办结")
    assert (case["status"], case["due"], case["closed_at"] is None) == ("closed", None, False)
    assert [(one["department"]["id"], one["note"]) for one in case["outcomes"]] == [("other", "由城管办结")]
    assert case["hand_backs"][0]["reason"] == "不是我局职责"
    assert "办结" in step(clerk, case, "decisions", 409, department="land")["detail"]
    assert clerk.post(f"{CASES}/{case['number']}/suggestions").status_code == 409


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"department": "nowhere"}, "没有“nowhere”这个主办部门"),
        ({"department": "land", "assist": "land"}, "不能同为"),
        ({"department": "land", "urgency": "whenever"}, "紧急程度"),
    ],
)
def test_impossible_choices_are_named(clerk: FlaskClient, choice: dict[str, str], message: str) -> None:
    """With 422, and nothing is changed."""
    case = registered(clerk)
    problem = step(clerk, case, "decisions", 422, **choice)
    assert problem["code"] == "invalid_input"
    assert message in problem["detail"]
    assert clerk.get(f"{CASES}/{case['number']}").get_json()["version"] == 1


def test_a_token_decides_only_in_somebody_s_name(app: Flask, clerk: FlaskClient) -> None:
    """Every decision has a person behind it."""
    case = registered(clerk)
    decided = step(with_token(app, "decide", "read", user="zhao"), case, "decisions", department="land")
    assert decided["decisions"][0]["made_by"].startswith("zhao")
    assert with_token(app, "read").post(f"{CASES}/{case['number']}/decisions", json={}).status_code == 403


def test_a_blind_case_tells_nothing_before_it_is_decided(make_app: Callable[..., Flask]) -> None:
    """Neither by itself, nor in the list, nor when asked for again, nor in its trace, nor in an export."""
    app = make_app(blind_share=1)
    add_user(app, "李主管", "supervisor")
    client = sign_in(app, "李主管")
    case = registered(client)
    number = case["number"]
    for seen in (
        case,
        client.get(f"{CASES}/{number}").get_json(),
        client.get(CASES).get_json()["cases"][0],
        client.post(f"{CASES}/{number}/suggestions").get_json(),
    ):
        assert (seen["blind"], seen["department"], seen["assist"]) == (True, None, None)
        assert seen.get("suggestions", []) == []
        assert seen.get("confidence") is None
    trail = client.get("/api/v1/audit", query_string={"subject": f"case {number}"}).get_json()["entries"]
    assert not any("department" in (one["new"] or {}) for one in trail)
    exported = (
        client.get(f"{CASES}/export", query_string={"format": "csv", "status": "open"}).get_data().decode("utf-8-sig")
    )
    (row,) = csv.DictReader(io.StringIO(exported))
    assert (row["department"], row["current_suggestion"], row["current_confidence"]) == ("", "", "")
    decided = step(client, case | {"version": 2}, "decisions", department="environment")
    assert [one["current"] for one in decided["suggestions"]] == [False, True]
    assert decided["decisions"][0]["agreed"] is not None


def test_originals(make_app: Callable[..., Flask]) -> None:
    """As they came, where they are kept, to who may; each reading is on record."""
    app = make_app(originals_key=Fernet.generate_key().decode(), blind_share=0)
    for name, role in (("李主管", "supervisor"), ("zhang", "triage")):
        add_user(app, name, role)
    supervisor = sign_in(app, "李主管")
    number = registered(supervisor)["number"]
    assert supervisor.get(f"{CASES}/{number}/original").get_json() == SMOKE
    assert sign_in(app, "zhang").get(f"{CASES}/{number}/original").status_code == 403
    trail = supervisor.get("/api/v1/audit", query_string={"subject": f"case {number}"}).get_json()["entries"]
    assert [(one["action"], one["actor"]) for one in trail] == [
        ("original.read", "李主管"),
        ("case.registered", "李主管"),
    ]


def test_without_a_key_there_is_no_original(supervisor: FlaskClient) -> None:
    """404 says which setting keeps them."""
    response = supervisor.get(f"{CASES}/{registered(supervisor)['number']}/original")
    assert (response.status_code, response.get_json()["code"]) == (404, "not_found")
    assert "FENBAN_ORIGINALS_KEY" in response.get_json()["detail"]


HANDLED = "工单编号,诉求内容,承办单位,受理时间\n0017,化工厂往河里排污水,生态环境,2026-03-05 08:30\n0018,邻居占了我家宅基地,land,\n"


def sent(content: str | bytes, name: str = "办结件.csv", **form: str) -> dict[str, Any]:
    """A file as a form sends it."""
    data = content.encode() if isinstance(content, str) else content
    return {"data": {"file": (io.BytesIO(data), name), **form}}


def test_handled_cases_come_in_and_go_out(app: Flask, supervisor: FlaskClient, tmp_path: Path) -> None:
    """First a preview, then the import, which brings nothing twice; then both kinds of file."""
    preview = supervisor.post(f"{CASES}/import/preview", **sent(HANDLED)).get_json()
    assert (preview["rows"], preview["n_problems"], preview["columns"]["text"]) == (2, 0, "诉求内容")
    assert supervisor.get(CASES, query_string={"status": "closed"}).get_json()["cases"] == []
    for expected in ({"imported": 2, "known": 0, "left_out": 0}, {"imported": 0, "known": 2, "left_out": 0}):
        assert supervisor.post(f"{CASES}/import", **sent(HANDLED)).get_json() == expected
    token = with_token(app, "exchange")
    for kind in ("csv", "xlsx"):
        response = token.get(f"{CASES}/export", query_string={"format": kind})
        assert response.status_code == 200
        assert f'filename="cases.{kind}"' in response.headers["Content-Disposition"]
        (tmp_path / f"cases.{kind}").write_bytes(response.data)
        table = open_table(tmp_path / f"cases.{kind}")
        rows = [dict(zip(table.header, row, strict=True)) for row in table]
        assert [(row["reference"], row["department"]) for row in rows] == [("0017", "environment"), ("0018", "land")]
    only = token.get(f"{CASES}/export", query_string={"format": "csv", "department": "land"}).get_data(as_text=True)
    assert "0018" in only
    assert "0017" not in only


def test_a_file_that_cannot_be_taken(supervisor: FlaskClient) -> None:
    """Nothing comes in unless such rows are to be skipped; the row is named."""
    wrong = HANDLED + "0019,树倒了,林业局,\n"
    problem = supervisor.post(f"{CASES}/import", **sent(wrong))
    assert (problem.status_code, problem.get_json()["code"]) == (422, "invalid_table")
    assert "第 4 行" in problem.get_json()["detail"]
    assert "第 4 行" in supervisor.post(f"{CASES}/import/preview", **sent(wrong)).get_json()["problems"][0]
    done = supervisor.post(f"{CASES}/import", **sent(wrong, skip_invalid="true")).get_json()
    assert done == {"imported": 2, "known": 0, "left_out": 1}
    named = sent("事由,交办\n路灯不亮,other\n", columns=json.dumps({"text": "事由", "department": "交办"}))
    assert supervisor.post(f"{CASES}/import", **named).get_json()["imported"] == 1


def test_a_renamed_file_brings_nothing_twice(supervisor: FlaskClient) -> None:
    """Rows without a number of their own are known by the file's content."""
    content = "内容,主办部门\n噪声扰民,environment\n"
    assert supervisor.post(f"{CASES}/import", **sent(content)).get_json()["imported"] == 1
    assert supervisor.post(f"{CASES}/import", **sent(content, "又一次.csv")).get_json()["known"] == 1


@pytest.mark.parametrize(
    "name",
    ["长" * 100 + ".csv", "../../etc/办结件.csv", "C:\\桌面\\办结件.csv", "..csv", "a\x7fb.csv", "é" * 120 + ".csv"],
)
def test_whatever_a_file_is_called(supervisor: FlaskClient, name: str) -> None:
    """It is read, and its name leads nowhere."""
    assert supervisor.post(f"{CASES}/import/preview", **sent(HANDLED, name)).get_json()["rows"] == 2


@pytest.mark.parametrize(
    ("form", "code", "message"),
    [
        ({}, "invalid_request", "file：应为文件"),
        ({"data": {"file": "not a file"}}, "invalid_request", "file：应为文件"),
        ({"json": {"file": "x"}}, "invalid_request", "file：应为文件"),
        (sent("", "空.csv"), "invalid_table", ""),
        (sent(b"\x00\x01\x02" * 50, "x.xlsx"), "invalid_table", ""),
        (sent(HANDLED, columns="{"), "invalid_input", "columns 不是 JSON"),
        (sent(HANDLED, columns="[1]"), "invalid_input", "columns 应为 JSON 对象"),
        (sent(HANDLED, columns='{"colour": "事由"}'), "invalid_input", "没有“colour”这一项"),
        (sent(HANDLED, columns='{"text": "没有"}'), "invalid_table", "没有"),
        (sent(HANDLED, skip_invalid="perhaps"), "invalid_request", "skip_invalid：应为 true 或 false"),
        (sent(HANDLED, colour="red"), "invalid_request", "colour：没有这一项"),
    ],
)
def test_bad_uploads_are_refused(supervisor: FlaskClient, form: dict[str, Any], code: str, message: str) -> None:
    """In words, with a stable code."""
    # A form's file can be sent once.
    if "data" in form and isinstance(form["data"].get("file"), tuple):
        content, name = form["data"]["file"]
        form = {"data": form["data"] | {"file": (io.BytesIO(content.getvalue()), name)}}
    response = supervisor.post(f"{CASES}/import", **form)
    assert (response.status_code, response.get_json()["code"]) == (422, code), response.get_json()
    assert message in response.get_json()["detail"]


def cursor(*where: object) -> str:
    """As a page gives it."""
    return base64.urlsafe_b64encode(json.dumps(where).encode()).decode()


BAD_QUERIES = [
    ("limit=-1", "invalid_input", "每页 -1 件"),
    ("limit=0", "invalid_input", "应为 1 到 200"),
    ("limit=1000000000000000000000", "invalid_input", "应为 1 到 200"),
    ("limit=many", "invalid_request", "limit：应为整数"),
    ("colour=red", "invalid_request", "colour：没有这一项"),
    ("status=asleep", "invalid_input", "没有“asleep”这种状态"),
    ("due=never", "invalid_input", "due 的值“never”不对"),
    ("needs_review=perhaps", "invalid_request", "needs_review：应为 true 或 false"),
    ("received_from=yesterday", "invalid_request", "received_from：应为时间"),
    ("received_from=0001-01-01T00:00:00%2B14:00", "invalid_request", "1 年不对"),
    ("received_before=9999-12-31T23:59:59-14:00", "invalid_request", "9999 年不对"),
    ("place=a%00b", "invalid_request", "place：含有不是文字的字符"),
    ("cursor=x", "invalid_input", "cursor 不是上一页给出的值"),
    ("cursor=%E6%B1%A1", "invalid_input", "cursor"),
    (f"cursor={cursor(1, '2026-01-01T00:00:00+00:00', 10**30)}", "invalid_input", "cursor"),
    (f"cursor={cursor(float('inf'), '2026-01-01T00:00:00+00:00', 1)}", "invalid_input", "cursor"),
    (f"cursor={cursor(1, '0001-01-01T00:00:00+14:00', 1)}", "invalid_input", "cursor"),
    (f"cursor={cursor(1, 5, 1)}", "invalid_input", "cursor"),
    (f"cursor={cursor(1)}", "invalid_input", "cursor"),
    (f"cursor={base64.urlsafe_b64encode(b'[' * 2500).decode()}", "invalid_input", "cursor"),
]

BAD_CASES: list[tuple[bytes | dict[str, object], int, str, str]] = [
    (b"{bad", 400, "bad_request", "不是有效的 JSON"),
    (b"", 400, "bad_request", "不是有效的 JSON"),
    (b"[" * 100_000, 400, "bad_request", "不是有效的 JSON"),
    (b"[]", 422, "invalid_request", "应为 JSON 对象"),
    ({}, 422, "invalid_request", "text：缺少这一项"),
    ({"text": 5}, 422, "invalid_request", "text：应为文字"),
    ({"text": "污" * 340_000}, 422, "invalid_request", "过长，最多 100000 字"),
    ({"text": " "}, 422, "invalid_complaint", "内容为空"),
    ({"text": "a\ud800"}, 422, "invalid_request", "text：应为文字"),
    ({"text": "污水", "colour": "red"}, 422, "invalid_request", "colour：没有这一项"),
    ({"text": "污水", "channel": "长" * 201}, 422, "invalid_input", "最多 200 字"),
    ({"text": "污水", "place": "a\x00"}, 422, "invalid_request", "不是文字的字符"),
    ({"text": "污水", "reference": "a\udfff"}, 422, "invalid_request", "reference：应为文字"),
    ({"text": "污水", "reference": ""}, 422, "invalid_request", "reference：不能为空"),
    ({"text": "污水", "received_at": "yesterday"}, 422, "invalid_request", "received_at：应为时间"),
    ({"text": "污水", "received_at": "2999-01-01"}, 422, "invalid_input", "在未来"),
    ({"text": "污水", "received_at": "0001-01-01T00:00:00+14:00"}, 422, "invalid_request", "1 年不对"),
]

BAD_DECISIONS = [
    ({"version": "x", "department": "land"}, 422, "version：应为整数"),
    ({"version": 10**30, "department": "land"}, 409, "刚被别人改过"),
    ({"department": "land"}, 422, "version：缺少这一项"),
    ({"version": 1, "department": None}, 422, "department：应为文字"),
    ({"version": 1, "department": "a\x00"}, 422, "不是文字的字符"),
    ({"version": 1, "department": "land", "reason": "\ud800"}, 422, "不是文字的字符"),
]


def test_bad_input_is_refused_in_words(make_app: Callable[..., Flask], database_url: str) -> None:
    """On both databases: a problem document with a stable code and Chinese words, never an error of ours."""
    app = make_app(database_url=database_url)
    add_user(app, "zhang", "triage")
    client = with_token(app, "read", "register", "decide", user="zhang")

    def check(response: Any, status: int, code: str, message: str) -> None:
        problem = response.get_json()
        assert response.content_type == "application/problem+json", response.data
        assert (response.status_code, problem["code"]) == (status, code), problem
        assert message in problem["detail"]

    for query, code, message in BAD_QUERIES:
        check(client.get(f"{CASES}?{query}"), 422, code, message)
    for body, status, code, message in BAD_CASES:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        check(client.post(CASES, data=data, content_type="application/json"), status, code, message)
    number = registered(client)["number"]
    for choice, status, message in BAD_DECISIONS:
        code = "conflict" if status == 409 else "invalid_request"
        data = json.dumps(choice).encode()
        response = client.post(f"{CASES}/{number}/decisions", data=data, content_type="application/json")
        check(response, status, code, message)
    for wrong in ("2026-999999", "x", "2026-", f"2026-{'9' * 40}", "%00", "2026-٣"):
        check(client.get(f"{CASES}/{wrong}"), 404, "not_found", "没有编号为")
    register_of(app).close()


def test_the_document_describes_every_operation(app: Flask) -> None:
    """With a summary for people; the import's file is a form's."""
    document = with_token(app, "suggest").get("/openapi.json").get_json()
    operations = {
        f"{method} {path}": one for path, methods in document["paths"].items() for method, one in methods.items()
    }
    assert all(one.get("summary") for name, one in operations.items() if "/api/" in name), operations.keys()
    for path in ("import", "import/preview"):
        body = operations[f"post {CASES}/{path}"]["requestBody"]["content"]
        assert list(body) == ["multipart/form-data"]
        schema = json.dumps(body)
        name = schema.partition("#/components/schemas/")[2].partition('"')[0]
        properties = document["components"]["schemas"][name]["properties"] if name else json.loads(schema)
        assert properties["file"]["format"] == "binary"
        assert "columns" in properties
