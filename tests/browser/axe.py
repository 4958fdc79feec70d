"""What axe-core finds wrong with a page for people who use a keyboard, a screen reader or large type."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

_STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def serious_problems(page: Page) -> list[str]:
    """One line for each serious or critical violation of WCAG 2.2 A and AA that stands on the page now."""
    # Run by the browser's debugger: the page's own policy forbids it to add scripts.
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("tags => axe.run({runOnly: tags})", _STANDARD)
    return [
        f"{one['id']}: {one['help']} {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
