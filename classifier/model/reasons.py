"""From exact shares of a score, and from rules that fired, to the words shown for and against a suggestion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifier.model.hazards import Hazard
from classifier.model.weights import Floats, Found
from classifier.records import Complaint, Reason
from classifier.text.prepare import Prepared

_LEAST_SHARE = 0.2
"""Words that spoke less than this part of what the strongest did are not worth showing."""


def word_reasons(
    about: str, prepared: Prepared, found: Found, shares: Floats, most_for: int, most_against: int
) -> list[tuple[Reason, ...]]:
    """The words that spoke most for a label, then those that spoke most against it."""
    strength = np.abs(shares)
    strongest = np.maximum.reduceat(strength, found.first_word[:-1])
    spoke = np.flatnonzero((strength > 0) & (strength >= _LEAST_SHARE * strongest[found.word_document]))
    order = spoke[np.lexsort((-strength[spoke], shares[spoke] < 0, found.word_document[spoke]))]
    document = found.word_document[order]
    start = found.word_start[order] - found.offsets[document]
    end = start + found.word_length[order]
    reasons: list[list[Reason]] = [[] for _ in prepared.texts]
    room = [{True: most_for, False: most_against} for _ in prepared.texts]
    for i, first, last, share in zip(*(one.tolist() for one in (document, start, end, shares[order])), strict=True):
        if room[i][share > 0]:
            reason = _reason(about, prepared.complaints[i], prepared.locate(i, first, last), share)
            # Words are cut without regard to punctuation; one that spans it means nothing to a reader.
            if reason.text.isalnum():
                reasons[i].append(reason)
                room[i][share > 0] -= 1
    return [tuple(one) for one in reasons]


def hazard_reasons(complaint: Complaint, hazards: Sequence[Hazard]) -> tuple[Reason, ...]:
    return tuple(_reason("urgency", complaint, (one.field, one.start, one.end), 0.0, one.rule.name) for one in hazards)


def _reason(about: str, complaint: Complaint, place: tuple[str, int, int], weight: float, rule: str = "") -> Reason:
    field, start, end = place
    return Reason(about, field, getattr(complaint, field)[start:end], start, end, weight, rule)
