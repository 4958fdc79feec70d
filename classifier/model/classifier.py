"""From complaints to suggestions: the one place where scores become advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.model.weights import Floats, Found, Ints, Weights
from classifier.records import (
    Candidate,
    Complaint,
    Reason,
    ReviewCause,
    Suggestion,
    UrgencySuggestion,
)
from classifier.taxonomy import Taxonomy
from classifier.text.prepare import Prepared

MIN_CHARS = 8
"""Complaints with less text than this are shown for review: there is little to go by."""

_MOST_REASONS = {"department": 5, "urgency": 3}
_LEAST_SHARE = 0.2
"""Words that spoke less than this part of what the strongest did are not worth showing."""


@dataclass(frozen=True)
class Thresholds:
    """Where answers change, chosen on held-out folds.

    Attributes
    ----------
    accept : float
        Least confidence in the lead department that needs no review.
    assist : float
        Least probability that a second department is involved for it to be suggested.
    """

    accept: float
    assist: float


class Classifier:
    """A released model, ready to suggest.

    Parameters
    ----------
    weights : Weights
        With the head "department", and "urgency" and "involved" where they were trained.
    taxonomy : Taxonomy
    thresholds : Thresholds
    version : str
    """

    def __init__(self, weights: Weights, taxonomy: Taxonomy, thresholds: Thresholds, version: str) -> None:
        self.weights, self.taxonomy, self.thresholds, self.version = weights, taxonomy, thresholds, version
        self._departments = {department.id: department for department in taxonomy.departments}
        self._urgencies = {level.id: level for level in taxonomy.urgencies}

    def suggest(self, complaint: Complaint) -> Suggestion:
        """Suggest for one complaint, exactly as :meth:`suggest_many` would."""
        return self.suggest_many([complaint])[0]

    def suggest_many(self, complaints: Sequence[Complaint]) -> list[Suggestion]:
        """Suggest for each complaint, in order."""
        if not complaints:
            return []
        prepared = [Prepared(complaint) for complaint in complaints]
        found = self.weights.find([one.text for one in prepared])
        probabilities = {name: head.probabilities(found.matrix) for name, head in self.weights.heads.items()}
        reasons: list[tuple[Reason, ...]] = [()] * len(complaints)
        for about in _MOST_REASONS:
            if about in probabilities:
                more = self._reasons(about, prepared, found, probabilities[about].argmax(axis=1), complaints)
                reasons = [a + b for a, b in zip(reasons, more, strict=True)]
        return [
            self._suggestion({name: p[i] for name, p in probabilities.items()}, reasons[i], len(prepared[i].text) - 1)
            for i in range(len(complaints))
        ]

    def _suggestion(self, probabilities: dict[str, Floats], reasons: tuple[Reason, ...], n_chars: int) -> Suggestion:
        classes, p = self.weights.heads["department"].classes, probabilities["department"]
        candidates = tuple(Candidate(self._departments[classes[i]], float(p[i])) for i in np.argsort(-p, kind="stable"))
        urgency = self._urgency(probabilities.get("urgency"))
        return Suggestion(
            candidates,
            self._assist(probabilities.get("involved"), candidates[0]),
            urgency,
            tuple(self._review_causes(candidates[0], urgency, n_chars)),
            reasons,
            self.version,
        )

    def _urgency(self, p: Floats | None) -> UrgencySuggestion | None:
        if p is None:
            return None
        best = int(p.argmax())
        level = self._urgencies[self.weights.heads["urgency"].classes[best]]
        return UrgencySuggestion(level, float(p[best]))

    def _assist(self, p: Floats | None, lead: Candidate) -> Candidate | None:
        if p is None:
            return None
        classes = self.weights.heads["involved"].classes
        best = max((i for i in range(len(p)) if classes[i] != lead.department.id), key=lambda i: p[i])
        return (
            Candidate(self._departments[classes[best]], float(p[best])) if p[best] >= self.thresholds.assist else None
        )

    def _review_causes(self, lead: Candidate, urgency: UrgencySuggestion | None, n_chars: int) -> list[ReviewCause]:
        causes = []
        if lead.confidence < self.thresholds.accept:
            causes.append(ReviewCause("uncertain", f"主办部门把握不足（{lead.confidence:.0%}）"))
        if n_chars < MIN_CHARS:
            causes.append(ReviewCause("too_short", "文字太少，依据不足"))
        if urgency and urgency.level == self.taxonomy.urgencies[-1]:
            causes.append(ReviewCause("gravest", f"建议为{urgency.level.name}，请立即人工核实"))
        return causes

    def _reasons(
        self, about: str, prepared: Sequence[Prepared], found: Found, labels: Ints, complaints: Sequence[Complaint]
    ) -> list[tuple[Reason, ...]]:
        shares = found.word_shares(self.weights.heads[about], labels)
        strongest = np.maximum.reduceat(shares, found.first_word[:-1])
        spoke = np.flatnonzero((shares > 0) & (shares >= _LEAST_SHARE * strongest[found.word_document]))
        order = spoke[np.lexsort((-shares[spoke], found.word_document[spoke]))]
        start = found.word_start - found.offsets[found.word_document]
        end = start + found.word_length
        reasons: list[list[Reason]] = [[] for _ in complaints]
        columns = (found.word_document, start, end, shares)
        for i, first, last, share in zip(*(column[order].tolist() for column in columns), strict=True):
            if len(reasons[i]) < _MOST_REASONS[about]:
                reason = _reason(about, complaints[i], prepared[i], first, last, share)
                # Words are cut without regard to punctuation; one that spans it means nothing to a reader.
                if reason.text.isalnum():
                    reasons[i].append(reason)
        return [tuple(one) for one in reasons]


def _reason(about: str, complaint: Complaint, prepared: Prepared, start: int, end: int, weight: float) -> Reason:
    field, first, last = prepared.locate(start, end)
    return Reason(about, field, getattr(complaint, field)[first:last], first, last, weight)
