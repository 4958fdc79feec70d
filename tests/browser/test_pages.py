"""The pages in a real browser against a real server: what staff see and press."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.conftest import shot
from tests.clients import PASSWORD
from tests.served import sign_in


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
