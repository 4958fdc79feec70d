"""Cases from registration to the outcome, on both databases."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.fernet import Fernet

from casework.service import deadlines
from casework.service.decide import Choice, close, decide, hand_back, read_original
from casework.service.desk import Desk, detail, find, may_see_suggestion
from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.service.register import NewCase, register, suggest_again
from casework.storage import audit, lists
from casework.storage import cases as stored
from casework.storage.cases import CLOSED, DECIDED, OPEN, Filters
from casework.storage.database import Database, Session
from casework.storage.lists import Place
from casework.storage.originals import Originals
from casework.storage.tables import Case, DeadlineRule, User
from classifier.errors import (
    ConflictError,
    FenbanError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    StorageError,
)
from classifier.model.classifier import Classifier
from classifier.records import Complaint
from classifier.taxonomy import Taxonomy

SMOKE = Complaint("砖厂冒黑烟", "村东头的砖厂每天半夜冒黑烟，气味刺鼻，我叫王小明，电话13800000123，盼望查处。")
SCHOOL = Complaint("补课收费", "初三班主任周末在家收费补课，不去就不讲重点，请教育局管一管。")
RECEIVED = datetime(2026, 3, 6, 7, 0, tzinfo=UTC)  # a Friday, 15:00 in China


@pytest.fixture
def desk(database: Database, classifier: Classifier) -> Desk:
    """A supervisor at an office that shows every suggestion."""
    with database.writing() as session:
        for name in ("李主管", "赵分办"):
            session.add(User(name=name, role="supervisor", password_hash="-", created_at=datetime.now(UTC)))
    return Desk(Actor("李主管", ROLES["supervisor"], 1), Office(blind_share=0), classifier.taxonomy, classifier)


def new_case(database: Database, desk: Desk, complaint: Complaint = SMOKE, **facts: object) -> Case:
    """Register one."""
    with database.writing() as session:
        return register(session, desk, NewCase(complaint, **{"received_at": RECEIVED, **facts}))[0]  # type: ignore[arg-type]


def trail(session: Session, case: Case) -> list[str]:
    """What was done to a case, oldest first."""
    return [one.action for one in reversed(audit.entries(session, f"case {case.number}"))]


def test_a_complaint_is_registered_masked_with_its_suggestion(database: Database, desk: Desk) -> None:
    """Nothing of the person is stored; the suggestion stands beside the case."""
    case = new_case(database, desk, channel="12345热线", place="城关镇", reference="信-17")
    with database.reading() as session:
        found = find(session, desk.actor, case.number)
        history = detail(session, found)
        assert (found.channel, found.place, found.reference) == ("12345热线", "城关镇", "信-17")
        assert "13800000123" not in found.text
        assert "王小明" not in found.text
        assert found.original is None
        assert (found.status, found.department) == (OPEN, history.suggestions[0].department)
        assert history.suggestions[0].model_version == desk.classifier.version
        assert sum(p for _, p in history.suggestions[0].details["candidates"]) == pytest.approx(1)
        assert trail(session, found) == ["case.registered"]


def test_registering_twice_gives_one_case(database: Database, desk: Desk) -> None:
    """By the office's reference; other words under the same reference are refused."""
    first = new_case(database, desk, reference="A1")
    with database.writing() as session:
        again, created = register(session, desk, NewCase(SMOKE, reference="A1"))
    assert (again.number, created) == (first.number, False)
    with pytest.raises(ConflictError, match=first.number), database.writing() as session:
        register(session, desk, NewCase(SCHOOL, reference="A1"))
    with database.reading() as session:
        assert stored.count(session, Filters()) == 1


def test_a_case_without_a_model_is_registered_all_the_same(database: Database, desk: Desk) -> None:
    """It waits for a person, due like the mildest; once there is a model it can be asked."""
    case = new_case(database, replace(desk, classifier=None))
    assert (case.department, case.certain, case.due_at - case.received_at) == (None, 0, timedelta(days=7))
    with database.writing() as session:
        assert suggest_again(session, desk, case.number).department is not None
    with database.writing() as session, pytest.raises(ConflictError):
        suggest_again(session, replace(desk, classifier=None), case.number)


def test_the_path_of_a_case_leaves_a_trace(database: Database, desk: Desk) -> None:
    """Decided, handed back, decided again, closed by yet another: all of it stands in the history."""
    number = new_case(database, desk).number
    with database.writing() as session:
        decide(session, desk, number, 1, Choice("land", "environment", reason="占地，电话13800000123"))
    with database.writing() as session:
        case = hand_back(session, desk, number, 2, "不是我局职责")
        assert (case.status, case.certain) == (OPEN, 0)
    with database.writing() as session:
        decide(session, desk, number, 3, Choice("environment"))
    with database.writing() as session:
        case = close(session, desk, number, 4, "other", "由城管办结")
        assert (case.status, case.department, case.version) == (CLOSED, "other", 5)
    with database.reading() as session:
        case = find(session, desk.actor, number)
        history = detail(session, case)
        assert [(one.department, one.agreed, one.shown) for one in history.decisions] == [
            (one, one == history.suggestions[0].department, True) for one in ("land", "environment")
        ]
        assert history.decisions[0].reason == "占地，电话[电话]"
        assert (history.hand_backs[0].department, history.hand_backs[0].made_by) == ("land", "李主管")
        assert history.outcomes[0].department == "other"
        assert trail(session, case) == [
            "case.registered",
            "case.decided",
            "case.handed_back",
            "case.decided",
            "case.closed",
        ]


def test_a_changed_urgency_moves_the_due_time_and_leaves_a_trace(database: Database, desk: Desk) -> None:
    """From when it was received, by the level decided."""
    number = new_case(database, desk, SCHOOL).number
    for version, (level, left) in enumerate(
        [("critical", timedelta(hours=2)), ("urgent", timedelta(days=3)), ("routine", timedelta(days=7))], 1
    ):
        with database.writing() as session:
            case = decide(session, desk, number, version, Choice("education", urgency=level))
            assert case.due_at - case.received_at == left
    with database.reading() as session:
        newest = audit.entries(session, f"case {number}")[0]
    assert newest.old == {"due_at": "2026-03-09T07:00:00+00:00", "urgency": "urgent"}
    assert newest.new == {"due_at": "2026-03-13T07:00:00+00:00", "urgency": "routine"}


def test_deadlines_follow_the_office_s_rules_and_holidays(database: Database, desk: Desk) -> None:
    """The most specific rule counts; working days skip what the office has off, and not what it works."""
    with database.writing() as session:
        for channel, department, hours, working in (
            ("", "", 120, False),
            ("", "land", 48, True),
            ("上级转办", "", 24, False),
        ):
            rule = DeadlineRule(
                channel=channel, department=department, urgency="routine", hours=hours, working_days=working
            )
            deadlines.set_rule(session, desk.actor, desk.taxonomy, rule)
        off = {date(2026, 3, 9): (False, "补休"), date(2026, 3, 7): (True, "调休上班")}
        deadlines.set_holidays(session, desk.actor, off)
    with database.reading() as session:
        times = deadlines.Deadlines(session, desk.office, desk.taxonomy)

        def due(channel: str, department: str) -> str:
            moment = times.due(RECEIVED, channel, department, "routine").astimezone(desk.office.zone)
            return f"{moment:%m-%d %H:%M}"

        assert due("来信", "education") == "03-11 15:00"
        assert due("上级转办", "education") == "03-07 15:00"
        assert due("上级转办", "land") == "03-10 15:00"  # Saturday is worked, Sunday and Monday are off
    with database.writing() as session:
        deadlines.remove_rule(session, desk.actor, "", "land", "routine")
        deadlines.remove_holidays(session, desk.actor, list(off))
    with database.reading() as session:
        assert len(audit.entries(session)) == 6


def test_cases_say_how_they_stand_against_their_time(database: Database, desk: Desk) -> None:
    """Later, soon, overdue; nothing once closed."""
    case = new_case(database, desk, SCHOOL)
    for left, expected in ((-1, "overdue"), (1, "soon"), (23, "soon"), (25, "later")):
        assert deadlines.state(case, desk.office, case.due_at - timedelta(hours=left)) == expected
    case.closed_at = RECEIVED
    assert deadlines.state(case, desk.office, RECEIVED) is None


def test_one_of_two_clerks_wins_and_the_other_is_told(database: Database, desk: Desk) -> None:
    """Both looked at the same state; nothing is overwritten silently."""
    number = new_case(database, desk).number
    start, told = threading.Barrier(2), []

    def choose(name: str, department: str) -> None:
        own = replace(desk, actor=replace(desk.actor, name=name))
        start.wait()
        try:
            with database.writing() as session:
                decide(session, own, number, 1, Choice(department))
        except ConflictError as error:
            told.append(str(error))

    clerks = [threading.Thread(target=choose, args=one) for one in (("甲", "land"), ("乙", "environment"))]
    for one in clerks:
        one.start()
    for one in clerks:
        one.join()
    with database.reading() as session:
        case = find(session, desk.actor, number)
        (decision,) = detail(session, case).decisions
    assert (case.version, case.department) == (2, decision.department)
    assert len(told) == 1
    assert f"由 {decision.made_by} 分办给{desk.name_of(decision.department)}" in told[0]


def test_a_blind_case_shows_its_department_only_after_the_decision(database: Database, desk: Desk) -> None:
    """Neither the case nor its trace tells it before."""
    blind = replace(desk, office=Office(blind_share=1))
    number = new_case(database, blind).number
    with database.writing() as session:
        suggest_again(session, blind, number)
    with database.reading() as session:
        case = find(session, desk.actor, number)
        assert (case.department, case.assist, case.certain) == (None, None, 0)
        assert case.urgency is not None
        assert not may_see_suggestion(case)
        assert not any("department" in (one.new or {}) for one in audit.entries(session, f"case {number}"))
    with database.writing() as session:
        decide(session, blind, number, 2, Choice("environment"))
    with database.reading() as session:
        case = find(session, desk.actor, number)
        decision = detail(session, case).decisions[0]
        assert may_see_suggestion(case)
        assert (decision.shown, decision.agreed is not None) == (False, True)


def test_originals_are_kept_encrypted_and_every_reading_is_on_record(database: Database, desk: Desk) -> None:
    """Only where a key is set, only for who may."""
    key = Fernet.generate_key().decode()
    keeping = replace(desk, office=Office(originals=Originals(key)))
    number = new_case(database, keeping).number
    with database.writing() as session:
        case = find(session, desk.actor, number)
        assert case.original is not None
        assert "王小明".encode() not in case.original
        assert read_original(session, keeping, number) == (SMOKE.title, SMOKE.text)
        assert audit.entries(session)[0].action == "original.read"
        clerk = replace(keeping, actor=Actor("赵分办", ROLES["triage"], 2))
        with pytest.raises(NotAllowedError, match="查看原文"):
            read_original(session, clerk, number)
        newer = Originals(f"{Fernet.generate_key().decode()},{key}")
        assert newer.open(case.original)[0] == SMOKE.title
        with pytest.raises(StorageError, match="别的密钥"):
            Originals(Fernet.generate_key().decode()).open(case.original)
        with pytest.raises(NotFoundError, match="FENBAN_ORIGINALS_KEY"):
            read_original(session, desk, number)
    with pytest.raises(StorageError, match="不是有效的密钥"):
        Originals("secret")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice("nowhere"), "没有“nowhere”这个主办部门，应为 .*land"),
        (Choice("land", "nowhere"), "协办部门"),
        (Choice("land", "land"), "主办和协办不能同为"),
        (Choice("land", urgency="soonest"), "紧急程度，应为 critical、routine、urgent"),
    ],
)
def test_an_impossible_choice_is_named_and_changes_nothing(
    database: Database, desk: Desk, choice: Choice, message: str
) -> None:
    """With what would be possible."""
    number = new_case(database, desk).number
    with pytest.raises(InvalidInputError, match=message), database.writing() as session:
        decide(session, desk, number, 1, choice)
    with database.reading() as session:
        assert find(session, desk.actor, number).version == 1


def test_steps_out_of_order_are_refused(database: Database, desk: Desk) -> None:
    """With how the case stands."""
    number = new_case(database, desk).number

    def refused(step: object, *arguments: object) -> str:
        with pytest.raises(FenbanError) as error, database.writing() as session:
            step(session, desk, number, *arguments)  # type: ignore[operator]
        return str(error.value)

    assert "待分办" in refused(hand_back, 1, "理由")
    assert "待分办" in refused(close, 1)
    with database.writing() as session:
        decide(session, desk, number, 1, Choice("land"))
    assert "写明理由" in refused(hand_back, 2, " ")
    with database.writing() as session:
        close(session, desk, number, 2)
    assert "办结，不能再分办" in refused(decide, 3, Choice("land"))
    assert "已办结" in refused(close, 3)
    assert "由 李主管 分办给自然资源" in refused(decide, 2, Choice("land"))
    assert "不能重新建议" in refused(suggest_again)


def test_who_decides_has_a_name_and_sees_only_their_department(database: Database, desk: Desk) -> None:
    """A program without an account decides nothing; a department's clerk sees its cases only."""
    number = new_case(database, desk).number
    nobody = replace(desk, actor=Actor("接口", ROLES["admin"]))
    with pytest.raises(NotAllowedError, match="没有账号"), database.writing() as session:
        decide(session, nobody, number, 1, Choice("land"))
    with database.writing() as session:
        decide(session, desk, number, 1, Choice("land"))
    with database.reading() as session:
        assert find(session, replace(desk.actor, department="land"), number).number == number
        for actor, wrong in (
            (replace(desk.actor, department="education"), number),
            (desk.actor, "2026-99"),
            (desk.actor, "2026-99999999999"),
            (desk.actor, "x"),
        ):
            with pytest.raises(NotFoundError, match=wrong):
                find(session, actor, wrong)


@pytest.mark.parametrize(
    "facts", [{"received_at": datetime(2999, 1, 1, tzinfo=UTC)}, {"channel": "长" * 201}, {"place": "\x00"}]
)
def test_facts_that_cannot_be_are_refused(database: Database, desk: Desk, facts: dict[str, object]) -> None:
    """Before anything is stored."""
    with pytest.raises(InvalidInputError):
        new_case(database, desk, **facts)
    with database.reading() as session:
        assert stored.count(session, Filters()) == 0


def test_the_queue_is_in_order_and_its_pages_leave_nothing_out(database: Database, desk: Desk) -> None:
    """Those to be looked at closely first, then by time left, whatever the size of a page."""
    with database.writing() as session:
        for i in range(23):
            case, _ = register(
                session, desk, NewCase([SMOKE, SCHOOL][i % 2], received_at=RECEIVED - timedelta(hours=i % 5))
            )
            case.certain = i % 3 % 2
    with database.reading() as session:
        whole = [line.case for line in lists.page(session, Filters(), None, 100)]
        assert whole == sorted(whole, key=lambda one: (one.certain, one.due_at, one.id))
        numbers, after = [], None
        while lines := lists.page(session, Filters(), after, 4):
            numbers += [line.case.id for line in lines]
            after = Place(lines[-1].case.certain, lines[-1].case.due_at, lines[-1].case.id)
        assert numbers == [one.id for one in whole]
        assert lists.page(session, Filters(needs_review=True), None, 1)[0].case.certain == 0
        assert stored.count(session, Filters(received_from=RECEIVED)) == 5
        assert stored.count(session, Filters(status=DECIDED)) == 0
        assert {line.case.department for line in lists.page(session, Filters(department="education"), None, 100)} == {
            "education"
        }


def test_history_survives_a_renamed_department(database: Database, desk: Desk) -> None:
    """Ids are stored, names are not."""
    number = new_case(database, desk).number
    with database.writing() as session:
        decide(session, desk, number, 1, Choice("land"))
    renamed = Taxonomy(
        tuple(replace(one, name=f"新{one.name}") for one in desk.taxonomy.departments), desk.taxonomy.urgencies
    )
    with database.writing() as session:
        case = close(session, replace(desk, taxonomy=renamed), number, 2)
        assert detail(session, case).outcomes[0].department == "land"
