"""The pages in a real browser against a real server: what staff see and press."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from casework.service.accounts import add_user
from casework.service.permissions import console
from casework.storage.database import Database
from classifier.taxonomy import Taxonomy
from tests.clients import PASSWORD

OUT = Path(__file__).parent / "out"
COMPLAINT = (
    "您好！我们小区北门的石材加工厂从早上六点锯到晚上，粉尘飘进屋里，窗台一天能扫出一层白灰。\n"
    "我婆婆有哮喘，这半个月夜里咳得睡不着。打过两次电话（联系人：李四，13800001234），说在协调。请来看看。"
)


@pytest.fixture(scope="module")
def address(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running `fenban serve`, where a clerk has an account and two newcomers one-time passwords."""
    url = f"sqlite:///{tmp_path_factory.mktemp('register')}/fenban.db"
    register = Database(url)
    with register.writing() as session:
        for name in ("zhang", "light", "dark"):
            add_user(session, console(), name, "triage", PASSWORD, one_time=name != "zhang")
    register.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "cli", "serve", "--port", str(port)]
    server = subprocess.Popen(
        command, env=os.environ | {"FENBAN_MODELS_DIR": str(models_dir), "FENBAN_DATABASE_URL": url}
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{address}/readyz")
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(url: str, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline, f"{url} did not answer"
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="module", params=["light", "dark"])
def page(request: pytest.FixtureRequest, address: str) -> Iterator[Page]:
    """A page of Debian's Chromium, the clerk signed in; it may talk to this host only."""
    chromium = shutil.which("chromium")
    assert chromium, "install Debian's chromium to run the browser tests"
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page(color_scheme=request.param, viewport={"width": 1100, "height": 1250})
        page.foreign_requests = []  # type: ignore[attr-defined]
        page.on(
            "request",
            lambda r: (
                page.foreign_requests.append(r.url)
                if "127.0.0.1" not in r.url and not r.url.startswith("data:")
                else None
            ),
        )  # type: ignore[attr-defined]
        page.problems = []  # type: ignore[attr-defined]
        page.on(
            "console",
            lambda m: (
                page.problems.append(m.text)
                if m.type == "error" and not re.search("status of (401|422)", m.text)
                else None
            ),
        )  # type: ignore[attr-defined]
        page.goto(address)
        sign_in(page, "zhang", PASSWORD)
        yield page
        browser.close()


def sign_in(page: Page, name: str, password: str) -> None:
    """Type name and password into the form that is there."""
    page.fill("#name", name)
    page.fill("#password", password)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def shot(page: Page, name: str) -> None:
    """Keep a picture for a person to look at."""
    OUT.mkdir(exist_ok=True)
    scheme = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    page.screenshot(path=OUT / f"{name}-{scheme}.png", full_page=True)


def test_paste_a_complaint_and_read_the_suggestion(page: Page, address: str) -> None:
    """By keyboard alone: paste, Tab, Enter; the answer, its confidence and its reasons are there."""
    page.goto(address)
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
    page.goto(address)
    page.fill("#text", "  ")
    page.click("main button")
    assert "内容为空" in page.inner_text("[role=alert]")
    shot(page, "blank")


def test_markup_and_long_text_do_no_harm(page: Page, address: str) -> None:
    """They are shown as they were typed, and the page stays as wide as the window."""
    page.goto(address)
    page.fill("#title", "<img src=x onerror=alert(1)>")
    page.fill("#text", "污水" * 3000 + "</textarea><script>alert(1)</script>")
    page.click("main button")
    assert page.inner_text(".complaint h3") == "<img src=x onerror=alert(1)>"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shot(page, "markup")


def test_narrow_screens_keep_working(page: Page, address: str) -> None:
    """A phone's width needs no sideways scrolling."""
    size = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(address)
    page.fill("#text", COMPLAINT)
    page.click("main button")
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
    page.goto(address)
    assert "zhang" in page.inner_text("header")
    page.click("text=退出")
    shot(page, "sign-in")
    page.goto(f"{address}/docs")
    sign_in(page, newcomer, "wrong")
    assert "用户名或密码不对" in page.inner_text("[role=alert]")
    assert page.input_value("#name") == newcomer
    assert page.evaluate("document.activeElement.id") == "password"
    sign_in(page, newcomer, PASSWORD)
    assert "一次性密码" in page.inner_text("[role=status]")
    shot(page, "password")
    page.fill("#old", PASSWORD)
    page.fill("#new", "换成自己的一句长话才行啊")
    page.fill("#again", "换成自己的一句长话才行啊")
    page.keyboard.press("Enter")
    page.get_by_text("给一批诉求建议").first.wait_for()
    assert page.url == f"{address}/docs"


def test_nothing_was_asked_of_another_host(page: Page, address: str) -> None:
    """Over all that the tests above did; and the browser found nothing wrong with the pages."""
    assert page.foreign_requests == []  # type: ignore[attr-defined]
    assert page.problems == []  # type: ignore[attr-defined]
