"""Cuts a complaint at the words that spoke for or against what was suggested, so that a page can mark them."""

from __future__ import annotations

from dataclasses import dataclass

from classifier.records import Complaint, Suggestion


@dataclass(frozen=True)
class Piece:
    """A stretch of the complaint; ``about`` says what it spoke for, "against" where against the lead, empty where for nothing shown."""

    text: str
    about: str


def mark(complaint: Complaint, suggestion: Suggestion, field: str) -> list[Piece]:
    """Cut a field of the complaint at the reasons that stand in it.

    The pieces joined give the field back. Where one word spoke for both the department and
    the urgency, ``about`` names both. What a rule saw spans several words and is told beside
    the text.
    """
    original: str = getattr(complaint, field)
    about: dict[tuple[int, int], list[str]] = {}
    for reason in suggestion.reasons:
        if reason.field == field and not reason.rule:
            about.setdefault((reason.start, reason.end), []).append(reason.about if reason.weight > 0 else "against")
    pieces, position = [], 0
    for (start, end), kinds in sorted(about.items()):
        if start >= position:
            pieces += [Piece(original[position:start], ""), Piece(original[start:end], " ".join(kinds))]
            position = end
    return [piece for piece in [*pieces, Piece(original[position:], "")] if piece.text]
