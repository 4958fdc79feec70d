"""Models, retraining and doubtful labels over the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.service.jobs import Jobs
from casework.storage import jobs as stored_jobs
from casework.storage.tables import LabelCheck
from classifier.model import bundle
from tests.clients import add_user, register_of, sign_in, with_token
from tests.models import add_model, copy_of, damage

API = "/api/v1"


@pytest.fixture
def models(models_dir: Path, tmp_path: Path) -> Path:
    """A folder of one's own with one model, in service."""
    return copy_of(models_dir, tmp_path)


@pytest.fixture
def app(make_app: Callable[..., Flask], models: Path) -> Flask:
    """An office with a supervisor."""
    app = make_app(models_dir=models, blind_share=0)
    add_user(app, "李主管", "supervisor")
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """The supervisor, signed in."""
    return sign_in(app, "李主管")


def test_models_are_listed_promoted_and_rolled_back(client: FlaskClient, models: Path) -> None:
    """With their verdicts; each switch is in the audit trail with its reason."""
    before = bundle.current(models).name
    add_model(models, "v2", promoted=False)
    listed = client.get(f"{API}/models").get_json()["models"]
    assert [(one["version"], one["state"]) for one in listed] == [("v2", "rejected"), (before, "current")]
    assert client.get(f"{API}/models/v2").get_json()["verdict"]["reasons"] == ["测试"]
    promoted = client.post(f"{API}/models/v2/promotion", json={"why": "主管决定"})
    assert promoted.get_json() == {"version": "v2"}
    assert bundle.current(models).name == "v2"
    assert client.post(f"{API}/models/rollback").get_json() == {"version": before}
    trail = client.get(f"{API}/audit", query_string={"subject": "model", "limit": 2}).get_json()["entries"]
    assert [(one["action"], one["actor"]) for one in trail] == [
        ("model.rolled_back", "李主管"),
        ("model.promoted", "李主管"),
    ]
    assert trail[1]["new"]["why"] == "主管决定"


def test_what_cannot_be_switched(client: FlaskClient, models: Path) -> None:
    """Unknown, damaged, or nothing before: told in words, and the model in service stays."""
    before = bundle.current(models).name
    damage(models, add_model(models, "v2"))
    for path, body, status, code in (
        ("models/nothing/promotion", {}, 404, "not_found"),
        ("models/../promotion", {}, 404, "not_found"),
        ("models/v2/promotion", {}, 503, "no_model"),
        ("models/v2/promotion", {"whom": "x"}, 422, "invalid_request"),
        ("models/v2/promotion", {"why": 5}, 422, "invalid_request"),
        ("models/rollback", {}, 404, "not_found"),
    ):
        response = client.post(f"{API}/{path}", json=body)
        assert (response.status_code, response.get_json()["code"]) == (status, code), path
    assert client.get(f"{API}/models/nothing").status_code == 404
    assert client.get(f"{API}/models/v2").status_code == 503
    assert bundle.current(models).name == before


def test_retraining_is_queued_once(app: Flask, client: FlaskClient) -> None:
    """202 with the job, 409 while it is under way; its end and its result are seen."""
    queued = client.post(f"{API}/retraining")
    assert queued.status_code == 202
    job = queued.get_json()
    assert (job["state"], job["requested_by"], job["result"]) == ("queued", "李主管", None)
    again = with_token(app, "models").post(f"{API}/retraining")
    assert (again.status_code, again.get_json()["code"]) == (409, "conflict")
    jobs: Jobs = app.extensions["fenban.jobs"]
    jobs._work = {"retrain": lambda who, progress: {"promoted": False, "reasons": [f"{who}：更差"]}}
    task = jobs.huey.dequeue()
    assert task is not None
    jobs.huey.execute(task)
    done = client.get(f"{API}/jobs/{job['id']}").get_json()
    assert (done["state"], done["result"]["reasons"]) == ("done", ["李主管：更差"])
    assert client.post(f"{API}/retraining").status_code == 202


@pytest.mark.parametrize("number", ["99", "9" * 30])
def test_an_unknown_job(client: FlaskClient, number: str) -> None:
    """Is not found, however large its number."""
    response = client.get(f"{API}/jobs/{number}")
    assert (response.status_code, response.get_json()["code"]) == (404, "not_found")


def test_a_queue_that_is_away(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 in words; what was asked for stands as failed."""

    def away(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    jobs: Jobs = app.extensions["fenban.jobs"]
    monkeypatch.setattr(jobs.huey.storage, "enqueue", away)
    response = client.post(f"{API}/retraining")
    assert (response.status_code, "FENBAN_JOBS_URL" in response.get_json()["detail"]) == (503, True)
    with register_of(app).reading() as session:
        assert stored_jobs.under_way(session) == []


def doubted(app: Flask, client: FlaskClient) -> str:
    """The number of a decided case that training doubts."""
    case = client.post(f"{API}/cases", json={"text": "邻居占了我家宅基地盖房"}).get_json()
    client.post(f"{API}/cases/{case['number']}/decisions", json={"version": 1, "department": "education"})
    with register_of(app).writing() as session:
        facts = {"found_at": datetime.now(UTC), "model_version": "v2", "confidence": 0.95, "state": "open"}
        check = LabelCheck(
            case_id=int(case["number"].partition("-")[2]), department="education", likelier="land", **facts
        )
        session.add(check)
    return str(case["number"])


def test_doubts_are_listed_and_settled(app: Flask, client: FlaskClient) -> None:
    """By the case's number; then they are no longer listed."""
    number = doubted(app, client)
    (doubt,) = client.get(f"{API}/label-checks").get_json()["doubts"]
    assert (doubt["number"], doubt["department"], doubt["likelier"]) == (number, "education", "land")
    assert doubt["text"] == "邻居占了我家宅基地盖房"
    settled = client.post(f"{API}/label-checks/{number}", json={"answer": "changed", "department": "land"})
    assert (settled.get_json()["state"], settled.get_json()["department"]) == ("changed", "land")
    assert client.get(f"{API}/label-checks").get_json()["doubts"] == []
    assert client.get(f"{API}/cases/{number}").get_json()["department"]["id"] == "education"
    again = client.post(f"{API}/label-checks/{number}", json={"answer": "confirmed"})
    assert (again.status_code, again.get_json()["code"]) == (409, "conflict")
    reopened = client.delete(f"{API}/label-checks/{number}").get_json()
    assert (reopened["state"], reopened["department"]) == ("open", "education")
    assert len(client.get(f"{API}/label-checks").get_json()["doubts"]) == 1


@pytest.mark.parametrize(
    ("answer", "status", "code", "message"),
    [
        ({"answer": "maybe"}, 422, "invalid_request", "answer：应为 'confirmed', 'changed' 或 'left_out'"),
        ({"answer": "changed"}, 422, "invalid_input", "写明应学的部门"),
        ({"answer": "confirmed", "department": "land"}, 422, "invalid_input", "不写部门"),
        ({"answer": "changed", "department": "nowhere"}, 422, "invalid_input", "没有“nowhere”"),
        ({"answer": "changed", "department": "a\x00"}, 422, "invalid_request", "不是文字的字符"),
        ({}, 422, "invalid_request", "answer：缺少这一项"),
    ],
)
def test_answers_that_say_nothing(
    app: Flask, client: FlaskClient, answer: dict[str, str], status: int, code: str, message: str
) -> None:
    """Are refused, and the doubt stays."""
    number = doubted(app, client)
    response = client.post(f"{API}/label-checks/{number}", json=answer)
    assert (response.status_code, response.get_json()["code"]) == (status, code)
    assert message in response.get_json()["detail"]
    assert len(client.get(f"{API}/label-checks").get_json()["doubts"]) == 1
    assert client.post(f"{API}/label-checks/2026-999999", json={"answer": "confirmed"}).status_code == 404
