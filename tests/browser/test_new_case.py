"""新登记: the suggestion that comes while one types, and registering by keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from classifier.taxonomy import Taxonomy
from tests.browser.axe import serious_problems
from tests.browser.conftest import shot

COMPLAINT = (
    "您好！我们小区北门的石材加工厂从早上六点锯到晚上，粉尘飘进屋里，窗台一天能扫出一层白灰。\n"
    "我婆婆有哮喘，这半个月夜里咳得睡不着。打过两次电话（联系人：李四，13800001234），说在协调。请来看看。"
)


def test_typing_brings_a_suggestion(page: Page, address: str) -> None:
    """With its reasons, as it will be kept; by keyboard alone it is registered and decided, and the next form is there."""
    page.goto(f"{address}/new")
    assert serious_problems(page) == []
    page.reload()
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.insert_text(COMPLAINT)
    page.wait_for_selector(".verdict")
    assert page.inner_text(".verdict .lead") in {one.name for one in Taxonomy.read().departments}
    kept = page.inner_text(".complaint p")
    assert "李四" not in kept
    assert "13800001234" not in kept
    assert all(one in COMPLAINT for one in page.locator(".complaint mark").all_inner_texts())
    assert "隐去 2 处个人信息" in page.inner_text("#preview")
    page.fill("#channel", "来信")
    shot(page, "new-case")
    assert serious_problems(page) == []
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#notices >> text=已登记")
    assert (page.input_value("#text"), page.input_value("#channel")) == ("", "来信")
    assert page.evaluate("document.activeElement.id") == "text"
    page.click("#notices a")
    assert "李四" not in page.inner_text(".complaint")
    page.locator("h1").click()
    page.keyboard.press("u")
    page.wait_for_selector("#deciding")


def test_the_last_that_was_typed_counts(page: Page, address: str) -> None:
    """However quickly it is typed; what was chosen by hand stays."""
    page.goto(f"{address}/new")
    page.fill("#text", "初中班主任周末收费补课，不去的就调到最后一排。")
    page.wait_for_selector(".lead >> text=教育")
    page.fill("#text", "")
    page.locator("#text").press_sequentially("残疾证到期了，换证要带什么材料，轮椅能不能补贴", delay=15)
    page.wait_for_selector(".lead >> text=残联")
    page.check("#department-land")
    page.fill("#text", "初中班主任周末收费补课，不去的就调到最后一排。")
    page.wait_for_selector(".lead >> text=教育")
    assert page.is_checked("#department-land")
    page.fill("#text", "")
    page.wait_for_selector("text=写好内容，这里就有建议")


def test_what_was_typed_outlives_the_page(page: Page, address: str) -> None:
    """And gets its suggestion again; Enter in a field of one line registers nothing."""
    page.goto(f"{address}/new")
    page.fill("#place", "城关镇")
    page.fill("#text", COMPLAINT)
    page.wait_for_selector(".verdict")
    page.goto(f"{address}/new")
    assert page.input_value("#text") == COMPLAINT
    page.wait_for_selector(".verdict")
    page.focus("#place")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "reference"
    page.fill("#text", "")
    page.fill("#place", "")


def test_a_blank_complaint_is_answered_in_words(page: Page, address: str) -> None:
    """The server says what is missing."""
    page.goto(f"{address}/new")
    page.fill("#text", "  ")
    page.click("text=只登记")
    assert "内容为空" in page.inner_text("main [role=alert]")
    assert serious_problems(page) == []


def test_markup_and_long_text_do_no_harm(page: Page, address: str) -> None:
    """They are shown as they were typed, on both pages, which stay as wide as the window."""
    page.goto(f"{address}/new")
    page.fill("#title", "<img src=x onerror=alert(1)>")
    page.fill("#text", "污水" * 3000 + "</textarea><script>alert(1)</script>")
    page.wait_for_selector(".complaint h3")
    for _ in range(2):
        assert page.inner_text(".complaint h3") == "<img src=x onerror=alert(1)>"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        if page.locator("[name=again]").count():
            page.uncheck("[name=again]")
            page.click("text=只登记")
            page.wait_for_selector(".timeline")
    shot(page, "case-markup")


def test_without_a_script(signed_in: Callable[..., Page], address: str) -> None:
    """A button asks for the suggestion, the same choices register and decide."""
    page = signed_in("zhang", java_script_enabled=False)
    page.goto(f"{address}/new")
    page.fill("#text", COMPLAINT)
    page.click("text=给出建议")
    assert page.is_visible(".verdict")
    assert page.input_value("#text") == COMPLAINT
    page.click("main button.primary")
    assert "已登记" in page.inner_text("#notices")


def test_narrow_screens_keep_working(page: Page, address: str) -> None:
    """A phone's width needs no sideways scrolling."""
    size = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(f"{address}/new")
    page.fill("#text", COMPLAINT)
    page.wait_for_selector(".verdict")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shot(page, "new-case-narrow", full_page=True)
    page.reload()
    page.fill("#text", "")
    page.set_viewport_size(size)
