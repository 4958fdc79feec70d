"""The pages about models: read the card, work through doubtful labels by keyboard, watch a training, follow a number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from casework.service.retraining import STEPS
from casework.storage import jobs as stored_jobs
from casework.storage.cases import CLOSED
from casework.storage.database import Database
from casework.storage.tables import Case, Job, LabelCheck
from tests.browser.axe import serious_problems
from tests.browser.conftest import shot


def sideways(page: Page) -> bool:
    """Whether a phone would have to scroll sideways."""
    size = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 700})
    wider: bool = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.set_viewport_size(size)
    return wider


@pytest.fixture
def doubted(register: Database) -> Iterator[list[str]]:
    """Three closed cases that training doubts, the surest doubt first; nobody is asked about them afterwards."""
    with register.writing() as session:
        cases = list(session.scalars(select(Case).where(Case.status == CLOSED, Case.department == "other").limit(3)))
        numbers = [case.number for case in cases]
        for i, case in enumerate(cases):
            facts = {"found_at": datetime.now(UTC), "model_version": "试", "confidence": 0.99 - i / 100}
            session.add(LabelCheck(case_id=case.id, department="other", likelier="environment", state="open", **facts))
    yield numbers
    with register.writing() as session:
        for check in session.scalars(select(LabelCheck)):
            session.delete(check)


def states(register: Database) -> list[tuple[str, str | None]]:
    """What was answered of the doubts, in the order of their cases."""
    with register.reading() as session:
        checks = session.scalars(select(LabelCheck).order_by(LabelCheck.confidence.desc()))
        return [(one.state, one.corrected) for one in checks]


def test_the_card_and_the_way_to_the_rest(supervisor: Page, address: str) -> None:
    """One key leads there; figures, plots and every other page stand the check."""
    supervisor.goto(f"{address}/watch")
    supervisor.keyboard.press("g")
    supervisor.keyboard.press("m")
    supervisor.wait_for_url(f"{address}/models")
    assert supervisor.locator("svg.chart").count() == 2
    assert "一次就建议对" in supervisor.inner_text("main")
    assert serious_problems(supervisor) == []
    assert not sideways(supervisor)
    shot(supervisor, "model")
    supervisor.click("main nav >> text=历史")
    assert serious_problems(supervisor) == []
    assert not sideways(supervisor)
    shot(supervisor, "model-history")
    supervisor.click("table a")
    assert "没有与别的模型比较过" in supervisor.inner_text("main")
    assert serious_problems(supervisor) == []


def shows(page: Page, heading: str) -> None:
    """Wait until a page of this heading is there and takes keys."""
    expect(page.locator("main h1")).to_have_text(heading)
    expect(page.locator("[data-keys]")).to_be_visible()


def test_doubtful_labels_by_keyboard_alone(
    supervisor: Page, address: str, register: Database, doubted: list[str]
) -> None:
    """j and k look around, a digit or y or x answers and goes on, u takes it back."""
    one, two, three = doubted
    supervisor.goto(f"{address}/models/label-checks")
    shows(supervisor, one)
    assert serious_problems(supervisor) == []
    assert not sideways(supervisor)
    shot(supervisor, "label-checks")
    supervisor.keyboard.press("j")
    shows(supervisor, two)
    supervisor.keyboard.press("k")
    shows(supervisor, one)
    supervisor.keyboard.press("1")
    shows(supervisor, two)
    expect(supervisor.locator("main form.notice")).to_contain_text(f"{one}：改正")
    assert states(register) == [("changed", "environment"), ("open", None), ("open", None)]
    supervisor.keyboard.press("u")
    shows(supervisor, one)
    assert states(register)[0] == ("open", None)
    supervisor.keyboard.press("y")
    shows(supervisor, two)
    supervisor.keyboard.press("x")
    shows(supervisor, three)
    supervisor.keyboard.press("y")
    shows(supervisor, "没有要核对的标注")
    assert states(register) == [("confirmed", None), ("left_out", None), ("confirmed", None)]
    assert serious_problems(supervisor) == []


def test_a_training_is_watched_as_it_goes(supervisor: Page, address: str, register: Database) -> None:
    """The page follows by itself, says each step once to a screen reader, and ends with the verdict."""
    with register.writing() as session:
        job = stored_jobs.add(session, "retrain", "zhuguan")
        assert job is not None
        job_id = job.id
        stored_jobs.start(job)
        job.progress = f"{STEPS[2]}，用 10501 条"
    supervisor.goto(f"{address}/models/training")
    now = supervisor.locator("[aria-current=step]")
    expect(now).to_contain_text(STEPS[2])
    assert serious_problems(supervisor) == []
    assert not sideways(supervisor)
    shot(supervisor, "training")
    with register.writing() as session:
        session.get_one(Job, job_id).progress = STEPS[4]
    expect(now).to_contain_text(STEPS[4])
    expect(supervisor.locator("#said")).to_have_text(STEPS[4])
    with register.writing() as session:
        reasons = ["最近处理的件：其他的召回率从 0.900 降到 0.800（50 件），最多只许降 0.05。"]
        result = {"version": "20-试", "promoted": False, "reasons": reasons, "handled": 760, "doubts": 3}
        stored_jobs.end(session.get_one(Job, job_id), "done", result | {"doubts_in_files": []})
    expect(supervisor.locator("#training")).to_contain_text("没有启用，继续用现用模型")
    expect(supervisor.locator("#said")).to_have_text("训练好了")
    assert serious_problems(supervisor) == []
    assert supervisor.locator("#training >> text=再训练一次").is_visible()


def test_a_number_of_the_matrix_leads_to_its_cases(supervisor: Page, address: str) -> None:
    """To as many as it says, as far as a page shows."""
    supervisor.goto(f"{address}/models/confusion")
    assert serious_problems(supervisor) == []
    assert not sideways(supervisor)
    shot(supervisor, "confusion")
    cell = supervisor.locator(".matrix td.right a").first
    count = int(cell.inner_text().replace(",", ""))
    assert count > 0
    cell.click()
    supervisor.wait_for_url("**/models/confusion/cases?*")
    assert supervisor.locator("tbody tr").count() == min(count, 50)
    assert serious_problems(supervisor) == []
    assert not sideways(supervisor)
    shot(supervisor, "confusion-cases")
    supervisor.keyboard.press("Escape")
    supervisor.wait_for_url("**/models/confusion?weeks=12")
