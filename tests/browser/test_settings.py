"""The pages of settings in a real browser: set by keyboard, undone again, and good to use on any screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from classifier.taxonomy import Taxonomy
from tests.browser.axe import serious_problems
from tests.browser.conftest import shot

LEAD = Taxonomy.read().departments[0]
PARTS = ("labels", "deadlines", "holidays", "staff", "tokens", "audit")


@pytest.fixture(scope="module")
def admin(signed_in: Callable[..., Page], scheme: str) -> Page:
    """A page on which the administrator is signed in."""
    return signed_in("admin", scheme)


def save(page: Page) -> str:
    """Press Enter in the field that has the focus; what was said then."""
    with page.expect_navigation():
        page.keyboard.press("Enter")
    return page.inner_text("#notices")


def test_a_department_is_named_by_keyboard(admin: Page, address: str) -> None:
    """From any page by g e; the name stands on the next suggestion, and goes again."""
    admin.goto(f"{address}/new")
    admin.evaluate("document.activeElement.blur()")
    admin.keyboard.press("g")
    admin.keyboard.press("e")
    admin.wait_for_url("**/settings/labels")
    admin.focus(f"[id='{LEAD.id}.name']")
    admin.keyboard.insert_text("一处<b>")
    assert "已保存" in save(admin)
    assert serious_problems(admin) == []
    shot(admin, "settings-labels")
    admin.wait_for_timeout(1100)  # the other worker looks for names once a second
    admin.goto(f"{address}/new")
    admin.fill("#text", "化工厂夜里偷排污水，河面上全是泡沫，气味刺鼻")
    admin.locator("#preview, main").first.get_by_text("一处<b>").first.wait_for()
    admin.goto(f"{address}/settings/labels")
    admin.fill(f"[id='{LEAD.id}.name']", "")
    assert "已保存" in save(admin)


def test_what_was_typed_survives_a_lost_page(admin: Page, address: str) -> None:
    """And is beside what is wrong with it."""
    admin.goto(f"{address}/settings/staff")
    admin.fill("#name", "不能 有空格")
    admin.reload()
    assert admin.input_value("#name") == "不能 有空格"
    admin.focus("#name")
    save(admin)
    assert "不能用" in admin.inner_text("#name-wrong")
    assert admin.get_attribute("#name", "aria-invalid") == "true"
    assert serious_problems(admin) == []
    shot(admin, "settings-refused")
    admin.fill("#name", "")


def test_a_holiday_notice_is_pasted_looked_at_and_set(admin: Page, address: str) -> None:
    """By keyboard: paste, preview, Enter; then ticked and removed."""
    admin.goto(f"{address}/settings/holidays?year=2031")
    admin.fill("#text", "试行节：3月3日（周一）至4日放假，共2天。3月8日（周六）上班。")
    admin.click("text=预览")
    assert "还没有保存" in admin.inner_text("#preview")
    assert serious_problems(admin) == []
    shot(admin, "settings-holidays-preview", full_page=True)
    assert "已设置 3 天" in save(admin)
    assert admin.input_value("#text") == ""
    assert admin.locator(".month .off").count() == 2
    shot(admin, "settings-holidays", full_page=True)
    for box in admin.locator("[name=run]").all():
        box.check()
    admin.click("text=删去勾选的")
    assert "已删去 3 天" in admin.inner_text("#notices")


def test_an_account_is_opened_and_closed(admin: Page, address: str, scheme: str) -> None:
    """The one-time password can be copied; closing asks once more, by keyboard too."""
    admin.goto(f"{address}/settings/staff")
    admin.fill("#name", f"新人{scheme}")
    admin.focus("#name")
    save(admin)
    assert len(admin.inner_text(".secret")) == 23
    assert admin.input_value("#name") == ""
    assert serious_problems(admin) == []
    shot(admin, "settings-opened")
    admin.click(f"a:has-text('新人{scheme}')")
    admin.focus("summary:has-text('停用账号')")
    admin.keyboard.press("Enter")
    admin.keyboard.press("Tab")
    save(admin)
    assert "已停用" in admin.inner_text("#notices")
    assert serious_problems(admin) == []
    shot(admin, "settings-person")


def test_narrow_screens_and_large_type(admin: Page, address: str) -> None:
    """No part scrolls sideways at 360 pixels; nothing serious is wrong with any."""
    size = admin.viewport_size
    for part in PARTS:
        admin.set_viewport_size({"width": 1280, "height": 900})
        admin.goto(f"{address}/settings/{part}")
        assert serious_problems(admin) == [], part
        shot(admin, f"settings-{part}")
        admin.set_viewport_size({"width": 360, "height": 700})
        assert admin.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), part
        shot(admin, f"settings-{part}-narrow")
    admin.set_viewport_size(size)


def test_settings_work_without_scripts(signed_in: Callable[..., Page], address: str) -> None:
    """As plain forms."""
    plain = signed_in("admin", java_script_enabled=False)
    plain.goto(f"{address}/settings/deadlines")
    plain.fill("#channel", "无脚本渠道")
    plain.fill("#hours", "4")
    plain.click("main form.card button[type=submit]")
    assert "无脚本渠道" in plain.inner_text("table")
    row = plain.locator("tr", has_text="无脚本渠道")
    row.locator("summary").click()
    row.locator("button").click()
    assert "已删去" in plain.inner_text("#notices")
