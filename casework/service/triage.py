"""Suggests for complaints as they come in; storing them is added with the case register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from classifier.model.classifier import Classifier
from classifier.records import Complaint, SimilarCase, Suggestion


@dataclass(frozen=True)
class Timed:
    """Suggestions in the order of the complaints, and how long they took together."""

    suggestions: list[Suggestion]
    took_ms: float


@dataclass(frozen=True)
class Advice:
    """All that helps to decide one complaint: the suggestion, cases like it, and how long they took."""

    suggestion: Suggestion
    similar: list[SimilarCase]
    took_ms: float


def advise(classifier: Classifier, complaint: Complaint) -> Advice:
    """Suggest for one complaint, and look up what was decided for others like it."""
    start = perf_counter()
    suggestion, similar = classifier.advise(complaint)
    return Advice(suggestion, similar, (perf_counter() - start) * 1000)


def suggest(classifier: Classifier, complaints: Sequence[Complaint]) -> Timed:
    """Suggest for each complaint."""
    start = perf_counter()
    suggestions = classifier.suggest_many(complaints)
    return Timed(suggestions, (perf_counter() - start) * 1000)
