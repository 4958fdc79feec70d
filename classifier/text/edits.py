"""Chains of substitutions that can tell where each character of the result came from."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple, Protocol

import numpy as np

from classifier.compiled import compiled
from classifier.text.lexicon import Lexicon
from classifier.text.trie import LAST, Ints, Points, offsets_of, points_of

Edit = tuple[int, int, int, int]
"""One replacement: ``[start, end)`` of a step's output stands for ``[before, after)`` of its input."""


class Step(Protocol):
    """One pass over a text.

    Attributes
    ----------
    needs : Needs or None
        What stands in every text that the step changes, by which most texts are spared it; None where
        that cannot be said.
    """

    @property
    def needs(self) -> Needs | None: ...

    def run(self, text: str) -> tuple[str, list[Edit]]:
        """Return the new text, and where in it what was replaced, in order."""


@dataclass(frozen=True)
class Needs:
    """One of some words, where there are any, and besides a long number where ``number``.

    ``words`` is asked when they are first needed.
    """

    words: Callable[[], Iterable[str]] | None = None
    number: bool = False

    @classmethod
    def of(cls, *words: str, number: bool = False) -> Needs:
        """The need of one of these words."""
        return cls(lambda: words, number)

    def met(self, bit: int, bits: int) -> bool:
        """Whether a text has them in which the groups ``bits`` were found, the words' group being ``bit``."""
        return (self.words is None or bool(bits >> bit & 1)) and (not self.number or bool(bits >> Lexicon.RUN & 1))


@dataclass(frozen=True)
class Sub:
    """Replace ``group`` of every match of ``pattern`` by ``rewrite``, a text or a function of the match."""

    pattern: re.Pattern[str]
    rewrite: str | Callable[[re.Match[str]], str]
    group: int | str = 0
    needs: Needs | None = None

    def changes(self, text: str) -> list[tuple[int, int, str]]:
        """Spans of ``text`` and what they become, in order."""
        group, rewrite = self.group, self.rewrite
        changes = []
        for match in self.pattern.finditer(text):
            start, end = match.span(group)
            replacement = rewrite if isinstance(rewrite, str) else rewrite(match)
            if replacement != text[start:end]:
                changes.append((start, end, replacement))
        return changes

    def run(self, text: str) -> tuple[str, list[Edit]]:
        changes = self.changes(text)
        if not changes:
            return text, []
        edits: list[Edit] = []
        pieces: list[str] = []
        position = grown = 0
        for before, after, replacement in changes:
            pieces += text[position:before], replacement
            start = before + grown
            end = start + len(replacement)
            edits.append((start, end, before, after))
            grown = end - after
            position = after
        pieces.append(text[position:])
        return "".join(pieces), edits


class Rewritten:
    """A text after a chain of steps.

    Attributes
    ----------
    text : str
        The result.
    """

    __slots__ = ("_edits", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._edits: list[list[Edit]] = []

    def run(self, step: Step) -> bool:
        """Take one step more, and say whether it changed anything."""
        self.text, edits = step.run(self.text)
        if edits:
            self._edits.append(edits)
        return bool(edits)

    @property
    def changed(self) -> bool:
        """Whether a step changed anything."""
        return bool(self._edits)

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original behind ``text[start:end]``, which must not be empty.

        A replacement as long as what it replaces corresponds to it character by character;
        any other stands for the whole of it.
        """
        if not self._edits:
            return start, end
        last = end - 1
        for edits in reversed(self._edits):
            start, _ = _back(edits, start)
            _, last = _back(edits, last)
        return start, last + 1


class Rewriting(NamedTuple):
    """Some texts after a chain of steps, and again as one array.

    Attributes
    ----------
    texts : list of Rewritten
    points : ndarray of uint32
        The results set one after the other.
    offsets : ndarray of int, shape (texts + 1,)
        Where each begins there.
    """

    texts: list[Rewritten]
    points: Points
    offsets: Ints


class Chain:
    """Steps in their order, over many texts.

    Parameters
    ----------
    swaps : mapping of str to str
        Single characters that become other single ones before the first step; positions stay.
    steps : sequence of Step
    """

    def __init__(self, swaps: Mapping[str, str], steps: Sequence[Step]) -> None:
        self.swaps, self.steps = swaps, tuple(steps)
        # Bounded, however many combinations a backlog of millions has.
        self._plan = lru_cache(maxsize=4096)(self._find_plan)
        self._swapped = np.arange(LAST + 1, dtype=np.uint32)
        for old, new in swaps.items():
            self._swapped[ord(old)] = ord(new)

    def run(self, texts: Sequence[str]) -> Rewriting:
        """Rewrite each text as if it went through every step: one look at all of them tells which can change which."""
        points, offsets = points_of("".join(texts)), offsets_of(texts)
        _swap(points, self._swapped)
        together = points.tobytes().decode("utf-32-le", "surrogatepass")
        found = self._lexicon.find(points, offsets).tolist()
        rewritten = [
            self._rewrite(Rewritten(together[start:end]), self._plan(bits))
            for (start, end), bits in zip(pairwise(offsets.tolist()), found, strict=True)
        ]
        if any(one.changed for one in rewritten):
            results = [one.text for one in rewritten]
            points, offsets = points_of("".join(results)), offsets_of(results)
        return Rewriting(rewritten, points, offsets)

    def worth_trying(self, text: str) -> list[Step]:
        """The steps that can change a text as it is."""
        bits = self._lexicon.find(points_of(text), offsets_of([text]))
        return [self.steps[i] for i in self._plan(int(bits[0]))]

    def _rewrite(self, one: Rewritten, plan: Sequence[int]) -> Rewritten:
        for i in plan:
            if one.run(self.steps[i]):
                # What was seen no longer holds.
                bits = self._lexicon.find(points_of(one.text), offsets_of([one.text]))
                return self._rewrite(one, [later for later in self._plan(int(bits[0])) if later > i])
        return one

    def _find_plan(self, bits: int) -> tuple[int, ...]:
        """The steps that can change a text in which these groups of the lexicon were found."""
        return tuple(i for i, step in enumerate(self.steps) if step.needs is None or step.needs.met(i, bits))

    @cached_property
    def _lexicon(self) -> Lexicon:
        groups = [step.needs.words() if step.needs and step.needs.words else () for step in self.steps]
        return Lexicon(groups, _IN_NUMBER, _LONG_NUMBER)


@compiled
def _swap(points: Points, swapped: Points) -> None:
    for i in range(len(points)):
        if points[i] < LAST:
            points[i] = swapped[points[i]]


_IN_NUMBER = [*"()+*xX -", *filter(str.isdecimal, map(chr, range(LAST)))]
_LONG_NUMBER = 7
"""So many digits, or characters that may stand between them, are a long number."""


def _back(edits: list[Edit], position: int) -> tuple[int, int]:
    """First and last character of a step's input behind one character of its output."""
    index = bisect_right(edits, position, key=itemgetter(0)) - 1
    if index < 0:
        return position, position
    start, end, before, after = edits[index]
    if position < end and end - start != after - before:
        return before, after - 1
    # Behind the edit, or inside one that kept its length.
    moved = position - end + after
    return moved, moved
