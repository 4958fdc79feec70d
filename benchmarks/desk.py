"""`make bench-desk`: how fast the queue is in a browser, on 5,000 cases; writes `benchmarks/desk.md`.

A real server, a real register, Debian's Chromium. Shown is measured from the start of the navigation until
the page's scripts have run, so that keys work; deciding from the key pressed until the row says that it is
decided, by the server, and the next one has the focus.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from casework.storage.database import Database
from classifier.model import bundle
from settings import Settings
from tests.clients import PASSWORD
from tests.desk_cases import fill

RESULTS = Path(__file__).parent / "desk.md"
CASES, TIMES = 5000, 40
_SHOWN = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
_TIMER = """
window.decisions = [];
addEventListener("keydown", () => { window.pressed = performance.now(); }, true);
document.addEventListener("htmx:load", ({ detail: { elt } }) => {
  const next = document.activeElement.closest("li.case");
  if (elt.matches("li.case.done") && next && next !== elt) window.decisions.push(performance.now() - window.pressed);
});
"""


def main() -> None:
    """Measure and write the results."""
    models = Settings().models_dir
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/fenban.db"
        database = Database(url)
        fill(database, bundle.load(bundle.current(models)), CASES)
        database.close()
        with _serving(url, models) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            _sign_in(page, address)
            shown, decided = _shown_ms(page, address), _decided_ms(page, address)
            browser.close()
    RESULTS.write_text(_report(shown, decided), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


@contextmanager
def _serving(url: str, models: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {"FENBAN_MODELS_DIR": str(models), "FENBAN_DATABASE_URL": url}
    server = subprocess.Popen([sys.executable, "-m", "cli", "serve", "--port", str(port)], env=os.environ | variables)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{address}/readyz")
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(url: str, timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("#name", "zhang")
    page.fill("#password", PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def _shown_ms(page: Page, address: str) -> list[float]:
    """How long the queue takes each time, the style and scripts in the browser's cache but for the first."""
    times = []
    for _ in range(TIMES):
        page.goto(f"{address}/")
        times.append(page.evaluate(_SHOWN))
    return times


def _decided_ms(page: Page, address: str) -> list[float]:
    """How long deciding takes, one certain case after the other."""
    page.goto(f"{address}/?review=0")
    page.evaluate(_TIMER)
    page.keyboard.press("y")
    for number in range(1, TIMES + 1):
        page.keyboard.press("y")
        page.wait_for_function("number => window.decisions.length === number", arg=number)
    return list(page.evaluate("window.decisions"))


def _report(shown: list[float], decided: list[float]) -> str:
    def row(name: str, times: list[float], goal: int) -> str:
        return f"| {name} | {statistics.median(times):.0f} ms | {max(times):.0f} ms | {goal} ms |"

    return f"""# The desk in a browser

`make bench-desk`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; {CASES:,} cases, {TIMES} times each.

| | median | worst | to be under (median) |
| --- | --- | --- | --- |
{row("the queue is shown and takes keys", shown, 300)}
{row("a key decides: the row says so, the next has the focus", decided, 150)}
"""


if __name__ == "__main__":
    main()
