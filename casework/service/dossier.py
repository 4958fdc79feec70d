"""卷宗: what whoever decides a case looks at: what is suggested, cases like it, and what happened to it so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from casework.service.desk import Case, Desk, Detail, detail, find, may_see_suggestion, subject
from casework.service.standing import recalled
from casework.service.triage import advise
from casework.service.withdraw import may_withdraw
from casework.storage import audit
from casework.storage.database import Session
from casework.storage.tables import Decision, HandBack, Outcome, SuggestionMade, Withdrawal
from classifier.records import Complaint, SimilarCase, Suggestion

REGISTERED, SUGGESTED, DECIDED, HANDED_BACK, CLOSED, WITHDRAWN, RUN_UNDONE = (
    "registered",
    "suggested",
    "decided",
    "handed_back",
    "closed",
    "withdrawn",
    "run_undone",
)

_ENTRIES = {"case.registered": REGISTERED, "case.imported": REGISTERED, "case.suggestion_undone": RUN_UNDONE}
"""What happens to a case and leaves an entry in the audit trail, but no row of its own."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a case.

    ``kind`` is one of the words above; ``by`` is who did it, or the model's version; ``made`` is
    the row that tells more, if any; ``withdrawal`` tells who withdrew it.
    """

    kind: str
    at: datetime
    by: str
    made: SuggestionMade | Decision | HandBack | Outcome | None = None
    withdrawal: Withdrawal | None = None


@dataclass(frozen=True)
class Dossier:
    """A case with all that helps to decide it; of a blind case without the suggestion and what resembles it.

    ``suggestion`` is the current one. ``events`` are in the order of time. ``withdrawable`` tells
    whether the actor may withdraw what was last decided.
    """

    case: Case
    suggestion: Suggestion | None
    similar: list[SimilarCase]
    events: list[Event]
    withdrawable: bool

    @property
    def decision(self) -> Decision | None:
        """The decision that stands, or that a hand-back answered."""
        standing = [one.made for one in self.events if isinstance(one.made, Decision) and not one.withdrawal]
        return standing[-1] if standing else None

    @property
    def came_back(self) -> bool:
        """Whether the last that happened was that a department handed the case back."""
        happened = [one for one in self.events if one.made and not one.withdrawal and one.kind != SUGGESTED]
        return bool(happened) and happened[-1].kind == HANDED_BACK


def open_case(session: Session, desk: Desk, number: str) -> Dossier:
    """The dossier of a case, if the actor may read it.

    Raises
    ------
    NotFoundError
        There is none, or it is another department's.
    """
    case = find(session, desk.actor, number)
    found = detail(session, case)
    current = next((one for one in found.suggestions if one.id == case.suggestion_id), None)
    return Dossier(
        case,
        recalled(current, desk.taxonomy) if current else None,
        _similar(desk, case),
        sorted(_events(session, found), key=lambda event: event.at),
        may_withdraw(session, desk, case),
    )


def _similar(desk: Desk, case: Case) -> list[SimilarCase]:
    # They tell as much as the suggestion does.
    if desk.classifier is None or not may_see_suggestion(case):
        return []
    return advise(desk.classifier, Complaint(case.title, case.text)).similar


def _events(session: Session, found: Detail) -> Iterator[Event]:
    for entry in audit.entries(session, subject(found.case), actions=list(_ENTRIES)):
        kind = _ENTRIES[entry.action]
        # Registering ends after the suggestion it begins with.
        yield Event(kind, found.case.registered_at if kind == REGISTERED else entry.at, entry.actor)
    for suggestion in found.suggestions:
        yield Event(SUGGESTED, suggestion.made_at, suggestion.model_version, suggestion)
    for kind, rows in ((DECIDED, found.decisions), (HANDED_BACK, found.hand_backs), (CLOSED, found.outcomes)):
        for made in rows:
            yield Event(kind, made.made_at, made.made_by, made, found.withdrawal(made))
    for withdrawal in found.withdrawals:
        yield Event(WITHDRAWN, withdrawal.made_at, withdrawal.made_by)
