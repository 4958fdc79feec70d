"""Leaves out clauses that tell of the writer's mood, age, pleas or petitions and not of the matter.

Matters are rated, not people: an angry letter and a calm one about the same thing are alike.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import compiled
from classifier.text.edits import Edit, Needs
from classifier.text.lexicon import LAST, Ints, Lexicon, Points, points_of, starts_with
from classifier.text.normalise import SEPARATOR

_PATH = Path(__file__).parent.parent / "resources" / "tone.toml"
_PARTS_CLAUSES = re.compile(rf"[\s,.:;!?。、…~()“”\"'—\-{SEPARATOR}]")
_TRIGGER, _FILLER = 0, 1


@cache
def _words() -> tuple[list[str], list[str]]:
    """What must stand in such a clause, and what else may."""
    read = tomllib.loads(_PATH.read_text(encoding="utf-8"))
    triggers, fillers = (list(chain.from_iterable(read[kind].values())) for kind in ("triggers", "fillers"))
    return triggers, fillers


class ToneStep:
    """The step that leaves them out, for normalised text; its word lists are read when first needed."""

    needs: Needs | None = Needs(lambda: _words()[_TRIGGER])

    def run(self, text: str) -> tuple[str, list[Edit]]:
        """Return the text without such clauses, and where they stood.

        A clause goes that has a trigger in it and is made up of triggers, fillers and numbers, each taken as long as it
        can be; with it those beside it that are made up so too, but not across title and text.
        """
        words = _lexicon()
        spans = _tone_spans(
            points_of(text), words.heads, words.tails_at, words.tails, words.bits, *_classes(), ord(SEPARATOR)
        )
        edits: list[Edit] = []
        pieces: list[str] = []
        position = grown = 0
        for start, end in spans.tolist():
            pieces.append(text[position:start])
            edits.append((start + grown, start + grown, start, end))
            grown -= end - start
            position = end
        return "".join([*pieces, text[position:]]), edits


@compiled
def _tone_spans(
    points: Points,
    heads: Ints,
    tails_at: Ints,
    tails: Points,
    bits: Ints,
    parts: NDArray[np.bool_],
    digits: NDArray[np.bool_],
    separator: int,
) -> Ints:
    """Where the clauses to leave out stand, shape (spans, 2)."""
    clauses, n = np.empty((len(points) // 2 + 1, 2), np.int64), 0
    only_tone, triggered = np.empty(len(clauses), np.bool_), np.empty(len(clauses), np.bool_)
    i = 0
    while i < len(points):
        if parts[min(points[i], LAST)]:
            i += 1
            continue
        start = i
        while i < len(points) and not parts[min(points[i], LAST)]:
            i += 1
        clauses[n, 0], clauses[n, 1] = start, i
        only_tone[n] = _is_made_up(points, start, i, heads, tails_at, tails, digits)
        triggered[n] = only_tone[n] and _has_trigger(points, start, i, heads, tails_at, tails, bits)
        n += 1
    spans, found = np.empty((n, 2), np.int64), 0
    clause = 0
    while clause < n:
        if triggered[clause]:
            first = last = clause
            while first and only_tone[first - 1] and not _separated(points, clauses, first - 1, separator):
                first -= 1
            while last + 1 < n and only_tone[last + 1] and not _separated(points, clauses, last, separator):
                last += 1
            spans[found, 0], spans[found, 1] = clauses[first, 0], clauses[last, 1]
            found += 1
            clause = last
        clause += 1
    return spans[:found]


@compiled
def _is_made_up(
    points: Points, start: int, end: int, heads: Ints, tails_at: Ints, tails: Points, digits: NDArray[np.bool_]
) -> bool:
    """Whether words and numbers alone, the longest word first and never again a shorter one, make up ``points[start:end]``."""
    while start < end:
        first, next_start = min(points[start], LAST), start
        for word in range(heads[first], heads[first + 1]):
            if starts_with(points, start + 1, end, tails, tails_at[word], tails_at[word + 1]):
                next_start = start + 1 + tails_at[word + 1] - tails_at[word]
                break
        # After a word this takes the number behind it along, which comes to the same.
        while next_start < end and digits[min(points[next_start], LAST)]:
            next_start += 1
        if next_start == start:
            return False
        start = next_start
    return True


@compiled
def _has_trigger(points: Points, start: int, end: int, heads: Ints, tails_at: Ints, tails: Points, bits: Ints) -> bool:
    for i in range(start, end):
        first = min(points[i], LAST)
        for word in range(heads[first], heads[first + 1]):
            if bits[word] >> _TRIGGER & 1 and starts_with(
                points, i + 1, end, tails, tails_at[word], tails_at[word + 1]
            ):
                return True
    return False


@compiled
def _separated(points: Points, clauses: Ints, left: int, separator: int) -> bool:
    """Whether the separator of title and text stands between a clause and the next."""
    for i in range(clauses[left, 1], clauses[left + 1, 0]):  # noqa: SIM110 -- numba compiles no all() or any()
        if points[i] == separator:
            return True
    return False


@cache
def _lexicon() -> Lexicon:
    return Lexicon(_words())


@cache
def _classes() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which characters part clauses, and which are digits."""
    characters = list(map(chr, range(LAST + 1)))
    return (
        np.array([bool(_PARTS_CLAUSES.match(char)) for char in characters]),
        np.array([char.isdecimal() for char in characters]),
    )
