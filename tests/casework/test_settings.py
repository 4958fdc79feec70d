"""What an office sets: names of labels, lists of holidays, and the audit trail in words."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from casework.service import deadlines, holiday_notice, labels, trail
from casework.service.deadlines import DeadlineRule
from casework.service.labels import Given, Label
from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.service.trail_words import ACTIONS, Wording
from casework.storage import audit
from casework.storage.database import Database
from casework.storage.tables import AuditEntry
from classifier.errors import ConflictError, InvalidInputError, NotAllowedError
from classifier.model.classifier import Classifier
from classifier.records import Complaint
from classifier.taxonomy import Taxonomy
from tests.clients import change

TAXONOMY = Taxonomy.read()
FIRST, SECOND = TAXONOMY.departments[:2]
LEVEL = TAXONOMY.urgencies[0]
ROOT = Path(__file__).parents[2]


def test_the_office_calls_labels_as_it_likes() -> None:
    """Ids stay; files may say the office's names and the model's; nothing said changes nothing."""
    called = labels.as_called(
        TAXONOMY, Given({FIRST.id: Label("一局"), LEVEL.id: Label(contact="x")}, {LEVEL.id: 48.0})
    )
    assert called.names == TAXONOMY.names | {FIRST.id: "一局"}
    assert {called.department_id(one) for one in ("一局", FIRST.name, FIRST.id)} == {FIRST.id}
    assert called.department_id("二局") is None
    assert called.urgencies[0].respond_within_hours == 48
    assert labels.plain_of(labels.as_called(called, Given())) == TAXONOMY
    assert labels.as_called(TAXONOMY, Given()).names == TAXONOMY.names


def test_names_that_another_model_took_are_left_out() -> None:
    """A name given long ago must not make two departments one after a training with another taxonomy."""
    called = labels.as_called(TAXONOMY, Given({FIRST.id: Label(SECOND.name)}))
    assert called.names == TAXONOMY.names


def test_a_model_under_other_names_suggests_the_same(classifier: Classifier) -> None:
    """But for the names, in the words of review too."""
    own = labels.as_called(classifier.taxonomy, Given({one.id: Label(f"{one.name}局") for one in TAXONOMY.departments}))
    complaint = Complaint("", "学校旁边的工地夜里施工，灰尘很大")
    plain, named = (one.suggest(complaint) for one in (classifier, classifier.called(own)))
    assert [(one.department.id, one.confidence) for one in plain.candidates] == [
        (one.department.id, one.confidence) for one in named.candidates
    ]
    assert all(one.department.name.endswith("局") for one in named.candidates)


def test_names_are_kept_and_read_at_once(database: Database) -> None:
    """On both databases, with the hours set for whole levels."""
    with database.reading() as session:
        assert labels.given(session) == Given()
    change(database, labels.set_labels, TAXONOMY, {FIRST.id: Label("一局", "王", "12")})
    for channel, hours in (("", 5.0), ("来信", 7.0)):
        rule = DeadlineRule(channel=channel, department="", urgency=LEVEL.id, hours=hours, working_days=False)
        change(database, deadlines.set_rule, TAXONOMY, rule)
    with database.reading() as session:
        assert labels.given(session) == Given({FIRST.id: Label("一局", "王", "12")}, {LEVEL.id: 5.0})
    change(database, labels.set_labels, TAXONOMY, {SECOND.id: Label(SECOND.name)})
    with database.reading() as session:
        assert labels.read(session) == {FIRST.id: Label("一局", "王", "12")}


def test_who_may_not_set_does_not(database: Database) -> None:
    """A clerk is refused; so is an id that the model does not know."""
    clerk = Actor("zhang", ROLES["triage"])
    with pytest.raises(NotAllowedError), database.writing() as session:
        labels.set_labels(session, clerk, TAXONOMY, {})
    with pytest.raises(InvalidInputError, match="没有“nowhere”"):
        change(database, labels.set_labels, TAXONOMY, {"nowhere": Label("x")})


def test_the_second_is_told(database: Database) -> None:
    """On both databases: whoever saw less than the newest change; other subjects do not matter."""
    with database.reading() as session:
        before = trail.seen(session, [labels.SUBJECT])
    change(database, labels.set_labels, TAXONOMY, {FIRST.id: Label("一局")})
    change(database, deadlines.set_holidays, {date(2026, 3, 2): (False, "")})
    with database.writing() as session:
        trail.check_unchanged(session, Office(), [labels.SUBJECT], trail.seen(session, [labels.SUBJECT]))
        with pytest.raises(ConflictError, match=r"已在 .* 改过"):
            trail.check_unchanged(session, Office(), [labels.SUBJECT], before)


READ = [
    ("试行节：3月2日（周一）至4日放假，共3天。3月8日（周日）上班。", {2: False, 3: False, 4: False, 8: True}),
    ("二、试行节：3月2日（星期一，初一）至3日（星期二）放假调休。", {2: False, 3: False}),
    ("3月7日（周六）、3月8日（周日）上班。", {7: True, 8: True}),
    ("2026-03-02 停电 放假\n2026/3/7 补班", {2: False, 7: True}),
    ("2026.3.2~2026.3.4 休", {2: False, 3: False, 4: False}),
    ("休 3月2号", {2: False}),
    ("试行节：3月2日放假，3月7日调休上班", {2: False, 7: True}),
    ("3月2日放假\n3月2日放假", {2: False}),
]


@pytest.mark.parametrize(("text", "days"), READ)
def test_notices_of_holidays(text: str, days: dict[int, bool]) -> None:
    """As notices and clerks write them."""
    notice = holiday_notice.read(text, 2026)
    assert notice.unread == []
    assert {day.day: working for day, (working, _) in notice.days.items()} == days
    assert {(day.year, day.month) for day in notice.days} == {(2026, 3)}


def test_a_holiday_over_the_turn_of_the_year() -> None:
    """The year is the one asked for, unless the notice says another."""
    notice = holiday_notice.read("跨年：2026年12月31日（周四）至次年1月2日（周六）放假。", 2027)
    assert [str(one) for one in notice.days] == ["2026-12-31", "2027-01-01", "2027-01-02"]
    assert {name for _, name in notice.days.values()} == {"跨年"}


UNREAD = [
    ("各科室请看", "没有认出日期"),
    ("3月2日", "没有说放假还是上班"),
    ("3月32日放假", "不是日历上的日期"),
    ("13月1日放假", "不是日历上的日期"),
    ("3月2日（周二）放假", "是星期一，不是星期二"),
    ("3月4日至2日放假", "不是一段假期"),
    ("3月2日至12月1日放假", "不是一段假期"),
    ("3月9日放假\n3月9日上班", "前面说的相反"),
]


@pytest.mark.parametrize(("text", "why"), UNREAD)
def test_what_was_not_understood_is_told(text: str, why: str) -> None:
    """With its reason; the rest of the list is read."""
    notice = holiday_notice.read(f"3月5日放假\n{text}", 2026)
    assert date(2026, 3, 5) in notice.days
    assert len(notice.days) <= 2
    assert [why in one for one in notice.unread] == [True]


def test_every_action_has_words() -> None:
    """Each that a service puts on record."""
    kinds = "|".join({one.partition(".")[0] for one in ACTIONS})
    found = set()
    for path in (ROOT / "casework" / "service").glob("*.py"):
        found |= set(re.findall(rf'"((?:{kinds})\.(?!json)[a-z_]+)"', path.read_text(encoding="utf-8")))
    assert {"case.registered", "user.added"} <= found <= set(ACTIONS)


def test_entries_in_words() -> None:
    """By the names and the clock of the office; what orders the queue is left out."""
    wording = Wording.of(TAXONOMY, Office().zone)
    entry = AuditEntry(
        action="case.decided",
        subject="case 2026-000001",
        old={"department": FIRST.id, "due_at": "2026-03-02 08:30:00.5+00:00", "certain": 1, "status": "open"},
        new={"department": SECOND.id, "due_at": "2026-03-02T09:30:00+00:00", "certain": 0, "status": "decided"},
    )
    assert wording.subject(entry) == "诉求件 2026-000001"
    assert [one.in_words for one in wording.changes(entry)] == [
        f"部门：{FIRST.name} → {SECOND.name}",
        "办理期限：2026-03-02 16:30 → 2026-03-02 17:30",
        "状态：待分办 → 已分办",
    ]
    days = AuditEntry(subject="holidays", old={"2026-03-02": {"working": False, "name": "试行节"}}, new=None)
    assert [one.in_words for one in wording.changes(days)] == ["2026-03-02：放假 试行节 → （删去）"]
    assert wording.subject(AuditEntry(subject=f"deadline a/b/*/{LEVEL.id}")) == f"时限 a/b、任何、{LEVEL.name}"


def test_what_has_been_seen(database: Database) -> None:
    """The newest of a subject is what somebody who looks now has seen."""
    for day in range(1, 4):
        change(database, deadlines.set_holidays, {date(2026, 3, day): (False, "")})
    with database.reading() as session:
        newest = audit.search(session, audit.Wanted(["holidays"], actions=["holidays.set"]), limit=1)[0]
        assert newest.new == {"2026-03-03": {"working": False, "name": ""}}
        assert trail.seen(session, ["holidays"]) == newest.id
