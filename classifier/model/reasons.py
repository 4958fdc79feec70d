"""From exact shares of a score, and from rules that fired, to the words shown for and against a suggestion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from classifier.compiled import compiled
from classifier.model.found import Floats, Ints
from classifier.model.hazards import Hazard
from classifier.records import Complaint, Reason
from classifier.text.prepare import Prepared

_LEAST_SHARE = 0.2
"""Words that spoke less than this part of what the strongest did are not worth showing."""


def word_reasons(
    about: str,
    prepared: Prepared,
    document: int,
    loud: Iterable[tuple[int, int, float]],
    most_for: int,
    most_against: int,
) -> Iterator[Reason]:
    """The words that spoke most for a label, then those that spoke most against it.

    Parameters
    ----------
    loud : iterable of (start, end, share)
        Words in the order of :func:`loudest`, by where they stand in the punctuated text.
    """
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


@compiled
def loudest(shares: Floats) -> Ints:
    """The words that spoke loudest, those for the label first; of equal ones the first comes first."""
    loudness = np.abs(shares)
    loud = np.flatnonzero((loudness > 0) & (loudness >= _LEAST_SHARE * loudness.max()))
    loud = loud[np.argsort(-loudness[loud], kind="mergesort")]  # which is stable
    return np.concatenate((loud[shares[loud] > 0], loud[shares[loud] < 0]))


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
