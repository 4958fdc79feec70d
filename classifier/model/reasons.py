"""From exact shares of a score, and from rules that fired, to the words shown for and against a suggestion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from classifier.compiled import compiled
from classifier.model.found import Floats, Found, Ints
from classifier.model.hazards import Hazard
from classifier.records import Complaint, Reason
from classifier.text.prepare import Prepared

_LEAST_SHARE = 0.2
"""Words that spoke less than this part of what the strongest did are not worth showing."""


def word_reasons(
    about: str, prepared: Prepared, found: Found, shares: Floats, most_for: int, most_against: int
) -> list[tuple[Reason, ...]]:
    """The words that spoke most for a label, then those that spoke most against it."""
    starts, ends, loudness, first = _loudest(
        shares,
        found.first_word,
        found.word_start,
        found.word_length,
        prepared.places,
        prepared.place_offsets,
        _LEAST_SHARE,
    )
    loud = list(zip(starts.tolist(), ends.tolist(), loudness.tolist(), strict=True))
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


@compiled
def _loudest(
    shares: Floats,
    first_word: Ints,
    word_start: Ints,
    word_length: Ints,
    places: Ints,
    place_offsets: Ints,
    least: float,
) -> tuple[Ints, Ints, Floats, Ints]:
    """The words of each document that spoke loudest, those for the label first: where they stand in its punctuated text, their
    shares, and where each document starts among them."""
    starts, ends = np.empty(len(shares), np.int64), np.empty(len(shares), np.int64)
    loudness, first, n = np.empty(len(shares)), np.zeros(len(first_word), np.int64), 0
    for document in range(len(first_word) - 1):
        own = shares[first_word[document] : first_word[document + 1]]
        threshold = least * np.abs(own).max()
        loud = np.flatnonzero((own != 0) & (np.abs(own) >= threshold))
        # Merge sort is stable: of equal words the first comes first. Whatever spoke against comes behind what spoke for.
        loud = loud[np.argsort(np.where(own[loud] > 0, -own[loud], np.inf), kind="mergesort")]
        against = int((own[loud] > 0).sum())
        loud[against:] = loud[against:][np.argsort(own[loud[against:]], kind="mergesort")]
        for i in loud:
            word = first_word[document] + i
            starts[n] = places[word_start[word]] - place_offsets[document]
            ends[n] = places[word_start[word] + word_length[word] - 1] + 1 - place_offsets[document]
            loudness[n] = own[i]
            n += 1
        first[document + 1] = n
    return starts[:n], ends[:n], loudness[:n], first


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
