"""From complaints to suggestions: the one place where scores become advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from classifier.model.hazards import Hazard, find_hazards
from classifier.model.precedents import Precedents
from classifier.model.reading import Reader, Reading
from classifier.model.reasons import hazard_reasons, word_reasons
from classifier.model.weights import Weights
from classifier.records import (
    Candidate,
    Complaint,
    Reason,
    ReviewCause,
    SimilarCase,
    Suggestion,
    UrgencySuggestion,
)
from classifier.taxonomy import Department, Taxonomy
from classifier.text.normalise import SEPARATOR
from classifier.text.prepare import Prepared

MIN_CHARS = 8
"""Complaints with less text than this are shown for review: there is little to go by."""

_MOST_FOR, _MOST_AGAINST, _MOST_URGENT = 5, 2, 3
_MOST_SIMILAR = 3
_OWN_MATTER, _OWN_MATTER_CONFIDENCE = 4.0, 0.42
"""A passage that speaks so much more (in log odds) for another department than for the lead tells a
matter of its own. In so many of the held-out corpus texts with such a passage that department leads
or assists."""


@dataclass(frozen=True)
class Thresholds:
    """Where answers change, chosen on held-out folds.

    Attributes
    ----------
    accept_accuracy : float
        The declared accuracy of suggestions that need no review, and of prediction sets.
    accept : float
        Least confidence in the lead department that needs no review, chosen to keep it.
    assist : float
        Least probability that a second department assists for it to be suggested.
    familiar : float
        Least part of a text, by characters, in words the model knows.
    urgency : tuple of float
        For each level above the mildest, the least probability of that level or a graver one
        for it to be suggested. Low, because a grave matter taken for a mild one costs more
        than the reverse.
    plausible : tuple of float
        For each department, the least probability with which it belongs to the prediction set.
    urgent_log_odds : tuple of float
        For each department, how much likelier a level above the mildest is among its incoming
        complaints than in the training data, as a difference of log odds.
    """

    accept_accuracy: float
    accept: float
    assist: float
    familiar: float
    urgency: tuple[float, ...] = ()
    plausible: tuple[float, ...] = ()
    urgent_log_odds: tuple[float, ...] = ()


class Classifier:
    """A released model, ready to suggest.

    Parameters
    ----------
    weights : Weights
        With the head "department", and "urgency" and "assist" where they were trained.
    taxonomy : Taxonomy
    thresholds : Thresholds
    version : str
    precedents : Precedents
    """

    def __init__(
        self, weights: Weights, taxonomy: Taxonomy, thresholds: Thresholds, version: str, precedents: Precedents
    ) -> None:
        self.weights, self.taxonomy, self.thresholds, self.version = weights, taxonomy, thresholds, version
        self.precedents = precedents
        self._departments = {department.id: department for department in taxonomy.departments}
        self._urgencies = {level.id: level for level in taxonomy.urgencies}
        classes = {name: head.classes for name, head in weights.heads.items()}
        self._leads = [self._departments[one] for one in classes["department"]]
        self._levels = [self._urgencies[one] for one in classes.get("urgency", ())]
        self._gravity = {level.id: i for i, level in enumerate(self._levels)}
        assists = [self._departments[one] for one in classes.get("assist", ())]
        # Where in a reading the probabilities of departments and levels stand, and for each lead those of who else may assist it.
        spans = {name: weights.stack.span(name)[:2] for name in ("department", "urgency", "assist")}
        self._of_leads, self._of_levels = slice(*spans["department"]), slice(*spans["urgency"])
        assisting = list(enumerate(assists, spans["assist"][0]))
        self._others = [[(i, one) for i, one in assisting if one != lead] for lead in self._leads]
        self._reader = Reader(weights, thresholds.urgency, thresholds.urgent_log_odds)

    def called(self, taxonomy: Taxonomy) -> Classifier:
        """The same model, its departments and levels as ``taxonomy`` has them, which knows all of their ids."""
        return Classifier(self.weights, taxonomy, self.thresholds, self.version, self.precedents)

    def suggest(self, complaint: Complaint) -> Suggestion:
        """Suggest for one complaint, exactly as :meth:`suggest_many` would."""
        return self.suggest_many([complaint])[0]

    def suggest_many(self, complaints: Sequence[Complaint]) -> list[Suggestion]:
        """Suggest for each complaint, in order."""
        if not complaints:
            return []
        return self._suggest(*self._read(complaints))

    def advise(self, complaint: Complaint) -> tuple[Suggestion, list[SimilarCase]]:
        """Suggest for one complaint, and show the complaints learned from that are most like it, most similar first."""
        prepared, hazards, reading = self._read([complaint])
        similar = [
            SimilarCase(
                one.title,
                one.excerpt,
                self._departments[one.department],
                self._departments.get(one.assist),
                self._urgencies.get(one.urgency),
                similarity,
            )
            for one, similarity in self.precedents.nearest(reading.column, reading.value, complaint, _MOST_SIMILAR)
        ]
        return self._suggest(prepared, hazards, reading)[0], similar

    def _read(self, complaints: Sequence[Complaint]) -> tuple[Prepared, list[list[Hazard]], Reading]:
        prepared = Prepared(complaints)
        hazards = find_hazards(prepared) if self._levels else [[] for _ in complaints]
        return prepared, hazards, self._reader.read(prepared, np.array(list(map(self._level_asked, hazards))))

    def _suggest(self, prepared: Prepared, hazards: list[list[Hazard]], reading: Reading) -> list[Suggestion]:
        loud = list(zip(*reading.loud.tolist(), reading.loud_share.tolist(), strict=True))
        n_chars = [end - start - len(SEPARATOR) for start, end in pairwise(prepared.offsets.tolist())]
        suggestions, first = [], 0
        for document, (numbers, choices) in enumerate(
            zip(reading.numbers.tolist(), reading.choices.tolist(), strict=True)
        ):
            middle, end = choices[-2:]
            reasons = (
                *word_reasons("department", prepared, document, loud[first:middle], _MOST_FOR, _MOST_AGAINST),
                *hazard_reasons(prepared.complaints[document], hazards[document]),
                *word_reasons("urgency", prepared, document, loud[middle:end], _MOST_URGENT, 0),
            )
            first = end
            suggestions.append(self._suggestion(numbers, choices, reasons, n_chars[document]))
        return suggestions

    def _suggestion(self, p: list[float], choices: list[int], reasons: tuple[Reason, ...], n_chars: int) -> Suggestion:
        """One suggestion out of a row of ``numbers`` and one of ``choices`` of :class:`classifier.model.reading.Reading`."""
        best_first, level = choices[:-3], choices[-3]
        passage, known_share = p[-2:]
        leads, least, own = self._leads, self.thresholds.plausible, p[self._of_leads]
        candidates = tuple([Candidate(leads[i], own[i]) for i in best_first])
        plausible = tuple([leads[i] for i in best_first if own[i] >= least[i]])
        urgency = UrgencySuggestion(self._levels[level], p[self._of_levels][level]) if self._levels else None
        assist, second = self._assisting(p, best_first[0]), None
        # A model that never saw a second department suggests none.
        if passage >= _OWN_MATTER and "assist" in self.weights.heads:
            second = Candidate(candidates[1].department, _OWN_MATTER_CONFIDENCE)
        causes = self._review_causes(candidates[0], plausible, second, urgency, n_chars, known_share)
        return Suggestion(
            candidates, assist or second, urgency, plausible, tuple(causes), reasons, known_share, self.version
        )

    def _assisting(self, p: list[float], lead: int) -> Candidate | None:
        """The likeliest department to assist a lead, where it is likely enough."""
        best = max(self._others[lead], key=lambda other: p[other[0]], default=None)
        if best is None or p[best[0]] < self.thresholds.assist:
            return None
        return Candidate(best[1], p[best[0]])

    def _level_asked(self, hazards: Sequence[Hazard]) -> int:
        """The gravest level that rules ask for; a level this model does not know asks for none."""
        return max([self._gravity.get(one.rule.level, 0) for one in hazards], default=0)

    def _review_causes(
        self,
        lead: Candidate,
        plausible: Sequence[Department],
        second: Candidate | None,
        urgency: UrgencySuggestion | None,
        n_chars: int,
        known_share: float,
    ) -> list[ReviewCause]:
        causes = []
        if len(plausible) > 1:
            names = "、".join(department.name for department in plausible)
            causes.append(ReviewCause("several", f"不止一个部门有可能：{names}"))
        if second:
            causes.append(ReviewCause("two_matters", f"可能还说到一件归{second.department.name}的事，请看是否分开办理"))
        if lead.confidence < self.thresholds.accept:
            causes.append(ReviewCause("uncertain", f"主办部门把握不足（{lead.confidence:.0%}）"))
        if n_chars < MIN_CHARS:
            causes.append(ReviewCause("too_short", "文字太少，依据不足"))
        elif known_share < self.thresholds.familiar:
            causes.append(ReviewCause("unfamiliar", f"多半是没学过的词（学过的只占 {known_share:.0%}），依据不足"))
        if urgency and urgency.level == self.taxonomy.urgencies[-1]:
            causes.append(ReviewCause("gravest", f"建议为{urgency.level.name}，请立即人工核实"))
        return causes
