"""The queue in a real browser, with 5,000 cases: decided by keys, by mouse, without a script, and when things go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.axe import serious_problems
from tests.browser.conftest import shot
from tests.clients import PASSWORD
from tests.served import sign_in

FOCUSED = "document.activeElement.closest('li.case')?.id"
MOST_BYTES = 300_000


@pytest.fixture
def queue(page: Page, address: str) -> Page:
    """The certain cases of the queue."""
    page.goto(f"{address}/?review=0")
    return page


@pytest.fixture
def offline(page: Page) -> Iterator[Callable[[], None]]:
    """Cut the connection; it is there again after the test."""
    yield lambda: page.context.set_offline(True)
    page.context.set_offline(False)


def row(page: Page, at: int) -> str:
    """The id of a row that waits."""
    return str(page.locator("li.case[data-status=open]").nth(at).get_attribute("id"))


def state(page: Page, address: str, row_id: str) -> dict[str, object]:
    """How a case stands in the register."""
    found: dict[str, object] = page.request.get(f"{address}/api/v1/cases/{row_id.removeprefix('case-')}").json()
    return found


def test_two_keys_decide_and_one_takes_back(queue: Page, address: str) -> None:
    """The first y only goes there; the next case has the focus at once; u undoes."""
    assert serious_problems(queue) == []
    first, second = row(queue, 0), row(queue, 1)
    suggested = queue.get_attribute(f"#{first}", "data-department")
    queue.keyboard.press("y")
    assert queue.evaluate(FOCUSED) == first
    shot(queue, "queue")
    assert state(queue, address, first)["status"] == "open"
    queue.keyboard.press("y")
    queue.wait_for_selector(f"#{first}.done")
    assert queue.evaluate(FOCUSED) == second
    assert "已分办" in queue.inner_text("#told")
    found = state(queue, address, first)
    assert (found["status"], found["department"]["id"]) == ("decided", suggested)
    assert serious_problems(queue) == []
    shot(queue, "queue-decided")
    queue.keyboard.press("u")
    queue.wait_for_selector(f"#{first}[data-status=open]")
    queue.wait_for_function(f"{FOCUSED} === '{first}'")
    assert state(queue, address, first)["status"] == "open"


def test_a_number_decides_with_the_level_and_assistance_chosen(queue: Page, address: str) -> None:
    """As the pressed buttons show; counts follow."""
    first = row(queue, 0)
    for key in ("j", "e", "a", "3"):
        queue.keyboard.press(key)
    departments = queue.locator(".choices [data-field=department] button")
    values = [one.get_attribute("value") for one in departments.all()]
    assert queue.locator(".choices select").input_value() == values[2]
    before = queue.inner_text("#total")
    with queue.expect_response(lambda answer: answer.url.endswith("/?review=0")):
        queue.keyboard.press("2")
    queue.wait_for_function("before => document.querySelector('#total').textContent !== before", arg=before)
    found = state(queue, address, first)
    gravest = queue.locator(".choices [data-field=urgency] button").last.get_attribute("value")
    assert (found["department"]["id"], found["assist"]["id"], found["urgency"]["id"]) == (values[1], values[2], gravest)


def test_the_mouse_does_the_same(queue: Page) -> None:
    """Click a row, press a button in it; undo by the button in the row."""
    third = row(queue, 2)
    queue.click(f"#{third} .where")
    queue.click(".choices [data-field=department] button >> nth=4")
    queue.wait_for_selector(f"#{third}.done")
    queue.click(f"#{third} >> text=撤回")
    queue.wait_for_selector(f"#{third}[data-status=open]")


def test_somebody_else_was_quicker(queue: Page, supervisor: Page, address: str) -> None:
    """The row says who decided what, in place of the decision."""
    supervisor.goto(f"{address}/?review=0")
    first = row(queue, 0)
    supervisor.click(f"#{first} .accept button")
    supervisor.wait_for_selector(f"#{first}.done")
    queue.click(f"#{first} .accept button")
    queue.wait_for_selector(f"#{first} [role=alert]")
    assert "由 zhuguan 分办给" in queue.inner_text(f"#{first} [role=alert]")
    assert queue.get_attribute(f"#{first}", "data-status") == "decided"
    assert serious_problems(queue) == []
    shot(queue, "queue-conflict")


def test_a_lost_connection_decides_nothing(queue: Page, offline: Callable[[], None], address: str) -> None:
    """And says so; the case waits where it was, and is decided when the connection is back."""
    first = row(queue, 0)
    queue.keyboard.press("j")
    offline()
    queue.keyboard.press("y")
    queue.get_by_text("连不上服务器").wait_for()
    assert queue.evaluate(FOCUSED) == first
    queue.context.set_offline(False)
    queue.keyboard.press("y")
    queue.wait_for_selector(f"#{first}.done")
    assert state(queue, address, first)["status"] == "decided"


def test_an_ended_session_is_told(signed_in: Callable[..., Page], address: str) -> None:
    """With a way to sign in beside the page."""
    page = signed_in("zhang")
    page.goto(f"{address}/?review=0")
    page.keyboard.press("j")
    page.context.clear_cookies()
    page.keyboard.press("y")
    page.get_by_text("登录已过期").wait_for()
    assert page.locator("#notices a").get_attribute("href") == "/sign-in?next=/"


def test_without_a_script(browser: Browser, address: str) -> None:
    """A form decides, a form undoes."""
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    sign_in(page, "zhang", PASSWORD)
    page.goto(f"{address}/?review=0&sort=received")
    first = row(page, 0)
    page.click(f"#{first} .accept button")
    assert "已分办" in page.inner_text("#notices")
    assert page.url == f"{address}/?review=0&sort=received"
    assert page.locator(f"#{first}").count() == 0
    page.click("#notices button")
    assert "待分办" in page.inner_text("#notices")
    assert row(page, 0) == first
    context.close()


def test_many_at_once(queue: Page, address: str) -> None:
    """Chosen by key, looked at, accepted, taken back."""
    first = row(queue, 0)
    for key in ("j", "x", "j", "x", "p"):
        queue.keyboard.press(key)
    queue.get_by_text("接受 2 件建议？").wait_for()
    assert serious_problems(queue) == []
    shot(queue, "acceptance")
    queue.keyboard.press("y")
    queue.get_by_text("一次接受了 2 件建议").wait_for()
    assert serious_problems(queue) == []
    assert state(queue, address, first)["status"] == "decided"
    queue.keyboard.press("u")
    queue.get_by_text("撤回了 2 件").wait_for()
    assert queue.url == f"{address}/?review=0"
    assert row(queue, 0) == first


def test_searching_and_finding_nothing(queue: Page) -> None:
    """/ leads to the field; without hits there is a way out."""
    queue.keyboard.press("/")
    queue.keyboard.type("没有这样的话")
    queue.keyboard.press("Enter")
    queue.get_by_text("没有符合条件的件").wait_for()
    assert serious_problems(queue) == []
    shot(queue, "queue-nothing")
    queue.click("main >> text=取消筛选 >> nth=0")
    queue.wait_for_selector("li.case")


@pytest.mark.parametrize("width", [360, 640])
def test_narrow_and_enlarged(queue: Page, width: int) -> None:
    """A phone's width, and 200 % on 1280, need no sideways scrolling, with a row's choices open too."""
    size = queue.viewport_size
    queue.set_viewport_size({"width": width, "height": 700})
    queue.keyboard.press("j")
    assert queue.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shot(queue, f"queue-{width}")
    queue.set_viewport_size(size)


def test_what_it_weighs(browser: Browser, address: str) -> None:
    """All that is transferred the first time, to a browser that has nothing yet."""
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    sign_in(page, "zhang", PASSWORD)
    page.goto("about:blank")
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    transfers: list[float] = []
    session.on("Network.loadingFinished", lambda one: transfers.append(one["encodedDataLength"]))
    page.goto(f"{address}/", wait_until="networkidle")
    assert len(transfers) >= 7
    assert sum(transfers) < MOST_BYTES
    context.close()
