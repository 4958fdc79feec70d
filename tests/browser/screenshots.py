"""`make screenshots`: every page of the desk, light and dark, as `docs/screenshots/` shows them.

The cases are the project's own corpus. Their times are spread over twelve weeks behind the services' back,
in a register made for the pictures alone, since no service lets anybody rewrite history.
"""

from __future__ import annotations

import csv
import io
import random
import sqlite3
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from casework.service import holiday_notice
from casework.service.deadlines import set_holidays, set_rule
from casework.service.permissions import console
from casework.service.tokens import create_token
from casework.storage.database import Database
from casework.storage.tables import Case, DeadlineRule, LabelCheck
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.records import Complaint
from settings import ROOT, Settings
from tests.clients import PASSWORD
from tests.desk_cases import fill
from tests.served import chromium, serving, sign_in

OUT = ROOT / "docs" / "screenshots"
CASES = 4000
PAGES = {
    "queue": "/",
    "acceptance": "/acceptance",
    "figures": "/figures",
    "figures-cases": "/figures/cases?figure=overdue",
    "figures-quality": "/figures/quality",
    "model": "/models",
    "model-confusion": "/models/confusion",
    "model-label-checks": "/models/label-checks",
    "model-training": "/models/training",
    "model-history": "/models/history",
    "settings-labels": "/settings/labels",
    "settings-deadlines": "/settings/deadlines",
    "settings-holidays": "/settings/holidays",
    "settings-staff": "/settings/staff",
    "settings-tokens": "/settings/tokens",
    "settings-audit": "/settings/audit",
}
COMPLAINT = (
    "我们村口的砖厂这两个月夜里不停烧，烟囱冒黄烟，晒在院里的被子一股硫磺味，几家的核桃树叶子都焦了边。\n"
    "我母亲本来就有气管炎，这几天喘得躺不下。联系人：周大娘，13800001234。请派人夜里来看一看。"
)
_NOTICE = """元旦：1月1日至3日放假，1月4日上班
春节：2月15日至23日放假，2月14日、2月28日上班
清明节：4月4日至6日放假
劳动节：5月1日至5日放假，5月9日上班
国庆节：10月1日至7日放假，9月20日、10月10日上班"""
_WRITTEN = "%Y-%m-%d %H:%M:%S.%f"


def main() -> None:
    """Take all of them."""
    models = Settings().models_dir
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fenban.db"
        database = Database(f"sqlite:///{path}")
        classifier = bundle.load(bundle.current(models))
        fill(database, classifier, CASES)
        _furnish(database, classifier)
        database.close()
        _spread(path)
        backlog = _backlog(path, Path(folder) / "十一月积案.csv")
        with serving(f"sqlite:///{path}", models) as address, chromium() as browser:
            for scheme in ("light", "dark"):
                _take(browser, address, scheme, backlog)


def _furnish(database: Database, classifier: Classifier) -> None:
    """What an office sets, and a few labels that training has doubted."""
    taxonomy = classifier.taxonomy
    with database.writing() as session:
        set_holidays(session, console(), holiday_notice.read(_NOTICE, datetime.now(UTC).year).days)
        for channel, hours, working_days in (("12345热线", 120, True), ("上级转办", 720, False), ("媒体", 72, True)):
            rule = DeadlineRule(channel=channel, department="", urgency=taxonomy.urgencies[0].id, hours=hours)
            rule.working_days = working_days
            set_rule(session, console(), taxonomy, rule)
        create_token(session, console(), "12345平台对接", ["suggest", "register"], 365)
        for case in session.query(Case).filter(Case.status == "closed").order_by(Case.id).limit(400):
            lead = classifier.suggest(Complaint(case.title, case.text)).lead
            if lead.department.id != case.department:
                check = {"found_at": datetime.now(UTC), "model_version": classifier.version, "state": "open"}
                likelier = {"likelier": lead.department.id, "confidence": lead.confidence}
                session.add(LabelCheck(case_id=case.id, department=case.department, **check, **likelier))


def _take(browser: Browser, address: str, scheme: str, backlog: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme, locale="zh-CN")
    page.goto(f"{address}/sign-in")
    sign_in(page, "admin", PASSWORD)
    for name, path in PAGES.items():
        page.goto(address + path)
        if name == "queue":
            page.wait_for_selector("[data-keys]:not([hidden])")
            for key in "jj":
                page.keyboard.press(key)
            page.wait_for_timeout(300)
        _shot(page, f"{name}-{scheme}")
    page.goto(f"{address}/?review=0&sort=received")
    page.locator("li.case a, .case a").first.click()
    page.wait_for_url("**/cases/**")
    _shot(page, f"case-{scheme}")
    page.goto(f"{address}/new")
    page.fill("#text", COMPLAINT)
    page.wait_for_selector("#preview mark")
    _shot(page, f"new-case-{scheme}")
    page.goto(f"{address}/batch")
    page.set_input_files("#file", backlog)
    page.keyboard.press("o")
    page.wait_for_selector("#setup", timeout=60_000)
    _shot(page, f"batch-columns-{scheme}")
    page.keyboard.press("s")
    page.wait_for_selector("#outcome", timeout=120_000)
    _shot(page, f"batch-{scheme}")
    page.close()


def _shot(page: Page, name: str) -> None:
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(96).save(OUT / f"{name}.png", optimize=True)


def _backlog(register: Path, path: Path) -> Path:
    """The open cases of the register as an office would have them in a file."""
    rows = sqlite3.connect(register).execute("SELECT title, text, department FROM cases WHERE status = 'open'")
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([("标题", "内容", "承办单位"), *rows])
    return path


def _spread(register: Path) -> None:
    """Let handled cases have come in over twelve weeks, and those that wait in the last three days."""
    chance, now = random.Random(4), datetime.now(UTC).replace(tzinfo=None)
    connection = sqlite3.connect(register)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for case, status, received, due, closed in connection.execute(
        "SELECT id, status, received_at, due_at, closed_at FROM cases"
    ).fetchall():
        span = datetime.strptime(due, _WRITTEN) - datetime.strptime(received, _WRITTEN)
        back = 3 * chance.random() ** 2 if status == "open" else chance.triangular(0, 84, 20)
        came = now - timedelta(days=back)
        sent = min(came + timedelta(hours=chance.lognormvariate(0.9, 0.9)), now)
        done = max(sent, min(came + span * 1.1 * chance.random(), now))
        moments = {"came": came, "due": came + span, "sent": sent, "done": done if closed else None, "case_id": case}
        written = {name: _write(value) for name, value in moments.items()}
        for statement in (
            "UPDATE cases SET received_at = :came, registered_at = :came, due_at = :due, closed_at = :done WHERE id = :case_id",
            "UPDATE suggestions SET made_at = :came WHERE case_id = :case_id",
            "UPDATE decisions SET made_at = :sent WHERE case_id = :case_id",
            "UPDATE hand_backs SET made_at = :sent WHERE case_id = :case_id",
        ):
            connection.execute(statement, written)
    connection.commit()
    connection.close()


def _write(value: object) -> object:
    return value.strftime(_WRITTEN) if isinstance(value, datetime) else value


if __name__ == "__main__":
    main()
