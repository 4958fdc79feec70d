"""A real server with 5,000 cases, and Debian's Chromium in light and dark, for all tests of pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from casework.storage.database import Database
from classifier.model.classifier import Classifier
from tests.clients import PASSWORD
from tests.desk_cases import fill
from tests.served import chromium, serving, sign_in

OUT = Path(__file__).parent / "out"
CASES = 5000
# What the browser and htmx themselves say of answers that tests ask for.
_EXPECTED = re.compile(
    r"(status of|Status Error Code) (400|401|403|404|409|422)|ERR_INTERNET_DISCONNECTED|^htmx:(afterRequest|sendError|responseError)"
)


@pytest.fixture(scope="session")
def register_url(classifier: Classifier, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A register with 5,000 cases and an account of each role."""
    url = f"sqlite:///{tmp_path_factory.mktemp('register')}/fenban.db"
    database = Database(url)
    fill(database, classifier, CASES)
    database.close()
    return url


@pytest.fixture(scope="session")
def register(register_url: str) -> Iterator[Database]:
    """The same register, to look into beside the server."""
    database = Database(register_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def address(models_dir: Path, register_url: str) -> Iterator[str]:
    """The address of a running `fenban serve`."""
    with serving(register_url, models_dir) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def signed_in(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a page in a context of its own for an account; what goes wrong in it fails the tests at the end."""
    contexts: list[BrowserContext] = []

    def open_page(name: str, scheme: str = "light", **options: object) -> Page:
        viewport = {"width": 1280, "height": 900}
        context = browser.new_context(color_scheme=scheme, locale="zh-CN", **{"viewport": viewport} | options)
        contexts.append(context)
        page = context.new_page()
        page.foreign_requests = []
        page.problems = []
        page.on("request", lambda one: _note_foreign(page, one.url))
        page.on("console", lambda one: _note_problem(page, one))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(f"{address}/sign-in")
        sign_in(page, name, PASSWORD)
        return page

    yield open_page
    problems = [one for context in contexts for page in context.pages for one in getattr(page, "problems", [])]
    foreign = [one for context in contexts for page in context.pages for one in getattr(page, "foreign_requests", [])]
    for context in contexts:
        context.close()
    assert problems == []
    assert foreign == []


@pytest.fixture(scope="module", params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    """How the person has set their screen."""
    return str(request.param)


@pytest.fixture(scope="module")
def page(signed_in: Callable[..., Page], scheme: str) -> Page:
    """A page on which the clerk is signed in."""
    return signed_in("zhang", scheme)


@pytest.fixture(scope="module")
def supervisor(signed_in: Callable[..., Page], scheme: str) -> Page:
    """A page on which the supervisor is signed in."""
    return signed_in("zhuguan", scheme)


def shot(page: Page, name: str, *, full_page: bool = False) -> None:
    """Keep a picture for a person to look at."""
    OUT.mkdir(exist_ok=True)
    scheme = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    page.screenshot(path=OUT / f"{name}-{scheme}.png", full_page=full_page)


def _note_foreign(page: Page, url: str) -> None:
    if "127.0.0.1" not in url and not url.startswith(("data:", "blob:")):
        page.foreign_requests.append(url)


def _note_problem(page: Page, message: object) -> None:
    if message.type == "error" and not _EXPECTED.search(message.text):
        page.problems.append(message.text)
