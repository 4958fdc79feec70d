"""The pages in a real browser against a real server: what staff see and press."""

from __future__ import annotations

from playwright.sync_api import Page

from classifier.taxonomy import Taxonomy
from tests.browser.axe import serious_problems
from tests.browser.conftest import shot, sign_in
from tests.clients import PASSWORD

COMPLAINT = (
    "您好！我们小区北门的石材加工厂从早上六点锯到晚上，粉尘飘进屋里，窗台一天能扫出一层白灰。\n"
    "我婆婆有哮喘，这半个月夜里咳得睡不着。打过两次电话（联系人：李四，13800001234），说在协调。请来看看。"
)


def test_paste_a_complaint_and_read_the_suggestion(page: Page, address: str) -> None:
    """By keyboard alone: paste, Tab, Enter; the answer, its confidence and its reasons are there."""
    page.goto(f"{address}/new")
    assert serious_problems(page) == []
    shot(page, "form")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.insert_text(COMPLAINT)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".result")
    assert page.inner_text("#lead") in {one.name for one in Taxonomy.read().departments}
    assert "把握" in page.inner_text(".answers")
    marked = page.locator(".complaint mark").all_inner_texts()
    assert marked
    assert all(one in COMPLAINT for one in marked)
    assert not any("李四" in one or "138" in one for one in marked)
    assert page.inner_text(".complaint p") == COMPLAINT
    assert page.input_value("#text") == COMPLAINT
    shot(page, "suggestion")


def test_a_blank_complaint_is_answered_in_words(page: Page, address: str) -> None:
    """The browser's own check aside, the server says what is missing."""
    page.goto(f"{address}/new")
    page.fill("#text", "  ")
    page.click("main button[type=submit]")
    assert "内容为空" in page.inner_text("main [role=alert]")
    shot(page, "blank")


def test_markup_and_long_text_do_no_harm(page: Page, address: str) -> None:
    """They are shown as they were typed, and the page stays as wide as the window."""
    page.goto(f"{address}/new")
    page.fill("#title", "<img src=x onerror=alert(1)>")
    page.fill("#text", "污水" * 3000 + "</textarea><script>alert(1)</script>")
    page.click("main button[type=submit]")
    assert page.inner_text(".complaint h3") == "<img src=x onerror=alert(1)>"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shot(page, "markup")


def test_narrow_screens_keep_working(page: Page, address: str) -> None:
    """A phone's width needs no sideways scrolling."""
    size = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(f"{address}/new")
    page.fill("#text", COMPLAINT)
    page.click("main button[type=submit]")
    page.wait_for_selector(".result")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shot(page, "narrow")
    page.set_viewport_size(size)


def test_the_api_viewer_comes_from_this_host(page: Page, address: str) -> None:
    """The documentation page renders the API without anything from elsewhere."""
    page.goto(f"{address}/docs")
    page.get_by_text("给一批诉求建议").first.wait_for()
    shot(page, "docs")


def test_signing_out_and_in(page: Page, address: str) -> None:
    """A newcomer mistypes, then replaces the one-time password, and comes to the page they wanted."""
    newcomer = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    page.goto(f"{address}/new")
    assert "zhang" in page.inner_text("header")
    page.click("header >> text=退出")
    shot(page, "sign-in")
    page.goto(f"{address}/docs")
    sign_in(page, newcomer, "wrong")
    assert "用户名或密码不对" in page.inner_text("main [role=alert]")
    assert page.input_value("#name") == newcomer
    assert page.evaluate("document.activeElement.id") == "password"
    sign_in(page, newcomer, PASSWORD)
    assert "一次性密码" in page.inner_text("main [role=status]")
    shot(page, "password")
    page.fill("#old", PASSWORD)
    page.fill("#new", "换成自己的一句长话才行啊")
    page.fill("#again", "换成自己的一句长话才行啊")
    page.keyboard.press("Enter")
    page.get_by_text("给一批诉求建议").first.wait_for()
    assert page.url == f"{address}/docs"
