"""Suggests for complaints as they come in; storing them is added with the case register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from classifier.model.classifier import Classifier
from classifier.records import Complaint, Suggestion


@dataclass(frozen=True)
class Timed:
    """Suggestions in the order of the complaints, and how long they took together."""

    suggestions: list[Suggestion]
    took_ms: float


def suggest(classifier: Classifier, complaints: Sequence[Complaint]) -> Timed:
    """Suggest for each complaint."""
    start = perf_counter()
    suggestions = classifier.suggest_many(complaints)
    return Timed(suggestions, (perf_counter() - start) * 1000)
