"""What staff may choose for a case, beside what is suggested, each with the key that chooses it."""

from __future__ import annotations

from dataclasses import dataclass

from classifier.records import Suggestion
from classifier.taxonomy import Department, Taxonomy, Urgency

_DEPARTMENT_KEYS = "123456789"
_URGENCY_KEYS = "qwert"


@dataclass(frozen=True)
class Option:
    """One of several; ``confidence`` is None where the model says nothing of it, ``key`` empty where no key chooses it."""

    label: Department | Urgency
    key: str
    confidence: float | None
    suggested: bool
    chosen: bool


@dataclass(frozen=True)
class Choices:
    """Departments to lead, departments to assist, and levels of urgency, in the order of the taxonomy."""

    leads: list[Option]
    assists: list[Option]
    urgencies: list[Option]

    @classmethod
    def of(
        cls,
        taxonomy: Taxonomy,
        suggestion: Suggestion | None,
        lead: str | None,
        assist: str | None,
        urgency: str | None,
    ) -> Choices:
        """All there are; ``lead``, ``assist`` and ``urgency`` are the ids chosen so far."""
        leads = {one.department.id: one.confidence for one in suggestion.candidates} if suggestion else {}
        helper, level = (suggestion.assist, suggestion.urgency) if suggestion else (None, None)
        return cls(
            _options(taxonomy.departments, _DEPARTMENT_KEYS, leads, suggestion and suggestion.lead.department.id, lead),
            _options(taxonomy.departments, "", *_alone(helper and (helper.department.id, helper.confidence)), assist),
            _options(taxonomy.urgencies, _URGENCY_KEYS, *_alone(level and (level.level.id, level.confidence)), urgency),
        )


def _alone(suggested: tuple[str, float] | None) -> tuple[dict[str, float], str | None]:
    return ({suggested[0]: suggested[1]}, suggested[0]) if suggested else ({}, None)


def _options(
    labels: tuple[Department, ...] | tuple[Urgency, ...],
    keys: str,
    confidences: dict[str, float],
    suggested: str | None,
    chosen: str | None,
) -> list[Option]:
    return [
        Option(one, keys[i : i + 1], confidences.get(one.id), one.id == suggested, one.id == chosen)
        for i, one in enumerate(labels)
    ]
