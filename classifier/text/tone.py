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
from classifier.text.lexicon import Lexicon
from classifier.text.normalise import SEPARATOR
from classifier.text.trie import LAST, Bytes, Ints, Ints32, Points, points_of, step

_PATH = Path(__file__).parent.parent / "resources" / "tone.toml"
_PARTS_CLAUSES = re.compile(rf"[\s,.:;!?。、…~()“”\"'—\-{SEPARATOR}]")
_TRIGGER = 1
"""The bit of the first group of words, of which one must stand in a clause."""


@cache
def _words() -> tuple[list[str], list[str]]:
    """What must stand in such a clause, and what else may."""
    read = tomllib.loads(_PATH.read_text(encoding="utf-8"))
    triggers, fillers = (list(chain.from_iterable(read[kind].values())) for kind in ("triggers", "fillers"))
    return triggers, fillers


class ToneStep:
    """The step that leaves them out, for normalised text; its word lists are read when first needed."""

    needs: Needs | None = Needs(lambda: _words()[0])

    def run(self, text: str) -> tuple[str, list[Edit]]:
        """Return the text without such clauses, and where they stood.

        A clause goes that has a trigger in it and is made up of triggers, fillers and numbers, each taken as long as it
        can be; with it those beside it that are made up so too, but not across title and text.
        """
        words = _lexicon()
        spans = _tone_spans(
            points_of(text),
            words.trie.first,
            words.trie.keys,
            words.trie.known,
            words.bits,
            *_classes(),
            ord(SEPARATOR),
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
    first: Ints32,
    keys: Ints,
    known: Bytes,
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
        only_tone[n] = _is_made_up(points, start, i, first, keys, known, bits, digits)
        triggered[n] = only_tone[n] and _has_trigger(points, start, i, first, keys, known, bits)
        n += 1
    spans, found = np.empty((n, 2), np.int64), 0
    clause = 0
    while clause < n:
        if triggered[clause]:
            begin = last = clause
            while begin and only_tone[begin - 1] and not _separated(points, clauses, begin - 1, separator):
                begin -= 1
            while last + 1 < n and only_tone[last + 1] and not _separated(points, clauses, last, separator):
                last += 1
            spans[found, 0], spans[found, 1] = clauses[begin, 0], clauses[last, 1]
            found += 1
            clause = last
        clause += 1
    return spans[:found]


@compiled
def _is_made_up(
    points: Points,
    start: int,
    end: int,
    first: Ints32,
    keys: Ints,
    known: Bytes,
    bits: Ints,
    digits: NDArray[np.bool_],
) -> bool:
    """Whether words and numbers alone, each as long as it can be, make up ``points[start:end]``."""
    while start < end:
        after = start
        while after < end and digits[min(points[after], LAST)]:
            after += 1
        node, i = int(first[min(points[start], LAST)]), start + 1
        while node >= 0:
            if bits[node]:
                after = i
            node = step(node, points[i], keys, known) if i < end else -1
            i += 1
        if after == start:
            return False
        start = after
    return True


@compiled
def _has_trigger(points: Points, start: int, end: int, first: Ints32, keys: Ints, known: Bytes, bits: Ints) -> bool:
    for begin in range(start, end):
        node, i = int(first[min(points[begin], LAST)]), begin + 1
        while node >= 0:
            if bits[node] & _TRIGGER:
                return True
            node = step(node, points[i], keys, known) if i < end else -1
            i += 1
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
    characters = "".join(map(chr, range(LAST + 1)))
    parts = np.zeros(len(characters), dtype=np.bool_)
    parts[[match.start() for match in _PARTS_CLAUSES.finditer(characters)]] = True
    return parts, np.array([char.isdecimal() for char in characters])
