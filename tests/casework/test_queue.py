"""The queue: its orders, filters and counts, what it hides, and accepting many at once; services and page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from casework.service import acceptance, queue
from casework.service.acceptance import accept, find_batch, preview, withdraw_batch
from casework.service.decide import Choice, decide
from casework.service.desk import Desk
from casework.service.listing import Filters
from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.service.queue import Look, Wanted, look
from casework.storage.database import Database, Session
from casework.storage.tables import Case, User
from classifier.errors import InvalidInputError, NotAllowedError, NotFoundError
from classifier.taxonomy import Taxonomy
from tests.casework.watched import add_case
from tests.clients import add_user, register_of, sign_in

CLERK = Actor("zhang", ROLES["triage"], 1)
OFFICE = Office()
LEVELS = ("routine", "urgent", "critical")


def put(session: Session, number: int, **values: Any) -> Case:
    """A case that waits, the higher its number the later received and the surer; every third needs review."""
    now = datetime.now(UTC)
    case = add_case(session, now - timedelta(hours=100 - number), status="open")
    facts = {
        "title": f"第{number}件",
        "text": f"第{number}件：路面塌陷",
        "channel": "来信" if number % 2 else "来访",
        "place": "",
        "department": ("land", "education")[number % 2],
        "urgency": LEVELS[number % 3],
        "certain": int(number % 3 != 0),
        "confidence": number / 100,
        "due_at": now + timedelta(hours=(number % 5 - 1) * 20 + 1),
    }
    for name, value in (facts | values).items():
        setattr(case, name, value)
    session.flush()
    return case


def staff(database: Database) -> None:
    """Whose names stand behind decisions."""
    with database.writing() as session:
        for name, role in (("zhang", "triage"), ("li", "triage")):
            session.add(User(name=name, role=role, password_hash="-", created_at=datetime.now(UTC)))


@pytest.fixture
def thirty(database: Database) -> Database:
    """A register with thirty cases that wait, and two clerks."""
    staff(database)
    with database.writing() as session:
        for number in range(30):
            put(session, number)
    return database


@pytest.fixture
def own() -> Desk:
    """A clerk's desk, without a model."""
    return Desk(CLERK, OFFICE, Taxonomy.read())


def see(database: Database, wanted: Wanted, actor: Actor = CLERK, limit: int = 50) -> Look:
    """What the queue shows."""
    with database.reading() as session:
        return look(session, actor, OFFICE, wanted, limit)


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("due", lambda case: (case.certain, case.due_at, case.id)),
        ("unsure", lambda case: (case.confidence, case.id)),
        ("received", lambda case: (-case.received_at.timestamp(), -case.id)),
    ],
)
def test_each_order_goes_on_from_page_to_page(thirty: Database, sort: str, key: Callable[[Case], Any]) -> None:
    """Nothing is left out, nothing comes twice; a cursor of another order is none."""
    seen: list[Case] = []
    wanted = Wanted(Filters(), sort=sort)
    while True:
        page = see(thirty, wanted, limit=7).page
        seen += [line.case for line in page.lines]
        if page.next_cursor is None:
            break
        wanted = replace(wanted, cursor=page.next_cursor)
    assert len(seen) == 30
    assert seen == sorted(seen, key=key)
    other = "unsure" if sort != "unsure" else "due"
    with pytest.raises(InvalidInputError, match="cursor"):
        see(thirty, replace(wanted, sort=other))


@pytest.mark.parametrize(
    ("filters", "due"),
    [
        (Filters(), None),
        (Filters(department="land"), None),
        (Filters(urgency="routine", needs_review=True), None),
        (Filters(department="education", channel="来信"), "soon"),
        (Filters(needs_review=False), "overdue"),
    ],
)
def test_counts_say_what_each_filter_would_show(thirty: Database, filters: Filters, due: str | None) -> None:
    """Counted by showing it."""

    def shown(due: str | None = due, **other: Any) -> int:
        return len(see(thirty, Wanted(replace(filters, **other), due=due)).page.lines)

    counts = see(thirty, Wanted(filters, due=due)).counts
    assert counts.total == shown()
    assert {one: counts.departments[one] for one in ("land", "education", "other")} == {
        one: shown(department=one) for one in ("land", "education", "other")
    }
    assert {one: counts.urgencies[one] for one in LEVELS} == {one: shown(urgency=one) for one in LEVELS}
    assert {one: counts.due[one] for one in ("overdue", "soon")} == {one: shown(one) for one in ("overdue", "soon")}
    assert counts.review == shown(needs_review=True)
    assert counts.certain == (shown(needs_review=False) if not filters.needs_review else 0)
    assert counts.total > 0


def test_a_text_is_looked_for_in_the_newest(thirty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was typed, signs included; where older cases were left out, that is told."""
    found = see(thirty, Wanted(Filters(), "第7件"))
    assert [line.case.title for line in found.page.lines] == ["第7件"]
    assert (found.counts.total, found.not_all_searched) == (1, False)
    assert see(thirty, Wanted(Filters(), "%")).counts.total == 0
    assert see(thirty, Wanted(Filters(), "2026-999999")).counts.total == 0
    monkeypatch.setattr(queue, "SEARCHED", 10)
    found = see(thirty, Wanted(Filters(), "路面"))
    assert ({line.case.title for line in found.page.lines}, found.not_all_searched) == (
        {f"第{number}件" for number in range(20, 30)},
        True,
    )
    monkeypatch.setattr(queue, "MOST_FOUND", 3)
    assert see(thirty, Wanted(Filters(), "路面")).too_many_found


def test_a_department_sees_and_counts_its_own(thirty: Database) -> None:
    """Also when looking for a number."""
    actor = replace(CLERK, department="land")
    counts = see(thirty, Wanted(Filters()), actor).counts
    assert counts.departments == Counter({"land": 15})
    with thirty.reading() as session:
        own, other = (session.get_one(Case, number).number for number in (1, 2))
        assert queue.found_by_number(session, actor, f" {own} ") is not None
        assert queue.found_by_number(session, actor, other) is None
        assert queue.found_by_number(session, actor, "") is None
    with pytest.raises(NotAllowedError), thirty.reading() as session:
        look(session, replace(actor, permissions=frozenset()), OFFICE, Wanted(Filters()))


def test_many_are_accepted_and_taken_back(thirty: Database, own: Desk) -> None:
    """Each as a decision of its own; what changed meanwhile is skipped and told, and stays when the rest is undone."""
    with thirty.reading() as session:
        found = preview(session, own, Wanted(Filters(department="land")))
    assert {line.case.certain for line in found.lines} == {1}
    assert (len(found.lines), found.more, found.departments) == (10, 0, Counter({"land": 10}))
    assert [line.case.confidence for line in found.lines] == sorted(line.case.confidence for line in found.lines)
    chosen = [(line.case.number, line.case.version) for line in found.lines]
    colleague = replace(own, actor=Actor("li", ROLES["triage"], 2))
    with thirty.writing() as session:
        decide(session, colleague, chosen[0][0], 1, Choice("other"))
    done = accept(thirty, own, chosen)
    assert (done.done, len(done.skipped)) == (9, 1)
    assert "最近一次由 li 分办给其他" in done.skipped[0]
    with thirty.writing() as session:
        batch = find_batch(session, own, done.batch)
        assert (len(batch.cases), len(batch.withdrawable), batch.made_by) == (9, 9, "zhang")
        decide(session, colleague, chosen[1][0], 2, Choice("other"))
    back = withdraw_batch(thirty, own, done.batch)
    assert (back.done, back.skipped) == (8, [])
    with thirty.reading() as session:
        assert find_batch(session, own, done.batch).withdrawable == []
        standing = Counter(session.get_one(Case, int(number[5:])).status for number, _ in chosen)
        with pytest.raises(NotFoundError, match="没有“moon”"):
            find_batch(session, own, "moon")
    assert standing == {"open": 8, "decided": 2}
    with pytest.raises(NotAllowedError, match="撤回别人的决定"):
        withdraw_batch(thirty, colleague, accept(thirty, own, [(chosen[2][0], 3)]).batch)


def test_only_certain_ones_are_accepted(thirty: Database, own: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was chosen; and only so many at a time."""
    with thirty.reading() as session:
        number = session.get_one(Case, 1).number  # needs review
        assert preview(session, own, Wanted(Filters()), [number, "2026-777777", "x"]).lines == []
        assert preview(session, own, Wanted(Filters(status="closed"))).lines == []
        monkeypatch.setattr(acceptance, "MOST", 4)
        found = preview(session, own, Wanted(Filters()))
        assert (len(found.lines), found.more) == (4, 16)
    assert accept(thirty, own, [(number, 1)]).skipped == [f"{number} 现在要人工复核，没有接受。"]
    for many in ([], [("2026-000002", 1)] * 5):
        with pytest.raises(InvalidInputError, match="1 到 4 件"):
            accept(thirty, own, many)


@pytest.fixture
def clerk(app: Flask) -> FlaskClient:
    """A clerk who has signed in, with twelve cases waiting, one of them blind, one with markup in it."""
    add_user(app, "zhang", "triage")
    with register_of(app).writing() as session:
        for number in range(12):
            put(session, number)
        put(session, 12, blind=True, department=None, assist=None, certain=0, confidence=0.0)
        put(session, 13, title="<b onclick=x>粗</b>", place="<i>街", confidence=0.0)
    return sign_in(app, "zhang")


def page(client: FlaskClient, path: str = "/", status: int = 200, **headers: str) -> str:
    """A page as the browser gets it."""
    answer = client.get(path, headers={"Accept": "text/html"} | headers)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def test_the_page_shows_all_that_is_to_be_decided(clerk: FlaskClient) -> None:
    """Blind cases without a suggestion and without a button; markup as it was written."""
    html = page(clerk)
    assert html.count('<li class="case"') == 14
    blind = html.partition('id="case-2026-000013"')[2].partition("</li>")[0]
    assert "盲评" in blind
    assert "接受" not in blind
    assert not re.search(r"<meter|自然资源|教育", blind)
    assert "&lt;b onclick=x&gt;" in html
    assert "<b onclick" not in html
    assert "未显示建议" in html


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/?text=没有这样的话", "没有符合条件的件"),
        ("/?status=closed", "还没有已办结的件"),
        ("/?department=other", "没有符合条件的件"),
        ("/?from=2020-01-01&to=2020-01-02", "没有符合条件的件"),
    ],
)
def test_nothing_to_show_leads_on(clerk: FlaskClient, path: str, words: str) -> None:
    """In words, with a way out."""
    html = page(clerk, path)
    assert words in html
    assert "empty" in html


def test_an_empty_office(app: Flask) -> None:
    """Says that all is done."""
    add_user(app, "zhang", "triage")
    html = page(sign_in(app, "zhang"))
    assert "都分办完了" in html
    assert 'href="/new"' in html


@pytest.mark.parametrize("query", ["from=x", "sort=x", "status=x", "cursor=x", "due=x", "to=2026-02-30"])
def test_an_address_that_cannot_be(clerk: FlaskClient, query: str) -> None:
    """Is answered in words."""
    assert "回到首页" in page(clerk, f"/?{query}", 422)


def test_a_number_leads_to_its_case(clerk: FlaskClient) -> None:
    """Whatever its status."""
    year = datetime.now(UTC).year
    assert clerk.get(f"/?text={year}-000003&status=closed").location == f"/cases/{year}-000003"


def test_new_since_the_last_visit(app: Flask, clerk: FlaskClient) -> None:
    """Nothing is at the first; then what was registered since the last session, until this one ends."""
    assert "badge fresh" not in page(clerk)
    with register_of(app).writing() as session:
        seen = session.get_one(User, 1).queue_seen_at
        assert seen is not None
        put(session, 14, registered_at=seen + timedelta(hours=1))
    assert "badge fresh" not in page(clerk)
    again = sign_in(app, "zhang")
    assert page(again).count("badge fresh") == 1
    assert page(again).count("badge fresh") == 1


def test_a_script_gets_the_row_as_it_is_now(app: Flask, clerk: FlaskClient) -> None:
    """Decided, with the way back; withdrawn; or refused, with the reason in it."""
    number = re.findall(r'id="case-([\d-]+)"', page(clerk))[0]
    part = {"HX-Request": "true"}

    def send(action: str, client: FlaskClient = clerk, **fields: Any) -> tuple[int, str, str | None]:
        answer = client.post(f"/cases/{number}/{action}", data={"next": "/?due=soon"} | fields, headers=part)
        return answer.status_code, answer.get_data(as_text=True), answer.headers.get("HX-Trigger")

    status, row, trigger = send("decisions", version=1, department="other")
    assert (status, trigger) == (200, "decided")
    assert re.search(r"^\s*<li class=\"case done\"", row)
    assert f'hx-post="/cases/{number}/withdrawal"' in row
    assert 'name="next" value="/?due=soon"' in row
    add_user(app, "li", "triage")
    status, row, _ = send("decisions", sign_in(app, "li"), version=1, department="land")
    assert status == 409
    assert "由 zhang 分办给其他" in row
    assert "撤回" not in row
    status, row, _ = send("withdrawal", version=2)
    assert (status, 'class="accept"' in row) == (200, True)
    assert "已分办" not in page(clerk).partition('class="queue"')[2]  # nothing was left to be told on the next page
    counts = page(clerk, "/?department=land", **part)
    assert re.search(r"^\s*<span id=\"total\" class=\"number\" hx-swap-oob", counts)
    assert "<html" not in counts


def test_accepting_many_by_forms(clerk: FlaskClient) -> None:
    """Preview, acceptance, what came of it, and all of it taken back, without a script."""
    html = page(clerk, "/acceptance?which=all&department=land")
    chosen = re.findall(r'name="chosen" value="([\d:-]+)"', html)
    assert len(chosen) == 4
    answer = clerk.post("/acceptance", data={"chosen": chosen, "next": "/?department=land"})
    html = page(clerk, answer.location)
    assert "接受了 4 件建议" in html
    assert 'href="/?department=land"' in html
    batch = answer.location.partition("?")[0]
    answer = clerk.post(f"{batch}/withdrawal", data={"next": "/"})
    assert (answer.status_code, answer.location) == (303, "/")
    assert "撤回了 4 件" in page(clerk)
    assert "都已撤回" in page(clerk, batch)
    assert "没有选中可以接受的件" in page(clerk, "/acceptance?which=chosen")
    assert "请回到待分办重新选" in clerk.post("/acceptance", data={"chosen": "x"}).get_json()["detail"]
