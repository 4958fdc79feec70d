"""The page of one case: deciding by keys, what a colleague does meanwhile, and that nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from sqlalchemy import ColumnElement, func, select

from casework.service.decide import Choice, decide
from casework.service.desk import Desk
from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.storage.database import Database
from casework.storage.tables import Case
from classifier.model.classifier import Classifier
from tests.browser.axe import serious_problems
from tests.browser.conftest import shot
from tests.clients import PASSWORD
from tests.served import sign_in

WAITS = (Case.status == "open", Case.department.is_not(None))
LONG = func.length(Case.text) > 150


@pytest.fixture
def find(register: Database) -> Callable[..., str]:
    """The number of the newest case for which conditions hold."""

    def found(*conditions: ColumnElement[bool]) -> str:
        with register.reading() as session:
            return session.scalars(select(Case).where(*conditions).order_by(Case.id.desc()).limit(1)).one().number

    return found


@pytest.fixture
def colleague(register: Database, classifier: Classifier) -> Callable[[str, int, str], None]:
    """Somebody who decides a case elsewhere."""

    def decided(number: str, version: int, department: str) -> None:
        desk = Desk(Actor("zhuguan", ROLES["supervisor"], 2), Office(), classifier.taxonomy)
        with register.writing() as session:
            decide(session, desk, number, version, Choice(department))

    return decided


def press(page: Page, key: str) -> None:
    """Press a key that leads to another page, and wait until that is there."""
    with page.expect_navigation():
        page.keyboard.press(key)


def fits(page: Page) -> bool:
    """Whether there is no sideways scrolling."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_accepting_takes_one_key(page: Page, address: str, find: Callable[..., str]) -> None:
    """The next case of the queue is there at once, with a word of what was decided and a way to undo it."""
    number = find(*WAITS, Case.certain == 1, LONG)
    page.goto(f"{address}/cases/{number}?from=/")
    assert page.locator(".complaint mark").count() > 0
    assert page.locator(".similar li").count() > 0
    shot(page, "case")
    assert serious_problems(page) == []
    page.reload()
    following = page.get_attribute("a[rel=next]", "href")
    press(page, "y")
    assert page.url == f"{address}{following}"
    assert f"{number} 已分办" in page.inner_text("#notices")
    press(page, "u")
    assert f"{number} 待分办" in page.inner_text("#notices")
    page.goto(f"{address}/cases/{number}")
    assert "撤回" in page.inner_text(".timeline")


def test_the_queue_is_walked_by_keys(page: Page, address: str, find: Callable[..., str]) -> None:
    """Down and up again, back to the queue as it was."""
    queue = "/?sort=received"
    number = find(*WAITS, LONG)
    page.goto(f"{address}/cases/{number}?from={queue.replace('?', '%3F')}")
    here = page.inner_text("h1")
    press(page, "j")
    assert page.inner_text("h1") != here
    press(page, "k")
    assert page.inner_text("h1") == here
    press(page, "l")
    assert page.url == f"{address}{queue}"


def test_deciding_otherwise_by_keys(page: Page, address: str, find: Callable[..., str]) -> None:
    """Department, urgency, assistance and a reason without the mouse."""
    number = find(*WAITS, Case.certain == 0, Case.department != "land", LONG)
    page.goto(f"{address}/cases/{number}")
    assert "请人工复核" in page.inner_text(".verdict")
    shot(page, "case-review")
    for key in ("2", "q", "a"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.id") == "assist"
    page.select_option("#assist", "environment")
    page.locator("#assist").blur()
    page.keyboard.press("n")
    page.keyboard.insert_text("占了耕地，先核实地类")
    press(page, "Control+Enter")
    assert f"{number} 已分办，自然资源" in page.inner_text("#notices")
    page.goto(f"{address}/cases/{number}")
    shown = page.inner_text("main")
    assert "占了耕地，先核实地类" in shown
    assert "协办生态环境" in shown
    assert page.input_value(".decide textarea") == ""


def test_a_blind_case_is_decided_first(page: Page, address: str, find: Callable[..., str]) -> None:
    """Then the suggestion is there."""
    number = find(Case.status == "open", Case.blind, Case.department.is_(None))
    page.goto(f"{address}/cases/{number}")
    assert page.locator("main meter, main mark").count() == 0
    shot(page, "case-blind")
    assert serious_problems(page) == []
    page.reload()
    page.keyboard.press("5")
    press(page, "Enter")
    assert f"{number} 已分办" in page.inner_text("#notices")
    page.goto(f"{address}/cases/{number}")
    assert "盲件" in page.inner_text("#stands ~ p")
    assert page.locator("main mark").count() > 0


def test_a_colleague_was_quicker(
    page: Page, address: str, find: Callable[..., str], colleague: Callable[[str, int, str], None], register: Database
) -> None:
    """It is told while one still writes; what was written is there when one goes on."""
    number = find(*WAITS, Case.version == 1, Case.department != "education", LONG)
    page.goto(f"{address}/cases/{number}")
    page.fill("#reason", "还没写完的理由")
    colleague(number, 1, "education")
    page.wait_for_selector("#meanwhile [role=alert]", timeout=8000)
    assert "zhuguan 分办给教育" in page.inner_text("#meanwhile")
    assert page.is_disabled(".decide .primary")
    assert page.input_value("#reason") == "还没写完的理由"
    shot(page, "case-meanwhile")
    assert serious_problems(page) == []
    with page.expect_navigation():
        page.locator("#meanwhile a").click()
    assert page.input_value("#reason") == "还没写完的理由"
    assert page.is_visible("#reason")
    page.fill("#reason", "")


def test_handing_back_and_closing(
    page: Page, address: str, find: Callable[..., str], colleague: Callable[[str, int, str], None]
) -> None:
    """By keys; each can be undone."""
    number = find(*WAITS, Case.version == 1, LONG)
    colleague(number, 1, "other")
    page.goto(f"{address}/cases/{number}")
    shot(page, "case-decided")
    assert serious_problems(page) == []
    page.reload()
    page.keyboard.press("b")
    page.keyboard.insert_text("不是我单位职责")
    press(page, "Control+Enter")
    assert "退回了这件" in page.inner_text(".verdict")
    assert "不是我单位职责" in page.inner_text(".timeline")
    press(page, "u")
    assert page.is_visible("#stands")
    press(page, "c")
    assert f"{number} 已办结" in page.inner_text("#notices")
    assert page.locator("main form.decide").count() == 0
    assert serious_problems(page) == []


def test_an_expired_session_loses_nothing(
    signed_in: Callable[..., Page], address: str, find: Callable[..., str]
) -> None:
    """Whoever signs in again is on the case, and the reason is still there."""
    page = signed_in("zhang")
    number = find(*WAITS, LONG)
    page.goto(f"{address}/cases/{number}")
    page.fill("#reason", "写了很久的理由")
    page.context.clear_cookies()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#password")
    sign_in(page, "zhang", PASSWORD)
    page.wait_for_url(f"{address}/cases/{number}*")
    assert page.input_value("#reason") == "写了很久的理由"


def test_without_a_script(signed_in: Callable[..., Page], address: str, find: Callable[..., str]) -> None:
    """The same forms decide."""
    page = signed_in("zhang", java_script_enabled=False)
    number = find(*WAITS, Case.certain == 1, LONG)
    page.goto(f"{address}/cases/{number}")
    assert not page.is_visible("[data-as-suggested]")
    page.click(".decide .primary")
    assert f"{number} 已分办" in page.inner_text("#notices")


@pytest.mark.parametrize("size", [{"width": 360, "height": 700}, {"width": 640, "height": 450}])
def test_small_screens_and_large_type(page: Page, address: str, find: Callable[..., str], size: dict[str, int]) -> None:
    """A phone, and a desk's screen at 200 %, need no sideways scrolling."""
    before = page.viewport_size
    page.set_viewport_size(size)
    for number in (find(*WAITS, LONG), find(Case.status == "decided"), find(Case.status == "closed")):
        page.goto(f"{address}/cases/{number}")
        assert fits(page)
    page.goto(f"{address}/cases/{find(*WAITS, LONG)}")
    shot(page, f"case-{size['width']}", full_page=True)
    page.set_viewport_size(before)
