"""From complaints to suggestions: the one place where scores become advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.model.found import Floats, Found, Ints
from classifier.model.hazards import Hazard, find_hazards
from classifier.model.precedents import Precedents
from classifier.model.reasons import hazard_reasons, word_reasons
from classifier.model.urgency import as_incoming, graded
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
        self._assists = [self._departments[one] for one in classes.get("assist", ())]
        # Which columns of "assist" are the lead itself, for each lead.
        self._is_assisted = np.array([[one == lead for one in self._assists] for lead in self._leads])

    def suggest(self, complaint: Complaint) -> Suggestion:
        """Suggest for one complaint, exactly as :meth:`suggest_many` would."""
        return self.suggest_many([complaint])[0]

    def suggest_many(self, complaints: Sequence[Complaint]) -> list[Suggestion]:
        """Suggest for each complaint, in order."""
        if not complaints:
            return []
        prepared = Prepared(complaints)
        return self._suggest(prepared, self.weights.find(prepared))

    def advise(self, complaint: Complaint) -> tuple[Suggestion, list[SimilarCase]]:
        """Suggest for one complaint, and show the complaints learned from that are most like it, most similar first."""
        prepared = Prepared([complaint])
        found = self.weights.find(prepared)
        nearest = self.precedents.nearest(found, complaint, _MOST_SIMILAR)
        similar = [
            SimilarCase(
                one.title,
                one.excerpt,
                self._departments[one.department],
                self._departments.get(one.assist),
                self._urgencies.get(one.urgency),
                similarity,
            )
            for one, similarity in nearest
        ]
        return self._suggest(prepared, found)[0], similar

    def _suggest(self, prepared: Prepared, found: Found) -> list[Suggestion]:
        probabilities = found.probabilities()
        best_first = np.argsort(-probabilities["department"], axis=1, kind="stable")
        leads, seconds = best_first[:, 0], best_first[:, 1]
        stack, n = self.weights.stack, len(best_first)
        questions = [stack.above_average("department", leads), stack.rather("department", seconds, leads)]
        urgencies: list[UrgencySuggestion | None] = [None] * n
        if "urgency" in probabilities:
            p = as_incoming(probabilities["urgency"], probabilities["department"], self.thresholds.urgent_log_odds)
            hazards = find_hazards(prepared)
            levels = self._graded(p, hazards)
            urgencies = [
                UrgencySuggestion(self._levels[level], own[level])
                for level, own in zip(levels.tolist(), p.tolist(), strict=True)
            ]
            # The mildest level is the absence of reasons for another, so nothing is asked of it.
            asked, average = stack.above_average("urgency", levels)
            questions.append((np.where(levels, asked, average), average))
        shares = found.shares(*questions)
        reasons = word_reasons("department", prepared, found, shares[0], _MOST_FOR, _MOST_AGAINST)
        if "urgency" in probabilities:
            more = word_reasons("urgency", prepared, found, shares[2], _MOST_URGENT, 0)
            reasons = [
                lead + hazard_reasons(complaint, fired) + level
                for complaint, lead, fired, level in zip(prepared.complaints, reasons, hazards, more, strict=True)
            ]
        rows = zip(
            best_first.tolist(),
            probabilities["department"].tolist(),
            self._assisting(probabilities["assist"], leads) if "assist" in probabilities else [None] * n,
            # A model that never saw a second department suggests none.
            (found.strongest_passages(shares[1]) >= _OWN_MATTER).tolist() if "assist" in probabilities else [False] * n,
            urgencies,
            reasons,
            (np.diff(prepared.offsets) - len(SEPARATOR)).tolist(),
            found.known_share.tolist(),
            strict=True,
        )
        return [self._suggestion(*row) for row in rows]

    def _suggestion(
        self,
        best_first: list[int],
        p: list[float],
        assist: Candidate | None,
        has_second_matter: bool,
        urgency: UrgencySuggestion | None,
        reasons: tuple[Reason, ...],
        n_chars: int,
        known_share: float,
    ) -> Suggestion:
        leads, least = self._leads, self.thresholds.plausible
        candidates = tuple([Candidate(leads[i], p[i]) for i in best_first])
        plausible = tuple([leads[i] for i in best_first if p[i] >= least[i]])
        second = Candidate(candidates[1].department, _OWN_MATTER_CONFIDENCE) if has_second_matter else None
        causes = self._review_causes(candidates[0], plausible, second, urgency, n_chars, known_share)
        return Suggestion(
            candidates, assist or second, urgency, plausible, tuple(causes), reasons, known_share, self.version
        )

    def _graded(self, p: Floats, hazards: Sequence[Sequence[Hazard]]) -> Ints:
        """The level of each complaint, by its probabilities and by the rules that fired."""
        learned = graded(p, self.thresholds.urgency)
        asked = np.array([self._level_asked(one) if one else 0 for one in hazards])
        # One level at most: a rule sees a phrase, the model the whole text, and both have been wrong.
        levels: Ints = np.maximum(learned, np.minimum(asked, learned + 1))
        return levels

    def _assisting(self, p: Floats, leads: Ints) -> list[Candidate | None]:
        """The likeliest department to assist each lead, where it is likely enough."""
        others = np.where(self._is_assisted[leads], -1.0, p)
        likeliest = others.argmax(axis=1)
        return [
            Candidate(self._assists[i], chance) if chance >= self.thresholds.assist else None
            for i, chance in zip(likeliest.tolist(), others.max(axis=1).tolist(), strict=True)
        ]

    def _level_asked(self, hazards: Sequence[Hazard]) -> int:
        """The gravest level that rules ask for; a level this model does not know asks for none."""
        classes = self.weights.heads["urgency"].classes
        return max((classes.index(one.rule.level) for one in hazards if one.rule.level in classes), default=0)

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
