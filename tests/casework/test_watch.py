"""What is watched, counted by hand, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.service.shift import Reference, psi, shift
from casework.service.watch import Figures, Share, Standing, Watch, totals, watch
from casework.storage.cases import DECIDED, OPEN
from casework.storage.database import Database
from classifier.errors import InvalidInputError, NotAllowedError
from classifier.taxonomy import Taxonomy
from tests.casework.watched import add_case, moment, three_weeks

NOW = moment("2026-03-18 04:00")
SUPERVISOR = Actor("李主管", ROLES["supervisor"], 1)
HALVES = Reference({"land": 0.5, "education": 0.5}, (0.5, 0.8), (0.2, 0.3, 0.5))


def look(database: Database, reference: Reference | None = None, weeks: int = 3) -> Watch:
    """Watch as a supervisor."""
    with database.reading() as session:
        return watch(session, SUPERVISOR, Office(), Taxonomy.read(), reference, weeks, NOW)


@pytest.fixture
def busy(database: Database) -> Database:
    """A register with three weeks of cases."""
    with database.writing() as session:
        three_weeks(session)
    return database


def figures(of: list[int]) -> Figures:
    """From decisions, agreed, shown, agreed blind, blind, review, suggestions, hand-backs."""
    decisions, agreed, shown, blind_agreed, blind, review, suggestions, hand_backs = of
    return Figures(
        decisions,
        Share(agreed, shown),
        shown - agreed,
        Share(blind_agreed, blind),
        Share(review, suggestions),
        hand_backs,
    )


def test_weeks_are_counted_from_monday_where_the_office_is(busy: Database) -> None:
    """Each case's first decision counts, in the week it was made; a hand-back in its own."""
    found = look(busy)
    assert [(week.monday, week.complete, week.registered) for week in found.weeks] == [
        (date(2026, 3, 2), True, 5),
        (date(2026, 3, 9), True, 1),
        (date(2026, 3, 16), False, 1),
    ]
    assert [week.figures for week in found.weeks] == [
        figures([5, 1, 2, 1, 2, 0, 4, 0]),
        figures([1, 1, 1, 0, 0, 1, 1, 1]),
        figures([0, 0, 0, 0, 0, 1, 1, 0]),
    ]
    assert found.figures == figures([6, 2, 3, 1, 2, 2, 6, 1])
    assert found.registered == 7
    assert not found.empty


def test_departments_have_figures_of_their_own(busy: Database) -> None:
    """In the taxonomy's order: decisions where decided for, suggestions where suggested."""
    found = look(busy)
    assert {one.id: one.figures for one in found.departments} == {
        "environment": figures([1, 0, 1, 0, 0, 0, 0, 1]),
        "land": figures([1, 1, 1, 0, 0, 0, 3, 0]),
        "education": figures([2, 0, 0, 1, 2, 0, 1, 0]),
        "disability": figures([0, 0, 0, 0, 0, 1, 1, 0]),
        "other": figures([2, 1, 1, 0, 0, 1, 1, 0]),
    }
    assert [one.id for one in found.departments] == [one.id for one in Taxonomy.read().departments]
    first_week = {one.id: one.figures.decisions for one in found.weeks[0].departments}
    assert first_week == {"environment": 1, "land": 1, "education": 2, "disability": 0, "other": 1}


def test_one_week_is_the_present_one(busy: Database) -> None:
    """From Monday to now."""
    found = look(busy, weeks=1)
    assert [week.monday for week in found.weeks] == [date(2026, 3, 16)]
    assert found.figures == figures([0, 0, 0, 0, 0, 1, 1, 0])


def test_standing_is_of_now(busy: Database) -> None:
    """Whatever is not closed, due soon within the office's hours, the moment itself among them."""
    with busy.writing() as session:
        for status, hours in ((DECIDED, -1), (DECIDED, 0), (OPEN, 24), (OPEN, 25)):
            add_case(session, NOW, status=status, due_at=NOW + timedelta(hours=hours))
    assert look(busy).standing == Standing(waiting=3, with_department=2, due_soon=2, overdue=2)


def test_a_department_that_is_gone_keeps_its_figures(busy: Database) -> None:
    """By its id, after those of the taxonomy."""
    taxonomy = Taxonomy.read()
    fewer = replace(taxonomy, departments=tuple(one for one in taxonomy.departments if one.id != "education"))
    with busy.reading() as session:
        found = watch(session, SUPERVISOR, Office(), fewer, None, 3, NOW)
    assert (found.departments[-1].name, found.departments[-1].figures.decisions) == ("education", 2)


def test_a_week_is_compared_with_training(database: Database) -> None:
    """Departments moved from halves to four fifths; known words stayed; 50 suggestions at least."""
    with database.writing() as session:
        for i in range(60):
            known = 0.4 if i % 5 == 0 else 0.5 if i % 5 == 1 or i % 10 == 2 else 0.8
            add_case(session, moment("2026-03-10 01:00"), "education" if i < 12 else "land", known_share=known)
        for _ in range(49):
            add_case(session, moment("2026-03-17 01:00"), "land")
    weeks = look(database, HALVES).weeks
    assert weeks[1].department_shift.value == pytest.approx(0.415888, abs=1e-6)
    assert weeks[1].department_shift.reading == "shifted"
    assert (weeks[1].word_shift.value, weeks[1].word_shift.reading) == (0.0, "stable")
    assert weeks[2].department_shift.value is None
    assert "49 件" in weeks[2].word_shift.words
    assert all("重新训练" in week.department_shift.words for week in look(database).weeks)


def test_totals_are_of_everything(busy: Database) -> None:
    """Decisions after a hand-back too."""
    with busy.reading() as session:
        found, _ = totals(session, SUPERVISOR, Office())
    assert found.registered == 8
    assert found.decisions == {
        ("land", True): 2,
        ("environment", False): 1,
        ("education", True): 1,
        ("education", False): 1,
        ("other", None): 1,
        ("other", True): 1,
    }
    assert found.hand_backs == {"environment": 1}
    assert found.suggestions == {True: 2, False: 5}


def test_nothing_yet_is_empty(database: Database) -> None:
    """No share is made up."""
    found = look(database, HALVES)
    assert found.empty
    assert found.figures == figures([0] * 8)
    assert (found.figures.agreement.value, found.figures.agreement.interval) == (None, None)


def test_who_may_not_watch_is_refused(database: Database) -> None:
    """With the name of what they lack."""
    clerk = Actor("赵分办", ROLES["triage"], 2)
    with database.reading() as session:
        with pytest.raises(NotAllowedError, match="查看统计"):
            watch(session, clerk, Office(), Taxonomy.read(), None)
        with pytest.raises(NotAllowedError, match="查看统计"):
            totals(session, clerk, Office())


@pytest.mark.parametrize("weeks", [0, -1, 54])
def test_weeks_that_cannot_be_are_refused(database: Database, weeks: int) -> None:
    """With what can be."""
    with pytest.raises(InvalidInputError, match=f"{weeks} 不对，应为 1 到 53"):
        look(database, weeks=weeks)


@pytest.mark.parametrize(
    ("expected", "counts", "index", "reading"),
    [
        ([0.5, 0.5], [50, 50], 0.0, "stable"),
        ([0.5, 0.5], [600, 400], 0.040547, "stable"),
        ([0.5, 0.5], [700, 300], 0.169460, "look"),
        ([0.5, 0.5], [800, 200], 0.415888, "shifted"),
        ([0.9, 0.1, 0.0], [100, 0, 0], 0.295131, "shifted"),  # an empty bin counts as half a row
        ([0.1] * 10, [9, 1, 5, 5, 5, 5, 5, 5, 5, 5], 0.175778, "stable"),  # so few rows do that by chance
        ([1.0], [50], 0.0, "stable"),
    ],
)
def test_the_index_is_read(expected: list[float], counts: list[int], index: float, reading: str) -> None:
    """By the usual limits, and never beyond what chance explains."""
    found = shift(expected, counts)
    assert found.value == pytest.approx(index, abs=1e-6)
    assert found.reading == reading


@given(st.lists(st.integers(0, 500), min_size=2, max_size=10).filter(any), st.randoms(use_true_random=False))
def test_the_index_is_never_negative(counts: list[int], random: object) -> None:
    """Whatever was expected."""
    expected = [random.random() + 1e-6 for _ in counts]  # type: ignore[attr-defined]
    assert psi([one / sum(expected) for one in expected], counts) >= 0


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(of: tuple[int, int]) -> None:
    """And lies between 0 and 1."""
    one = Share(*of)
    assert one.interval is not None
    assert one.value is not None
    low, high = one.interval
    assert 0 <= low <= one.value + 1e-12
    assert one.value - 1e-12 <= high <= 1


def test_an_older_model_has_no_reference() -> None:
    """A newer one has what training wrote."""
    assert Reference.of({"department": {}}) is None
    written = {"departments": {"land": 1.0}, "known_share": {"edges": [0.5], "shares": [0.25, 0.75]}}
    assert Reference.of({"reference": written}) == Reference({"land": 1.0}, (0.5,), (0.25, 0.75))


def test_counting_reads_indexes_alone(busy: Database) -> None:
    """Suggestions and decisions are wide rows: a million of them would take long to read."""
    asked: list[tuple[str, Any]] = []
    with busy.reading() as session:
        if session.get_bind().dialect.name != "sqlite":
            pytest.skip("PostgreSQL plans by the size of a table")
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *of: asked.append((of[2], of[3])))
        watch(session, SUPERVISOR, Office(), Taxonomy.read(), HALVES, 52, NOW)
        totals(session, SUPERVISOR, Office())
        for statement, values in list(asked):
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            found = [step for step in plan if step.startswith(("SCAN", "SEARCH")) and "hand_backs" not in step]
            assert all("COVERING INDEX" in step for step in found), plan
    assert len(asked) == 2 * 11
