"""Leaves out clauses that tell of the writer's mood, age, pleas or petitions and not of the matter.

Matters are rated, not people: an angry letter and a calm one about the same thing are alike.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from classifier.text.edits import Edit
from classifier.text.normalise import SEPARATOR

_PATH = Path(__file__).parent.parent / "resources" / "tone.toml"
_CLAUSE = re.compile(rf"[^\s,.:;!?。、…~()“”\"'—\-{SEPARATOR}]+")


class ToneStep:
    """The step that leaves them out, for normalised text; its word lists are read when first needed."""

    def run(self, text: str) -> tuple[str, list[Edit]]:
        """Return the text without such clauses, and where they stood."""
        trigger, only_tone = _patterns()
        if not trigger.search(text):
            return text, []
        spans = [match.span() for match in _CLAUSE.finditer(text)]
        starts = [start for start, _ in spans]
        edits: list[Edit] = []
        pieces: list[str] = []
        position = grown = 0
        for match in trigger.finditer(text):
            first = last = bisect_right(starts, match.start()) - 1
            if match.start() < position or not only_tone.fullmatch(text, *spans[first]):
                continue
            # Clauses beside it that say nothing either belong to it, but not across title and text.
            while first and spans[first][0] > position and _joins(text, spans, first - 1, only_tone, first - 1):
                first -= 1
            while last + 1 < len(spans) and _joins(text, spans, last, only_tone, last + 1):
                last += 1
            start, end = spans[first][0], spans[last][1]
            pieces.append(text[position:start])
            edits.append((start + grown, start + grown, start, end))
            grown -= end - start
            position = end
        return "".join([*pieces, text[position:]]), edits


def _joins(text: str, spans: list[tuple[int, int]], left: int, only_tone: re.Pattern[str], new: int) -> bool:
    """Whether clause ``new`` is of mere tone, and no separator parts it from its neighbour."""
    return SEPARATOR not in text[spans[left][1] : spans[left + 1][0]] and bool(only_tone.fullmatch(text, *spans[new]))


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What must stand in such a clause, and what may."""
    words = tomllib.loads(_PATH.read_text(encoding="utf-8"))
    triggers = {word for group in words["triggers"].values() for word in group}
    fillers = {word for group in words["fillers"].values() for word in group}
    # Atomic: words are taken longest first and never tried again shorter, so the time is linear.
    return re.compile(_longest_first(triggers)), re.compile(rf"(?>(?:{_longest_first(triggers | fillers)}|\d+)+)")


def _longest_first(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))
