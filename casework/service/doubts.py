"""What supervisors say of handled cases whose department training doubts."""

from __future__ import annotations

from casework.service.desk import subject
from casework.service.permissions import Actor, Permission
from casework.storage import audit
from casework.storage import handled as stored
from casework.storage.database import Session
from casework.storage.handled import CHANGED, CONFIRMED, LEFT_OUT, OPEN
from casework.storage.tables import Case, LabelCheck
from classifier.errors import ConflictError, InvalidInputError, NotFoundError
from classifier.taxonomy import Taxonomy

ANSWERS = {CONFIRMED: "确认无误", CHANGED: "改正", LEFT_OUT: "不学"}


def list_doubts(session: Session, actor: Actor, limit: int = 100) -> list[tuple[LabelCheck, Case]]:
    """Handled cases whose department training doubted, of those the actor may see."""
    actor.require(Permission.MODELS)
    return stored.doubts(session, actor.department, limit)


def count_doubts(session: Session, actor: Actor) -> int:
    """How many of them wait for an answer."""
    actor.require(Permission.MODELS)
    return stored.count_doubts(session, actor.department)


def find_doubt(session: Session, actor: Actor, case: Case) -> LabelCheck:
    """The doubt about a case, answered or not.

    Raises
    ------
    NotFoundError
        Nobody doubted it.
    """
    actor.require(Permission.MODELS)
    if (check := stored.doubt(session, case.id)) is None:
        raise NotFoundError(f"{case.number} 没有待核对的标注。")
    return check


def settle_doubt(
    session: Session, actor: Actor, taxonomy: Taxonomy, case: Case, answer: str, department: str | None = None
) -> LabelCheck:
    """Say of a doubtful label that it is right, what it should be, or that the case is not to be learned.

    The case stays as it was handled; only what the next training learns from it changes.

    Raises
    ------
    NotFoundError
        Nobody doubted it.
    ConflictError
        Somebody has answered since.
    InvalidInputError
        The answer is none of ANSWERS, or a correction names no department.
    """
    check = find_doubt(session, actor, case)
    if answer not in ANSWERS:
        raise InvalidInputError(f"没有“{answer[:20]}”这种核对结果，应为 {'、'.join(ANSWERS)}。")
    if (answer == CHANGED) != (department is not None):
        raise InvalidInputError("改正（changed）要写明应学的部门，其他核对结果不写部门。")
    if department is not None and taxonomy.department_id(department) != department:
        raise InvalidInputError(f"没有“{department[:40]}”这个部门。")
    if check.state != OPEN:
        raise ConflictError(
            f"{case.number} 已由 {check.settled_by} 核对过（{ANSWERS[check.state]}）。要改请先撤销那次核对。"
        )
    _answer(session, actor, case, check, answer, department)
    return check


def reopen_doubt(session: Session, actor: Actor, case: Case) -> LabelCheck:
    """Take the answer to a doubt back; the label waits for another one.

    Raises
    ------
    NotFoundError
        Nobody doubted it.
    """
    check = find_doubt(session, actor, case)
    if check.state != OPEN:
        _answer(session, actor, case, check, OPEN, None)
    return check


def _answer(session: Session, actor: Actor, case: Case, check: LabelCheck, state: str, department: str | None) -> None:
    old = {"state": check.state, "department": check.corrected or check.department}
    stored.settle(check, state, department, actor.name)
    new = {"state": state, "department": department or check.department}
    action = "label.reopened" if state == OPEN else "label.checked"
    audit.record(session, actor.name, action, subject(case), old, new)
