"""卷宗: what whoever decides a case is shown, and what registering and deciding at once leaves behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casework.service import queue
from casework.service.decide import Choice, close, decide, hand_back
from casework.service.desk import Desk, detail, may_see_suggestion
from casework.service.dossier import Dossier, open_case
from casework.service.listing import Filters, Sort
from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.service.register import NewCase, preview, register, register_and_decide
from casework.service.standing import kept, recalled
from casework.service.withdraw import withdraw
from casework.storage.database import Database
from casework.storage.tables import Case, SuggestionMade, User
from classifier.errors import InvalidInputError, NotFoundError, ReferenceTakenError
from classifier.model.classifier import Classifier
from classifier.records import Complaint
from classifier.taxonomy import Department, Taxonomy

KILN = Complaint("砖瓦窑冒黑烟", "河湾村的砖瓦窑夜里冒黑烟，呛得人开不了窗。我叫陈建国，电话13800000123，请来查。")
RECEIVED = datetime(2026, 3, 6, 7, 0, tzinfo=UTC)


@pytest.fixture
def desk(database: Database, classifier: Classifier) -> Desk:
    """A clerk at an office that shows every suggestion; a supervisor works there too."""
    with database.writing() as session:
        for name, role in (("zhang", "triage"), ("zhuguan", "supervisor")):
            session.add(User(name=name, role=role, password_hash="-", created_at=datetime.now(UTC)))
    return Desk(Actor("zhang", ROLES["triage"], 1), Office(blind_share=0), classifier.taxonomy, classifier)


def do(database: Database, service: Any, *arguments: Any, **named: Any) -> Any:
    """Call a service in a transaction of its own."""
    with database.writing() as session:
        return service(session, *arguments, **named)


def opened(database: Database, desk: Desk, number: str) -> Dossier:
    """The dossier of a case."""
    with database.reading() as session:
        return open_case(session, desk, number)


def new_case(
    database: Database,
    desk: Desk,
    complaint: Complaint = KILN,
    channel: str = "来信",
    at: datetime | None = None,
) -> Case:
    """Register one."""
    case: Case = do(database, register, desk, NewCase(complaint, channel, received_at=at))[0]
    return case


def test_a_kept_suggestion_is_recalled_as_it_was(classifier: Classifier) -> None:
    """Nothing that a page shows is lost in between."""
    suggestion = classifier.suggest(KILN)
    assert suggestion.reasons
    assert recalled(kept(suggestion), classifier.taxonomy) == suggestion


def test_a_label_that_is_gone_is_recalled_by_its_id(classifier: Classifier) -> None:
    """An office may have changed its departments since."""
    made = kept(classifier.suggest(KILN))
    others = tuple(one for one in classifier.taxonomy.departments if one.id != made.department)
    assert recalled(made, Taxonomy(others, ())).lead.department == Department(made.department, made.department)


def test_a_suggestion_from_a_file_keeps_the_words_of_its_reasons(classifier: Classifier) -> None:
    """They stand nowhere in the text. Why a person should look it does not tell, but that one should."""
    made = SuggestionMade(model_version="m", department="land", department_confidence=0.7, known_share=0.0)
    made.needs_review = True
    nothing: dict[str, Any] = {"candidates": [], "plausible": [], "review_causes": [], "assist_confidence": None}
    made.details = nothing | {"reasons": [{"text": "黑烟"}]}
    found = recalled(made, classifier.taxonomy)
    assert (found.lead.department.id, found.lead.confidence) == ("land", 0.7)
    assert [(one.text, one.field) for one in found.reasons] == [("黑烟", "")]
    assert found.needs_review


def test_a_dossier_tells_all_that_happened(database: Database, desk: Desk) -> None:
    """In the order of time, with who did it; what was withdrawn is marked."""
    number = new_case(database, desk).number
    do(database, decide, desk, number, 1, Choice("land"))
    do(database, withdraw, desk, number, 2)
    do(database, decide, desk, number, 3, Choice("environment", reason="黑烟"))
    do(database, hand_back, desk, number, 4, "不是我局职责")
    assert opened(database, desk, number).came_back
    do(database, decide, desk, number, 5, Choice("other"))
    do(database, close, desk, number, 6, "other", "已查处")
    found = opened(database, desk, number)
    assert [(one.kind, one.by) for one in found.events] == [
        ("registered", "zhang"),
        ("suggested", desk.classifier.version),
        *((kind, "zhang") for kind in ("decided", "withdrawn", "decided", "handed_back", "decided", "closed")),
    ]
    assert [one.withdrawal is not None for one in found.events].index(True) == 2
    assert found.decision.department == "other"
    assert not found.came_back


def test_a_dossier_helps_to_decide(database: Database, desk: Desk) -> None:
    """With the suggestion as the model made it, and with cases like it."""
    found = opened(database, desk, new_case(database, desk).number)
    suggestion, similar = desk.classifier.advise(Complaint(found.case.title, found.case.text))
    assert found.suggestion == suggestion
    assert found.similar == similar != []


def test_a_blind_case_tells_nothing_before_it_is_decided(database: Database, desk: Desk) -> None:
    """Neither what the model says nor what it learned from; then both, and whether they agree."""
    number = new_case(database, replace(desk, office=Office(blind_share=1))).number
    found = opened(database, desk, number)
    assert (found.suggestion, found.similar, [one.kind for one in found.events]) == (None, [], ["registered"])
    do(database, decide, desk, number, 1, Choice("land"))
    found = opened(database, desk, number)
    assert found.suggestion
    assert found.similar
    assert (found.decision.shown, found.decision.agreed) == (False, found.suggestion.lead.department.id == "land")


def test_only_own_decisions_are_withdrawable(database: Database, desk: Desk) -> None:
    """Or anybody's for a supervisor; and only what was last decided."""
    number = new_case(database, desk).number
    supervisor = replace(desk, actor=Actor("zhuguan", ROLES["supervisor"], 2))
    program = replace(desk, actor=Actor("程序", ROLES["triage"]))
    assert not opened(database, desk, number).withdrawable
    do(database, decide, supervisor, number, 1, Choice("land"))
    assert not opened(database, desk, number).withdrawable
    assert opened(database, supervisor, number).withdrawable
    do(database, decide, desk, number, 2, Choice("other"))
    assert [opened(database, one, number).withdrawable for one in (desk, supervisor, program)] == [True, True, False]


def test_a_dossier_of_another_department_is_not_there(database: Database, desk: Desk) -> None:
    """As the case itself."""
    number = new_case(database, desk).number
    with pytest.raises(NotFoundError):
        opened(database, replace(desk, actor=Actor("ju", ROLES["triage"], 1, department="land")), number)


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("wanted", [Filters(), Filters(channel="来信"), Filters(needs_review=True)])
def test_neighbours_are_those_of_the_list(database: Database, desk: Desk, sort: Sort, wanted: Filters) -> None:
    """Forwards and backwards, in every order, with any filter."""
    texts = ("河湾村的砖瓦窑夜里冒黑烟", "咨询", "残疾证到期换证要带什么", "孩子补课收费", "宅基地确权一直没有办")
    for i in range(15):
        register_at = RECEIVED + timedelta(hours=7 * i % 31)
        new_case(database, desk, complaint=Complaint("", texts[i % 5]), channel=("来信", "来访")[i % 2], at=register_at)
    asked = queue.Wanted(wanted, sort=sort)
    with database.reading() as session:
        listed = queue.look(session, desk.actor, desk.office, asked).page.lines
        numbers = [None, *(line.case.number for line in listed), None]
        assert len(numbers) > 3
        for i, line in enumerate(listed):
            found = queue.neighbours(session, desk.actor, desk.office, asked, line.case)
            assert [one and one.number for one in found] == [numbers[i], numbers[i + 2]]


def test_a_preview_is_what_registering_makes(database: Database, desk: Desk) -> None:
    """Masked and suggested alike, to the last digit; nothing is kept of it."""
    shown = preview(desk, KILN)
    found = opened(database, desk, new_case(database, desk).number)
    assert "13800000123" not in shown.complaint.text
    assert (shown.complaint.title, shown.complaint.text) == (found.case.title, found.case.text)
    assert shown.advice.suggestion == found.suggestion
    assert found.case.number.endswith("-000001")
    assert preview(replace(desk, classifier=None), KILN).advice is None


def test_registering_and_deciding_at_once(database: Database, desk: Desk) -> None:
    """Is never blind, since whoever does it has seen the suggestion; the same reference again changes nothing."""
    own = replace(desk, office=Office(blind_share=1))
    case, created = do(database, register_and_decide, own, NewCase(KILN, reference="信-9"), Choice("land"))
    again, created_again = do(database, register_and_decide, own, NewCase(KILN, reference="信-9"), Choice("other"))
    assert (created, created_again, again.number) == (True, False, case.number)
    assert (again.status, again.department, again.version, again.blind) == ("decided", "land", 2, False)
    assert may_see_suggestion(case)
    with database.reading() as session:
        assert [one.shown for one in detail(session, again).decisions] == [True]
    with pytest.raises(ReferenceTakenError) as taken:
        do(database, register_and_decide, own, NewCase(Complaint("", "路灯不亮"), reference="信-9"), Choice("other"))
    assert taken.value.number == case.number


def test_a_decision_that_cannot_be_registers_nothing(database: Database, desk: Desk) -> None:
    """Both or neither."""
    with pytest.raises(InvalidInputError):
        do(database, register_and_decide, desk, NewCase(KILN), Choice("nobody"))
    with pytest.raises(NotFoundError):
        opened(database, desk, f"{datetime.now(desk.office.zone).year}-000001")
