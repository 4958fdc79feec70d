"""What was suggested against where cases went: the counts, and the cases behind them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from casework.service.confusion import Asked, Matrix, behind, matrix
from casework.service.permissions import ROLES, Actor
from casework.storage.cases import DECIDED, OPEN
from casework.storage.database import Database, Session
from casework.storage.tables import Decision, Withdrawal
from classifier.errors import InvalidInputError, NotAllowedError
from classifier.taxonomy import Taxonomy
from tests.casework.watched import add_case, decide

TAXONOMY = Taxonomy.read()
SUPERVISOR = Actor("李主管", ROLES["supervisor"])
USUAL = Asked()
NOW = datetime.now(UTC)


def sent(
    session: Session,
    suggested: str | None,
    *departments: str,
    weeks: int = 1,
    acted: str | None = None,
    model: str = "v1",
) -> str:
    """The number of a case that was sent to departments one after another, the last of which acted if no other did."""
    case = add_case(session, NOW - timedelta(weeks=weeks), suggested, status=DECIDED, model=model)
    for i, department in enumerate(departments):
        decide(session, case, NOW - timedelta(weeks=weeks) + timedelta(hours=i), department)
    case.department = acted or departments[-1]
    return case.number


def counted(database: Database, asked: Asked = USUAL, actor: Actor = SUPERVISOR) -> dict[tuple[str, str], int]:
    """What the matrix counts, by (department, suggested)."""
    with database.reading() as session:
        found = matrix(session, actor, TAXONOMY, asked)
    return {
        (decided, suggested): count
        for decided, row in zip(found.labels, found.counts, strict=True)
        for suggested, count in zip(found.labels, row, strict=True)
        if count
    }


def test_each_settled_case_counts_once(database: Database) -> None:
    """By where it is in the end; what waits, what had no suggestion and what is long ago does not count."""
    with database.writing() as session:
        sent(session, "land", "land")
        sent(session, "land", "environment", "other")
        sent(session, "land", "land", acted="other")
        sent(session, None, "land")
        sent(session, "education", "education", weeks=20)
        waiting = add_case(session, NOW, "land", status=OPEN)
        decide(session, waiting, NOW, "land")
        waiting.department = "land"
    assert counted(database) == {("land", "land"): 1, ("other", "land"): 2}
    assert counted(database, Asked(26)) == {("land", "land"): 1, ("other", "land"): 2, ("education", "education"): 1}


def test_one_model_or_one_department_alone(database: Database) -> None:
    """A supervisor of a department sees its cases; a model that is gone had others."""
    with database.writing() as session:
        sent(session, "land", "land")
        other = sent(session, "land", "other", model="v2")
    assert counted(database, Asked(version="v2")) == {("other", "land"): 1}
    own = Actor("李主管", ROLES["supervisor"], department="other")
    assert counted(database, actor=own) == {("other", "land"): 1}
    with database.reading() as session:
        assert behind(session, own, Asked(), "land", "land", None) == []
        assert [one.case.number for one in behind(session, own, Asked(), "other", "land", None)] == [other]


def test_the_cases_behind_a_count(database: Database) -> None:
    """The last decided first, page by page; as many as were counted."""
    with database.writing() as session:
        numbers = [sent(session, "land", "other") for _ in range(5)]
        sent(session, "land", "land")
    with database.reading() as session:
        first = behind(session, SUPERVISOR, Asked(), "other", "land", None, 3)
        rest = behind(session, SUPERVISOR, Asked(), "other", "land", first[-1].decision_id, 3)
        assert [one.case.number for one in (*first, *rest)] == numbers[::-1]
        one = first[0]
        assert (one.first_line, one.suggested, one.confidence, one.shown) == ("路灯坏了", "land", 0.8, True)


def test_a_department_that_is_gone_keeps_its_row(database: Database) -> None:
    """By its id, after those of today."""
    with database.writing() as session:
        sent(session, "land", "<b>旧局</b>")
    with database.reading() as session:
        found = matrix(session, SUPERVISOR, TAXONOMY, Asked())
    assert found.names[-1] == "<b>旧局</b>"
    assert (found.rows, found.agreed) == (1, 0)


def test_shares_are_of_a_row() -> None:
    """Of what a department got, whatever was suggested."""
    found = Matrix.of({"a": "甲"}, ["a", "b"], [[3, 1], [0, 0]])
    assert found.names == ("甲", "b")
    assert [found.share(0, 0), found.share(0, 1), found.share(1, 0)] == [0.75, 0.25, 0]


def test_who_may_ask_for_what(database: Database) -> None:
    """Supervisors, for the periods there are."""
    with pytest.raises(NotAllowedError):
        counted(database, actor=Actor("赵分办", ROLES["triage"]))
    with pytest.raises(InvalidInputError, match="周数 3 不对，应为 4、12、26、52"):
        counted(database, Asked(3))


def test_what_was_withdrawn_is_no_decision(database: Database) -> None:
    """The one before it counts, if there is one."""
    with database.writing() as session:
        case = add_case(session, NOW, "land", status=DECIDED)
        for department in ("land", "other"):
            decide(session, case, NOW, department)
        case.department = "land"
        withdrawn = session.scalars(select(Decision.id).where(Decision.department == "other")).one()
        facts = {"made_at": NOW, "made_by": "赵分办", "decision_id": withdrawn}
        session.add(Withdrawal(case_id=case.id, **facts))
        sent(session, "land", "education")
    with database.reading() as session:
        assert [one.decision_id for one in behind(session, SUPERVISOR, USUAL, "land", "land", None)] == [withdrawn - 1]
    assert counted(database) == {("land", "land"): 1, ("education", "land"): 1}
