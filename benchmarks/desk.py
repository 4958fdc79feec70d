"""`make bench-desk`: how fast the queue is in a browser, on 5,000 cases; writes `benchmarks/desk.md`.

A real server, a real register, Debian's Chromium. Shown is measured from the start of the navigation until
the page's scripts have run, so that keys work; deciding from the key pressed until the row says that it is
decided, by the server, and the next one has the focus.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page

from casework.storage.database import Database
from classifier.model import bundle
from settings import Settings
from tests.clients import PASSWORD
from tests.desk_cases import fill
from tests.served import chromium, serving, sign_in

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
        with serving(url, models) as address, chromium() as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{address}/sign-in")
            sign_in(page, "zhang", PASSWORD)
            shown, decided = _shown_ms(page, address), _decided_ms(page, address)
    RESULTS.write_text(_report(shown, decided), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


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
