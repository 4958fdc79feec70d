"""What a suggestion is to a case: the record kept of it, and where an open case stands by it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from casework.service.deadlines import Deadlines
from casework.storage.tables import Case, SuggestionMade
from classifier.records import Suggestion


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
        "due_at": deadlines.due(received_at, channel, lead, urgency),
    }


_STANDING = ("suggestion_id", "department", "assist", "urgency", "certain")


def as_it_stands(case: Case) -> dict[str, Any]:
    """Where a case stands, as a suggestion that changes it keeps it in ``before``."""
    return {name: getattr(case, name) for name in _STANDING} | {"due_at": case.due_at.isoformat()}


def as_it_stood(made: SuggestionMade) -> dict[str, Any]:
    """Where a case stood before a suggestion, the inverse of :func:`as_it_stands`."""
    before = made.before or {}
    return before | {"due_at": datetime.fromisoformat(before["due_at"])}
