"""From exact shares of a score, and from rules that fired, to the words shown for and against a suggestion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    return [
        tuple(_reasons_of(about, prepared, found, document, loudest, shares, most_for, most_against))
        for document, loudest in enumerate(found.ranked(shares, _LEAST_SHARE))
    ]


def _reasons_of(
    about: str,
    prepared: Prepared,
    found: Found,
    document: int,
    loudest: Sequence[int],
    shares: Floats,
    most_for: int,
    most_against: int,
) -> Iterator[Reason]:
    offset = int(found.offsets[document])
    for word in loudest:
        share = float(shares[word])
        if not (most_for if share > 0 else most_against):
            continue
        start = int(found.word_start[word]) - offset
        place = prepared.locate(document, start, start + int(found.word_length[word]))
        reason = _reason(about, prepared.complaints[document], place, share)
        # Words are cut without regard to punctuation; one that spans it means nothing to a reader.
        if reason.text.isalnum():
            yield reason
            if share > 0:
                most_for -= 1
            else:
                most_against -= 1


def hazard_reasons(complaint: Complaint, hazards: Sequence[Hazard]) -> tuple[Reason, ...]:
    return tuple(_reason("urgency", complaint, (one.field, one.start, one.end), 0.0, one.rule.name) for one in hazards)


def _reason(about: str, complaint: Complaint, place: tuple[str, int, int], weight: float, rule: str = "") -> Reason:
    field, start, end = place
    return Reason(about, field, getattr(complaint, field)[start:end], start, end, weight, rule)
