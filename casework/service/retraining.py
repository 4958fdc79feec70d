"""Trains the next model from handled cases; it goes into service only if it is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from casework.service import releases
from casework.service.permissions import Actor, Permission
from casework.storage import audit
from casework.storage import handled as stored
from casework.storage.database import Database, Session
from casework.storage.handled import Handled
from casework.storage.tables import LabelCheck
from classifier.errors import InvalidLabelsError
from classifier.records import Complaint
from classifier.taxonomy import Taxonomy

FOLLOWED_WEIGHT = 0.3
"""How much a decision that merely agreed with the suggestion shown counts against one made without it."""

STEPS = ("取出已办件", "整理", "交叉验证", "训练新模型", "与现用模型比较")
"""What a retraining does one after another; what it tells of its progress begins with one of these."""


@dataclass(frozen=True)
class Plan:
    """What to train with beside the register.

    Attributes
    ----------
    models : Path
        Where released models lie; the one in service is to be beaten.
    accept_accuracy : float
        Asked of suggestions that need no review.
    recall_floor : float
        By how much a department's recall may fall at most.
    test_set : Path or None
        The office's own labelled file, never trained on.
    files : sequence of Path
        Labelled files of further handled cases.
    """

    models: Path
    accept_accuracy: float = 0.95
    recall_floor: float = 0.05
    test_set: Path | None = None
    files: Sequence[Path] = ()


@dataclass(frozen=True)
class Waiting:
    """Settled cases of a department, and how many of them came since the last training."""

    id: str
    name: str
    handled: int
    new: int


@dataclass(frozen=True)
class Report:
    """What a retraining came to.

    ``reasons`` say in words why the model was promoted or not; ``doubts`` counts cases of the
    register left out until a supervisor has looked at their label, ``doubts_in_files`` names
    rows of files left out until they are put right there.
    """

    version: str
    promoted: bool
    reasons: list[str]
    handled: int
    doubts: int
    doubts_in_files: list[str]
    comparisons: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def retrain(
    database: Database, actor: Actor, plan: Plan, progress: Callable[[str], None] = lambda message: None
) -> Report:
    """Train on the corpus and all handled cases, compare with the model in service, and promote the better.

    Raises
    ------
    InvalidLabelsError
        There are no handled cases yet, or a file's labels are wrong.
    InvalidModelError
        The model in service is damaged, or the new one cannot be written.
    """
    actor.require(Permission.MODELS)
    # Training loads scikit-learn, which nothing else in the service needs.
    from training.gate import Gate
    from training.labelled import read_labelled
    from training.retrain import retrain as train

    champion, taxonomy = releases.current_version(plan.models), releases.taxonomy(plan.models)
    with database.reading() as session:
        cases = [known for one in stored.handled(session) if (known := _as_of_today(one, taxonomy))]
    from_files = read_labelled(plan.files, taxonomy)[0] if plan.files else []
    examples = [*_files_examples(from_files), *(_example(one) for one in cases)]
    if not examples:
        raise InvalidLabelsError(
            "还没有办结或已分办的诉求件可学，请先导入办结件（fenban cases import）或用 --handled 指定文件。"
        )
    progress(f"{STEPS[0]} {len(examples)} 件")
    offset = len(from_files)
    challenger = train(
        _corpus(taxonomy),
        examples,
        taxonomy,
        plan.models,
        test_set=read_labelled([plan.test_set], taxonomy)[0] if plan.test_set else (),
        confirmed={offset + i for i, one in enumerate(cases) if one.confirmed},
        accept_accuracy=plan.accept_accuracy,
        gate=Gate(recall_floor=plan.recall_floor),
        progress=progress,
    )
    doubts = [
        _doubt(cases[i - offset], suspect, challenger.version) for i, suspect in challenger.suspects if i >= offset
    ]
    promoted, reasons = challenger.verdict.promoted, list(challenger.verdict.reasons)
    if promoted and releases.current_version(plan.models) != champion:
        promoted = False
        reasons.insert(0, "训练期间启用了另一个模型，没有与它比较过，所以没有启用。")
    with database.writing() as session:
        stored.put_doubts(session, doubts)
        facts = {"version": challenger.version, "handled": len(examples), "doubts": len(challenger.suspects)}
        action = releases.TRAININGS[0 if promoted else 1]
        audit.record(session, actor.name, action, releases.SUBJECT, None, facts | {"reasons": reasons})
    if promoted:
        releases.promote(database, actor, plan.models, challenger.version, "".join(reasons))
    in_files = [_told(suspect) for i, suspect in challenger.suspects if i < offset]
    return Report(
        challenger.version, promoted, reasons, len(examples), len(doubts), in_files, challenger.verdict.comparisons
    )


def waiting(session: Session, actor: Actor, taxonomy: Taxonomy) -> tuple[list[Waiting], datetime | None]:
    """What the next training would find in the register, by department, and when the last one was, if there was one."""
    actor.require(Permission.MODELS)
    trained = audit.entries(session, releases.SUBJECT, limit=1, actions=releases.TRAININGS)
    since = trained[0].at if trained else None
    handled = stored.count_by_department(session)
    new = stored.count_new_by_department(session, since) if since else handled
    return [
        Waiting(one.id, one.name, handled.get(one.id, 0), new.get(one.id, 0)) for one in taxonomy.departments
    ], since


def _corpus(taxonomy: Taxonomy) -> list[Any]:
    """The project's own texts, unless the office has other departments."""
    from training.corpus import corpus_files
    from training.labelled import read_labelled

    try:
        return read_labelled(corpus_files(), taxonomy)[0]
    except InvalidLabelsError:
        return []


def _as_of_today(case: Handled, taxonomy: Taxonomy) -> Handled | None:
    """A case with the labels that are still in use; a department that was dissolved teaches nothing."""
    if taxonomy.department_id(case.department) != case.department:
        return None
    assist = case.assist if taxonomy.department_id(case.assist) == case.assist else ""
    urgency = case.urgency if taxonomy.urgency_id(case.urgency) == case.urgency else ""
    return replace(case, assist=assist, urgency=urgency)


def _files_examples(examples: Sequence[Any]) -> list[Any]:
    from training.retrain import HANDLED_WEIGHT

    return [replace(one, weight=HANDLED_WEIGHT) for one in examples]


def _example(case: Handled) -> Any:
    from training.labelled import Example
    from training.retrain import HANDLED_WEIGHT

    weight = HANDLED_WEIGHT * (FOLLOWED_WEIGHT if case.followed else 1)
    complaint = Complaint(case.title, case.text)
    return Example(complaint, case.department, case.assist, case.urgency, f"case {case.case_id}", weight=weight)


def _told(suspect: Any) -> str:
    return f"{suspect.example.source}：标为 {suspect.label}，更像 {suspect.likelier}（{suspect.confidence:.0%}）"


def _doubt(case: Handled, suspect: Any, version: str) -> LabelCheck:
    return LabelCheck(
        case_id=case.case_id,
        found_at=datetime.now(UTC),
        model_version=version,
        department=case.department,
        likelier=suspect.likelier,
        confidence=suspect.confidence,
        state=stored.OPEN,
    )
