"""Cuts a complaint at the words that spoke for or against what was suggested, so that a page can mark them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from classifier.records import Reason
from classifier.text.mask import PLACEHOLDER


@dataclass(frozen=True)
class Piece:
    """A stretch of the complaint; ``about`` says what it spoke for, "against" where against the lead, "masked" where
    it stands for personal data, empty where for nothing shown."""

    text: str
    about: str


def mark(text: str, reasons: Iterable[Reason], field: str) -> list[Piece]:
    """Cut a field of a complaint at the reasons that stand in it, and at what was masked.

    The pieces joined give the text back. Where one word spoke for both the department and
    the urgency, ``about`` names both. What a rule saw spans several words and is told beside
    the text.
    """
    about: dict[tuple[int, int], list[str]] = {}
    for reason in reasons:
        if reason.field == field and not reason.rule:
            about.setdefault((reason.start, reason.end), []).append(reason.about if reason.weight > 0 else "against")
    pieces: list[Piece] = []
    position = 0
    for (start, end), kinds in sorted(about.items()):
        if start >= position:
            pieces += [*_between(text[position:start]), Piece(text[start:end], " ".join(kinds))]
            position = end
    return [*pieces, *_between(text[position:])]


def _between(text: str) -> Iterator[Piece]:
    """A stretch without reasons, cut at what was masked."""
    position = 0
    for found in PLACEHOLDER.finditer(text):
        if position < found.start():
            yield Piece(text[position : found.start()], "")
        yield Piece(found[0], "masked")
        position = found.end()
    if position < len(text):
        yield Piece(text[position:], "")
