"""From exact shares of a score, and from rules that fired, to the words shown for and against a suggestion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from classifier.model.found import Floats, Found
from classifier.model.hazards import Hazard
from classifier.records import Complaint, Reason
from classifier.text.prepare import Prepared

_LEAST_SHARE = 0.2
"""Words that spoke less than this part of what the strongest did are not worth showing."""


def word_reasons(
    about: str, prepared: Prepared, found: Found, shares: Floats, most_for: int, most_against: int
) -> list[tuple[Reason, ...]]:
    """The words that spoke most for a label, then those that spoke most against it."""
    words, first = found.ranked(shares, _LEAST_SHARE)
    documents = np.repeat(np.arange(len(first) - 1), np.diff(first))
    starts, ends = prepared.written(
        found.word_start[words], found.word_start[words] + found.word_length[words], documents
    )
    loud = list(zip(starts.tolist(), ends.tolist(), shares[words].tolist(), strict=True))
    return [
        tuple(_reasons(about, prepared, document, loud[a:b], most_for, most_against))
        for document, (a, b) in enumerate(pairwise(first.tolist()))
    ]


def _reasons(
    about: str,
    prepared: Prepared,
    document: int,
    loud: Sequence[tuple[int, int, float]],
    most_for: int,
    most_against: int,
) -> Iterator[Reason]:
    complaint, room = prepared.complaints[document], {True: most_for, False: most_against}
    for start, end, share in loud:
        if room[share > 0]:
            reason = _reason(about, complaint, prepared.locate(document, start, end), share)
            # Words are cut without regard to punctuation; one that spans it means nothing to a reader.
            if reason.text.isalnum():
                room[share > 0] -= 1
                yield reason


def hazard_reasons(complaint: Complaint, hazards: Sequence[Hazard]) -> tuple[Reason, ...]:
    return tuple(_reason("urgency", complaint, (one.field, one.start, one.end), 0.0, one.rule.name) for one in hazards)


def _reason(about: str, complaint: Complaint, place: tuple[str, int, int], weight: float, rule: str = "") -> Reason:
    field, start, end = place
    return Reason(about, field, getattr(complaint, field)[start:end], start, end, weight, rule)
