"""Figures counted by hand, on both databases, and the cases behind them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from casework.service import figures as service
from casework.service.desk import Desk
from casework.service.figure_cases import Behind, behind
from casework.service.figures import FIGURES, Flow, Row, Scope, flow, standing
from casework.service.office import Office
from casework.service.periods import Period, Span
from casework.service.permissions import ROLES, Actor, Permission
from casework.storage.cases import CLOSED, DECIDED, OPEN
from casework.storage.database import Database
from casework.storage.tables import Decision, HandBack, Withdrawal
from classifier.errors import InvalidInputError, NotAllowedError
from classifier.taxonomy import Taxonomy
from tests.casework.watched import add_case, decide, hand_back, moment

NOW = moment("2026-03-18 04:00")
SUPERVISOR = Actor("李主管", ROLES["supervisor"], 1)
OF_LAND = Actor("国土股长", ROLES["supervisor"], 2, "land")
DESK = Desk(SUPERVISOR, Office(), Taxonomy.read())
ALL = Scope()
THREE_WEEKS = Period.of("week", date(2026, 3, 2), date(2026, 3, 18))


@pytest.fixture
def busy(database: Database) -> Database:
    """Cases around the weeks that begin on 2, 9 and 16 March 2026 in China."""
    with database.writing() as session:
        # A second before the first week, and in its first second.
        add_case(session, moment("2026-03-01 15:59:59"), department="land")
        quick = add_case(
            session,
            moment("2026-03-01 16:00"),
            channel="来访",
            department="land",
            urgency="urgent",
            due_at=moment("2026-03-04 16:00"),
            closed_at=moment("2026-03-04 16:00"),
        )
        decide(session, quick, moment("2026-03-01 16:30"), "land")
        # Sent on after it was handed back, and closed too late.
        returned = add_case(
            session,
            moment("2026-03-04 01:00"),
            channel="来访",
            department="land",
            urgency="routine",
            due_at=moment("2026-03-11 01:00"),
            closed_at=moment("2026-03-12 01:00"),
        )
        decide(session, returned, moment("2026-03-04 03:00"), "environment")
        hand_back(session, returned, moment("2026-03-10 01:00"), "environment")
        decide(session, returned, moment("2026-03-11 01:00"), "land")
        blind = add_case(
            session,
            moment("2026-03-10 01:00"),
            status=DECIDED,
            department="education",
            urgency="routine",
            due_at=moment("2026-03-17 01:00"),
        )
        decide(session, blind, moment("2026-03-11 13:00"), "education", blind=True)
        add_case(session, moment("2026-03-17 01:00"), status=OPEN, due_at=moment("2026-03-18 04:00:01"))
    return database


def count(
    database: Database, by: str = "department", scope: Scope = ALL, period: Period = THREE_WEEKS, desk: Desk = DESK
) -> Flow:
    """The figures of a period."""
    with database.reading() as session:
        return flow(session, desk, period, by, scope, NOW)


def numbers(row: Row) -> dict[str, int]:
    """What is not 0."""
    return {name: row.counts[name] for name in FIGURES if row.counts[name]}


def listed(database: Database, figure: str, span: Span, scope: Scope = ALL, **other: Any) -> Behind:
    """The cases behind a figure."""
    with database.reading() as session:
        return behind(session, other.pop("desk", DESK), figure, span, scope, now=NOW, **other)


def test_each_week_has_what_happened_in_it(busy: Database) -> None:
    """Weeks begin on Monday where the office is; first decisions count, and due is what is due by now."""
    found = count(busy)
    assert [str(row.span.first) for row in found.spans] == ["2026-03-02", "2026-03-09", "2026-03-16"]
    assert [numbers(row) for row in found.spans] == [
        {"received": 2, "decided": 2, "shown": 2, "agreed": 1, "due": 2, "overdue": 1, "in_time": 1},
        {"received": 1, "decided": 1, "handed_back": 1, "due": 1, "overdue": 1},
        {"received": 1, "due": 1, "overdue": 1},
    ]
    assert found.total.counts == sum((row.counts for row in found.spans), start=type(found.total.counts)())
    assert found.total.agreement.value == 0.5
    assert found.total.punctuality.value == 0.25
    assert [row.median_wait for row in found.spans] == [timedelta(minutes=30), timedelta(hours=36), None]
    assert found.total.median_wait == timedelta(hours=2)


def test_departments_have_what_was_theirs(busy: Database) -> None:
    """A decision is that of the department first sent to, a case in hand that of the one that has it now."""
    parts = {row.key: row for row in count(busy).parts}
    assert list(parts) == [*(one.id for one in Taxonomy.read().departments), ""]
    assert numbers(parts["land"]) == {
        **{"received": 2, "decided": 1, "shown": 1, "agreed": 1},
        **{"due": 3, "overdue": 2, "in_time": 1},
    }
    assert numbers(parts["environment"]) == {"decided": 1, "shown": 1, "handed_back": 1}
    assert numbers(parts["disability"]) == {}
    assert (parts[""].name, numbers(parts[""])) == ("未定部门", {"received": 1})


@pytest.mark.parametrize(
    ("by", "expected"),
    [("channel", {"来访": 2, "没有渠道": 2}), ("urgency", {"一般": 2, "急": 1, "特急": 0, "未定紧急程度": 1})],
)
def test_channels_and_urgencies_part_the_same_cases(busy: Database, by: str, expected: dict[str, int]) -> None:
    """Levels in their order, channels by how much came that way."""
    found = count(busy, by)
    assert {row.name: row.counts["received"] for row in found.parts} == expected
    for figure in FIGURES:
        assert sum(row.counts[figure] for row in found.parts) == found.total.counts[figure]


@pytest.mark.parametrize(
    ("scope", "received", "decided"),
    [
        (Scope(department="land"), 2, 1),
        (Scope(channel="来访"), 2, 2),
        (Scope(channel=""), 2, 1),
        (Scope(urgency="routine"), 2, 2),
        (Scope("environment", "来访", "routine"), 0, 1),
        (Scope(department=""), 1, 0),
        (Scope(channel="来信"), 0, 0),
    ],
)
def test_figures_are_narrowed(busy: Database, scope: Scope, received: int, decided: int) -> None:
    """To a department, a channel, an urgency, or what has none."""
    found = count(busy, "channel", scope).total
    assert (found.counts["received"], found.counts["decided"]) == (received, decided)


@pytest.mark.parametrize("by", ["department", "channel", "urgency"])
def test_what_is_listed_is_what_was_counted(busy: Database, by: str) -> None:
    """For every figure of every row, each case with the moment it is counted for."""
    found = count(busy, by)
    seen = 0
    for row in (*found.spans, *found.parts, found.total):
        for figure in FIGURES:
            cases = listed(busy, figure, row.span, row.scope)
            assert cases.total == len(cases.cases) == row.counts[figure]
            start, end = row.span.bounds(DESK.office.zone)
            assert all(start <= one.moment < end for one in cases.cases)
            seen += cases.total
    assert seen > 40


def test_a_long_list_goes_on_where_it_stopped(busy: Database) -> None:
    """The newest first, none twice, none left out, though two happen in the same moment."""
    at = moment("2026-03-10 02:00")
    with busy.writing() as session:
        for _ in range(5):
            add_case(session, at, department="other")
    ids, cursor = [], None
    while True:
        page = listed(busy, "received", THREE_WEEKS.whole, cursor=cursor, limit=2)
        assert page.total == 9
        ids += [one.id for one in page.cases]
        if (cursor := page.next_cursor) is None:
            break
    assert len(ids) == len(set(ids)) == 9
    with pytest.raises(InvalidInputError, match="第一页"):
        listed(busy, "received", THREE_WEEKS.whole, cursor="yesterday_1")
    with pytest.raises(InvalidInputError, match="第一页"):
        listed(busy, "received", THREE_WEEKS.whole, cursor=f"2026-03-10T02:00:00+00:00_{10**20}")


def test_what_was_withdrawn_is_not_counted(busy: Database) -> None:
    """The next decision is the first then; a hand-back that was withdrawn is none."""
    with busy.writing() as session:
        first = session.query(Decision).filter_by(department="environment").one()
        back = session.query(HandBack).one()
        for withdrawn in ({"decision_id": first.id}, {"hand_back_id": back.id}):
            session.add(Withdrawal(case_id=first.case_id, made_at=NOW, made_by="赵分办", **withdrawn))
    found = count(busy)
    assert [row.counts["decided"] for row in found.spans] == [1, 2, 0]
    assert [row.counts["handed_back"] for row in found.spans] == [0, 0, 0]
    assert listed(busy, "handed_back", THREE_WEEKS.whole).cases == []


def test_a_department_counts_its_own_only(busy: Database) -> None:
    """What it decided nothing about is not there, and another's is refused by name."""
    own = Desk(OF_LAND, DESK.office, DESK.taxonomy)
    found = count(busy, desk=own)
    assert [row.key for row in found.parts] == ["land"]
    assert found.total.counts == found.parts[0].counts
    assert found.total.counts["received"] == 2
    assert listed(busy, "received", THREE_WEEKS.whole, desk=own).total == 2
    with pytest.raises(NotAllowedError, match="本部门"):
        count(busy, scope=Scope(department="environment"), desk=own)
    with pytest.raises(NotAllowedError, match="本部门"):
        listed(busy, "received", THREE_WEEKS.whole, Scope(department=""), desk=own)
    with busy.reading() as session:
        assert [one.cases for one in standing(session, own)] == [0, 0]


def test_standing_is_of_now(busy: Database) -> None:
    """Cases that are not closed, by what is next to be done."""
    with busy.reading() as session:
        waiting, sent = standing(session, DESK)
    assert (waiting.status, waiting.cases, waiting.overdue, waiting.soon) == (OPEN, 1, 1, 0)
    assert (sent.status, sent.cases, sent.overdue, sent.soon) == (DECIDED, 1, 1, 0)


def test_very_many_are_sampled_for_the_median(busy: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evenly, and the figures say so."""
    assert service.sampled_in_words(count(busy)) == ""
    monkeypatch.setattr(service, "MOST_WAITS", 2)
    found = count(busy)
    assert found.every == 2
    assert len(found.total.waits) < found.total.counts["decided"]
    assert "每 2 件" in service.sampled_in_words(found)


def test_a_period_without_cases_is_empty(busy: Database) -> None:
    """In the future nothing is due yet, and before the first case nothing was."""
    for year in (2020, 2030):
        found = count(busy, period=Period.of("month", date(year, 1, 1), date(year, 12, 31)))
        assert found.empty
        assert len(found.spans) == 12
        assert found.total.median_wait is None
        assert found.total.agreement.value is None


def test_a_department_that_is_gone_keeps_its_figures(busy: Database) -> None:
    """By its id, behind those of the taxonomy."""
    with busy.writing() as session:
        add_case(session, moment("2026-03-10 01:00"), department="fishery")
    assert {row.name: row.counts["received"] for row in count(busy).parts[-2:]} == {"fishery": 1, "未定部门": 1}


def test_who_may_not_watch_or_read_is_refused(busy: Database) -> None:
    """A clerk sees no figures; who may only watch sees numbers, and no case."""
    clerk = Desk(Actor("赵分办", ROLES["triage"], 2), DESK.office, DESK.taxonomy)
    program = Desk(Actor("大屏", frozenset({Permission.WATCH})), DESK.office, DESK.taxonomy)
    with pytest.raises(NotAllowedError, match="查看统计"):
        count(busy, desk=clerk)
    assert count(busy, desk=program).total.counts["received"] == 4
    with pytest.raises(NotAllowedError, match="查看诉求件"):
        listed(busy, "received", THREE_WEEKS.whole, desk=program)


@pytest.mark.parametrize(
    ("unit", "first", "last", "words"),
    [
        ("year", date(2026, 1, 1), date(2026, 1, 2), "不能按“year”"),
        ("week", date(2026, 1, 2), date(2026, 1, 1), "对调"),
        ("day", date(2026, 1, 1), date(2026, 4, 12), "按日有 102 段，最多 100 段"),
        ("month", date(1, 1, 1), date(2026, 3, 2), "0001-01-01 太远"),
        ("month", date(2026, 1, 1), date.max, "9999-12-31 太远"),
    ],
)
def test_periods_that_cannot_be_are_refused(unit: str, first: date, last: date, words: str) -> None:
    """With what is wrong."""
    with pytest.raises(InvalidInputError, match=words):
        Period.of(unit, first, last)


def test_a_figure_that_is_none_is_refused(busy: Database) -> None:
    """With those there are."""
    with pytest.raises(InvalidInputError, match=r"没有“clerks”.*received"):
        listed(busy, "clerks", THREE_WEEKS.whole)


def test_a_day_is_as_long_as_the_clock_says() -> None:
    """Where clocks are changed it may have 23 hours."""
    start, end = Span(date(2026, 3, 29), date(2026, 3, 29)).bounds(ZoneInfo("Europe/Berlin"))
    assert end.timestamp() - start.timestamp() == 23 * 3600


def test_counting_reads_indexes_alone(busy: Database) -> None:
    """By department no case is read, but for how long it waited: a register may hold a million."""
    asked: list[tuple[str, Any]] = []
    with busy.reading() as session:
        if session.get_bind().dialect.name != "sqlite":
            pytest.skip("PostgreSQL plans by the size of a table")
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *of: asked.append((of[2], of[3])))
        flow(session, DESK, THREE_WEEKS, "department", ALL, NOW)
        for statement, values in asked[:-1]:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            found = [step for step in plan if step.startswith(("SCAN", "SEARCH")) and " hand_backs " not in step]
            assert all("COVERING INDEX" in step for step in found), plan
    assert len(asked) > 12


def test_closed_cases_count_as_they_were_closed(busy: Database) -> None:
    """In time to the second; a case is due only when its time is over."""
    with busy.writing() as session:
        for closed, due in (("2026-03-17 00:00:01", "2026-03-17 00:00"), ("2026-03-17 00:00", "2026-03-18 04:00:01")):
            add_case(session, moment("2026-03-16 00:00"), status=CLOSED, due_at=moment(due), closed_at=moment(closed))
    assert numbers(count(busy).spans[-1]) == {"received": 3, "due": 2, "overdue": 2}
