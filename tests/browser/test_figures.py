"""统计 in a real browser: from a number to its cases and back, by keyboard, on a phone's width, on paper and as a workbook."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page
from python_calamine import CalamineWorkbook

from tests.browser.axe import serious_problems
from tests.browser.conftest import shot

FITS = "document.documentElement.scrollWidth <= window.innerWidth"


def test_from_a_number_to_its_cases_and_back(supervisor: Page, address: str) -> None:
    """As many as the number says, over all pages of the list, and back to what was asked."""
    page = supervisor
    page.goto(f"{address}/figures?by=urgency")
    assert serious_problems(page) == []
    shot(page, "figures", full_page=True)
    link = page.locator("section:has(#by-part) tbody tr").last.locator("a[href*='figure=handed_back']")
    number = int(link.inner_text())
    link.press("Enter")
    assert f"退回：{number} 次" in page.inner_text("h1")
    assert serious_problems(page) == []
    shot(page, "figure-cases")
    rows = page.locator("tbody tr").count()
    while page.get_by_text("下一页").count():
        page.get_by_text("下一页").click()
        rows += page.locator("tbody tr").count()
    assert rows == number
    page.get_by_text("回到统计").click()
    assert page.locator(".chip[aria-current=true]").all_inner_texts() == ["近 12 周", "按紧急程度"]


def test_the_period_is_chosen_by_keyboard(supervisor: Page, address: str) -> None:
    """A day without cases says so, and what cannot be is told beside the form."""
    page = supervisor
    page.goto(f"{address}/new")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("g")
    with page.expect_navigation():
        page.keyboard.press("s")
    page.select_option("#unit", "day")
    for field in ("#first", "#last"):
        page.fill(field, "2020-02-29")
    with page.expect_navigation():
        page.press("#last", "Enter")
    assert "2020-02-29 到 2020-02-29 没有可统计的件" in page.inner_text(".empty")
    assert serious_problems(page) == []
    page.fill("#last", "2020-02-28")
    with page.expect_navigation():
        page.press("#last", "Enter")
    assert "请对调" in page.inner_text("main [role=alert]")
    assert page.input_value("#first") == "2020-02-29"
    assert serious_problems(page) == []


def test_it_fits_narrow_screens_and_large_type(supervisor: Page, address: str) -> None:
    """Tables are scrolled in regions of their own."""
    page, size = supervisor, supervisor.viewport_size
    for path in ("/figures?by=channel", "/figures/cases?figure=overdue", "/figures/quality"):
        for width in (360, 640):
            page.set_viewport_size({"width": width, "height": 700})
            page.goto(f"{address}{path}")
            assert page.evaluate(FITS), path
    page.set_viewport_size(size)


def test_it_prints_in_black_on_white(supervisor: Page, address: str) -> None:
    """Whatever the screen's scheme: no form and no navigation, but charts, tables and what the figures mean."""
    page = supervisor
    page.goto(f"{address}/figures")
    page.emulate_media(media="print")
    try:
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 33, 39)"
        for hidden in (".top", ".period", ".chips"):
            assert not page.locator(hidden).first.is_visible()
        for shown in ("svg.chart", "tfoot", ".words"):
            assert page.locator(shown).first.is_visible()
    finally:
        page.emulate_media(media="screen")


def test_the_workbook_comes_from_the_page(supervisor: Page, address: str, tmp_path: Path) -> None:
    """With the number that stands on it."""
    page = supervisor
    page.goto(f"{address}/figures")
    number = page.locator("section:has(#by-time) tfoot a").first.inner_text()
    with page.expect_download() as download:
        page.get_by_text("导出 Excel").click()
    download.value.save_as(tmp_path / "figures.xlsx")
    weeks = CalamineWorkbook.from_path(tmp_path / "figures.xlsx").get_sheet_by_name("按周").to_python()
    assert f"{weeks[-1][2]:,.0f}" == number


def test_the_models_quality_is_the_second_view(supervisor: Page, address: str) -> None:
    """One press from the first."""
    page = supervisor
    page.goto(f"{address}/figures")
    page.get_by_role("link", name="模型质量").click()
    page.wait_for_selector("svg.chart")
    assert serious_problems(page) == []
    shot(page, "quality")
