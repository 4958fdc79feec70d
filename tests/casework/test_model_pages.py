"""The pages about models: what a supervisor reads there, presses there, and is told when something is in the way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.service import accounts, doubts
from casework.service.jobs import Jobs
from casework.service.model_card import Measures, card
from casework.service.permissions import console
from casework.service.retraining import STEPS
from casework.storage import audit
from casework.storage import jobs as stored_jobs
from casework.storage.cases import DECIDED
from casework.storage.tables import Job, LabelCheck
from casework.web import model_charts
from classifier.model import bundle
from classifier.taxonomy import Taxonomy
from tests.casework.watched import add_case, decide
from tests.clients import PASSWORD, add_user, register_of, sign_in
from tests.models import add_model, copy_of, damage

COMPARED = {
    "最近处理的件": {
        "rows": 40,
        "macro_f1": {"champion": 0.8, "challenger": 0.85},
        "difference": 0.05,
        "difference_interval": [0.01, 0.09],
        "recall": {
            "other": {"rows": 20, "champion": 0.9, "challenger": 0.9},
            "land": {"rows": 20, "champion": 0.7, "challenger": 0.65},
        },
        "calibration_error": {"champion": 0.02, "challenger": 0.03},
        "gravest": {"rows": 4, "champion": 0.75, "challenger": 1.0},
    }
}


@pytest.fixture
def models(models_dir: Path, tmp_path: Path) -> Path:
    """A folder of one's own with one model, in service."""
    return copy_of(models_dir, tmp_path)


@pytest.fixture
def app(make_app: Callable[..., Flask], models: Path) -> Flask:
    """An office with a supervisor."""
    app = make_app(models_dir=models)
    add_user(app, "李主管", "supervisor")
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """The supervisor, signed in."""
    return sign_in(app, "李主管")


def read(client: FlaskClient, path: str, status: int = 200) -> str:
    """A page's words, one space for any white space."""
    response = client.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
    assert response.status_code == status, path
    return words(response.get_data(as_text=True))


def words(html: str) -> str:
    """What a page says, without markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def doubted(app: Flask, *texts: str) -> list[str]:
    """Numbers of cases handled by education that are thought to be land's, the surest doubt first."""
    now, numbers = datetime.now(UTC), []
    with register_of(app).writing() as session:
        for i, text in enumerate(texts):
            case = add_case(session, now, "land", status=DECIDED)
            case.text, case.department = text, "education"
            decide(session, case, now, "education")
            facts = {"found_at": now, "model_version": "v1", "confidence": 0.99 - i / 100, "state": "open"}
            session.add(LabelCheck(case_id=case.id, department="education", likelier="land", **facts))
            numbers.append(case.number)
    return numbers


def put_job(app: Flask, state: str, progress: str = "", **result: object) -> None:
    """A training as the worker leaves it."""
    with register_of(app).writing() as session:
        job = stored_jobs.add(session, "retrain", "王主任")
        assert job is not None
        job.state, job.progress, job.result = state, progress, result or None


def test_a_model_is_told_in_words_a_supervisor_understands(client: FlaskClient, models: Path) -> None:
    """Of a hundred matters; the figures are those of metrics.json."""
    metrics = bundle.read_metrics(bundle.current(models))
    department, urgency = metrics["department"], metrics["urgency"]
    text = read(client, "/models")
    assert f"一次就建议对 {100 * department['accuracy']:.0f} 件" in text
    assert f"可以直接采纳 {100 * department['answered_alone']['share']:.0f} 件" in text
    assert f"没认出来 {100 * (1 - urgency['gravest_recall']):.0f} 件" in text
    land = department["per_class"]["land"]
    assert f"自然资源 {land['rows']:,} {100 * land['recall']:.0f} 件 {100 * land['recall']:.0f} 件" in text
    html = client.get("/models").get_data(as_text=True)
    assert html.count('<svg class="chart"') == html.count("<figcaption>") == 2
    assert "style=" not in html


def test_charts_of_a_model_that_is_never_right() -> None:
    """Its lines begin at the bottom; bins without a row have no point."""
    metrics = {
        "rows": 2,
        "accuracy": 0.0,
        "accuracy_interval": [0.0, 0.0],
        "among_first_two": 0.5,
        "answered_alone": {"accuracy": 0.95, "share": 0.0},
        "per_class": {},
        "coverage": [{"share": 0.5, "accuracy": 0.0}, {"share": 1.0, "accuracy": 0.0}],
        "reliability": [{"rows": 0, "confidence": 0, "accuracy": 0}, {"rows": 2, "confidence": 0.9, "accuracy": 0}],
        "confusion": {"labels": ["land"], "true_by_predicted": [[0]]},
    }
    measures = Measures.of({"department": metrics}, Taxonomy.read())
    assert measures is not None
    assert measures.gravest is None
    coverage, reliability = model_charts.charts(measures)
    assert coverage.ticks[0][1] == "0%"
    assert [len(line) for line in coverage.lines(coverage.series[0])] == [2]
    assert [line[0].x for line in reliability.lines(reliability.series[0])] == [reliability.x(1)]


def test_without_a_model_the_page_says_how_to_get_one(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """On every page about models, and nothing can be trained from nothing."""
    app = make_app(models_dir=tmp_path / "none")
    add_user(app, "李主管", "supervisor")
    client = sign_in(app, "李主管")
    assert "还没有模型" in read(client, "/models")
    assert "还没有训练过模型" in read(client, "/models/history")
    assert "没有要核对的标注" in read(client, "/models/label-checks")
    assert "没有可比的件" in read(client, "/models/confusion")
    assert "还没有已办件可学" in read(client, "/models/training")
    assert "开始训练" not in read(client, "/models/training")


def test_a_model_that_is_damaged(client: FlaskClient, models: Path) -> None:
    """What serves goes on serving, and the page says what to do; the others can still be looked at."""
    serving = bundle.current(models).name
    add_model(models, "30-next")
    damage(models, serving)
    text = read(client, "/models")
    assert "现用模型用不了" in text
    assert "与发布时不一致" in text
    assert f"服务仍由先前装入的 {serving} 作答" in text
    assert "文件缺失或与发布时不一致" in read(client, "/models/history")
    assert "训练数据的交叉验证" not in read(client, "/models/confusion")
    assert "启用这个模型" in read(client, "/models/versions/30-next")
    assert "与发布时不一致" in read(client, f"/models/versions/{serving}", 503)


def test_a_challenger_beside_the_champion(client: FlaskClient, models: Path) -> None:
    """Figure by figure, departments in their order, with what is chance and what is not."""
    version = add_model(models, "30-next", False)
    folder, manifest = models / version, bundle.read_manifest(models / version)
    verdict = {"promoted": False, "reasons": ["自然资源的召回率降了。"], "comparisons": COMPARED, "champion": "20-old"}
    (folder / "verdict.json").write_text(json.dumps(verdict, ensure_ascii=False), encoding="utf-8")
    manifest["sha256"]["verdict.json"] = bundle._sha256(folder / "verdict.json")
    manifest["sha256_self"] = bundle._digest(manifest)
    (folder / bundle.MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    text = read(client, f"/models/versions/{version}")
    assert "与当时的现用模型 20-old 比较：没有通过 自然资源的召回率降了。" in text
    assert "各部门平均（宏平均 F1） 40 0.800 0.850 +0.050 +0.010 ～ +0.090 升" in text
    assert "自然资源的件，认出的 20 0.700 0.650 -0.050 — 降 其他的件，认出的 20 0.900 0.900 +0.000 — 没变" in text
    assert "特急的件，认出的 4 0.750 1.000" in text
    assert "仍然启用" in text


def test_promoting_needs_a_reason(client: FlaskClient, models: Path) -> None:
    """What was typed stays in the form; with one, the model serves and the reason stands beside it."""
    before = bundle.current(models).name
    add_model(models, "30-next")
    path = "/models/versions/30-next/promotion"
    refused = client.post(path, data={"why": "长" * 501, "expected": before})
    assert refused.status_code == 422
    assert "请写明为什么启用，最多 500 字" in refused.get_data(as_text=True)
    assert "长" * 501 in refused.get_data(as_text=True)
    assert client.post(path, data={"why": " ", "expected": before}).status_code == 422
    assert bundle.current(models).name == before
    assert client.post(path, data={"why": "<b>新区的件更准</b>", "expected": before}).location == "/models"
    assert bundle.current(models).name == "30-next"
    html = client.get("/models").get_data(as_text=True)
    assert "已启用 30-next" in html
    assert "&lt;b&gt;新区的件更准&lt;/b&gt;" in html
    assert f"退回 {before}" in html
    assert "没有记下自己有多准" in html


def test_of_two_supervisors_the_second_is_told(app: Flask, client: FlaskClient, models: Path) -> None:
    """And sees again what is in service now, the reason still in the form."""
    before = bundle.current(models).name
    for version in ("30-next", "40-other"):
        add_model(models, version)
    add_user(app, "王主管", "supervisor")
    first = sign_in(app, "王主管")
    first.post("/models/versions/30-next/promotion", data={"why": "先启用的", "expected": before})
    second = client.post("/models/versions/40-other/promotion", data={"why": "后启用的", "expected": before})
    assert second.status_code == 409
    html = second.get_data(as_text=True)
    assert "现用模型刚才换成了 30-next" in html
    assert "后启用的</textarea>" in html
    assert 'name="expected" value="30-next"' in html
    assert "现用模型刚才换成了 30-next" in words(
        client.post("/models/rollback", data={"expected": before}, follow_redirects=True).get_data(as_text=True)
    )
    assert bundle.current(models).name == "30-next"
    assert client.post("/models/rollback", data={"expected": "30-next"}).location == "/models"
    assert bundle.current(models).name == before
    events = read(client, "/models/history")
    assert events.index("李主管 退回启用") < events.index("王主管 启用") < events.index("系统 在服务器上换用")
    assert "先启用的" in events


def test_who_trained_a_model_and_what_the_gate_said(app: Flask, client: FlaskClient, models: Path) -> None:
    """Where the gate alone put it into service, its reasons are not told twice."""
    version = add_model(models, "30-next", True)
    with register_of(app).writing() as session:
        facts = {"version": version, "handled": 760, "doubts": 3, "reasons": ["测试"]}
        audit.record(session, "李主管", "model.trained", "model", None, facts)
    client.post(f"/models/versions/{version}/promotion", data={"why": "测试", "expected": bundle.current(models).name})
    with register_of(app).reading() as session:
        found = card(session, console(), models, version)
    assert found.trained is not None
    assert found.switched is not None
    assert (found.trained.handled, found.trained.why, found.switched.why) == (760, "测试", "比较通过")
    assert client.get("/models/history").get_data(as_text=True).count('<p class="long">测试</p>') == 1
    text = read(client, "/models")
    assert "当时有已办件 760 件可学" in text
    assert "与上一个的对照" in text


def test_doubtful_labels_one_after_another(app: Flask, client: FlaskClient) -> None:
    """Each answer leads to the next doubt, and can be taken back; the words that spoke are marked."""
    one, two = doubted(app, "邻居占了我家宅基地盖房", "村里的<b>耕地</b>被占")
    html = client.get("/models/label-checks").get_data(as_text=True)
    assert "待核对 2 件" in html
    assert '<mark class="department">' in html
    assert "&lt;b&gt;" in html
    answered = client.post(
        f"/models/label-checks/{one}", data={"answer": "changed", "department": "land", "after": two}
    )
    assert answered.location == f"/models/label-checks?at={two}&settled={one}"
    text = read(client, answered.location)
    assert f"{one}：改正为自然资源，下次训练照此学" in text
    assert "待核对 1 件" in text
    text = read(client, client.post(f"/models/label-checks/{one}/reopening").location)
    assert f"已撤销 {one} 的核对" in text
    assert "待核对 2 件" in text
    for number in (one, two):
        client.post(f"/models/label-checks/{number}", data={"answer": "left_out"})
    text = read(client, f"/models/label-checks?settled={two}")
    assert f"{two}：不学，下次训练照此不学它" in text
    assert "没有要核对的标注" in text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"answer": "maybe"}, "没有“maybe”这种核对结果"),
        ({"answer": "changed"}, "要写明应学的部门"),
        ({"answer": "changed", "department": "nowhere"}, "没有“nowhere”这个部门"),
    ],
)
def test_an_impossible_answer_is_told(app: Flask, client: FlaskClient, data: dict[str, str], message: str) -> None:
    """And the doubt stays."""
    (number,) = doubted(app, "邻居占了我家宅基地盖房")
    response = client.post(f"/models/label-checks/{number}", data=data, follow_redirects=True)
    assert message in response.get_data(as_text=True)
    assert "待核对 1 件" in response.get_data(as_text=True)


def test_a_doubt_that_somebody_has_answered(app: Flask, client: FlaskClient) -> None:
    """Is told in words; one that is answered or unknown in the address leads to the first that is open."""
    one, two = doubted(app, "邻居占了我家宅基地盖房", "村里的耕地被占")
    add_user(app, "王主管", "supervisor")
    sign_in(app, "王主管").post(f"/models/label-checks/{one}", data={"answer": "confirmed"})
    late = client.post(f"/models/label-checks/{one}", data={"answer": "left_out"}, follow_redirects=True)
    assert f"{one} 已由 王主管 核对过（确认无误）" in late.get_data(as_text=True)
    for address in (one, "2026-999999", "<b>"):
        assert f'href="/cases/{two}"' in client.get("/models/label-checks", query_string={"at": address}).get_data(
            as_text=True
        )


def test_the_matrix_leads_to_its_cases(app: Flask, client: FlaskClient) -> None:
    """A number is a link to as many cases; names are text."""
    now = datetime.now(UTC)
    with register_of(app).writing() as session:
        for title in ("<i>路灯</i>", "井盖丢了"):
            case = add_case(session, now, "land", status=DECIDED)
            case.title, case.department = title, "other"
            decide(session, case, now, "other")
    html = client.get("/models/confusion").get_data(as_text=True)
    assert "2 件里有 0 件" in words(html)
    path = re.search(r'href="([^"]+decided=other[^"]+)"', html)
    assert path is not None
    page = client.get(path[1].replace("&amp;", "&")).get_data(as_text=True)
    assert page.count('href="/cases/') == 2
    assert "&lt;i&gt;路灯&lt;/i&gt;" in page
    assert "没有可比的件" in read(client, "/models/confusion?version=v2")
    assert "周数 7 不对" in read(client, "/models/confusion?weeks=7", 422)
    assert "没有这样的 件" in read(client, "/models/confusion/cases?decided=x&suggested=y").replace(
        "这样的件", "这样的 件"
    )


def test_a_training_as_it_goes(app: Flask, client: FlaskClient) -> None:
    """Queued, running step by step, done or failed; who watches is told only what has changed."""
    doubted(app, "邻居占了我家宅基地盖房")
    assert "开始训练" in read(client, "/models/training")
    put_job(app, "queued")
    assert "在排队" in read(client, "/models/training")
    assert "正在训练新模型" in read(client, "/models")
    with register_of(app).writing() as session:
        job = session.get_one(Job, 1)
        job.state, job.progress = "running", f"{STEPS[2]}，用 99 条"
    html = client.get("/models/training").get_data(as_text=True)
    assert f"{STEPS[1]}，做完了" in html
    assert f"<b>{STEPS[2]}，用 99 条</b>，正在做" in html
    watch = re.search(r'hx-get="([^"]+)"', html)
    assert watch is not None
    ask = {"HX-Request": "true"}
    assert client.get(watch[1], headers=ask).status_code == 204
    with register_of(app).writing() as session:
        result = {"version": "v2", "promoted": False, "reasons": ["<b>更差。</b>"], "handled": 1, "doubts": 1}
        stored_jobs.end(session.get_one(Job, 1), "done", result | {"doubts_in_files": []})
    part = client.get(watch[1], headers=ask).get_data(as_text=True)
    assert "没有启用，继续用现用模型" in part
    assert "&lt;b&gt;更差。&lt;/b&gt;" in part
    assert 'hx-swap-oob="innerHTML">训练好了' in part
    assert "hx-get" not in part
    assert "<html" not in part


@pytest.mark.parametrize(("state", "told"), [("failed", "没有成功"), ("interrupted", "中断了")])
def test_a_training_that_came_to_nothing(app: Flask, client: FlaskClient, state: str, told: str) -> None:
    """Says why, and can be asked for again."""
    doubted(app, "邻居占了我家宅基地盖房")
    put_job(app, state, error="磁盘已满")
    text = read(client, "/models/training")
    assert told in text
    assert "磁盘已满" in text
    assert "再训练一次" in text


def test_asking_for_a_training(app: Flask, client: FlaskClient) -> None:
    """Queues one; a second press is told that one is under way."""
    doubted(app, "邻居占了我家宅基地盖房")
    jobs: Jobs = app.extensions["fenban.jobs"]
    assert client.post("/models/training").location == "/models/training"
    latest = jobs.latest(console(), "retrain")
    assert latest is not None
    assert (latest.state, latest.requested_by) == ("queued", "李主管")
    again = client.post("/models/training", follow_redirects=True).get_data(as_text=True)
    assert "已有一个任务" in again


def test_a_department_s_supervisor_reads_no_other_s_cases(app: Flask) -> None:
    """Neither in the list nor by the number; nor can they answer."""
    (number,) = doubted(app, "邻居占了我家宅基地盖房")
    with register_of(app).writing() as session:
        accounts.add_user(session, console(), "钱主管", "supervisor", PASSWORD, department="land")
    client = sign_in(app, "钱主管")
    assert "没有要核对的标注" in read(client, "/models/label-checks")
    assert "不在您的部门范围内" in read(client, f"/models/label-checks?settled={number}", 404)
    answered = client.post(f"/models/label-checks/{number}", data={"answer": "left_out"}, follow_redirects=True)
    assert "不在您的部门范围内" in answered.get_data(as_text=True)
    with register_of(app).reading() as session:
        assert doubts.count_doubts(session, console()) == 1
