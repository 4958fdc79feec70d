"""What every change of a case has in common: who makes it, on which case, and the trace it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from casework.service.office import Office
from casework.service.permissions import Actor, Permission
from casework.storage import audit, runs, withdrawals
from casework.storage import cases as stored
from casework.storage.cases import CLOSED, DECIDED, OPEN
from casework.storage.database import Session
from casework.storage.lists import Line
from casework.storage.tables import Case, Decision, HandBack, LabelCheck, Outcome, SuggestionMade, Withdrawal
from casework.storage.withdrawals import COLUMNS, Withdrawable
from classifier.errors import ConflictError, NotAllowedError, NotFoundError
from classifier.model.classifier import Classifier
from classifier.taxonomy import Taxonomy

__all__ = [
    "STATUS_NAMES",
    "Case",
    "Desk",
    "Detail",
    "LabelCheck",
    "Line",
    "SuggestionMade",
    "change",
    "change_many",
    "changed_meanwhile",
    "detail",
    "find",
    "may_see_suggestion",
    "require_person",
    "signed",
    "subject",
]

STATUS_NAMES = {OPEN: "待分办", DECIDED: "已分办", CLOSED: "已办结"}


@dataclass(frozen=True)
class Desk:
    """What a change of cases goes by: who makes it, the office's settings and the model in service, if any."""

    actor: Actor
    office: Office
    taxonomy: Taxonomy
    classifier: Classifier | None = None

    def name_of(self, label: str | None) -> str:
        """What staff call a department or level today; one that is no longer in the taxonomy keeps its id."""
        return self.taxonomy.names.get(label, label) if label else ""


def find(session: Session, actor: Actor, number: str, needed: Permission = Permission.READ) -> Case:
    """The case of a number, if the actor may do with it what is ``needed``.

    Raises
    ------
    NotAllowedError
        The actor lacks the permission.
    NotFoundError
        There is none, or it is another department's.
    """
    actor.require(needed)
    case = stored.get(session, number)
    if case is None or (actor.department and case.department != actor.department):
        raise NotFoundError(f"没有编号为“{number[:40]}”的诉求件，或不在您的部门范围内，请核对编号。")
    return case


@dataclass(frozen=True)
class Detail:
    """A case and what happened to it, each list in the order of time; what was withdrawn is among it.

    Of a blind case that nobody has decided, ``suggestions`` is empty.
    """

    case: Case
    suggestions: list[SuggestionMade]
    decisions: list[Decision]
    hand_backs: list[HandBack]
    outcomes: list[Outcome]
    withdrawals: list[Withdrawal]

    def withdrawal(self, made: Withdrawable) -> Withdrawal | None:
        """By whom and when a decision, hand-back or outcome was withdrawn; None where it stands."""
        name = COLUMNS[type(made)].key
        return next((one for one in self.withdrawals if getattr(one, name) == made.id), None)


def detail(session: Session, case: Case) -> Detail:
    """A case with its history."""
    suggestions = stored.history(session, case, SuggestionMade) if may_see_suggestion(case) else []
    return Detail(
        case,
        suggestions,
        stored.history(session, case, Decision),
        stored.history(session, case, HandBack),
        stored.history(session, case, Outcome),
        withdrawals.of_case(session, case),
    )


def may_see_suggestion(case: Case) -> bool:
    """Whether the suggestion may be shown: that of a blind case, which has no department yet, not before it is decided."""
    return not case.blind or case.department is not None


def change(session: Session, desk: Desk, case: Case, version: int, action: str, values: dict[str, Any]) -> None:
    """Change a case as it was at ``version``, and put on record what was there before and after.

    Raises
    ------
    ConflictError
        Somebody changed it since.
    """
    old, new = _changed(case, values)
    if not stored.change(session, case, version, **values):
        raise changed_meanwhile(session, desk, case)
    audit.record(session, desk.actor.name, action, subject(case), old, new)


def change_many(
    session: Session, actor: Actor, action: str, changes: Sequence[tuple[Case, dict[str, Any]]], run_id: int
) -> None:
    """Change cases that the transaction has locked, as :func:`change` does; ``run_id`` stands in each entry."""
    entries = []
    for case, values in changes:
        old, new = _changed(case, values)
        entries.append((subject(case), old, new | {"run": run_id}))
    runs.change(session, changes)
    audit.record_many(session, actor.name, action, entries)


def changed_meanwhile(session: Session, desk: Desk, case: Case) -> ConflictError:
    """What to tell whoever was not the first: who decided what."""
    last = stored.last_decision(session, case)
    told = f"，最近一次由 {last.made_by} 分办给{desk.name_of(last.department)}" if last else ""
    return ConflictError(f"{case.number} 刚被别人改过{told}，现在是{STATUS_NAMES[case.status]}。请重新打开后再决定。")


def require_person(actor: Actor) -> None:
    """Refuse whoever has no account behind them.

    Raises
    ------
    NotAllowedError
    """
    if actor.user_id is None:
        raise NotAllowedError(f"“{actor.name}”背后没有账号；每个决定都要有人署名，请用账号登录或用带账号的令牌。")


def signed(actor: Actor) -> dict[str, Any]:
    """Who does something to a case, and when, as its history keeps it."""
    return {"made_at": datetime.now(UTC), "made_by": actor.name, "user_id": actor.user_id}


def subject(case: Case) -> str:
    """What the audit trail calls a case."""
    return f"case {case.number}"


def _changed(case: Case, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Those of the values that differ from a case's, as they are there and as they will be."""
    changed = sorted(name for name, value in values.items() if value != getattr(case, name))
    return {name: _plain(getattr(case, name)) for name in changed}, {name: _plain(values[name]) for name in changed}


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
