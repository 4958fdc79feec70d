"""撤回: what was decided is taken back, the case stands as before, and nothing counts what was taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from casework.service.decide import Choice, close, decide, hand_back
from casework.service.desk import Desk, change_many, detail
from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.service.register import NewCase, register, suggest_again
from casework.service.standing import as_it_stands
from casework.service.watch import totals, watch
from casework.service.withdraw import withdraw
from casework.storage import audit, handled
from casework.storage.database import Database
from casework.storage.tables import Case, Decision, User, Withdrawal
from classifier.errors import ConflictError, FenbanError, NotAllowedError, NotFoundError
from classifier.model.classifier import Classifier
from classifier.records import Complaint
from tests.clients import add_user, sign_in

POND = Complaint("", "养鸭场的粪水没有处理就排进村口的池塘，水发黑发臭，请来看看。")


@pytest.fixture
def desk(database: Database, classifier: Classifier) -> Desk:
    """A clerk at an office that shows every suggestion; a second clerk and a supervisor work there too."""
    with database.writing() as session:
        for name, role in (("zhang", "triage"), ("li", "triage"), ("zhuguan", "supervisor")):
            session.add(User(name=name, role=role, password_hash="-", created_at=datetime.now(UTC)))
    return Desk(Actor("zhang", ROLES["triage"], 1), Office(blind_share=0), classifier.taxonomy, classifier)


def other(desk: Desk, name: str, role: str, user_id: int, department: str | None = None) -> Desk:
    """The same office, somebody else."""
    return replace(desk, actor=Actor(name, ROLES[role], user_id, department))


def do(database: Database, service: Any, *arguments: Any) -> Case:
    """Call a service in a transaction of its own."""
    with database.writing() as session:
        found: Case = service(session, *arguments)
        return found


def new_case(database: Database, desk: Desk) -> Case:
    """Register one."""
    with database.writing() as session:
        return register(session, desk, NewCase(POND, "来信"))[0]


def standing(case: Case) -> dict[str, Any]:
    """All of where it stands but the version."""
    return {name: value for name, value in as_it_stands(case).items() if name != "version"}


def test_each_of_the_three_can_be_withdrawn(database: Database, desk: Desk) -> None:
    """The case stands as it did before, one version on; the history keeps what was withdrawn, and by whom."""
    case = new_case(database, desk)
    steps: list[tuple[Any, ...]] = [
        (decide, Choice("land", "environment", "critical", "占了河滩")),
        (hand_back, "不在我局管的河段"),
        (decide, Choice("environment")),
        (close, "other", "已清理"),
    ]
    version = 1
    for service, *arguments in steps:
        before = standing(case)
        do(database, service, desk, case.number, version, *arguments)
        case = do(database, withdraw, desk, case.number, version + 1)
        assert (standing(case), case.version) == (before, version + 2)
        case = do(database, service, desk, case.number, version + 2, *arguments)
        version += 3
    with database.reading() as session:
        found = detail(session, case)
        events = [*found.decisions, *found.hand_backs, *found.outcomes]
        told = [(type(one).__name__, (w := found.withdrawal(one)) and w.made_by) for one in events]
        actions = [one.action for one in audit.entries(session, f"case {case.number}")]
    kinds = ("Decision", "Decision", "HandBack", "Outcome")
    assert sorted(told, key=str) == sorted([(kind, by) for kind in kinds for by in ("zhang", None)], key=str)
    assert actions.count("case.withdrawn") == 4


def test_only_the_last_and_only_once(database: Database, desk: Desk) -> None:
    """Whatever has happened since, a withdrawal too, closes the way; nothing is changed by trying."""
    case = new_case(database, desk)
    with pytest.raises(ConflictError, match="没有可以撤回的"):
        do(database, withdraw, desk, case.number, 1)
    do(database, decide, desk, case.number, 1, Choice("land"))
    do(database, hand_back, desk, case.number, 2, "不归我局")
    with pytest.raises(ConflictError, match="刚被别人改过"):
        do(database, withdraw, desk, case.number, 2)
    do(database, suggest_again, desk, case.number)
    with pytest.raises(ConflictError, match="没有可以撤回的"):
        do(database, withdraw, desk, case.number, 4)
    do(database, decide, desk, case.number, 4, Choice("land"))
    do(database, withdraw, desk, case.number, 5)
    with pytest.raises(ConflictError, match="只能撤回一次"):
        do(database, withdraw, desk, case.number, 6)
    with database.reading() as session:
        assert len(session.scalars(select(Withdrawal)).all()) == 1


def test_whose_decision_it_is(database: Database, desk: Desk) -> None:
    """Another clerk may not, a supervisor may, a program without a person behind it never."""
    number = new_case(database, desk).number
    do(database, decide, desk, number, 1, Choice("land"))
    refusals: list[tuple[Desk, type[FenbanError], str]] = [
        (other(desk, "li", "triage", 2), NotAllowedError, "撤回别人的决定"),
        (other(desk, "li", "supervisor", 2, "education"), NotFoundError, number),
        (replace(desk, actor=replace(desk.actor, user_id=None)), NotAllowedError, "背后没有账号"),
        (replace(desk, actor=replace(desk.actor, permissions=frozenset())), NotAllowedError, "分办、退回、办结"),
    ]
    for who, error, words in refusals:
        with pytest.raises(error, match=words):
            do(database, withdraw, who, number, 2)
    assert do(database, withdraw, other(desk, "zhuguan", "supervisor", 3), number, 2).version == 3
    with pytest.raises(NotFoundError):
        do(database, withdraw, desk, "2026-999999", 1)


def test_a_clerk_of_one_department_takes_back_what_they_sent_away(database: Database, desk: Desk) -> None:
    """Though the case is no longer theirs to see."""
    case = new_case(database, desk)
    limited = other(desk, "zhang", "triage", 1, case.department)
    elsewhere = next(one.id for one in desk.taxonomy.departments if one.id != case.department)
    do(database, decide, limited, case.number, 1, Choice(elsewhere))
    assert do(database, withdraw, limited, case.number, 2).department == case.department


def test_nothing_counts_or_learns_what_was_withdrawn(database: Database, desk: Desk) -> None:
    """Weeks count the decision that stands as the first; training sees it alone; counters never fall."""
    supervisor = other(desk, "zhuguan", "supervisor", 3)
    case = new_case(database, desk)
    made = str(case.department)
    wrong = next(one.id for one in desk.taxonomy.departments if one.id != made)
    do(database, decide, desk, case.number, 1, Choice(wrong))
    do(database, hand_back, desk, case.number, 2, "不归我局")
    do(database, withdraw, desk, case.number, 3)
    gone = new_case(database, desk)
    do(database, decide, desk, gone.number, 1, Choice(wrong))
    do(database, withdraw, desk, gone.number, 2)
    with database.reading() as session:
        figures = watch(session, supervisor.actor, desk.office, desk.taxonomy, None, 1).figures
        assert (figures.decisions, figures.agreement.count, figures.hand_backs) == (1, 0, 0)
        assert [(one.case_id, one.department) for one in handled.handled(session)] == [(case.id, wrong)]
        counted = totals(session, supervisor.actor, desk.office)[0]
        assert (counted.decisions, counted.hand_backs) == ({(wrong, False): 2}, {wrong: 1})
        assert counted.withdrawals == 2
    do(database, decide, desk, gone.number, 3, Choice(made))
    with database.reading() as session:
        figures = watch(session, supervisor.actor, desk.office, desk.taxonomy, None, 1).figures
        assert (figures.decisions, figures.agreement.count) == (2, 1)
        assert [(one.department, one.followed) for one in handled.handled(session)] == [(wrong, False), (made, True)]


def test_a_blind_case_is_blind_once(database: Database, desk: Desk) -> None:
    """Withdrawn, it hides the suggestion again; but its next decision is no measure, since it was seen."""
    blind = replace(desk, office=Office(blind_share=1))
    case = new_case(database, blind)
    do(database, decide, blind, case.number, 1, Choice("land"))
    case = do(database, withdraw, blind, case.number, 2)
    assert (case.department, case.certain, case.confidence) == (None, 0, 0.0)
    do(database, decide, blind, case.number, 3, Choice("land"))
    with database.reading() as session:
        shown = [one.shown for one in session.scalars(select(Decision).order_by(Decision.id))]
    assert shown == [False, True]


def test_what_an_older_version_decided_stays(database: Database, desk: Desk) -> None:
    """It did not keep where the case stood before."""
    case = new_case(database, desk)
    with database.writing() as session:
        own = session.get_one(Case, case.id)
        change_many(session, desk.actor, "case.decided", [(own, {"status": "decided", "department": "land"})], 0)
        session.add(
            Decision(
                **{"case_id": case.id, "made_at": datetime.now(UTC), "made_by": "zhang", "user_id": 1},
                **{"department": "land", "shown": True, "reason": ""},
            )
        )
    with pytest.raises(ConflictError, match="没有可以撤回的"):
        do(database, withdraw, desk, case.number, 2)


def test_the_api_withdraws(app: Flask) -> None:
    """And shows by whom and when in the history."""
    add_user(app, "zhang", "triage")
    client = sign_in(app, "zhang")
    case = client.post("/api/v1/cases", json={"text": POND.text}).get_json()
    path = f"/api/v1/cases/{case['number']}"
    client.post(f"{path}/decisions", json={"version": 1, "department": "land"})
    found = client.post(f"{path}/withdrawal", json={"version": 2}).get_json()
    assert (found["status"], found["version"], found["department"]) == ("open", 3, case["department"])
    assert found["decisions"][0]["withdrawn_by"] == "zhang"
    again = client.post(f"{path}/withdrawal", json={"version": 2})
    assert (again.status_code, again.get_json()["code"]) == (409, "conflict")
