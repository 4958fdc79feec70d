"""The API and the page: what they answer, and how they refuse."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.web.pages.marked import mark
from casework.web.problems import PROBLEMS
from casework.web.schemas import AdviceOut, SuggestionOut
from classifier.model.classifier import Classifier
from classifier.records import Complaint
from tests.clients import with_token

TEXT = "楼下烧烤店的油烟天天往家里灌，孩子咳嗽，夜里睡不着，电话13800001234"


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that may ask for suggestions, of the application with the test model."""
    return with_token(app, "suggest")


@pytest.fixture
def bare_client(make_app: Callable[..., Flask], tmp_path: Path) -> FlaskClient:
    """The same of the application without a model."""
    return with_token(make_app(models_dir=tmp_path / "none"), "suggest")


def test_a_suggestion(client: FlaskClient, classifier: Classifier) -> None:
    """Every field of the contract is there and is what the classifier says."""
    response = client.post("/api/v1/suggestions", json={"title": "油烟", "text": TEXT})
    assert response.status_code == 200
    body = response.get_json()
    suggestion = classifier.suggest(Complaint("油烟", TEXT))
    assert body["department"] == {
        "id": suggestion.lead.department.id,
        "name": suggestion.lead.department.name,
        "confidence": pytest.approx(suggestion.lead.confidence),
    }
    assert suggestion.urgency
    assert body["urgency"] == {
        "id": suggestion.urgency.level.id,
        "name": suggestion.urgency.level.name,
        "confidence": pytest.approx(suggestion.urgency.confidence),
        "respond_within_hours": suggestion.urgency.level.respond_within_hours,
    }
    assert sum(one["confidence"] for one in body["candidates"]) == pytest.approx(1)
    assert body["needs_review"] is suggestion.needs_review
    assert [one["code"] for one in body["review_causes"]] == [one.code for one in suggestion.review_causes]
    assert body["model_version"] == classifier.version
    assert body["took_ms"] > 0
    written = {"title": "油烟", "text": TEXT}
    assert body["reasons"]
    for reason in body["reasons"]:
        assert written[reason["field"]][reason["start"] : reason["end"]] == reason["text"]


def test_a_single_suggestion_shows_similar_cases(client: FlaskClient, classifier: Classifier) -> None:
    """The most similar cases come with what was decided for them; the page shows them too."""
    body = client.post("/api/v1/suggestions", json={"title": "油烟", "text": TEXT}).get_json()
    similar = classifier.advise(Complaint("油烟", TEXT))[1]
    assert similar
    assert [(one["excerpt"], one["department"]["name"]) for one in body["similar"]] == [
        (one.excerpt, one.department.name) for one in similar
    ]
    page = client.post("/new", data={"title": "油烟", "text": TEXT}).get_data(as_text=True)
    assert similar[0].excerpt[:20] in page


def test_answers_have_the_shape_that_is_documented(client: FlaskClient) -> None:
    """Every field with its type and no other, for one complaint and for a batch."""
    complaints = [{"title": "油烟", "text": TEXT}, {"text": "咨询"}]
    alone = [client.post("/api/v1/suggestions", json=one).get_json() for one in complaints]
    together = client.post("/api/v1/suggestions/batch", json=complaints).get_json()
    for shape, answers in ((AdviceOut, alone), (SuggestionOut, together)):
        for answer in answers:
            assert shape.model_validate(answer, strict=True).model_dump() == answer


def test_words_against_are_marked_as_such(client: FlaskClient, classifier: Classifier) -> None:
    """What spoke for another department has a negative weight, and a mark of its own on the page."""
    text = "残疾人证到期了去换证，窗口楼下的油烟和噪音很大，大家排队排到马路上。"
    against = [one for one in classifier.suggest(Complaint("", text)).reasons if one.weight < 0]
    assert against
    body = client.post("/api/v1/suggestions", json={"text": text}).get_json()
    assert [one["text"] for one in body["reasons"] if one["weight"] < 0] == [one.text for one in against]
    page = client.post("/new", data={"title": "", "text": text}).get_data(as_text=True)
    assert f'<mark class="against">{against[0].text}</mark>' in page


def test_a_batch_keeps_the_order(client: FlaskClient) -> None:
    """One suggestion for each complaint."""
    texts = [TEXT, "征地补偿款一分没见到", "学校食堂吃坏了十几个孩子"]
    body = client.post("/api/v1/suggestions/batch", json=[{"text": text} for text in texts]).get_json()
    singles = [client.post("/api/v1/suggestions", json={"text": text}).get_json() for text in texts]
    assert [one["candidates"] for one in body] == [
        [one | {"confidence": pytest.approx(one["confidence"])} for one in single["candidates"]] for single in singles
    ]


REFUSED = [
    ("/api/v1/suggestions", b'{"text": ""}', 422, "invalid_complaint", "内容为空"),
    ("/api/v1/suggestions", json.dumps({"text": "污" * 340_000}).encode(), 422, "invalid_complaint", "内容过长"),
    ("/api/v1/suggestions", b'{"text": "a\\u0000b"}', 422, "invalid_complaint", "U+0000"),
    ("/api/v1/suggestions", b'{"text": "a\\ud800b"}', 422, "invalid_complaint", "U+D800"),
    ("/api/v1/suggestions", b'{"title": "a"}', 422, "invalid_request", "text：缺少这一项"),
    ("/api/v1/suggestions", b'{"text": 5}', 422, "invalid_request", "text：应为文字"),
    ("/api/v1/suggestions", b"[]", 422, "invalid_request", "应为 JSON 对象"),
    ("/api/v1/suggestions", b"{bad", 400, "bad_request", "不是有效的 JSON"),
    ("/api/v1/suggestions", "{'text': '污'}".encode("gbk"), 400, "bad_request", "不是有效的 JSON"),
    ("/api/v1/suggestions/batch", b"[]", 422, "invalid_request", "列表不能为空"),
    ("/api/v1/suggestions/batch", b"{}", 422, "invalid_request", "应为列表"),
    ("/api/v1/suggestions/batch", json.dumps([{"text": "a"}] * 1001).encode(), 422, "invalid_request", "最多 1000 件"),
    ("/api/v1/suggestions/batch", b'[{"text": "a"}, {"text": " "}]', 422, "invalid_complaint", "第 2 件：内容为空"),
    ("/api/v1/nothing", b"{}", 404, "not_found", "没有这个地址"),
    ("/healthz", b"{}", 405, "method_not_allowed", "不支持该请求方法"),
]


@pytest.mark.parametrize(("path", "body", "status", "code", "detail"), REFUSED)
def test_bad_requests_are_refused(
    client: FlaskClient, path: str, body: bytes, status: int, code: str, detail: str
) -> None:
    """Each is a problem document with a stable code and a message for people."""
    response = client.post(path, data=body, content_type="application/json")
    problem = response.get_json()
    assert response.content_type == "application/problem+json"
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert detail in problem["detail"]


def test_a_wrong_content_type_is_refused(client: FlaskClient) -> None:
    """JSON must say that it is JSON."""
    response = client.post("/api/v1/suggestions", data=b'{"text": "a"}', content_type="text/plain")
    assert (response.status_code, response.get_json()["code"]) == (415, "unsupported_media_type")


def test_a_body_past_the_limit_is_refused(make_app: Callable[..., Flask]) -> None:
    """Before it is read."""
    client = with_token(make_app(max_request_bytes=100), "suggest")
    response = client.post("/api/v1/suggestions", json={"text": "a" * 200})
    assert (response.status_code, response.get_json()["code"]) == (413, "request_entity_too_large")


def test_health(client: FlaskClient, bare_client: FlaskClient, classifier: Classifier) -> None:
    """Alive is not ready: ready needs a model."""
    assert client.get("/healthz").get_json()["status"] == "ok"
    assert client.get("/readyz").get_json() == {"status": "ok", "model_version": classifier.version}
    assert bare_client.get("/healthz").status_code == 200
    assert bare_client.get("/readyz").status_code == 503


def test_without_a_model_nothing_is_suggested(bare_client: FlaskClient) -> None:
    """The answer says how to get one."""
    response = bare_client.post("/api/v1/suggestions", json={"text": TEXT})
    assert (response.status_code, response.get_json()["code"]) == (503, "no_model")
    assert "fenban train" in response.get_json()["detail"]


def test_openapi_describes_the_api(client: FlaskClient) -> None:
    """Every route of the API is documented with its problems; the viewer comes from this host."""
    document = client.get("/openapi.json").get_json()
    assert {"/api/v1/suggestions", "/api/v1/suggestions/batch", "/healthz", "/readyz"} <= set(document["paths"])
    responses = document["paths"]["/api/v1/suggestions"]["post"]["responses"]
    assert {"200", "400", "413", "415", "422", "503"} <= set(responses)
    page = client.get("/docs").get_data(as_text=True)
    assert "http" not in page.replace("http-equiv", "")
    with client.get("/static/vendor/rapidoc/rapidoc-min.js") as script:
        assert script.status_code == 200


def test_every_error_has_a_status() -> None:
    """Errors a request can raise are in the one table."""
    assert {"invalid_complaint", "no_model", "not_signed_in", "not_allowed", "stale_form", "no_database"} <= {
        code for _, code in PROBLEMS.values()
    }


def test_the_page_suggests_and_marks(client: FlaskClient) -> None:
    """Pasting a complaint shows the suggestion, the reasons marked in the text."""
    page = client.post("/new", data={"title": "", "text": TEXT}).get_data(as_text=True)
    assert "把握" in page
    assert '<mark class="' in page


def test_the_page_tells_which_rule_fired(client: FlaskClient) -> None:
    """A danger that a rule saw is named with the words it saw."""
    page = client.post("/new", data={"text": "电梯卡在七楼和八楼中间，里面困着两个人"}).get_data(as_text=True)
    assert "危险规则“有人被困”" in page


def test_the_page_escapes_what_was_pasted(client: FlaskClient) -> None:
    """Markup in a complaint is text."""
    page = client.post("/new", data={"title": "<script>a</script>", "text": "</textarea><b>油烟</b>太大"}).get_data(
        as_text=True
    )
    assert "<script>a" not in page
    assert "</textarea><b>" not in page


def test_the_page_refuses_in_words_and_keeps_what_was_typed(client: FlaskClient) -> None:
    """A blank complaint is an error beside the form."""
    response = client.post("/new", data={"title": "", "text": " \n"})
    assert response.status_code == 422
    assert "内容为空" in response.get_data(as_text=True)


def test_pages_load_nothing_from_elsewhere(client: FlaskClient) -> None:
    """A strict policy on every answer; no page names another host."""
    for path in ("/new", "/docs", "/nothing"):
        response = client.get(path, headers={"Accept": "text/html"})
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "//" not in response.get_data(as_text=True).replace("http://www.w3.org", "")
    assert "unsafe" not in client.get("/new").headers["Content-Security-Policy"]


def test_an_unknown_page_is_a_readable_page(client: FlaskClient) -> None:
    """People get a page, programs a problem document."""
    assert "没有这个地址" in client.get("/nothing", headers={"Accept": "text/html"}).get_data(as_text=True)


@pytest.mark.parametrize("text", [TEXT, "油烟" * 30, "，，油烟，，"])
def test_marked_pieces_join_to_the_text(classifier: Classifier, text: str) -> None:
    """Marking loses and adds nothing."""
    complaint = Complaint("油烟太大了", text)
    suggestion = classifier.suggest(complaint)
    for field in ("title", "text"):
        written = getattr(complaint, field)
        assert "".join(piece.text for piece in mark(written, suggestion.reasons, field)) == written


def test_complaints_are_never_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """Not even when a request fails."""
    with caplog.at_level(logging.DEBUG):
        client.post("/api/v1/suggestions", json={"text": TEXT})
        client.post("/api/v1/suggestions", json={"text": TEXT + "\x00"})
    assert "油烟" not in caplog.text
