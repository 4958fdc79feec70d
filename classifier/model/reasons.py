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
        tuple(_reasons(about, prepared, document, loud[a:b], most_for, most_against)) if a < b else ()
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
    complaint = prepared.complaints[document]
    for start, end, share in loud:
        if not (most_for if share > 0 else most_against):
            continue
        field, first, last = prepared.locate(document, start, end)
        text = (complaint.title if field == "title" else complaint.text)[first:last]
        # Words are cut without regard to punctuation; one that spans it means nothing to a reader.
        if text.isalnum():
            if share > 0:
                most_for -= 1
            else:
                most_against -= 1
            yield Reason(about, field, text, first, last, share)


def hazard_reasons(complaint: Complaint, hazards: Sequence[Hazard]) -> tuple[Reason, ...]:
    """The words in which rules saw a danger."""
    return tuple(
        Reason(
            "urgency",
            one.field,
            getattr(complaint, one.field)[one.start : one.end],
            one.start,
            one.end,
            0.0,
            one.rule.name,
        )
        for one in hazards
    )
