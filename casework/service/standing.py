"""What a suggestion is to a case: the record kept of it, and where an open case stands by it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from casework.service.deadlines import Deadlines
from casework.storage.tables import Case, SuggestionMade
from casework.storage.withdrawals import Withdrawable
from classifier.records import Candidate, Reason, ReviewCause, Suggestion, UrgencySuggestion
from classifier.taxonomy import Department, Taxonomy, Urgency


def kept(suggestion: Suggestion) -> SuggestionMade:
    """What is kept of a suggestion, not yet beside a case."""
    return SuggestionMade(
        made_at=datetime.now(UTC),
        model_version=suggestion.model_version,
        department=suggestion.lead.department.id,
        department_confidence=suggestion.lead.confidence,
        assist=suggestion.assist.department.id if suggestion.assist else None,
        urgency=suggestion.urgency.level.id if suggestion.urgency else None,
        urgency_confidence=suggestion.urgency.confidence if suggestion.urgency else None,
        needs_review=suggestion.needs_review,
        known_share=suggestion.known_share,
        details={
            "candidates": [[one.department.id, one.confidence] for one in suggestion.candidates],
            "assist_confidence": suggestion.assist.confidence if suggestion.assist else None,
            "plausible": [one.id for one in suggestion.plausible],
            "review_causes": [one._asdict() for one in suggestion.review_causes],
            "reasons": [one._asdict() for one in suggestion.reasons],
        },
    )


def recalled(made: SuggestionMade, taxonomy: Taxonomy) -> Suggestion:
    """The suggestion behind a record, the inverse of :func:`kept`, with today's names of departments and levels.

    A label that is no longer in the taxonomy goes by its id. One that came from a reclassified file
    has the words of its reasons, but not where they stand: their ``field`` is empty.
    """
    departments = {one.id: one for one in taxonomy.departments}
    levels = {one.id: one for one in taxonomy.urgencies}

    def candidate(label: str, confidence: float) -> Candidate:
        return Candidate(departments.get(label, Department(label, label)), confidence)

    details = made.details
    candidates = details["candidates"] or [[made.department, made.department_confidence]]
    # A file tells that a person should look, but not why.
    untold = [{"code": "untold", "message": "批量更新的文件里标为需要复核"}] if made.needs_review else []
    urgency = None
    if made.urgency:
        level = levels.get(made.urgency, Urgency(made.urgency, made.urgency, 0))
        urgency = UrgencySuggestion(level, made.urgency_confidence or 0.0)
    return Suggestion(
        candidates=tuple(candidate(*one) for one in candidates),
        assist=candidate(made.assist, details["assist_confidence"] or 0.0) if made.assist else None,
        urgency=urgency,
        plausible=tuple(departments.get(one, Department(one, one)) for one in details["plausible"]),
        review_causes=tuple(ReviewCause(**one) for one in details["review_causes"] or untold),
        reasons=tuple(Reason(**(_NOWHERE | one)) for one in details["reasons"]),
        known_share=made.known_share,
        model_version=made.model_version,
    )


_NOWHERE = {"about": "department", "field": "", "start": 0, "end": 0, "weight": 0.0}


def standing(
    deadlines: Deadlines,
    received_at: datetime,
    channel: str,
    made: SuggestionMade | None,
    *,
    blind: bool,
    decided_before: bool = False,
) -> dict[str, Any]:
    """Where an open case stands by what was suggested for it.

    Parameters
    ----------
    blind : bool
        Whether it is to be decided before the suggestion is shown.
    decided_before : bool
        Whether it came back, so that a person looks closely whatever the model says.
    """
    lead, urgency = (made.department, made.urgency) if made else (None, None)
    certain = made is not None and not made.needs_review and not blind and not decided_before
    # Who decides a blind case must find nothing of the suggested department in it; urgency stays, for safety.
    return {
        "department": None if blind else lead,
        "assist": made.assist if made and not blind else None,
        "urgency": urgency,
        "certain": int(certain),
        "confidence": made.department_confidence if made and not blind else 0.0,
        "due_at": deadlines.due(received_at, channel, lead, urgency),
    }


_STANDING = ("status", "suggestion_id", "department", "assist", "urgency", "certain", "confidence", "version")
_MOMENTS = ("due_at", "closed_at")


def as_it_stands(case: Case) -> dict[str, Any]:
    """Where a case stands, as whatever changes it keeps it in ``before``."""
    moments = {name: getattr(case, name) for name in _MOMENTS}
    plain = {name: getattr(case, name) for name in _STANDING}
    return plain | {name: moment and moment.isoformat() for name, moment in moments.items()}


def as_it_stood(made: SuggestionMade | Withdrawable) -> dict[str, Any]:
    """Where a case stood before a suggestion or a decision, the inverse of :func:`as_it_stands` but for its version.

    A suggestion kept by an older version lacks some of it.
    """
    before = {"confidence": 0.0} | (made.before or {})
    moments = {name: before[name] and datetime.fromisoformat(before[name]) for name in _MOMENTS if name in before}
    return {name: value for name, value in before.items() if name != "version"} | moments
