"""批量 in a real browser: a file is dropped, read, reclassified, applied and undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backlog.tables import new_table, open_table
from casework.service import exchange
from casework.service.desk import Desk
from casework.service.listing import Filters, filters_for
from casework.service.office import Office
from casework.service.permissions import console
from casework.storage.database import Database
from classifier.model.classifier import Classifier
from tests.browser.axe import serious_problems
from tests.browser.conftest import shot

_ROWS = 300
_DROP = """([name, content]) => {
  const file = new File([content], name);
  const data = new DataTransfer();
  data.items.add(file);
  const target = document.querySelector("#upload");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture(scope="module")
def export(register: Database, classifier: Classifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of open cases in which every fourth is about what the next one is about."""
    folder = tmp_path_factory.mktemp("export")
    desk = Desk(console(), Office(), classifier.taxonomy)
    with register.reading() as session:
        exchange.export_cases(session, desk, filters_for(desk.actor, desk.office, Filters("open")), folder / "all.csv")
    table = open_table(folder / "all.csv")
    rows = list(table)[-_ROWS:]
    title, text = (table.require(name) for name in ("title", "text"))
    for one, other in zip(rows[::4], rows[1::4], strict=True):
        one[title], one[text] = other[title], other[text]
    with new_table(folder / "十一月积案.csv", "gb18030") as out:
        out.writerows([table.header, *rows])
    return folder / "十一月积案.csv"


def fits(page: Page) -> bool:
    """Whether nothing stands beyond the window's width."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_backlog_is_applied_and_undone(supervisor: Page, address: str, export: Path) -> None:
    """Choose, look, start, see what would change, apply, undo: each by one press."""
    page = supervisor
    page.goto(f"{address}/batch")
    assert serious_problems(page) == []
    page.set_input_files("#file", export)
    page.keyboard.press("o")
    expect(page.locator("#setup")).to_be_visible(timeout=20_000)
    assert page.input_value("#encoding") == "gb18030"
    assert page.input_value("#text") == "text"
    assert page.locator("tbody tr").count() == 10
    assert serious_problems(page) == []
    shot(page, "batch-setup")
    page.keyboard.press("s")
    expect(page.locator("#outcome")).to_be_visible(timeout=60_000)
    page.locator("a[href*=group]").first.click()
    expect(page.locator("#rows")).to_be_focused()
    assert serious_problems(page) == []
    page.keyboard.press("p")
    expect(page.get_by_text("应用之后可以整批撤销")).to_be_visible(timeout=30_000)
    assert serious_problems(page) == []
    shot(page, "batch")
    page.keyboard.press("y")
    expect(page.get_by_role("button", name="撤销整批")).to_be_visible(timeout=30_000)
    assert serious_problems(page) == []
    page.keyboard.press("u")
    expect(page.locator("#runs")).to_be_visible()
    shot(page, "batch-list")
    assert serious_problems(page) == []
    page.locator("#runs button").first.click()
    expect(page.locator("#runs tbody tr").first).to_contain_text("恢复", timeout=30_000)


def test_a_file_is_dropped(supervisor: Page, address: str) -> None:
    """Which sends it at once; a wrong column is chosen anew, and the file deleted after a question."""
    page = supervisor
    page.goto(f"{address}/batch")
    page.evaluate(_DROP, ["来信.csv", "序号,说了什么\n1,砖厂半夜冒黑烟呛得睡不着\n2,村东头的耕地被人挖沙卖钱\n"])
    expect(page.locator("#setup")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("按字数把“说了什么”当作诉求内容")).to_be_visible()
    page.select_option("#text", "序号")
    page.click("text=按这样重看前几行")
    expect(page.locator("#text")).to_have_value("序号")
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("text=删除文件")
    expect(page.get_by_text("已删除 来信.csv")).to_be_visible()


def test_what_cannot_be_sent_is_told(supervisor: Page, address: str, tmp_path: Path) -> None:
    """Too large before it is sent, unreadable on a page of its own."""
    page = supervisor
    page.goto(f"{address}/batch")
    page.evaluate("document.querySelector('#upload').dataset.mostBytes = 10")
    page.evaluate(_DROP, ["来信.csv", "内容\n井盖丢了三天没人管\n"])
    expect(page.locator("#notices")).to_contain_text("来信.csv 有")
    page.reload()
    page.evaluate(_DROP, ["扫描件.xlsx", "PK\x03\x04"])
    expect(page.locator("main [role=alert]")).to_contain_text("扫描件.xlsx", timeout=20_000)
    assert serious_problems(page) == []


def test_narrow_screens_keep_working(supervisor: Page, address: str) -> None:
    """A phone's width needs no sideways scrolling, on the list and on a file's page."""
    page = supervisor
    size = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(f"{address}/batch")
    assert fits(page)
    page.get_by_role("link", name="十一月积案.csv").first.click()
    assert fits(page)
    page.set_viewport_size(size)
