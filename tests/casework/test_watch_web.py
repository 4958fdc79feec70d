"""Watching over the API, for Prometheus and on the page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from casework.storage.database import Database
from casework.web.charts import Chart, Series
from classifier.model import bundle
from tests.casework.watched import add_case, decide, hand_back, three_weeks
from tests.clients import register_of, with_token


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A program that may watch."""
    return with_token(app, "watch")


@pytest.fixture
def register(app: Flask) -> Database:
    """The register of that application."""
    return register_of(app)


def samples(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """What Prometheus reads: name and label values, in the order of the labels' names, to value."""
    text = client.get("/metrics").get_data(as_text=True)
    return {
        (one.name, *(label for _, label in sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_prometheus_reads_what_the_register_holds(client: FlaskClient, register: Database, models_dir: Path) -> None:
    """Every count, whichever process answers; labels are departments and yes or no."""
    with register.writing() as session:
        three_weeks(session)
    answer = client.get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert samples(client) == {
        ("fenban_cases_open",): 1,
        ("fenban_cases_waiting",): 1,
        ("fenban_cases_due_soon",): 0,
        ("fenban_cases_overdue",): 1,
        ("fenban_cases_registered_total",): 8,
        ("fenban_decisions_total", "true", "land"): 2,
        ("fenban_decisions_total", "false", "environment"): 1,
        ("fenban_decisions_total", "true", "education"): 1,
        ("fenban_decisions_total", "false", "education"): 1,
        ("fenban_decisions_total", "none", "other"): 1,
        ("fenban_decisions_total", "true", "other"): 1,
        ("fenban_hand_backs_total", "environment"): 1,
        ("fenban_withdrawals_total",): 0,
        ("fenban_suggestions_total", "true"): 2,
        ("fenban_suggestions_total", "false"): 5,
        ("fenban_model_info", bundle.current(models_dir).name): 1,
    }


def test_prometheus_is_answered_before_there_is_a_model(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """With zeros, and no model."""
    found = samples(with_token(make_app(models_dir=tmp_path), "watch"))
    assert found[("fenban_cases_registered_total",)] == 0
    assert not any(name == "fenban_model_info" for name, *_ in found)


def test_the_api_gives_rows_beside_every_share(client: FlaskClient, register: Database) -> None:
    """And null where there is nothing."""
    now = datetime.now(UTC)
    with register.writing() as session:
        for department in ("land", "land", "other"):
            decide(session, add_case(session, now, "land"), now, department)
    body = client.get("/api/v1/watch?weeks=2").get_json()
    assert len(body["weeks"]) == 2
    agreement = body["weeks"][1]["figures"]["agreement"]
    assert agreement == {
        "count": 2,
        "rows": 3,
        "value": pytest.approx(2 / 3),
        "interval": [pytest.approx(0.2077, abs=1e-4), pytest.approx(0.9385, abs=1e-4)],
    }
    assert body["weeks"][0]["figures"]["agreement"] == {"count": 0, "rows": 0, "value": None, "interval": None}
    assert body["figures"]["blind_accuracy"]["value"] is None
    assert [one["id"] for one in body["departments"]][:2] == ["environment", "land"]
    assert body["weeks"][1]["word_shift"]["reading"] == "unknown"
    assert len(client.get("/api/v1/watch").get_json()["weeks"]) == 12
    assert client.get("/api/v1/watch?weeks=many").status_code == 422


def test_nobody_is_named(client: FlaskClient, register: Database) -> None:
    """Neither who decided nor who handed back stands in any answer."""
    now = datetime.now(UTC)
    with register.writing() as session:
        case = add_case(session, now, department="land")
        decide(session, case, now, "land")
        hand_back(session, case, now, "land")
    for path in ("/figures", "/figures/quality", "/api/v1/watch", "/metrics"):
        text = client.get(path).get_data(as_text=True)
        assert "land" in text or "自然资源" in text
        assert not any(name in text for name in ("赵分办", "钱科长", "路灯坏了", "不归我局"))


def test_the_page_draws_and_tells(client: FlaskClient, register: Database) -> None:
    """Charts with a title, a description and their numbers; names are text, never markup."""
    now = datetime.now(UTC)
    with register.writing() as session:
        for i in range(60):
            at = now - timedelta(weeks=i % 3)
            decide(session, add_case(session, at, "land"), at, "land" if i % 6 else "<script>x</script>", blind=i < 20)
    page = client.get("/figures/quality").get_data(as_text=True)
    assert page.count('<svg class="chart"') == page.count("<desc") == page.count("<figcaption>") == 3
    assert page.count("<polyline") >= 3
    assert "<strong>85%</strong>" in page  # 34 of 40
    assert "<strong>80%</strong>" in page  # 16 of 20, blind
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "style=" not in page


def test_the_page_without_cases_says_so(client: FlaskClient) -> None:
    """In place of empty charts; an odd period falls back to the usual one."""
    page = client.get("/figures/quality?weeks=x").get_data(as_text=True)
    assert "还没有登记过诉求件" in page
    assert "<svg" not in page


def test_a_chart_leaves_gaps_and_finds_its_scale() -> None:
    """A missing value parts the line; the axis ends at a round number above the largest."""
    series = Series("登记", [3, None, 17, 18], ["3 件", "", "17 件", "18 件"])
    chart = Chart("id", "标题", "说明", ["a", "b", "c", "d"], [series], 1, "{:.0f}".format)
    assert [text for _, text in chart.ticks] == ["0", "5", "10", "15", "20"]
    assert [[one.text for one in line] for line in chart.lines(series)] == [
        ["a 登记 3 件"],
        ["c 登记 17 件", "d 登记 18 件"],
    ]
    assert [chart.y(0), chart.y(20)] == [172, 10]
    assert all(0 < one.x < chart.width for line in chart.lines(series) for one in line)
    raised = Chart("id", "", "", ["a", "b"], [Series("", [0.8, 1.0], ["", ""])], 0.05, "{:.0%}".format, floor=0.8)
    assert [text for _, text in raised.ticks] == ["80%", "85%", "90%", "95%", "100%"]
    assert [raised.y(0.8), raised.y(1)] == [172, 10]
    year = Chart("id", "", "", [str(i) for i in range(52)], [], 1, str)
    assert 1 < len(year.marks) <= 6
    assert year.marks[-1][1] == "51"
