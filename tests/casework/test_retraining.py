"""Learning from the register: which cases count and how much, what supervisors say of doubts, and what goes live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from casework.service import retraining
from casework.service.decide import Choice, close, decide, hand_back
from casework.service.desk import Desk
from casework.service.doubts import count_doubts, list_doubts, reopen_doubt, settle_doubt
from casework.service.exchange import import_handled
from casework.service.office import Office
from casework.service.permissions import ROLES, Actor
from casework.service.register import NewCase, register
from casework.service.retraining import FOLLOWED_WEIGHT, Plan, Report, retrain, waiting
from casework.storage import audit
from casework.storage import cases as stored
from casework.storage import handled as stored_handled
from casework.storage.database import Database
from casework.storage.handled import Handled
from casework.storage.tables import LabelCheck, User
from classifier.errors import ConflictError, FenbanError, InvalidLabelsError, NotAllowedError
from classifier.model import bundle
from classifier.model.classifier import Classifier
from classifier.records import Complaint
from classifier.taxonomy import Department, Taxonomy
from tests.models import add_model, copy_of
from training.audit import Suspect
from training.gate import Verdict
from training.labelled import Example
from training.retrain import HANDLED_WEIGHT, Challenger

TAXONOMY = Taxonomy.read()
SMOKE = Complaint("砖厂冒黑烟", "村东头的砖厂每天半夜冒黑烟，气味刺鼻，盼望查处。")


@pytest.fixture
def desk(database: Database, classifier: Classifier) -> Desk:
    """A supervisor at an office that shows every suggestion."""
    with database.writing() as session:
        session.add(User(name="李主管", role="supervisor", password_hash="-", created_at=datetime.now(UTC)))
    return Desk(Actor("李主管", ROLES["supervisor"], 1), Office(blind_share=0), classifier.taxonomy, classifier)


def registered(database: Database, desk: Desk, text: str = SMOKE.text) -> str:
    """The number of a new case."""
    with database.writing() as session:
        return register(session, desk, NewCase(Complaint("", text)))[0].number


def decided(database: Database, desk: Desk, department: str | None = None, **choice: Any) -> str:
    """The number of a new case sent to a department, by default the one suggested."""
    with database.writing() as session:
        case = register(session, desk, NewCase(SMOKE))[0]
        decide(session, desk, case.number, 1, Choice(department or str(case.department), **choice))
        return case.number


def done(database: Database, step: Callable[..., object], desk: Desk, number: str, *arguments: object) -> None:
    """Take the next step with a case."""
    with database.writing() as session:
        version = stored.get(session, number)
        step(session, desk, number, version and version.version, *arguments)


def taken(database: Database) -> list[Handled]:
    """What the register gives to learn from."""
    with database.reading() as session:
        return list(stored_handled.handled(session))


@dataclass
class Trainer:
    """Stands for training: keeps what it was given, doubts what it is told to doubt."""

    version: str = "v2"
    verdict: Verdict = field(default_factory=lambda: Verdict(False, ("更差。",), {"测试集": {}}))
    suspects: Sequence[tuple[int, str]] = ()
    examples: Sequence[Example] = ()
    corpus: Sequence[Example] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(
        self, corpus: Sequence[Example], handled: Sequence[Example], taxonomy: Taxonomy, models: Path, **options: Any
    ) -> Challenger:
        """As training.retrain.retrain."""
        self.corpus, self.examples, self.options = corpus, handled, options
        suspects = tuple((i, Suspect(handled[i], "department", likelier, 0.95, 0.01)) for i, likelier in self.suspects)
        return Challenger(self.version, models / self.version, self.verdict, suspects)


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """Instead of minutes of training."""
    trainer = Trainer()
    monkeypatch.setattr("training.retrain.retrain", trainer)
    monkeypatch.setattr(retraining, "_corpus", lambda taxonomy: [])
    return trainer


@pytest.fixture
def plan(models_dir: Path, tmp_path: Path) -> Plan:
    """A models folder of its own."""
    return Plan(copy_of(models_dir, tmp_path))


def test_settled_cases_are_learned_and_no_others(database: Database, desk: Desk) -> None:
    """Decided, or closed by whoever; neither those that wait nor those that came back."""
    registered(database, desk)
    decided(database, desk, "land")
    by_another = decided(database, desk, "land", assist="other", urgency="urgent")
    done(database, close, desk, by_another, "other")
    came_back = decided(database, desk, "land")
    done(database, hand_back, desk, came_back, "不是我局职责")
    again = decided(database, desk, "land")
    done(database, hand_back, desk, again, "不是我局职责")
    done(database, decide, desk, again, Choice("environment", "land"))
    assert [(one.department, one.assist) for one in taken(database)] == [
        ("land", ""),
        ("other", ""),  # whoever was to assist has closed it
        ("environment", "land"),
    ]
    assert taken(database)[1].urgency == "urgent"


def test_only_agreement_with_what_was_shown_counts_less(
    database: Database, desk: Desk, tmp_path: Path, trainer: Trainer, plan: Plan
) -> None:
    """A decision made blind, a change, and a case from a file count in full."""
    blind = replace(desk, office=Office(blind_share=1))
    suggested = desk.classifier.suggest(SMOKE).lead.department.id if desk.classifier else ""
    other = next(one.id for one in TAXONOMY.departments if one.id != suggested)
    decided(database, desk)
    decided(database, blind, suggested)
    decided(database, desk, other)
    changed_at_the_end = decided(database, desk)
    done(database, close, desk, changed_at_the_end, other)
    decided(database, replace(desk, classifier=None), suggested)
    (tmp_path / "办结件.csv").write_text("内容,主办部门,办结时间\n占地建房,land,2026-01-02\n", encoding="utf-8")
    import_handled(database, desk, tmp_path / "办结件.csv")
    report = retrain(database, desk.actor, plan)
    assert report.handled == 6
    facts = [(one.department, one.weight / HANDLED_WEIGHT) for one in trainer.examples]
    assert facts == [
        ("land", 1),  # closed years ago
        (suggested, FOLLOWED_WEIGHT),
        (suggested, 1),
        (other, 1),
        (other, 1),
        (suggested, 1),
    ]


def test_the_oldest_settled_comes_first(database: Database, desk: Desk) -> None:
    """By when it was closed, or else decided last: the newest judge and do not train."""
    first, second, third = (decided(database, desk, "land") for _ in range(3))
    done(database, decide, desk, first, Choice("other"))
    done(database, close, desk, second)
    fourth = decided(database, desk, "land")
    with database.reading() as session:
        ids = [stored.get(session, one).id for one in (third, first, second, fourth)]  # type: ignore[union-attr]
    assert [one.case_id for one in taken(database)] == ids


def doubting(database: Database, desk: Desk, trainer: Trainer, plan: Plan, *, likelier: str = "environment") -> str:
    """The number of a case sent to ``land`` that training doubts."""
    number = decided(database, desk, "land")
    trainer.suspects = [(len(taken(database)) - 1, likelier)]
    retrain(database, desk.actor, plan)
    return number


def open_doubts(database: Database, actor: Actor) -> list[str]:
    """Numbers of the cases a supervisor is asked about."""
    with database.reading() as session:
        return [case.number for _, case in list_doubts(session, actor)]


def settled(database: Database, desk: Desk, number: str, answer: str, department: str | None = None) -> None:
    """Answer a doubt."""
    with database.writing() as session:
        case = stored.get(session, number)
        assert case is not None
        settle_doubt(session, desk.actor, TAXONOMY, case, answer, department)


@pytest.mark.parametrize(
    ("answer", "department", "learned"),
    [
        ("confirmed", None, ("land", True)),
        ("changed", "environment", ("environment", True)),
        ("left_out", None, None),
    ],
)
def test_what_a_supervisor_says_of_a_doubt_is_learned(
    database: Database,
    desk: Desk,
    trainer: Trainer,
    plan: Plan,
    answer: str,
    department: str | None,
    learned: tuple[str, bool] | None,
) -> None:
    """Once; then nobody is asked again, and the case itself stays as it was handled."""
    number = doubting(database, desk, trainer, plan)
    assert open_doubts(database, desk.actor) == [number]
    settled(database, desk, number, answer, department)
    assert open_doubts(database, desk.actor) == []
    assert [(one.department, one.confirmed) for one in taken(database)] == ([learned] if learned else [])
    decided(database, desk, "other")
    trainer.suspects = [(i, "other") for i in range(len(taken(database)) - 1)]
    retrain(database, desk.actor, plan)
    assert open_doubts(database, desk.actor) == []
    assert trainer.options["confirmed"] == ({0} if learned else set())
    with database.reading() as session:
        case = stored.get(session, number)
        assert case is not None
        assert case.department == "land"
        entry = audit.entries(session, f"case {number}")[0]
        assert (entry.action, entry.actor) == ("label.checked", "李主管")
        assert entry.old == {"state": "open", "department": "land"}
        assert entry.new == {"state": answer, "department": department or "land"}


def test_an_answer_stands_until_it_is_taken_back(database: Database, desk: Desk, trainer: Trainer, plan: Plan) -> None:
    """Whoever comes second is told who was first; both the answer and its end are on record."""
    number = doubting(database, desk, trainer, plan)
    settled(database, desk, number, "left_out")
    with pytest.raises(ConflictError, match=f"{number} 已由 李主管 核对过（不学）"):
        settled(database, desk, number, "confirmed")
    assert taken(database) == []
    with database.writing() as session:
        case = stored.get(session, number)
        assert case is not None
        for _ in range(2):
            check = reopen_doubt(session, desk.actor, case)
        assert (check.state, check.settled_by, check.settled_at) == ("open", None, None)
    assert open_doubts(database, desk.actor) == [number]
    assert [one.department for one in taken(database)] == ["land"]
    with database.reading() as session:
        assert count_doubts(session, desk.actor) == 1
        assert count_doubts(session, replace(desk.actor, department="other")) == 0
        entries = [one.action for one in audit.entries(session, f"case {number}")]
    assert entries[:2] == ["label.reopened", "label.checked"]
    settled(database, desk, number, "confirmed")


def test_what_waits_to_be_learned(database: Database, desk: Desk, trainer: Trainer, plan: Plan, tmp_path: Path) -> None:
    """By department: what is settled, and what came or was decided anew since the last training, promoted or not."""
    registered(database, desk)
    decided(database, desk, "land")
    old = decided(database, desk, "other")

    def counts() -> dict[str, tuple[int, int]]:
        with database.reading() as session:
            found, _ = waiting(session, desk.actor, TAXONOMY)
        return {one.id: (one.handled, one.new) for one in found if one.handled}

    assert counts() == {"land": (1, 1), "other": (1, 1)}
    retrain(database, desk.actor, plan)
    assert counts() == {"land": (1, 0), "other": (1, 0)}
    done(database, close, desk, old)  # by the department it was learned with
    assert counts()["other"] == (1, 0)
    decided(database, desk, "land")
    (tmp_path / "办结件.csv").write_text(
        "内容,主办部门,办结时间\n校车没有年检,education,2025-01-02\n", encoding="utf-8"
    )
    import_handled(database, desk, tmp_path / "办结件.csv")
    assert counts() == {"land": (2, 1), "other": (1, 0), "education": (1, 1)}
    with database.reading() as session, pytest.raises(NotAllowedError):
        waiting(session, Actor("赵分办", ROLES["triage"], 1), TAXONOMY)


def test_a_supervisor_s_word_counts_in_full(database: Database, desk: Desk, trainer: Trainer, plan: Plan) -> None:
    """Whoever looked at a doubt did more than agree."""
    number = decided(database, desk)
    (followed,) = taken(database)
    trainer.suspects = [(0, "land")]
    retrain(database, desk.actor, plan)
    settled(database, desk, number, "confirmed")
    (confirmed,) = taken(database)
    assert (followed.followed, confirmed.followed) == (True, False)


def test_a_doubt_is_about_the_department_it_was_raised_on(
    database: Database, desk: Desk, trainer: Trainer, plan: Plan
) -> None:
    """Of another that acted since, nobody has been asked; a case that came back is not asked about."""
    number = doubting(database, desk, trainer, plan)
    done(database, hand_back, desk, number, "不是我局职责")
    assert open_doubts(database, desk.actor) == []
    done(database, decide, desk, number, Choice("land"))
    settled(database, desk, number, "confirmed")
    done(database, close, desk, number, "other")
    assert [(one.department, one.confirmed) for one in taken(database)] == [("other", False)]
    with pytest.raises(FenbanError, match="没有待核对"):
        settled(database, desk, number, "confirmed")
    retrain(database, desk.actor, plan)
    with database.reading() as session:
        ((check, _),) = list_doubts(session, desk.actor)
        assert (check.department, check.state, check.settled_by) == ("other", "open", None)


def test_doubts_are_in_order_and_of_one_s_own_department(
    database: Database, desk: Desk, trainer: Trainer, plan: Plan
) -> None:
    """A supervisor of one department reads no other's cases."""
    one, two = decided(database, desk, "land"), decided(database, desk, "other")
    trainer.suspects = [(0, "environment"), (1, "environment")]
    retrain(database, desk.actor, plan)
    with database.writing() as session:
        session.get_one(LabelCheck, 2).confidence = 0.99
    assert open_doubts(database, desk.actor) == [two, one]
    assert open_doubts(database, replace(desk.actor, department="land")) == [one]
    with pytest.raises(NotAllowedError):
        open_doubts(database, Actor("赵分办", ROLES["triage"], 1))


@pytest.mark.parametrize(
    ("answer", "department", "message"),
    [
        ("maybe", None, "没有“maybe”这种核对结果，应为 confirmed、changed、left_out"),
        ("changed", None, "要写明应学的部门"),
        ("confirmed", "land", "其他核对结果不写部门"),
        ("changed", "nowhere", "没有“nowhere”这个部门"),
        ("changed", "国土资源", "这个部门"),
    ],
)
def test_an_impossible_answer_settles_nothing(
    database: Database, desk: Desk, trainer: Trainer, plan: Plan, answer: str, department: str | None, message: str
) -> None:
    """It is named."""
    number = doubting(database, desk, trainer, plan)
    with pytest.raises(FenbanError, match=message):
        settled(database, desk, number, answer, department)
    assert open_doubts(database, desk.actor) == [number]
    with pytest.raises(FenbanError, match="没有待核对"):
        settled(database, desk, decided(database, desk), "confirmed")


def test_a_refused_model_stays_out(database: Database, desk: Desk, trainer: Trainer, plan: Plan) -> None:
    """The reasons are on record; what is in service stays."""
    before = bundle.current(plan.models)
    number = doubting(database, desk, trainer, plan)
    report = retrain(database, desk.actor, plan)
    assert report == Report("v2", False, ["更差。"], 1, 1, [], {"测试集": {}})
    assert bundle.current(plan.models) == before
    with database.reading() as session:
        entry = audit.entries(session, "model")[0]
    assert (entry.action, entry.actor) == ("model.rejected", "李主管")
    assert entry.new == {"version": "v2", "handled": 1, "doubts": 1, "reasons": ["更差。"]}
    assert open_doubts(database, desk.actor) == [number]


def test_a_better_model_goes_live(database: Database, desk: Desk, trainer: Trainer, plan: Plan) -> None:
    """With two entries: that it was trained, and that it was promoted, with what it replaced."""
    before = bundle.current(plan.models).name
    trainer.version, trainer.verdict = add_model(plan.models, "v2"), Verdict(True, ("更好。", "真的。"), {})
    decided(database, desk)
    assert retrain(database, desk.actor, plan).promoted
    assert bundle.current(plan.models).name == "v2"
    with database.reading() as session:
        entries = [(one.action, one.old, one.new) for one in audit.entries(session, "model")]
    assert entries[0] == ("model.promoted", {"version": before}, {"version": "v2", "why": "更好。真的。"})
    assert [one[0] for one in entries] == ["model.promoted", "model.found", "model.trained"]


def test_without_handled_cases_there_is_nothing_to_learn(
    database: Database, desk: Desk, trainer: Trainer, plan: Plan
) -> None:
    """The message says where to get some; who may not train is refused."""
    registered(database, desk)
    with pytest.raises(InvalidLabelsError, match="fenban cases import"):
        retrain(database, desk.actor, plan)
    with pytest.raises(NotAllowedError, match="管理模型"):
        retrain(database, Actor("赵分办", ROLES["triage"], 1), plan)


def test_labels_that_are_no_longer_in_use_are_not_learned(
    database: Database, desk: Desk, trainer: Trainer, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case of a dissolved department is left out; a dissolved one that assisted, or a level, is forgotten."""
    old = replace(
        TAXONOMY,
        departments=(*TAXONOMY.departments, Department("forestry", "林业")),
        urgencies=(*TAXONOMY.urgencies, replace(TAXONOMY.urgencies[0], id="whenever", name="不急")),
    )
    then = replace(desk, taxonomy=old)
    decided(database, then, "forestry")
    decided(database, then, "land", assist="forestry", urgency="whenever")
    assert retrain(database, desk.actor, plan).handled == 1
    (example,) = trainer.examples
    assert (example.department, example.assist, example.urgency) == ("land", "", "")


def test_files_train_beside_the_register(
    database: Database, desk: Desk, trainer: Trainer, plan: Plan, tmp_path: Path
) -> None:
    """Before it, as older; the doubts are asked of the right cases, a test set is handed on."""
    path = tmp_path / "更多.csv"
    path.write_text("text,department\n学校暑假收费补课,education\n占地建房,land\n", encoding="utf-8")
    number = decided(database, desk, "land")
    trainer.suspects = [(0, "land"), (2, "environment")]
    report = retrain(database, desk.actor, replace(plan, files=[path], test_set=path))
    assert [one.department for one in trainer.examples] == ["education", "land", "land"]
    assert {one.weight for one in trainer.examples[:2]} == {HANDLED_WEIGHT}
    assert report.handled == 3
    assert open_doubts(database, desk.actor) == [number]
    assert len(trainer.options["test_set"]) == 2
    settled(database, desk, number, "confirmed")
    retrain(database, desk.actor, replace(plan, files=[path]))
    assert trainer.options["confirmed"] == {2}


def test_a_model_promoted_during_the_training_is_not_replaced_unseen(
    database: Database, desk: Desk, trainer: Trainer, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one was compared with another."""
    decided(database, desk)
    trainer.verdict = Verdict(True, ("更好。",), {})
    meanwhile = add_model(plan.models, "v1-by-hand")

    def train(*arguments: Any, **options: Any) -> Challenger:
        bundle.promote(plan.models, meanwhile)
        return trainer(*arguments, **options)

    monkeypatch.setattr("training.retrain.retrain", train)
    report = retrain(database, desk.actor, plan)
    assert (report.promoted, bundle.current(plan.models).name) == (False, meanwhile)
    assert "训练期间启用了另一个模型" in report.reasons[0]
